/* The table of providers and what can be said of any of them. */
#include "lib/pay/pay.h"

#include <assert.h>

static const struct pay_provider *const providers[] = {
	&pay_stars,
	&pay_crypto_pay,
};

const char *pay_state_name(enum pay_state s)
{
	static const char *const names[] = { "unclear", "pending", "paid", "expired", "canceled", "failed", "refunded" };

	assert((size_t)s < countof(names));
	return names[s];
}

size_t pay_provider_count(void)
{
	return countof(providers);
}

const struct pay_provider *pay_provider_at(size_t i)
{
	assert(i < countof(providers));
	return providers[i];
}

const struct pay_provider *pay_provider_find(struct str name)
{
	for (size_t i = 0; i < countof(providers); i++)
		if (str_is(name, providers[i]->name))
			return providers[i];
	return NULL;
}

enum err pay_account_init(struct pay_account *account, const struct pay_provider *provider,
			  struct str (*lookup)(void *ctx, const char *name), void *ctx)
{
	*account = (struct pay_account){ .provider = provider };
	for (size_t i = 0; i < PAY_KEYS_MAX && provider->keys[i].name; i++) {
		const struct pay_key *key = &provider->keys[i];
		struct str value = str_trim(lookup(ctx, key->name));

		if (!value.len && key->required)
			return E_NOTFOUND;
		account->values[i] = value.len ? value : str_of(key->otherwise ? key->otherwise : "");
	}
	return provider->account_check ? provider->account_check(account) : OK;
}

const struct pay_currency *pay_currency_find(const struct pay_provider *p, struct str code)
{
	for (size_t i = 0; i < p->currencies_count; i++)
		if (str_is_nocase(code, p->currencies[i].code))
			return &p->currencies[i];
	return NULL;
}

bool pay_takes(const struct pay_provider *p, int64_t amount_minor, struct str currency)
{
	const struct pay_currency *c = pay_currency_find(p, currency);

	return c && amount_minor >= c->min_minor && (!c->max_minor || amount_minor <= c->max_minor);
}
