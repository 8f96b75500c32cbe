/* The rules for look-ups. */
#include "lib/http/names.h"

#include <assert.h>
#include <stdlib.h>

void http_names_init(struct http_names *n, int rest_ms, int abandoned_max, int abandoned_ms)
{
	*n = (struct http_names){ .rest_ms = rest_ms, .abandoned_max = abandoned_max, .abandoned_ms = abandoned_ms };
	n->abandoned_at_ms = xcalloc((size_t)abandoned_max * 2, sizeof *n->abandoned_at_ms);
}

void http_names_release(struct http_names *n)
{
	struct http_name *name = n->first, *next;

	for (; name; name = next) {
		next = name->next;
		free(name->host);
		free(name);
	}
	free(n->abandoned_at_ms);
	*n = (struct http_names){ 0 };
}

struct http_name *http_name_of(struct http_names *n, struct str host)
{
	struct http_name *name = n->first;

	while (name && !str_is_nocase(host, name->host))
		name = name->next;
	if (name)
		return name;
	name = xcalloc(1, sizeof *name);
	name->host = xstrndup(host.at, host.len);
	name->next = n->first;
	n->first = name;
	return name;
}

static void forget_old_abandoned(struct http_names *n, int64_t now_ms)
{
	while (n->abandoned_count && n->abandoned_at_ms[n->abandoned_head] + n->abandoned_ms <= now_ms) {
		n->abandoned_head = (n->abandoned_head + 1) % (2 * n->abandoned_max);
		n->abandoned_count--;
	}
}

/* Every look-up under way may end up abandoned, so both together stay within the bound. A crowd of dead panels must not
 * keep Telegram's name from being renewed: what once worked has room of its own. */
static enum http_name_verdict room_for(struct http_names *n, const struct http_name *name, int64_t now_ms)
{
	int max = name->ever_known ? 2 * n->abandoned_max : n->abandoned_max;

	forget_old_abandoned(n, now_ms);
	if (n->abandoned_count >= max)
		return HTTP_NAME_CROWDED;
	return n->abandoned_count + n->under_way < max ? HTTP_NAME_GO : HTTP_NAME_WAIT;
}

static void end_scouting(struct http_names *n, struct http_name *name)
{
	name->scout = NULL;
	n->under_way--;
}

enum http_name_verdict http_name_begin(struct http_names *n, struct http_name *name, const void *who, int64_t now_ms)
{
	enum http_name_verdict v;

	if (name->scout == who)
		return HTTP_NAME_GO;
	if (name->scout)
		return HTTP_NAME_WAIT;
	name->known = false; /* libcurl's cache no longer has it, or it was never there */
	if (name->rests_until_ms > now_ms)
		return HTTP_NAME_RESTS;
	v = room_for(n, name, now_ms);
	if (v != HTTP_NAME_GO)
		return v;
	name->rests_until_ms = 0;
	name->scout = who;
	n->under_way++;
	return HTTP_NAME_GO;
}

enum http_name_verdict http_name_ask(struct http_names *n, struct http_name *name, const void *who, int64_t now_ms)
{
	return name->known ? HTTP_NAME_GO : http_name_begin(n, name, who, now_ms);
}

void http_name_found(struct http_names *n, struct http_name *name, const void *who)
{
	if (name->scout != who)
		return;
	end_scouting(n, name);
	name->known = name->ever_known = true;
}

void http_name_failed(struct http_names *n, struct http_name *name, const void *who, int64_t now_ms)
{
	if (name->scout != who)
		return;
	end_scouting(n, name);
	name->rests_until_ms = now_ms + n->rest_ms;
}

void http_name_abandoned(struct http_names *n, struct http_name *name, const void *who, int64_t now_ms)
{
	if (name->scout != who)
		return;
	http_name_failed(n, name, who, now_ms);
	forget_old_abandoned(n, now_ms);
	assert(n->abandoned_count < 2 * n->abandoned_max); /* room_for saw to it */
	n->abandoned_at_ms[(n->abandoned_head + n->abandoned_count++) % (2 * n->abandoned_max)] = now_ms;
}

void http_name_leave(struct http_names *n, struct http_name *name, const void *who)
{
	if (name->scout == who)
		end_scouting(n, name);
}
