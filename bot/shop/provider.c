/* The seller's accounts with providers: keys sealed in the secrets table, taken from the environment once. */
#include <inttypes.h>
#include <string.h>

#include "bot/core/config.h"
#include "bot/shop/pay_private.h"
#include "lib/base/enc.h"
#include "lib/base/log.h"

#define SECRET_PART_BYTES 16

static struct str place_of(struct act *a, const char *name)
{
	return str_of(arena_printf(a->arena, "secrets.value_sealed.%s", name));
}

enum err provider_key_read(struct str *out, struct act *a, struct arena *arena, const char *name)
{
	struct db_rows r;
	struct buf clear;
	enum err e;

	*out = STR("");
	db_select(&r, a->tx, "SELECT value_sealed FROM secrets WHERE name=?1", name);
	e = db_first(&r);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	buf_init(&clear, PROVIDER_KEY_BYTES_MAX);
	e = seal_open(&clear, a->shared->key, place_of(a, name), db_str(&r, 0));
	if (!e)
		*out = str_of(str_dup(arena, buf_str(&clear)));
	crypto_wipe_buf(&clear);
	buf_release(&clear);
	if (e)
		log_error("secrets.unreadable", KV("name", name), KV("error", err_name(e)));
	return db_end(&r) ? E_IO : e;
}

enum err provider_key_write(struct act *a, const char *name, struct str value)
{
	struct buf blob;
	enum err e;

	buf_init(&blob, PROVIDER_KEY_BYTES_MAX + SEAL_OVERHEAD_BYTES);
	seal_text(&blob, a->shared->key, place_of(a, name), value);
	e = db_run(a->tx, "INSERT INTO secrets(name, value_sealed) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value_sealed=?2", name,
		DB_BLOB(blob.at, blob.len));
	buf_release(&blob);
	return e;
}

enum err provider_key_remove(struct act *a, const char *name)
{
	return db_run(a->tx, "DELETE FROM secrets WHERE name=?1", name);
}

struct keys {
	struct act *a;
	struct arena *arena;
	const char *changed;         /* a key as if it were set so already; NULL: none */
	struct str value;
	enum err failed;
};

static struct str look_up(void *ctx, const char *name)
{
	struct keys *keys = ctx;
	struct str value = STR("");
	enum err e;

	if (keys->changed && strcmp(keys->changed, name) == 0)
		return keys->value;
	e = provider_key_read(&value, keys->a, keys->arena, name);
	if (e)
		keys->failed = e;
	return value;
}

static enum err account(struct pay_account *out, struct keys *keys, const struct pay_provider *p)
{
	enum err e = pay_account_init(out, p, look_up, keys);

	for (size_t i = 0; !e && i < PAY_KEYS_MAX && p->keys[i].name; i++)
		if (p->keys[i].secret)
			log_add_secret(out->values[i]);
	return keys->failed ? keys->failed : e;
}

enum err provider_account(struct pay_account *out, struct act *a, struct arena *arena, const struct pay_provider *p)
{
	return account(out, &(struct keys){ .a = a, .arena = arena }, p);
}

enum err provider_account_with(struct pay_account *out, struct act *a, struct arena *arena, const struct pay_provider *p, const char *name, struct str value)
{
	return account(out, &(struct keys){ .a = a, .arena = arena, .changed = name, .value = value }, p);
}

static const struct pay_provider *owner_of(const char *name)
{
	for (size_t i = 0; i < pay_provider_count(); i++)
		for (size_t k = 0; k < PAY_KEYS_MAX && pay_provider_at(i)->keys[k].name; k++)
			if (strcmp(pay_provider_at(i)->keys[k].name, name) == 0)
				return pay_provider_at(i);
	return NULL;
}

enum err pay_set_key(struct act *a, const char *name, struct str value)
{
	const struct pay_provider *p = owner_of(name);
	struct pay_account with;
	enum err e;

	value = str_trim(value);
	if (!p || value.len > PROVIDER_KEY_BYTES_MAX)
		return E_INVALID;
	if (!value.len)
		return provider_key_remove(a, name);
	e = provider_account_with(&with, a, a->arena, p, name, value);
	return e && e != E_NOTFOUND ? e : provider_key_write(a, name, value); /* E_NOTFOUND: the others are still to come */
}

/* The environment makes a key that is missing; what the database holds stays, and a difference is told (R019's rule). */
static enum err take_from_config(struct act *a, const char *name, const char *value)
{
	struct str have;
	enum err e;

	if (!value || !*value)
		return OK;
	e = provider_key_read(&have, a, a->arena, name);
	if (e)
		return e;
	if (have.len) {
		if (!str_is(have, value))
			log_warn("config.differs", KV("name", name));
		return OK;
	}
	e = pay_set_key(a, name, str_of(value));
	if (e == E_INVALID)
		log_error("config.invalid", KV("name", name));
	return e == E_INVALID ? OK : e;
}

enum err pay_on_start(struct act *a)
{
	const struct config *c = a->shared->config;
	enum err e = stars_on_start(a);

	if (!e && c)
		e = take_from_config(a, "CRYPTO_PAY_URL", c->crypto_pay_url);
	if (!e && c)
		e = take_from_config(a, "CRYPTO_PAY_TOKEN", c->crypto_pay_token);
	return e ? e : pay_poll_stars(a);
}

struct str pay_callback_path(struct act *a, const struct pay_provider *p)
{
	unsigned char mac[SHA256_BYTES];
	struct str key = str_n((const char *)a->shared->key->bytes, sizeof a->shared->key->bytes);
	struct buf path;
	char *out;

	crypto_hmac_sha256(mac, key, str_of(arena_printf(a->arena, "callback:%s", p->name)));
	buf_init(&path, 256);
	buf_printf(&path, "/cb/%s/", p->name);
	enc_base32(&path, mac, SECRET_PART_BYTES);
	out = str_dup(a->arena, buf_str(&path));
	buf_release(&path);
	return str_of(out);
}
