/* Names and small helpers of the HTTP data types. */
#include "lib/http/http.h"

#include <assert.h>
#include <string.h>

static const char *const method_names[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "OTHER" };
static const char *const failure_names[] = { "none", "resolve", "connect", "tls", "timeout", "broken", "too_big", "aborted" };

const char *http_method_name(enum http_method m)
{
	return method_names[m];
}

enum http_method http_method_of(struct str name)
{
	for (size_t i = 0; i < HTTP_OTHER; i++)
		if (str_is(name, method_names[i]))
			return (enum http_method)i;
	return HTTP_OTHER;
}

const char *http_failure_name(enum http_failure f)
{
	return failure_names[f];
}

void http_add_header(struct http_request *r, const char *name, const char *value)
{
	assert(r->headers_count < HTTP_HEADERS_MAX);
	r->headers[r->headers_count++] = (struct http_header){ name, value };
}

bool http_is_header_value(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] < ' ' || value.at[i] > '~') /* where char is signed, all beyond ASCII is below */
			return false;
	return true;
}

struct str http_header_get(const struct http_response *r, const char *name)
{
	for (size_t i = 0; i < r->headers_count; i++)
		if (strcmp(r->headers[i].name, name) == 0)
			return str_of(r->headers[i].value);
	return str_of(NULL);
}
