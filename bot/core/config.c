/* The table of names, the reader of .env, the checks. */
#include "bot/core/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/zone.h"

#define DOTENV_BYTES_MAX ((size_t)64 * 1024)

enum kind { TEXT, TOKEN, ADMINS, FLAG, RATE, URL, HTTPS_URL, PROXY, DATABASE, LISTEN, ALLOW, ADDRESS, ZONE, LEVEL, FORMAT };

struct option {
	const char *name, *alias;   /* alias: another name that is accepted, R020 */
	enum kind kind;
	size_t offset;
	const char *otherwise;      /* as it would be written; NULL: unset */
	bool required, secret;
	const char *example;
};

#define AT(field) offsetof(struct config, field)

static const struct option options[] = {
	{ "BOT_TOKEN", NULL, TOKEN, AT(bot_token), NULL, true, true, "123456789:AAExampleExampleExampleExampleExample" },
	{ "BOT_ADMINS", NULL, ADMINS, 0, NULL, false, false, "BOT_ADMINS=123456789,987654321" },
	{ "BOT_API_URL", NULL, URL, AT(bot_api_url), "https://api.telegram.org", false, false, "https://api.telegram.org" },
	{ "BOT_TAKE_OVER", NULL, FLAG, AT(take_over), "0", false, false, "0 or 1" },
	{ "BOT_PROXY", NULL, PROXY, AT(proxy), NULL, false, true, "socks5h://127.0.0.1:1080" },
	{ "BOT_SEND_RATE", NULL, RATE, AT(send_rate_per_s), "30", false, false, "30; 0 for no limit" },
	{ "DATABASE_URL", NULL, DATABASE, AT(database_path), "sqlite:obol.db", false, false, "sqlite:obol.db" },
	{ "SECRET_KEY", NULL, TEXT, AT(secret_key), NULL, false, true, "52 base32 characters, as `obol key` shows them" },
	{ "XUI_PANEL_URL", "XUI_BASE_URL", URL, AT(panel_url), NULL, false, false, "https://panel.example.com:2053/secret" },
	{ "XUI_PANEL_USERNAME", "XUI_USERNAME", TEXT, AT(panel_username), NULL, false, false, "admin" },
	{ "XUI_PANEL_PASSWORD", "XUI_PASSWORD", TEXT, AT(panel_password), NULL, false, true, "the panel's password" },
	{ "XUI_PANEL_TOKEN", NULL, TEXT, AT(panel_token), NULL, false, true, "an API token of the panel" },
	{ "PANEL_SOURCE", NULL, ADDRESS, AT(panel_source), NULL, false, false, "192.0.2.10, an address of this machine" },
	{ "PUBLIC_URL", NULL, HTTPS_URL, AT(public_url), NULL, false, false, "https://shop.example.com" },
	{ "HTTP_LISTEN", NULL, LISTEN, AT(http_listen), "127.0.0.1:8088", false, false, "127.0.0.1:8088 or off" },
	{ "ADMIN_LISTEN", NULL, LISTEN, AT(admin_listen), "127.0.0.1:8888", false, false, "127.0.0.1:8888 or off" },
	{ "ADMIN_ALLOW", NULL, ALLOW, AT(admin_allow), NULL, false, false, "127.0.0.1,10.8.0.0/16,2001:db8::/32" },
	{ "TZ_SHOP", NULL, ZONE, AT(zone), NULL, false, false, "Europe/Moscow" },
	{ "CRYPTO_PAY_TOKEN", NULL, TEXT, AT(crypto_pay_token), NULL, false, true, "12345:AAExampleFromCryptoBot" },
	{ "CRYPTO_PAY_URL", NULL, URL, AT(crypto_pay_url), NULL, false, false, "https://pay.crypt.bot" },
	{ "LOCALES_DIR", NULL, TEXT, AT(locales_dir), NULL, false, false, "/etc/obol/locales" },
	{ "LOG_LEVEL", NULL, LEVEL, AT(log_level), "info", false, false, "error, warn, info or debug" },
	{ "LOG_FORMAT", NULL, FORMAT, AT(log_format), "text", false, false, "text or json" },
};

/* --- .env --- */

struct pair { struct str key, value; };

struct dotenv {
	struct pair pairs[256];
	size_t count;
};

static enum err file_text(struct str *out, struct arena *arena, const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? E_NOTFOUND : E_IO;
	text = arena_alloc(arena, max + 1);
	while (len <= max && (n = read(fd, text + len, max + 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (len > max)
		return E_TOOBIG;
	*out = str_n(text, len);
	return memchr(text, '\0', len) ? E_INVALID : OK;
}

static struct str unquoted(struct str v)
{
	v = str_trim(v);
	if (v.len >= 2 && (v.at[0] == '"' || v.at[0] == '\'') && v.at[v.len - 1] == v.at[0])
		return str_n(v.at + 1, v.len - 2);
	return v;
}

static void dotenv_read(struct dotenv *d, struct arena *arena, const char *path, struct buf *problems)
{
	struct str rest;
	enum err e = file_text(&rest, arena, path, DOTENV_BYTES_MAX);
	struct stat st;
	int line = 0;

	if (e == E_NOTFOUND)
		return;
	if (e) {
		buf_printf(problems, "%s: cannot be read (%s)\n", path, err_name(e));
		return;
	}
	if (stat(path, &st) == 0 && (st.st_mode & 077)) /* R287 */
		fprintf(stderr, "obol: %s can be read by others; chmod 600 %s\n", path, path);
	while (rest.at) {
		struct str text = str_trim(str_cut(&rest, '\n'));
		struct str key;

		line++;
		if (text.len == 0 || text.at[0] == '#')
			continue;
		if (str_starts(text, "export "))
			text = str_trim(str_n(text.at + 7, text.len - 7));
		key = str_cut(&text, '=');
		if (!text.at || d->count == countof(d->pairs)) {
			buf_printf(problems, "%s: line %d is not KEY=value\n", path, line);
			continue;
		}
		d->pairs[d->count++] = (struct pair){ str_trim(key), unquoted(text) };
	}
}

static bool lookup(struct str *out, const struct dotenv *d, const char *name)
{
	const char *env = getenv(name);

	if (env) {
		*out = str_of(env);
		return true;
	}
	for (size_t i = d->count; i-- > 0;) /* the last line counts */
		if (str_is(d->pairs[i].key, name)) {
			*out = d->pairs[i].value;
			return true;
		}
	return false;
}

/* NAME, or the text of the file that NAME_FILE names. */
static bool value_of(struct str *out, struct arena *arena, const struct dotenv *d, const char *name, struct buf *problems)
{
	struct str path;
	enum err e;

	if (lookup(out, d, name))
		return out->len > 0;
	if (!lookup(&path, d, arena_printf(arena, "%s_FILE", name)) || !path.len)
		return false;
	e = file_text(out, arena, str_dup(arena, path), CONFIG_VALUE_BYTES_MAX);
	if (e) {
		buf_printf(problems, "%s_FILE: %.*s cannot be read (%s)\n", name, STR_ARG(path), err_name(e));
		return false;
	}
	*out = str_trim(*out);
	return out->len > 0;
}

/* --- checks: NULL when fine, else what is wrong --- */

static const char *check_url(struct str v, bool https)
{
	if (!str_starts(v, "https://") && (https || !str_starts(v, "http://")))
		return https ? "must begin with https://" : "must begin with https:// or http://";
	for (size_t i = 0; i < v.len; i++)
		if ((unsigned char)v.at[i] <= ' ')
			return "must not hold spaces";
	str_cut(&v, ':');
	return v.len > 2 && !strchr("/?#:@", v.at[2]) ? NULL : "names no host";
}

static const char *check_token(struct str v)
{
	struct str secret = v, id = str_cut(&secret, ':');
	int64_t number;

	if (!secret.at || str_to_i64(&number, id) != OK || number <= 0 || secret.len < 20 || v.len > 80)
		return "does not look like a bot token";
	for (size_t i = 0; i < secret.len; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", secret.at[i]))
			return "does not look like a bot token";
	return NULL;
}

static const char *check_listen(struct str v)
{
	const char *colon = memrchr(v.at, ':', v.len);
	int64_t port;

	if (str_is(v, "off"))
		return NULL;
	if (!colon || str_to_i64(&port, str_n(colon + 1, (size_t)(v.at + v.len - colon - 1))) != OK || port < 0 || port > 65535)
		return "must be address:port, or off";
	return NULL;
}

static const char *check_zone(struct str v, struct arena *arena)
{
	struct zone *zone;

	if (zone_load(&zone, str_dup(arena, v)) != OK)
		return "is no time zone of this system";
	zone_free(zone);
	return NULL;
}

static const char *set_admins(struct config *c, struct str v)
{
	while (v.at) {
		int64_t id;

		if (c->admins_count == CONFIG_ADMINS_MAX)
			return "names too many people";
		if (str_to_i64(&id, str_trim(str_cut(&v, ','))) != OK || id <= 0)
			return "must be Telegram ids, comma separated; /id in the chat shows yours";
		c->admins[c->admins_count++] = id;
	}
	return NULL;
}

static const char *set(struct config *c, struct arena *arena, const struct option *o, struct str v)
{
	const char **text = (const char **)((char *)c + o->offset);
	const char *wrong = NULL;
	int64_t number;

	if (v.len > CONFIG_VALUE_BYTES_MAX)
		return "is too long";
	switch (o->kind) {
	case ADMINS:
		return set_admins(c, v);
	case ALLOW:
		return http_allow_read((struct http_allow *)((char *)c + o->offset), v) ? "must be addresses or networks, comma separated" : NULL;
	case FLAG:
		if (!str_is(v, "0") && !str_is(v, "1"))
			return "must be 0 or 1";
		*(bool *)((char *)c + o->offset) = str_is(v, "1");
		return NULL;
	case RATE:
		if (str_to_i64(&number, v) != OK || number < 0 || number > 100000)
			return "must be a number from 0 to 100000";
		*(int *)((char *)c + o->offset) = (int)number;
		return NULL;
	case DATABASE:
		if (!str_starts(v, "sqlite:") || v.len == 7)
			return "must be sqlite:PATH";
		v = str_n(v.at + 7, v.len - 7);
		break;
	case TOKEN: wrong = check_token(v); break;
	case URL: wrong = check_url(v, false); break;
	case HTTPS_URL: wrong = check_url(v, true); break;
	case PROXY: wrong = str_starts(v, "socks5h://") || str_starts(v, "socks5://") || str_starts(v, "http://") ? NULL : "must begin with socks5h:// or http://"; break;
	case LISTEN: wrong = check_listen(v); break;
	case ADDRESS: wrong = http_is_address(v) ? NULL : "must be a numeric address"; break;
	case ZONE: wrong = check_zone(v, arena); break;
	case LEVEL: wrong = log_set_level(str_dup(arena, v)) ? "is no level" : NULL; break;
	case FORMAT: wrong = log_set_format(str_dup(arena, v)) ? "is no format" : NULL; break;
	case TEXT: break;
	}
	if (wrong)
		return wrong;
	while ((o->kind == URL || o->kind == HTTPS_URL) && v.len && v.at[v.len - 1] == '/')
		v.len--;
	*text = o->kind == LISTEN && str_is(v, "off") ? NULL : str_dup(arena, v);
	return NULL;
}

static bool find_value(struct str *v, struct arena *arena, const struct dotenv *d, const struct option *o, struct buf *problems)
{
	struct str other;
	bool found = value_of(v, arena, d, o->name, problems);

	if (!o->alias || !value_of(&other, arena, d, o->alias, problems))
		return found;
	if (found && !str_eq(*v, other))
		log_warn("config.alias_ignored", KV("used", o->name), KV("ignored", o->alias));
	if (!found)
		*v = other;
	return true;
}

enum err config_read(struct config *out, struct arena *arena, const char *path, struct buf *problems)
{
	struct dotenv *d = arena_new(arena, struct dotenv);

	*out = (struct config){ 0 };
	dotenv_read(d, arena, path, problems);
	for (size_t i = 0; i < countof(options); i++) {
		const struct option *o = &options[i];
		const char *wrong;
		struct str v;

		if (!find_value(&v, arena, d, o, problems)) {
			if (o->required)
				buf_printf(problems, "%s is missing. Example: %s\n", o->name, o->example);
			if (!o->otherwise)
				continue;
			v = str_of(o->otherwise);
		}
		if (o->secret)
			log_add_secret(v);
		wrong = set(out, arena, o, v);
		if (wrong) /* the value of a secret is not repeated on the terminal */
			buf_printf(problems, "%s%s%.*s %s. Example: %s\n", o->name, o->secret ? "" : "=", o->secret ? 0 : (int)v.len, v.at, wrong, o->example);
	}
	return problems->len ? E_INVALID : OK;
}

bool config_is_admin(const struct config *c, int64_t telegram_id)
{
	for (size_t i = 0; i < c->admins_count; i++)
		if (c->admins[i] == telegram_id)
			return true;
	return false;
}
