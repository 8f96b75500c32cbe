/* The .env file (R289, R287): it is refused, each problem a line that names what is wrong and no secret, or what was read has the form it must
 * have; and written down again it is read to the same values. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/core/config.h"
#include "lib/base/log.h"

#define SECRET_WORD "s3cr3t"
#define PROBLEMS_MAX ((size_t)1 << 20)

static char path[64];

static void remove_path(void)
{
	unlink(path);
}

/* Nothing of this process's own environment may come between. */
static void begin(void)
{
	extern char **environ;
	static char *nothing[] = { NULL };
	int fd;

	if (path[0])
		return;
	environ = nothing;
	snprintf(path, sizeof path, "/tmp/obol-fuzz-env-XXXXXX");
	fd = mkstemp(path);
	must(fd >= 0);
	close(fd);
	atexit(remove_path);
}

static void put_file(struct str text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	must(fd >= 0 && write(fd, text.at, text.len) == (ssize_t)text.len);
	close(fd);
}

static void put(struct buf *to, const char *name, const char *value)
{
	if (value)
		buf_printf(to, "%s=\"%s\"\n", name, value);
}

static void write_down(struct buf *to, const struct config *c)
{
	put(to, "BOT_TOKEN", c->bot_token);
	put(to, "BOT_API_URL", c->bot_api_url);
	buf_printf(to, "BOT_TAKE_OVER=%d\nBOT_SEND_RATE=%d\n", c->take_over, c->send_rate_per_s);
	put(to, "BOT_PROXY", c->proxy);
	buf_printf(to, "DATABASE_URL='sqlite:%s'\n", c->database_path);
	put(to, "SECRET_KEY", c->secret_key);
	put(to, "XUI_PANEL_URL", c->panel_url);
	put(to, "XUI_PANEL_USERNAME", c->panel_username);
	put(to, "XUI_PANEL_PASSWORD", c->panel_password);
	put(to, "XUI_PANEL_TOKEN", c->panel_token);
	put(to, "PANEL_SOURCE", c->panel_source);
	put(to, "PUBLIC_URL", c->public_url);
	put(to, "HTTP_LISTEN", c->http_listen ? c->http_listen : "off");
	put(to, "ADMIN_LISTEN", c->admin_listen ? c->admin_listen : "off");
	put(to, "TZ_SHOP", c->zone);
	put(to, "CRYPTO_PAY_TOKEN", c->crypto_pay_token);
	put(to, "CRYPTO_PAY_URL", c->crypto_pay_url);
	put(to, "LOCALES_DIR", c->locales_dir);
	put(to, "LOG_LEVEL", c->log_level);
	put(to, "LOG_FORMAT", c->log_format);
	for (size_t i = 0; i < c->admins_count; i++)
		buf_printf(to, "%s%lld%s", i ? "," : "BOT_ADMINS=", (long long)c->admins[i], i + 1 < c->admins_count ? "" : "\n");
}

static void check_url(const char *url, const char *scheme)
{
	const char *host = url ? strstr(url, "://") : "://x";

	must(host && host[3] && !strchr("/?#:@", host[3])); /* somebody is there to be asked */
	must(!url || str_starts(str_of(url), scheme));
	must(!url || (!strchr(url, ' ') && !fuzz_has_control(str_of(url))));
}

static void check(const struct config *c)
{
	must(c->bot_token && strchr(c->bot_token, ':') && c->admins_count <= CONFIG_ADMINS_MAX);
	must(c->send_rate_per_s >= 0 && c->database_path && *c->database_path);
	for (size_t i = 0; i < c->admins_count; i++)
		must(c->admins[i] > 0 && config_is_admin(c, c->admins[i]));
	check_url(c->bot_api_url, "http");
	check_url(c->panel_url, "http");
	check_url(c->public_url, "https://");
	check_url(c->crypto_pay_url, "http");
}

static bool is_secret(struct str key)
{
	static const char *const names[] = { "BOT_TOKEN", "BOT_PROXY", "SECRET_KEY", "XUI_PANEL_PASSWORD", "XUI_PASSWORD", "XUI_PANEL_TOKEN", "CRYPTO_PAY_TOKEN" };

	for (size_t i = 0; i < countof(names); i++)
		if (str_is(key, names[i]))
			return true;
	return false;
}

/* A wrong secret is told by its name alone: the word stands in no problem when only secrets hold it. */
static void check_problems(struct str problems, struct str text)
{
	while (text.at) {
		struct str line = str_trim(str_cut(&text, '\n')), value = line;

		if (str_has(line, SECRET_WORD) && (!is_secret(str_trim(str_cut(&value, '='))) || !value.at))
			return;
	}
	must(!str_has(problems, SECRET_WORD));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct buf problems, one, two;
	struct arena a = { 0 };
	struct config c;

	begin();
	if (memmem(data, size, "_FILE", 5)) /* files of this machine are not the input */
		return 0;
	put_file(text);
	buf_init(&problems, PROBLEMS_MAX);
	buf_init(&one, PROBLEMS_MAX);
	buf_init(&two, PROBLEMS_MAX);
	if (config_read(&c, &a, path, &problems) == OK) {
		must(!problems.len);
		check(&c);
		write_down(&one, &c);
		put_file(buf_str(&one));
		must(config_read(&c, &a, path, &problems) == OK);
		write_down(&two, &c);
		must(str_eq(buf_str(&one), buf_str(&two)));
	} else {
		must(problems.len && problems.at[problems.len - 1] == '\n');
		check_problems(buf_str(&problems), text);
	}
	buf_release(&problems);
	buf_release(&one);
	buf_release(&two);
	arena_release(&a);
	return 0;
}
