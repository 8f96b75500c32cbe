/* Providers as admins switch them in the chat.
 *
 *	provider_try ─▶ key sealed aside ─▶ job: is it taken? ──yes──▶ key stored, on; another account's: the old one is kept
 *	                                          ├──no, silent──▶ forgotten
 *	provider_switch_off ─▶ off: no new invoices, the key stays for those in the world
 *
 * The word in the settings table: none, as the key says (it came from the environment); "on", "off": as an admin said. */
#include <inttypes.h>
#include <string.h>

#include "bot/core/alert.h"
#include "bot/shop/audit.h"
#include "bot/shop/pay_private.h"
#include "lib/base/log.h"

#define TRIES_MAX 3

/* --- the word --- */

static const char *word_key(struct act *a, const struct pay_provider *p)
{
	return arena_printf(a->arena, "provider.%s", p->name);
}

/* Empty: nobody has said anything. */
static enum err word_get(struct str *out, struct act *a, const struct pay_provider *p)
{
	char *word;
	enum err e = db_get_text(&word, a->arena, a->tx, "SELECT value FROM settings WHERE key=?1", word_key(a, p));

	*out = e ? STR("") : str_of(word);
	return e == E_NOTFOUND ? OK : e;
}

static enum err word_set(struct act *a, const struct pay_provider *p, const char *word)
{
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=?2", word_key(a, p), word);
}

/* --- state --- */

const char *provider_typed_key(const struct pay_provider *p)
{
	for (size_t i = 0; i < PAY_KEYS_MAX && p->keys[i].name; i++)
		if (p->keys[i].secret && p->keys[i].required)
			return p->keys[i].name;
	return NULL;
}

bool provider_has_switch(const struct pay_provider *p)
{
	return p->probe_build && provider_typed_key(p);
}

static enum err has_account(bool *has, struct act *a, const struct pay_provider *p)
{
	struct pay_account account;
	enum err e = provider_account(&account, a, a->arena, p);

	*has = !e;
	return e == E_NOTFOUND || e == E_INVALID ? OK : e;
}

enum err provider_is_on(bool *on, struct act *a, const struct pay_provider *p)
{
	struct str word;
	enum err e = word_get(&word, a, p);

	*on = false;
	return e || str_is(word, "off") ? e : has_account(on, a, p);
}

enum err provider_state(struct provider_state *out, struct act *a, const struct pay_provider *p)
{
	enum err e = has_account(&out->has_key, a, p);

	if (!e)
		e = provider_is_on(&out->is_on, a, p);
	return e ? e : db_get_i64(&out->open, a->tx, "SELECT count(*) FROM invoices WHERE provider=?1 AND state='pending'", p->name);
}

enum err provider_switch_off(struct act *a, const struct pay_provider *p)
{
	enum err e = word_set(a, p, "off");

	return e ? e : provider_asked_no_more(a, p);
}

static enum err rest(struct act *a, const struct pay_provider *p)
{
	struct str word;
	int64_t asked;
	enum err e = word_get(&word, a, p);

	if (e || !str_is(word, "off"))
		return e;
	e = db_get_i64(&asked, a->tx, "SELECT count(*) FROM jobs j JOIN invoices i ON i.id=CAST(j.subject AS INTEGER) WHERE j.kind IN " INVOICE_JOBS
		" AND i.provider=?1 AND i.account IS NULL", p->name);
	return e || asked ? e : alert_clear(a, provider_key_cause(a, p->name, NULL), p->name);
}

enum err providers_rest(struct act *a)
{
	enum err e = OK;

	for (size_t i = 0; !e && i < pay_provider_count(); i++)
		e = rest(a, pay_provider_at(i));
	return e;
}

/* --- a key on trial --- */

/* Aside, so that the one in use goes on until the provider has spoken. */
static const char *trial_name(struct act *a, const char *key_name, int64_t user_id)
{
	return arena_printf(a->arena, "%s.trial.%" PRId64, key_name, user_id);
}

enum err provider_try(struct act *a, const struct pay_provider *p, struct str key, const struct user *admin)
{
	struct pay_account account, earlier[PROVIDER_EARLIER_MAX];
	const char *name = provider_typed_key(p);
	size_t kept = 0;
	enum err e = OK;

	key = str_trim(key);
	if (key.len > PROVIDER_KEY_BYTES_MAX)
		return E_INVALID;
	if (key.len)
		e = provider_earlier(earlier, &kept, a, a->arena, p);
	else
		e = provider_key_read(&key, a, a->arena, name);
	if (kept == PROVIDER_EARLIER_MAX)
		return E_TOOBIG;
	if (!e)
		e = provider_account_with(&account, a, a->arena, p, name, key);
	if (!e)
		e = provider_key_write(a, trial_name(a, name, admin->id), key);
	return e ? e : job_add(a, pay_job_probe.name, arena_printf(a->arena, "%s:%" PRId64, p->name, admin->id), 0, JOB_PERSON, a->now_ms);
}

struct trial {
	const struct pay_provider *provider;
	struct user admin;
	const char *name;            /* of the secret that waits */
	struct str key;
};

/* E_NOTFOUND: there is nothing to try any more. */
static enum err read_trial(struct trial *t, struct act *a, const struct job *job)
{
	struct str rest = str_of(job->subject);
	int64_t user_id = 0;
	enum err e;

	t->provider = pay_provider_find(str_cut(&rest, ':'));
	e = t->provider ? str_to_i64(&user_id, rest) : E_NOTFOUND;
	if (!e)
		e = user_get(&t->admin, a, user_id);
	if (e)
		return e;
	t->name = trial_name(a, provider_typed_key(t->provider), user_id);
	e = provider_key_read(&t->key, a, a->arena, t->name);
	return e || t->key.len ? e : E_NOTFOUND;
}

static enum err probe_begin(struct act *a, struct job *job)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);
	struct pay_account account;
	struct trial t;
	enum err e = read_trial(&t, a, job);

	if (e == E_NOTFOUND) {
		job_done(job);
		return OK;
	}
	if (!e)
		e = provider_account_with(&account, a, &job->arena, t.provider, provider_typed_key(t.provider), t.key);
	if (!e)
		e = t.provider->probe_build(request, &job->arena, &account);
	if (!e)
		job_call(job, request);
	return e;
}

static enum err switch_on(struct act *a, const struct trial *t)
{
	enum err e = provider_keep_earlier(a, t->provider, t->key);

	if (!e)
		e = provider_key_write(a, provider_typed_key(t->provider), t->key);
	if (!e)
		e = word_set(a, t->provider, "on");
	if (!e)
		e = audit_add(a, t->admin.id, "provider.on", arena_printf(a->arena, "provider:%s", t->provider->name), NULL, NULL);
	return e ? e : alert_clear(a, provider_key_cause(a, t->provider->name, NULL), t->provider->name);
}

static enum err decide(struct act *a, const struct trial *t, enum err verdict)
{
	struct provider_trial told = { .provider = t->provider->name, .admin = &t->admin, .verdict = verdict };
	struct str word;
	enum err e = word_get(&word, a, t->provider);

	told.first = !word.len;
	if (!e && !verdict)
		e = switch_on(a, t);
	if (!e)
		e = provider_key_remove(a, t->name);
	return e || !pay_hooks.provider_tried ? e : pay_hooks.provider_tried(a, &told);
}

static enum err probe_answer(struct act *a, struct job *job, const struct http_response *response)
{
	struct pay_trouble trouble = { .name = "" };
	struct trial t;
	enum err e = read_trial(&t, a, job), verdict;

	if (e == E_NOTFOUND) {
		job_done(job);
		return OK;
	}
	if (e)
		return e;
	verdict = t.provider->probe_read(&trouble, &job->arena, response);
	if (verdict)
		log_warn("provider.key_not_taken", KV("provider", t.provider->name), KV("error", err_name(verdict)), KV("name", trouble.name));
	if (verdict && verdict != E_AUTH && verdict != E_REFUSED && job->attempts + 1 < TRIES_MAX) {
		job_later(job, trouble.retry_after_ms ? a->now_ms + trouble.retry_after_ms : 0, err_name(verdict));
		return OK;
	}
	job_done(job);
	return decide(a, &t, verdict);
}

/* It killed the process again and again. */
static enum err probe_parked(struct act *a, struct job *job)
{
	struct trial t;
	enum err e = read_trial(&t, a, job);

	return e ? (e == E_NOTFOUND ? OK : e) : decide(a, &t, E_UNKNOWN);
}

const struct job_kind pay_job_probe = {
	.name = "pay_probe", .begin = probe_begin, .answer = probe_answer, .parked = probe_parked, .backoff_ms = 2 * SECOND_MS, .backoff_max_ms = 10 * SECOND_MS,
};
