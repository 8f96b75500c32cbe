/* obol run: everything is opened, the loop turns until it is told to stop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/notify.h"
#include "bot/open.h"
#include "bot/program.h"
#include "bot/tables.h"
#include "lib/base/log.h"

#define REPORT_BYTES_MAX ((size_t)64 * 1024)
#define CALLBACK_BYTES_MAX ((size_t)64 * 1024)

/* What a running shop is made of, in the order of opening. */
struct program {
	struct arena arena;
	struct config config;
	int lock;
	struct db *db;
	struct seal_key key;
	struct i18n *i18n;
	struct shared shared;
	struct http_client *client;
	struct http_server *server;
	struct core *core;
};

/* A signal may come at any moment from the first line to the last: while things are opened it is remembered, then the
 * loop hears it, and while things are closed it changes nothing any more. The handler runs on this thread alone (the
 * helper blocks all signals, and the kernel prefers the first thread to those of the resolver). */
static volatile sig_atomic_t told_to_stop;
static struct core *volatile running; /* NULL: there is no loop to wake */

static void on_signal(int number)
{
	(void)number;
	told_to_stop = 1;
	if (running)
		core_stop(running);
}

/* SA_RESTART: what reads a file at the start goes on reading; poll returns all the same. */
static void catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

static void let_signals_stop(struct core *core)
{
	running = core;
	if (told_to_stop)
		core_stop(core);
}

static bool open_texts(struct program *p)
{
	struct buf report;
	enum err e;

	buf_init(&report, REPORT_BYTES_MAX);
	e = i18n_open(&p->i18n, p->config.locales_dir, &report);
	if (e)
		fprintf(stderr, "obol: LOCALES_DIR=%s:\n%s", p->config.locales_dir ? p->config.locales_dir : "", buf_cstr(&report));
	buf_release(&report);
	return !e;
}

static bool listen_at(struct program *p, int listener, const char *name, const char *address)
{
	enum err e = address ? http_server_listen(p->server, listener, address) : OK;

	if (e)
		fprintf(stderr, "obol: %s=%s: %s. Example: 127.0.0.1:8088, or off\n", name, address,
			e == E_BUSY ? "the port is taken by another program" : e == E_INVALID ? "is no numeric address and port" : "cannot be opened");
	else if (address)
		log_info("http.listening", KV("listener", listener == LISTENER_ADMIN ? "admin" : "public"), KV("port", http_server_port(p->server, listener)));
	return !e;
}

static bool open_server(struct program *p)
{
	const struct http_server_limits limits = { .body_bytes_max = CALLBACK_BYTES_MAX };

	if (!p->config.http_listen && !p->config.admin_listen)
		return true;
	p->server = http_server_new(&limits);
	return listen_at(p, LISTENER_PUBLIC, "HTTP_LISTEN", p->config.http_listen) &&
		listen_at(p, LISTENER_ADMIN, "ADMIN_LISTEN", p->config.admin_listen);
}

static bool open_core(struct program *p)
{
	struct core_setup setup = {
		.config = &p->config, .tables = &tables, .shared = &p->shared, .db = p->db, .server = net_server_of(p->server),
		.api = { .base_url = p->config.bot_api_url, .token = p->config.bot_token, .proxy = p->config.proxy },
		.send_rate_per_s = p->config.send_rate_per_s, .take_over = p->config.take_over, .threaded = true,
	};
	enum err e;

	p->shared.config = &p->config;
	p->shared.i18n = p->i18n;
	p->shared.key = &p->key;
	p->client = http_client_new(NULL);
	setup.net = net_of_client(p->client);
	tables_register();
	e = core_open(&p->core, &setup);
	if (e)
		fprintf(stderr, "obol: the shop could not be opened (%s: %s)\n", err_name(e), db_error(p->db));
	return !e;
}

static void close_all(struct program *p)
{
	running = NULL;
	core_close(p->core);
	http_server_free(p->server);
	http_client_free(p->client);
	i18n_close(p->i18n);
	seal_key_wipe(&p->key);
	db_close(p->db);
	if (p->lock >= 0)
		close(p->lock);
	arena_release(&p->arena);
}

/* The service manager hears that we work, once a turn at most a second. */
static int turn_until_done(struct core *core)
{
	notify_ready();
	while (core_exit_code(core) < 0) {
		core_turn(core, notify_interval_ms(10 * 1000));
		notify_alive();
	}
	notify_stopping();
	return core_exit_code(core);
}

int program_run(bool forget_secrets)
{
	struct program p = { .lock = -1 };
	int code = EXIT_USAGE;

	catch_signals();
	if (!open_config(&p.config, &p.arena) || !open_texts(&p))
		goto out;
	p.lock = open_lock(p.config.database_path, &p.arena);
	code = EXIT_FAILED;
	if (p.lock < 0 || !open_database(&p.db, &p.config))
		goto out;
	code = EXIT_USAGE;
	if (!open_key(&p.key, p.db, &p.config, &p.arena, forget_secrets) || !open_server(&p))
		goto out;
	code = EXIT_FAILED;
	if (!open_core(&p))
		goto out;
	let_signals_stop(p.core);
	log_info("obol.started", KV("version", OBOL_VERSION), KV("database", p.config.database_path));
	code = turn_until_done(p.core);
	log_info("obol.stopped", KV("code", code));
	log_flush();
out:
	close_all(&p);
	return code;
}
