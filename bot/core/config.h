/* Configuration: environment and .env, one table of names (product.md, "Names that are fixed").
 *
 * A name may also be given as NAME_FILE=path: the value is then the file's text without its last newline. The
 * environment wins over .env. Secrets are registered with the log at once. */
#ifndef OBOL_CORE_CONFIG_H
#define OBOL_CORE_CONFIG_H

#include "lib/base/buf.h"
#include "lib/http/allow.h"

#define CONFIG_ADMINS_MAX 32
#define CONFIG_VALUE_BYTES_MAX 4096

struct config {
	const char *bot_token;
	int64_t admins[CONFIG_ADMINS_MAX];
	size_t admins_count;
	const char *bot_api_url;
	bool take_over;
	const char *proxy;             /* NULL: none */
	int send_rate_per_s;           /* 0: no limit */
	const char *database_path;
	const char *secret_key;        /* NULL: the key file */
	const char *panel_url, *panel_username, *panel_password, *panel_token; /* NULL: none */
	const char *panel_source;      /* numeric address that calls of panels leave from; NULL: any */
	const char *public_url;        /* NULL: none; no trailing slash */
	const char *http_listen, *admin_listen; /* NULL: off */
	struct http_allow admin_allow; /* who may ask there; empty: this machine */
	const char *zone;              /* NULL: asked in the chat */
	const char *crypto_pay_token, *crypto_pay_url; /* NULL: provider hidden; the service's own address */
	const char *locales_dir;       /* NULL: the built-in ones */
	const char *log_level, *log_format;
};

/* Reads everything. E_INVALID: problems holds one line per wrong value: name, what is wrong with it, an example.
 * dotenv: path of the .env file, which may be missing. All text lives in the arena. */
enum err config_read(struct config *out, struct arena *arena, const char *dotenv, struct buf *problems);

bool config_is_admin(const struct config *c, int64_t telegram_id);

#endif
