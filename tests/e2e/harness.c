/* See harness.h. */
#include "tests/e2e/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/keyfile.h"
#include "lib/store/db.h"

#define FILE_BYTES_MAX ((size_t)256 << 20)
#define ARGS_MAX 8
#define WORDS_BYTES 6000 /* of the log, shown with a failure */
#define LOG_NAME "obol.log"

static _Noreturn void broken(const char *what, const char *which)
{
	fprintf(stderr, "harness: %s %s: %s\n", what, which, strerror(errno));
	abort();
}

/* --- files --- */

const char *rig_path(struct rig *r, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", r->dir, name);
	return path;
}

void rig_write(struct rig *r, const char *name, struct str text, int mode)
{
	const char *path = rig_path(r, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text.at, text.len) != (ssize_t)text.len || fchmod(fd, (mode_t)mode) != 0)
		broken("cannot write", path);
	close(fd);
}

static bool read_from(struct buf *to, const char *path, size_t from)
{
	char piece[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	lseek(fd, (off_t)from, SEEK_SET);
	while ((n = read(fd, piece, sizeof piece)) > 0)
		buf_add(to, str_n(piece, (size_t)n));
	close(fd);
	return true;
}

static bool read_file(struct buf *to, const char *path)
{
	return read_from(to, path, 0);
}

struct str rig_read(struct rig *r, const char *name)
{
	buf_clear(&r->scratch);
	read_file(&r->scratch, rig_path(r, name));
	return str_n(buf_cstr(&r->scratch), r->scratch.len);
}

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		char inner[PATH_MAX];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
		if (unlink(inner) != 0)
			remove_tree(inner);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

/* --- environment --- */

static char **find_env(const struct rig *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < RIG_ENV_MAX && r->env[i]; i++)
		if (strncmp(r->env[i], name, n) == 0 && r->env[i][n] == '=')
			return (char **)&r->env[i];
	return NULL;
}

void rig_set(struct rig *r, const char *name, const char *value)
{
	struct arena arena = { 0 };
	char **at = find_env(r, name);
	size_t count = 0;

	while (r->env[count])
		count++;
	if (at) { /* the last one takes its place */
		free(*at);
		*at = r->env[--count];
		r->env[count] = NULL;
	}
	if (value) {
		if (count == RIG_ENV_MAX)
			broken("no room for", name);
		r->env[count] = xstrdup(arena_printf(&arena, "%s=%s", name, value));
	}
	arena_release(&arena);
}

const char *rig_get(const struct rig *r, const char *name)
{
	char **at = find_env(r, name);

	return at ? *at + strlen(name) + 1 : NULL;
}

/* --- simulators --- */

/* Panels are made after their sockets, because they must know their ports. */
static void panel_door(void *model, const struct sim_request *request, struct sim_response *response)
{
	struct rig_panel *p = model;

	panel_sim_handle(p->sim, request, response);
}

static void add_inbound(struct rig_panel *p)
{
	static const char inbound[] =
		"{\"remark\":\"Amsterdam\",\"enable\":true,\"listen\":\"\",\"port\":20443,\"protocol\":\"vless\",\"expiryTime\":0,\"total\":0,"
		"\"settings\":\"{\\\"clients\\\":[],\\\"decryption\\\":\\\"none\\\",\\\"fallbacks\\\":[]}\",\"sniffing\":\"{}\","
		"\"streamSettings\":\"{\\\"network\\\":\\\"ws\\\",\\\"security\\\":\\\"none\\\","
		"\\\"wsSettings\\\":{\\\"path\\\":\\\"/obol\\\",\\\"host\\\":\\\"\\\",\\\"headers\\\":{}}}\"}";
	struct arena arena = { 0 };
	struct sim_response response = { .status = 200 };
	struct json_object *o = NULL;

	panel_sim_advance(p->sim, clock_now_ms());
	panel_sim_operator(p->sim, HTTP_POST, "panel/api/inbounds/add", str_of(inbound), &response, &arena);
	if (json_parse(&o, response.body) != OK || !json_bool_at(o, "success", false))
		broken("the panel refuses", "an inbound");
	p->inbound_id = json_i64_at(o, "obj.id", 0);
	json_object_put(o);
	arena_release(&arena);
}

static void add_panel(struct rig *r, const char *version, bool tls)
{
	struct rig_panel *p = &r->panels[r->panels_count++];
	struct panel_config config = { .user = "admin", .password = RIG_PANEL_PASSWORD };

	p->socket = serve_add(r->serve, panel_door, p, 0, tls);
	p->sub_socket = serve_add(r->serve, panel_door, p, 1, tls);
	config.panel_port = serve_port(r->serve, p->socket);
	config.sub_port = serve_port(r->serve, p->sub_socket);
	p->url = serve_url(r->serve, p->socket);
	p->sim = panel_sim_new(version, &config);
	add_inbound(p);
}

static void usual_settings(struct rig *r, const struct rig_options *o)
{
	struct arena arena = { 0 };

	rig_set(r, "PATH", getenv("PATH"));
	rig_set(r, "ASAN_OPTIONS", getenv("ASAN_OPTIONS"));
	rig_set(r, "BOT_TOKEN", BOTAPI_TOKEN);
	rig_set(r, "BOT_ADMINS", arena_printf(&arena, "%lld", (long long)RIG_ADMIN));
	rig_set(r, "BOT_API_URL", serve_url(r->serve, r->telegram_socket));
	rig_set(r, "HTTP_LISTEN", "127.0.0.1:0");
	rig_set(r, "ADMIN_LISTEN", "127.0.0.1:0");
	rig_set(r, "TZ_SHOP", "UTC");
	if (r->panels_count) {
		rig_set(r, "XUI_PANEL_URL", r->panels[0].url);
		rig_set(r, "XUI_PANEL_USERNAME", "admin");
		rig_set(r, "XUI_PANEL_PASSWORD", RIG_PANEL_PASSWORD);
	}
	if (o->crypto_pay) {
		rig_set(r, "CRYPTO_PAY_TOKEN", RIG_CRYPTOPAY_TOKEN);
		rig_set(r, "CRYPTO_PAY_URL", serve_url(r->serve, r->cryptopay_socket));
	}
	if (o->tls) {
		rig_write(r, "ca.pem", str_of(serve_pem(r->serve)), 0600);
		rig_set(r, "SSL_CERT_FILE", rig_path(r, "ca.pem"));
	}
	arena_release(&arena);
}

static const char *find_program(const struct rig_options *o)
{
	const char *name = o->program ? o->program : getenv("OBOL") ? getenv("OBOL") : "build/obol-san";
	char *path = realpath(name, NULL);

	if (!path)
		broken("no program at", name);
	return path;
}

struct rig *rig_new(const struct rig_options *options)
{
	static const struct rig_options none = { 0 };
	const struct rig_options *o = options ? options : &none;
	struct rig *r = xcalloc(1, sizeof *r);
	const char *place = o->place ? o->place : getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	struct arena arena = { 0 };

	buf_init(&r->log, FILE_BYTES_MAX);
	buf_init(&r->scratch, FILE_BYTES_MAX);
	r->program = find_program(o);
	r->dir = realpath(place, NULL);
	if (!r->dir)
		broken("no folder", place);
	place = arena_printf(&arena, "%s/obol-e2e-XXXXXX", r->dir);
	free(r->dir);
	r->dir = xstrdup(place);
	if (!mkdtemp(r->dir))
		broken("cannot make", r->dir);
	r->database = xstrdup(rig_path(r, "obol.db"));
	arena_release(&arena);

	r->client = http_client_new(NULL);
	r->serve = serve_new();
	r->telegram = botapi_new(NULL);
	botapi_set_now(r->telegram, clock_now_ms());
	botapi_user_add(r->telegram, RIG_ADMIN, "Admin", "shop_admin", "en");
	r->telegram_socket = serve_add(r->serve, botapi_handle, r->telegram, 0, o->tls);
	r->cryptopay = cryptopay_sim_new(RIG_CRYPTOPAY_TOKEN);
	r->cryptopay_socket = serve_add(r->serve, cryptopay_sim_handle, r->cryptopay, 0, o->tls);
	while (r->panels_count < RIG_PANELS_MAX && o->versions[r->panels_count])
		add_panel(r, o->versions[r->panels_count], o->tls || o->panels_tls);
	usual_settings(r, o);
	return r;
}

void rig_free(struct rig *r)
{
	rig_kill(r);
	http_done_release(r->client, &r->done);
	http_client_free(r->client);
	serve_free(r->serve);
	for (size_t i = 0; i < r->panels_count; i++)
		panel_sim_free(r->panels[i].sim);
	cryptopay_sim_free(r->cryptopay);
	botapi_free(r->telegram);
	remove_tree(r->dir);
	for (size_t i = 0; r->env[i]; i++)
		free(r->env[i]);
	buf_release(&r->log);
	buf_release(&r->scratch);
	free((char *)r->program);
	free(r->database);
	free(r->dir);
	free(r);
}

/* --- the child --- */

/* After fork: only what is safe there, then the program in its directory. */
static _Noreturn void become(struct rig *r, const char *const *args, int in, int out)
{
	const char *argv[ARGS_MAX + 2] = { r->program };

	for (size_t i = 0; i < ARGS_MAX && args[i]; i++)
		argv[i + 1] = args[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that breaks off leaves nothing behind */
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (chdir(r->dir) == 0)
		execve(r->program, (char *const *)argv, r->env);
	_exit(127);
}

static pid_t spawn(struct rig *r, const char *const *args, int in, int out)
{
	pid_t pid = fork();

	if (pid < 0)
		broken("cannot fork", r->program);
	if (pid == 0)
		become(r, args, in, out);
	return pid;
}

static int open_or_break(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		broken("cannot open", path);
	return fd;
}

void rig_start(struct rig *r)
{
	static const char *const args[] = { "run", NULL };
	int in, out;

	if (r->pid)
		broken("still running:", r->program);
	in = open_or_break("/dev/null", O_RDONLY);
	out = open_or_break(rig_path(r, LOG_NAME), O_WRONLY | O_CREAT | O_APPEND);
	r->expected = false;
	r->log_from = (size_t)lseek(out, 0, SEEK_END);
	r->pid = spawn(r, args, in, out);
	close(in);
	close(out);
}

/* True when it is gone; its status is then kept. */
static bool reap(struct rig *r, int options)
{
	if (r->pid && waitpid(r->pid, &r->status, options) == r->pid)
		r->pid = 0;
	return r->pid == 0;
}

void rig_kill(struct rig *r)
{
	if (!r->pid)
		return;
	r->expected = true;
	kill(r->pid, SIGKILL);
	reap(r, 0);
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int rig_wait_exit(struct rig *r)
{
	int64_t until_us = rig_deadline_us();

	r->expected = true;
	while (!reap(r, WNOHANG)) {
		if (clock_mono_us() > until_us) {
			rig_kill(r);
			return -1;
		}
		rig_turn(r, 10);
	}
	if (WIFSIGNALED(r->status)) { /* nobody killed it here: what it said last is the only trace */
		struct str log = rig_log(r);
		size_t shown = log.len < 4000 ? log.len : 4000;

		fprintf(stderr, "the bot died by signal %d:\n%.*s\n", WTERMSIG(r->status), (int)shown, log.at + log.len - shown);
	}
	return exit_code(r->status);
}

int rig_stop(struct rig *r)
{
	if (r->pid)
		kill(r->pid, SIGTERM);
	return rig_wait_exit(r);
}

int rig_run(struct rig *r, struct buf *out, const char *input, const char *const *args)
{
	struct arena arena = { 0 };
	const char *path = arena_strdup(&arena, rig_path(r, "command.out"));
	int64_t until_us = rig_deadline_us();
	int in, to, status = 0;
	pid_t pid;

	rig_write(r, "command.in", str_of(input), 0600);
	in = open_or_break(rig_path(r, "command.in"), O_RDONLY);
	to = open_or_break(path, O_WRONLY | O_CREAT | O_TRUNC);
	pid = spawn(r, args, in, to);
	close(in);
	close(to);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_mono_us() > until_us)
			kill(pid, SIGKILL);
		rig_turn(r, 10);
	}
	if (out)
		read_file(out, path);
	unlink(path);
	unlink(rig_path(r, "command.in"));
	arena_release(&arena);
	return exit_code(status);
}

void rig_turn(struct rig *r, int timeout_ms)
{
	serve_run_once(r->serve, timeout_ms);
	reap(r, WNOHANG);
}

int64_t rig_deadline_us(void)
{
	return clock_mono_us() + RIG_GUARD_MS * 1000;
}

bool rig_is_over(struct rig *r, int64_t until_us)
{
	return clock_mono_us() > until_us || (!r->pid && !r->expected);
}

const char *rig_words(struct rig *r)
{
	struct str log = rig_log(r);
	size_t n = log.len < WORDS_BYTES ? log.len : WORDS_BYTES;

	buf_clear(&r->scratch);
	if (r->pid)
		buf_adds(&r->scratch, "the bot runs; ");
	else
		buf_printf(&r->scratch, "the bot has ended (exit %d, signal %d); ", exit_code(r->status), WIFSIGNALED(r->status) ? WTERMSIG(r->status) : 0);
	buf_adds(&r->scratch, "the end of its log:\n");
	buf_add(&r->scratch, str_n(log.at + log.len - n, n));
	return buf_cstr(&r->scratch);
}

void rig_complain(struct rig *r)
{
	fprintf(stderr, "%s\n", rig_words(r));
}

/* --- looking at it --- */

struct str rig_log(struct rig *r)
{
	buf_clear(&r->log);
	read_from(&r->log, rig_path(r, LOG_NAME), r->log_from);
	return str_n(buf_cstr(&r->log), r->log.len); /* never NULL: memmem minds */
}

bool rig_logged(struct rig *r, const char *part)
{
	return str_has(rig_log(r), part);
}

size_t rig_times_logged(struct rig *r, const char *part)
{
	struct str log = rig_log(r);
	const char *at;
	size_t n = 0;

	while ((at = memmem(log.at, log.len, part, strlen(part))) != NULL) {
		n++;
		log = str_n(at + 1, (size_t)(log.at + log.len - at - 1));
	}
	return n;
}

bool rig_is_up(struct rig *r)
{
	return r->pid && rig_logged(r, " obol.started ");
}

typedef enum err ask_fn(void *out, struct arena *arena, struct db *db, const char *sql);

/* E_BUSY: the bot is at a moment at which nobody may look; the next look will do. False: no row. */
static bool ask(struct rig *r, ask_fn *fn, void *out, struct arena *arena, const char *sql)
{
	int64_t until_us = rig_deadline_us();
	struct db *db;
	enum err e;

	for (;;) {
		e = db_open(&db, r->database, DB_READ, NULL);
		if (!e) {
			e = fn(out, arena, db, sql);
			db_close(db);
		}
		if (!e || e == E_NOTFOUND)
			return !e;
		if (clock_mono_us() > until_us)
			broken("cannot ask the database", sql);
		poll(NULL, 0, 1);
	}
}

static enum err get_number(void *out, struct arena *arena, struct db *db, const char *sql)
{
	(void)arena;
	return db_get_i64((int64_t *)out, db, sql);
}

static enum err get_text(void *out, struct arena *arena, struct db *db, const char *sql)
{
	return db_get_text((char **)out, arena, db, sql);
}

int64_t rig_number(struct rig *r, const char *sql)
{
	int64_t n = 0;

	return ask(r, get_number, &n, NULL, sql) ? n : 0;
}

char *rig_text(struct rig *r, struct arena *arena, const char *sql)
{
	char *text = NULL;

	return ask(r, get_text, &text, arena, sql) ? text : NULL;
}

int rig_port(struct rig *r, const char *listener)
{
	struct arena arena = { 0 };
	const char *mark = arena_printf(&arena, "http.listening listener=%s ", listener);
	struct str log = rig_log(r), line;
	const char *at = memmem(log.at, log.len, mark, strlen(mark));
	int64_t port = 0;

	if (at) {
		log = str_n(at + strlen(mark), (size_t)(log.at + log.len - at) - strlen(mark));
		line = str_cut(&log, '\n');
		str_cut(&line, '=');
		if (str_to_i64(&port, line) != OK)
			port = 0;
	}
	arena_release(&arena);
	return (int)port;
}

const struct http_response *rig_http(struct rig *r, const char *listener, struct http_request *request, const char *path)
{
	struct arena arena = { 0 };
	struct http_wait wait = { .fd = serve_fd(r->serve), .events = POLLIN };
	int port = 0;

	for (int64_t until_us = rig_deadline_us(); !port && !rig_is_over(r, until_us); port = rig_port(r, listener))
		rig_turn(r, 5);
	request->url = arena_printf(&arena, "http://127.0.0.1:%d%s", port, path);
	http_done_release(r->client, &r->done);
	r->done = (struct http_done){ 0 };
	http_client_start(r->client, request, HTTP_LANE_NORMAL, NULL);
	while (!http_client_next(r->client, &r->done)) {
		http_client_poll(r->client, &wait, 1, 10);
		rig_turn(r, 0);
	}
	arena_release(&arena);
	return r->done.response;
}

bool rig_find_secret(struct rig *r, struct buf *where, const char *secret)
{
	DIR *d = opendir(r->dir);
	struct dirent *e;
	bool found = false;

	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || !str_has(rig_read(r, e->d_name), secret))
			continue;
		buf_printf(where, "%s ", e->d_name);
		found = true;
	}
	if (d)
		closedir(d);
	return found;
}

const struct botapi_button *rig_button(struct rig *r, int64_t user, const char *label, int64_t *message_id)
{
	for (size_t i = botapi_messages_count(r->telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(r->telegram, user, i);

		for (size_t b = 0; m->from_bot && !m->deleted && b < m->buttons_count; b++)
			if (str_has(m->buttons[b].text, label)) {
				*message_id = m->id;
				return &m->buttons[b];
			}
	}
	return NULL;
}
