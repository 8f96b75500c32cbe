/* What a provider's yes and no mean for the seller.
 *
 * A key that is not taken any more: until it is. A refusal may be about one price only, while others are taken: it is over
 * when a day has passed without one and something is taken, or each sale of such a shop would begin and end an alert. */
#include "bot/core/alert.h"
#include "bot/shop/pay_private.h"

#define QUIET_MS DAY_MS

const char *provider_key_cause(struct act *a, const char *provider, const char *account)
{
	return arena_printf(a->arena, "provider.key:%s%s%s", provider, account ? ":" : "", account ? account : "");
}

static const char *refusal_cause(struct act *a, const char *provider)
{
	return arena_printf(a->arena, "provider.refuses:%s", provider);
}

enum err provider_said_no(struct act *a, const struct invoice *i, enum err what, const char *name)
{
	if (what == E_AUTH && i->account)
		return alert_raise(a, ALERT_CRITICAL, provider_key_cause(a, i->provider, i->account), "provider_refused_earlier", i->provider, i->account);
	if (what == E_AUTH)
		return alert_raise(a, ALERT_CRITICAL, provider_key_cause(a, i->provider, NULL), "provider_refused", i->provider, name);
	if (what == E_REFUSED)
		return alert_raise(a, ALERT_WARNING, refusal_cause(a, i->provider), "provider_refuses", i->provider, name);
	return OK;
}

enum err provider_said_yes(struct act *a, const struct invoice *i)
{
	int64_t last_ms = 0;
	enum err e = alert_clear(a, provider_key_cause(a, i->provider, i->account), i->provider);

	if (!e)
		e = db_get_i64(&last_ms, a->tx, "SELECT last_ms FROM alerts WHERE cause=?1", refusal_cause(a, i->provider));
	if (e)
		return e == E_NOTFOUND ? OK : e;
	return a->now_ms < last_ms + QUIET_MS ? OK : alert_clear(a, refusal_cause(a, i->provider), i->provider);
}

enum err provider_asked_no_more(struct act *a, const struct pay_provider *p)
{
	return alert_clear(a, refusal_cause(a, p->name), p->name);
}
