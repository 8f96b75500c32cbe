/* Web accounts called as a site would, in the shop of shop_fixture.c: included by the tests that use it. */
#include <string.h>

#include "bot/http/api.h"
#include "bot/http/auth.h"
#include "bot/shop/account.h"
#include "bot/shop/session.h"
#include "lib/base/date.h"
#include "lib/base/json.h"
#include "lib/crypto/password.h"
#include "tests/unit/shop_fixture.c"

#define ANNA (INT64_C(5) << 32) /* more than 32 bits */
#define PASSWORD "correct horse"

static int stolen_told;

static enum err heard_stolen(struct act *a, const struct user *u)
{
	(void)a;
	(void)u;
	stolen_told++;
	return OK;
}

static struct shop *open_shop(void)
{
	struct shop *s = shop_new();

	stolen_told = 0;
	session_set_hook(heard_stolen);
	auth_forget_limits();
	assert_int_equal(setting_set(&s->a, SETTING_WEB_ACCOUNTS, STR("1")), OK);
	return s;
}

static void close_shop(struct shop *s)
{
	session_set_hook(NULL);
	shop_free(s);
}

/* --- a call --- */

struct heard {
	int status;
	bool worked;                 /* the helper thread had a password to look at */
	struct json_object *o;       /* NULL: no body; put by expect */
	const char *retry_after;
};

typedef enum err handler(struct act *a, const struct http_inbound *in);

static struct heard ask_from(struct shop *s, handler *handle, const char *remote, const char *access, const char *key, const char *body)
{
	struct turn *t = &s->core->turn;
	struct http_inbound in = { .id = 1, .method = body ? HTTP_POST : HTTP_GET, .path = STR("/"), .body = str_of(body) };
	struct heard h = { 0 };

	snprintf(in.remote, sizeof in.remote, "%s", remote);
	in.headers[in.headers_count++] = (struct http_header){ "content-type", "application/json; charset=utf-8" };
	if (access)
		in.headers[in.headers_count++] = (struct http_header){ "authorization", arena_printf(&s->arena, "Bearer %s", access) };
	if (key)
		in.headers[in.headers_count++] = (struct http_header){ "idempotency-key", key };
	t->replies_count = 0;
	assert_int_equal(handle(&s->a, &in), OK);
	h.worked = t->works_count > 0;
	if (h.worked) {
		struct inbound_work *work = t->works[0]->work;

		assert_int_equal(t->replies_count, 0);
		work->run(work);
		assert_int_equal(work->done(&s->a, &in, work), OK);
		inbound_works_drop(s->core, 0);
	}
	assert_int_equal(t->replies_count, 1);
	h.status = t->replies[0].status;
	if (t->replies[0].header && strcmp(t->replies[0].header->name, "Retry-After") == 0)
		h.retry_after = t->replies[0].header->value;
	if (t->replies[0].body.len)
		assert_int_equal(json_parse(&h.o, t->replies[0].body), OK);
	return h;
}

static struct heard ask(struct shop *s, handler *handle, const char *access, const char *body)
{
	return ask_from(s, handle, "198.51.100.7", access, NULL, body);
}

static const char *text_at(struct shop *s, const struct heard *h, const char *path)
{
	return str_dup(&s->arena, json_str_at(h->o, path));
}

/* The status and, of an error, its exact words and nothing else. */
static void expect(struct heard h, int status, const char *message)
{
	if (h.status != status)
		fail_msg("%d instead of %d: %s", h.status, status, h.o ? json_object_to_json_string(h.o) : "");
	if (message) {
		assert_int_equal(json_object_object_length(h.o), 1);
		assert_string_equal(json_object_get_string(json_at(h.o, "message")), message);
	}
	json_object_put(h.o);
}

struct pair { const char *access, *refresh, *id, *code; };

static struct pair pair_of(struct shop *s, struct heard h, int status)
{
	struct pair p = { text_at(s, &h, "access_token"), text_at(s, &h, "refresh_token"), text_at(s, &h, "user.id"), text_at(s, &h, "user.referral_code") };

	expect(h, status, NULL);
	assert_true(*p.access != '\0' && *p.refresh != '\0' && strcmp(p.access, p.refresh) != 0);
	return p;
}

static struct pair registers(struct shop *s, const char *email, const char *referral)
{
	return pair_of(s, ask(s, auth_register, NULL, arena_printf(&s->arena, "{\"email\":\"%s\",\"password\":\"" PASSWORD "\"%s%s%s}", email,
		referral ? ",\"referral\":\"" : "", referral ? referral : "", referral ? "\"" : "")), 201);
}

static struct heard logs_in(struct shop *s, const char *email, const char *password)
{
	return ask(s, auth_login, NULL, arena_printf(&s->arena, "{\"email\":\"%s\",\"password\":\"%s\"}", email, password));
}

static struct heard refreshes(struct shop *s, const char *token, const char *key)
{
	return ask_from(s, auth_refresh, "198.51.100.7", NULL, key, arena_printf(&s->arena, "{\"refresh_token\":\"%s\"}", token));
}
