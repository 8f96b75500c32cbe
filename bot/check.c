/* obol check: every part on its own, so that one that fails hides no other. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/check_private.h"
#include "bot/core/core.h"
#include "bot/open.h"
#include "bot/program.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/links/address.h"

#define LINE_BYTES_MAX 4096
#define REPORT_BYTES_MAX ((size_t)64 * 1024)

void check_say(struct check *c, enum check_verdict v, const char *part, const char *advice, const char *format, ...)
{
	static const char *const words[] = { [CHECK_OK] = "ok", [CHECK_WARN] = "WARN", [CHECK_FAIL] = "FAIL" };
	struct buf line;
	va_list args;

	va_start(args, format);
	buf_init(&line, LINE_BYTES_MAX);
	log_blank(&line, str_of(arena_vprintf(&c->arena, format, args)));
	va_end(args);
	if (advice) {
		buf_adds(&line, " → ");
		log_blank(&line, str_of(advice));
	}
	printf("%-4s  %-16s %s\n", words[v], part, buf_cstr(&line));
	fflush(stdout);
	buf_release(&line);
	c->warned += v == CHECK_WARN;
	c->failed += v == CHECK_FAIL;
}

/* --- configuration --- */

static void check_configuration(struct check *c)
{
	check_say(c, CHECK_OK, "configuration", NULL, "every value can be used");
}

static void check_admins(struct check *c)
{
	int64_t claimed = 0;

	if (c->db)
		(void)db_get_i64(&claimed, c->db, "SELECT count(*) FROM users WHERE is_admin=1");
	if (c->config.admins_count || claimed)
		check_say(c, CHECK_OK, "admins", NULL, "%zu in BOT_ADMINS, %" PRId64 " by claim link", c->config.admins_count, claimed);
	else
		check_say(c, CHECK_WARN, "admins", "set BOT_ADMINS to your Telegram id (/id in the chat shows it), or open the link that `obol run` prints", "nobody yet");
}

static void check_texts(struct check *c)
{
	struct i18n *texts = NULL;
	struct buf report;
	enum err e;

	buf_init(&report, REPORT_BYTES_MAX);
	e = i18n_open(&texts, c->config.locales_dir, &report);
	if (e)
		check_say(c, CHECK_FAIL, "texts", "mend the lines named below, or unset LOCALES_DIR", "LOCALES_DIR=%s cannot be used",
			c->config.locales_dir ? c->config.locales_dir : "");
	else
		check_say(c, CHECK_OK, "texts", NULL, "%d languages%s", i18n_langs(texts), report.len ? "; notes:" : "");
	fputs(buf_cstr(&report), stdout);
	buf_release(&report);
	i18n_close(texts);
}

/* --- how others reach us --- */

static void check_public_url(struct check *c)
{
	const char *url = c->config.public_url;
	struct str rest, host;
	enum link_reach reach;

	if (!url) {
		check_say(c, CHECK_OK, "PUBLIC_URL", NULL, "not set: providers are polled, nothing needs to reach this machine");
		return;
	}
	rest = str_of(check_authority(c, url));
	host = str_starts(rest, "[") ? rest : str_cut(&rest, ':');
	reach = link_host_reach(host);
	if (reach != LINK_REACH_PUBLIC)
		check_say(c, CHECK_FAIL, "PUBLIC_URL", "name the host that others see, or unset it: polling is enough",
			"%s is a %s address: no payment provider reaches it", url, link_reach_name(reach));
	else if (!c->config.http_listen)
		check_say(c, CHECK_FAIL, "PUBLIC_URL", "set HTTP_LISTEN=127.0.0.1:8088, or unset PUBLIC_URL", "is set, but HTTP_LISTEN is off");
	else
		check_say(c, CHECK_OK, "PUBLIC_URL", arena_printf(&c->arena, "let the reverse proxy forward %s/cb/ to %s (deploy/Caddyfile, deploy/nginx.conf)", url, c->config.http_listen),
			"%s can be right; whether it is, only a look from outside shows", url);
}

static void check_port(struct check *c, struct http_server *server, int listener, const char *name, const char *address)
{
	enum err e = address ? http_server_listen(server, listener, address) : OK;

	if (!address)
		check_say(c, CHECK_OK, name, NULL, "off");
	else if (e == E_BUSY)
		check_say(c, CHECK_FAIL, name, "choose another port, or stop what listens there (ss -ltnp shows it)", "%s is taken by another program", address);
	else if (e)
		check_say(c, CHECK_FAIL, name, "give a numeric address of this machine and a port: 127.0.0.1:8088, or off", "%s cannot be opened", address);
	else
		check_say(c, CHECK_OK, name, NULL, "%s is free", address);
}

static bool is_loopback(const char *address)
{
	const char *colon = strrchr(address, ':');

	return link_host_reach(str_n(address, colon ? (size_t)(colon - address) : strlen(address))) == LINK_REACH_LOOPBACK;
}

static void check_ports(struct check *c)
{
	const struct http_server_limits limits = { 0 };
	struct http_server *server;

	if (c->config.admin_listen && !is_loopback(c->config.admin_listen) && !c->config.admin_allow.count)
		check_say(c, CHECK_WARN, "ADMIN_LISTEN", "keep it on 127.0.0.1, or name in ADMIN_ALLOW who may ask", "%s: others reach it and are refused", c->config.admin_listen);
	if (c->is_running) {
		check_say(c, CHECK_OK, "ports", NULL, "not tried: the shop is running and has them");
		return;
	}
	server = http_server_new(&limits);
	check_port(c, server, LISTENER_PUBLIC, "HTTP_LISTEN", c->config.http_listen);
	check_port(c, server, LISTENER_ADMIN, "ADMIN_LISTEN", c->config.admin_listen);
	http_server_free(server);
}

/* --- all of it --- */

static void (*const parts[])(struct check *c) = {
	check_configuration, check_texts, check_database, check_admins, check_disk, check_key, check_telegram, check_clock,
	check_public_url, check_ports, check_panels, check_providers,
};

static int sum_up(const struct check *c)
{
	if (c->failed)
		printf("\n%d failed, %d to look at.\n", c->failed, c->warned);
	else if (c->warned)
		printf("\nNothing failed, %d to look at.\n", c->warned);
	else
		printf("\nEverything works.\n");
	return c->failed ? EXIT_FAILED : EXIT_FINE;
}

int program_check(bool take_over)
{
	struct check c = { .take_over = take_over };
	int code = EXIT_USAGE;

	if (!open_config(&c.config, &c.arena)) {
		check_say(&c, CHECK_FAIL, "configuration", "mend what is named above, in the environment or in .env", "cannot be used; nothing else was tried");
		goto out;
	}
	log_set_level("error"); /* the lines say it better */
	c.client = http_client_new(NULL);
	c.shared = (struct shared){ .config = &c.config, .key = &c.key };
	c.act = (struct act){ .shared = &c.shared, .arena = &c.arena, .now_ms = clock_now_ms() };
	for (size_t i = 0; i < countof(parts); i++)
		parts[i](&c);
	code = sum_up(&c);
	http_done_release(c.client, &c.done);
	http_client_free(c.client);
out:
	seal_key_wipe(&c.key);
	db_close(c.db);
	arena_release(&c.arena);
	return code;
}
