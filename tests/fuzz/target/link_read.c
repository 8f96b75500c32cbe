/* A pasted link (R289): whatever the text, what is read from it is decoded, clean, inside its bounds, and named by a
 * host that may be one; reading does not depend on what stands around it. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/links/address.h"
#include "lib/links/link.h"
#include "lib/links/link_read.h"

static bool is_one_line(struct str s)
{
	return !fuzz_has_control(s) && utf8_valid(s);
}

static void check(const struct link_parts *p)
{
	must(p->protocol && p->credential.len && p->host.len && p->port >= 1 && p->port <= 65535);
	must(link_host_reach(p->host) != LINK_REACH_NONE && p->host.len <= LINK_HOST_MAX);
	must(is_one_line(p->credential) && is_one_line(p->method) && is_one_line(p->server_key) && is_one_line(p->host) && is_one_line(p->remark));
	must(p->params_count <= LINK_PARAMS_MAX);
	for (size_t i = 0; i < p->params_count; i++)
		must(is_one_line(p->params[i].key) && is_one_line(p->params[i].value));
}

static void same(const struct link_parts *a, const struct link_parts *b)
{
	must(str_is(str_of(a->protocol), b->protocol) && a->port == b->port && a->params_count == b->params_count);
	must(str_eq(a->credential, b->credential) && str_eq(a->host, b->host) && str_eq(a->remark, b->remark) && str_eq(a->method, b->method));
	for (size_t i = 0; i < a->params_count; i++)
		must(str_eq(a->params[i].key, b->params[i].key) && str_eq(a->params[i].value, b->params[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct link_parts p, again;
	struct arena a = { 0 };
	struct buf spaced;

	if (link_read(&p, &a, text) == OK) {
		check(&p);
		buf_init(&spaced, 2 * LINK_BYTES_MAX);
		buf_printf(&spaced, " \n");
		buf_add(&spaced, str_trim(text));
		buf_adds(&spaced, "\n\t ");
		must(link_read(&again, &a, buf_str(&spaced)) == OK);
		same(&p, &again);
		buf_release(&spaced);
	} else {
		must(!p.protocol && !p.credential.len && !p.params_count);
	}
	arena_release(&a);
	return 0;
}
