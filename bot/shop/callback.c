/* Callbacks of providers: size, address, signature, kept as they came, decided, answered. payments.md 20. */
#include <inttypes.h>
#include <string.h>

#include "bot/core/core.h"
#include "bot/shop/pay_private.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"

#define PREFIX "/cb/"
#define BURST_MS (10 * MINUTE_MS)
#define BURST_FORGED 20          /* so many wrong signatures in BURST_MS are an attack */
#define FORGED_KEPT_MAX 100      /* rows in BURST_MS; more are only answered */

/* What a request needs before it is believed, kept for a transaction: whoever floods us with forged ones makes us read and
 * unseal the keys, and count what we kept, once a turn and not once a request. */
struct door {
	struct str path;              /* at == NULL: not asked for yet */
	bool has_accounts, has_count;
	enum err accounts_error;
	struct pay_account accounts[1 + PROVIDER_EARLIER_MAX]; /* the one in use, then those of before */
	size_t accounts_count;
	int64_t forged;               /* rows in BURST_MS */
};
static struct { uint64_t as_of; struct arena arena; struct door *doors; } memo;

static struct door *door_of(struct act *a, const struct pay_provider *p)
{
	uint64_t version = db_table_version(a->tx, "secrets");
	size_t i = 0;

	if (!memo.doors || memo.as_of != version) {
		arena_clear(&memo.arena);
		memo.doors = arena_array(&memo.arena, struct door, pay_provider_count());
		memo.as_of = version;
	}
	while (pay_provider_at(i) != p)
		i++;
	if (!memo.doors[i].path.at)
		memo.doors[i].path = str_of(str_dup(&memo.arena, pay_callback_path(a, p)));
	return &memo.doors[i];
}

/* The provider whose secret address this is; NULL: nobody's. */
static const struct pay_provider *provider_of(struct act *a, struct str path)
{
	struct str rest = str_n(path.at + strlen(PREFIX), path.len - strlen(PREFIX));
	const struct pay_provider *p = pay_provider_find(str_cut(&rest, '/'));

	return p && p->callback_read && crypto_equal(door_of(a, p)->path, path) ? p : NULL;
}

static enum err find_accounts(struct act *a, const struct pay_provider *p)
{
	struct door *d = door_of(a, p);

	if (d->has_accounts)
		return d->accounts_error;
	d->accounts_error = provider_account(&d->accounts[0], a, &memo.arena, p);
	if (!d->accounts_error)
		d->accounts_error = provider_earlier(d->accounts + 1, &d->accounts_count, a, &memo.arena, p);
	d->accounts_count++;
	d->has_accounts = true;
	return d->accounts_error;
}

/* A key of before speaks for the invoices that were made with it, and for nothing else. */
static enum err keep_to_its_own(struct pay_callback *c, struct act *a, const struct pay_account *account)
{
	struct invoice i;
	enum err e = c->has_event ? invoice_by_public_id(&i, a, c->event.invoice) : E_NOTFOUND;

	if (e && e != E_NOTFOUND)
		return e;
	if (e || !i.account || !str_is(account->provider->account_name(account), i.account)) {
		c->has_event = false;
		c->why = "earlier_account";
	}
	return OK;
}

static enum err verify(struct pay_callback *c, struct act *a, const struct pay_provider *p, const struct http_inbound *in)
{
	const struct door *d = door_of(a, p);
	size_t i = 0;

	do
		p->callback_read(c, a->arena, &d->accounts[i], &(struct pay_inbound){ .method = in->method, .query = in->query, .headers = in->headers,
			.headers_count = in->headers_count, .body = in->body, .now_ms = a->now_ms });
	while (c->verdict == PAY_FORGED && ++i < d->accounts_count);
	return i && c->verdict != PAY_FORGED ? keep_to_its_own(c, a, &d->accounts[i]) : OK;
}

static enum err keep(struct act *a, const struct pay_provider *p, const char *verdict, struct str body)
{
	return db_run(a->tx, "INSERT INTO callbacks(provider, received_ms, verdict, body) VALUES(?1, ?2, ?3, ?4)", p->name, a->now_ms, verdict,
		body.at ? utf8_clean(a->arena, body) : body);
}

static enum err count_forged(int64_t **n, struct act *a, const struct pay_provider *p)
{
	struct door *d = door_of(a, p);
	enum err e = OK;

	if (!d->has_count)
		e = db_get_i64(&d->forged, a->tx, "SELECT count(*) FROM callbacks WHERE provider=?1 AND verdict='forged' AND received_ms>?2", p->name, a->now_ms - BURST_MS);
	d->has_count = !e;
	*n = &d->forged;
	return e;
}

/* Somebody who knows the address but not the key. The body is theirs to fill, so it is not kept. Beyond FORGED_KEPT_MAX
 * nothing is written any more: a turn full of them then costs no flush of the disk, which others would wait for. */
static enum err forged(struct act *a, const struct pay_provider *p)
{
	int64_t *n;
	enum err e = count_forged(&n, a, p);

	if (e || *n >= FORGED_KEPT_MAX)
		return e;
	log_warn("callback.forged", KV("provider", p->name));
	e = keep(a, p, "forged", str_of(NULL));
	++*n; /* an undo forgets it */
	if (!e && *n >= BURST_FORGED)
		e = alert_raise(a, ALERT_WARNING, arena_printf(a->arena, "callback.forged:%s", p->name), "callback_forged", p->name, NULL);
	return e;
}

/* Nobody signed it: it only says where to look now. */
static enum err hint(struct act *a, const struct pay_event *event)
{
	struct invoice i;
	enum err e = event->invoice.len ? invoice_by_public_id(&i, a, event->invoice) : invoice_by_ref(&i, a, event->provider, event->ref);

	if (e || strcmp(i.provider, event->provider) != 0 || !i.provider_ref)
		return e == E_NOTFOUND ? OK : e;
	return job_add(a, pay_job_poll.name, arena_printf(a->arena, "%" PRId64, i.id), 0, JOB_MONEY, a->now_ms);
}

static enum err take(struct act *a, const struct pay_provider *p, const struct pay_callback *c, struct str body)
{
	enum err e = keep(a, p, c->verdict == PAY_HINT ? "hint" : c->has_event ? "authentic" : c->why, body);

	if (e || !c->has_event)
		return e;
	return c->verdict == PAY_HINT ? hint(a, &c->event) : event_take(a, &c->event, 0);
}

enum err pay_callback(struct act *a, const struct http_inbound *in)
{
	const struct pay_provider *p = str_starts(in->path, PREFIX) ? provider_of(a, in->path) : NULL;
	struct pay_callback c;
	enum err e = p ? find_accounts(a, p) : E_NOTFOUND;

	if (e == E_NOTFOUND || e == E_INVALID) {
		inbound_answer(a, in, 404, NULL, str_of(NULL));
		return OK;
	}
	if (e)
		return e;
	if (in->body.len > PAY_CALLBACK_BYTES_MAX) {
		inbound_answer(a, in, 413, NULL, str_of(NULL));
		return OK;
	}
	e = verify(&c, a, p, in);
	if (!e)
		e = c.verdict == PAY_FORGED ? forged(a, p) : take(a, p, &c, in->body);
	if (!e)
		inbound_answer(a, in, c.status, c.body.len ? c.type : NULL, c.body);
	return e;
}
