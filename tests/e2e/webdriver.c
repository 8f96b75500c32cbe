#include "tests/e2e/webdriver.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/base/json.h"
#include "lib/http/client.h"
#include "tests/unit/proves.h"

#define ANSWER_BYTES_MAX ((size_t)16 << 20) /* a picture as base64 */
#define BODY_BYTES_MAX ((size_t)64 * 1024)
#define EXCHANGE_MS (2 * WEBDRIVER_WAIT_MS)
#define FAILED_PICTURE "build/browser-failed.png"
#define ELEMENT_KEY "element-6066-11e4-a52e-4f735466cecf" /* the protocol's name of a reference */

struct webdriver {
	pid_t driver, keeper;
	int to_keeper;               /* -1: no keeper */
	FILE *words;                 /* what chromedriver says */
	char dir[64], root[64], session[96], element[256];
	struct http_client *client;
	struct json_object *answer;  /* of the last command */
	struct buf body;
	struct json_out j;
};

/* --- commands --- */

static struct json_object *value_of(const struct webdriver *w)
{
	return json_at(w->answer, "value");
}

static bool has_error(const struct webdriver *w, const char *error)
{
	return str_is(json_str_at(w->answer, "value.error"), error);
}

/* One exchange; false: the driver refuses, and w->answer says why. */
static bool try_send(struct webdriver *w, enum http_method method, const char *path)
{
	struct http_request request = { .method = method, .timeout_ms = EXCHANGE_MS, .body_bytes_max = ANSWER_BYTES_MAX };
	struct http_done done;
	enum http_failure failure;
	char url[512];
	int status;

	snprintf(url, sizeof url, "%s%s%s", w->root, w->session, path);
	request.url = url;
	if (method == HTTP_POST) {
		request.body = buf_str(&w->body);
		http_add_header(&request, "Content-Type", "application/json");
	}
	json_object_put(w->answer);
	w->answer = NULL;
	http_client_start(w->client, &request, HTTP_LANE_NORMAL, NULL);
	while (!http_client_next(w->client, &done))
		http_client_poll(w->client, NULL, 0, 100);
	status = done.response->status;
	failure = done.response->failure;
	if (json_parse(&w->answer, done.response->body) != OK)
		status = 0;
	http_done_release(w->client, &done);
	if (!status) /* after the release: a failing test does not come back here */
		fail_msg("webdriver %s: no answer (%s)", path, http_failure_name(failure));
	return status == 200;
}

static void send(struct webdriver *w, enum http_method method, const char *path)
{
	if (!try_send(w, method, path))
		fail_msg("webdriver %s: %s", path, json_object_to_json_string(value_of(w)));
}

static struct json_out *begin(struct webdriver *w)
{
	buf_clear(&w->body);
	json_out_init(&w->j, &w->body);
	json_open(&w->j, '{');
	return &w->j;
}

static void end(struct webdriver *w)
{
	json_close(&w->j, '}');
	assert_false(w->body.over);
}

static void begin_empty(struct webdriver *w)
{
	begin(w);
	end(w);
}

/* --- elements --- */

static void keep_picture(struct webdriver *w, const char *path)
{
	struct str text = json_str_at(w->answer, "value");
	unsigned char *bytes = xmalloc(text.len + 1);
	size_t n;
	FILE *f;

	assert_int_equal(dec_base64(bytes, text.len, &n, text), OK);
	f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
		fail_msg("%s cannot be written", path);
	free(bytes);
}

/* What the page looked like says more than the driver does. */
static void give_up(struct webdriver *w, const char *xpath)
{
	if (try_send(w, HTTP_GET, "/screenshot"))
		keep_picture(w, FAILED_PICTURE);
	fail_msg("the page never had %s; see " FAILED_PICTURE, xpath);
}

/* The driver waits until there is one (the session's implicit wait). */
static void find(struct webdriver *w, const char *xpath)
{
	struct json_out *j = begin(w);

	json_put_cstr(j, "using", "xpath");
	json_put_cstr(j, "value", xpath);
	end(w);
	if (!try_send(w, HTTP_POST, "/element"))
		give_up(w, xpath);
	snprintf(w->element, sizeof w->element, "%.*s", STR_ARG(json_str_at(value_of(w), ELEMENT_KEY)));
}

/* A command to an element. The page may rebuild it, or something may move in front of it, between two commands: then
 * once more, until the time is over. */
static void with_element(struct webdriver *w, const char *xpath, enum http_method method, const char *command, void (*fill)(struct webdriver *w, const char *argument), const char *argument)
{
	int64_t deadline_us = clock_mono_us() + WEBDRIVER_WAIT_MS * INT64_C(1000);
	char path[512];

	for (;;) {
		find(w, xpath);
		snprintf(path, sizeof path, "/element/%s/%s", w->element, command);
		if (fill)
			fill(w, argument);
		if (try_send(w, method, path))
			return;
		if (clock_mono_us() > deadline_us || !(has_error(w, "stale element reference") || has_error(w, "element click intercepted") || has_error(w, "element not interactable")))
			fail_msg("%s of %s: %s", command, xpath, json_object_to_json_string(value_of(w)));
	}
}

static void fill_empty(struct webdriver *w, const char *argument)
{
	(void)argument;
	begin_empty(w);
}

static void fill_text(struct webdriver *w, const char *argument)
{
	json_put_cstr(begin(w), "text", argument);
	end(w);
}

void webdriver_await(struct webdriver *w, const char *xpath)
{
	find(w, xpath);
}

void webdriver_click(struct webdriver *w, const char *xpath)
{
	with_element(w, xpath, HTTP_POST, "click", fill_empty, NULL);
}

void webdriver_type(struct webdriver *w, const char *xpath, const char *text)
{
	with_element(w, xpath, HTTP_POST, "value", fill_text, text);
}

const char *webdriver_text(struct webdriver *w, const char *xpath)
{
	with_element(w, xpath, HTTP_GET, "text", NULL, NULL);
	return json_str_at(w->answer, "value").len ? json_str_at(w->answer, "value").at : "";
}

/* --- the page --- */

void webdriver_go(struct webdriver *w, const char *url)
{
	json_put_cstr(begin(w), "url", url);
	end(w);
	send(w, HTTP_POST, "/url");
}

const char *webdriver_run(struct webdriver *w, const char *script)
{
	struct json_out *j = begin(w);

	json_put_cstr(j, "script", script);
	json_key(j, "args");
	json_add_raw(j, STR("[]"));
	end(w);
	send(w, HTTP_POST, "/execute/sync");
	return json_str_at(w->answer, "value").len ? json_str_at(w->answer, "value").at : "";
}

void webdriver_resize(struct webdriver *w, int width, int height)
{
	struct json_out *j = begin(w);

	json_put_i64(j, "width", width);
	json_put_i64(j, "height", height);
	end(w);
	send(w, HTTP_POST, "/window/rect");
}

void webdriver_picture(struct webdriver *w, const char *path)
{
	send(w, HTTP_GET, "/screenshot");
	keep_picture(w, path);
}

void webdriver_picture_of(struct webdriver *w, const char *xpath, const char *path)
{
	with_element(w, xpath, HTTP_GET, "screenshot", NULL, NULL);
	keep_picture(w, path);
}

/* --- birth and death --- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	remove(path);
	return 0;
}

/* A process that outlives us, however we end, and then ends the driver and the browser (which a killed driver would
 * leave behind) and removes the profile. It is told their numbers by a pipe that closes with us. */
static void keep_watch(int from, const char *dir)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM };
	int fds[4];
	size_t count = 0;
	pid_t pid;

	for (size_t i = 0; i < countof(ignored); i++)
		signal(ignored[i], SIG_IGN);
	while (read(from, &pid, sizeof pid) == sizeof pid && count < countof(fds)) {
		fds[count] = pidfd_open(pid, 0);
		count += fds[count] >= 0;
	}
	for (size_t i = 0; i < count; i++)
		pidfd_send_signal(fds[i], SIGKILL, NULL, 0);
	for (size_t i = 0; i < count; i++)
		poll(&(struct pollfd){ .fd = fds[i], .events = POLLIN }, 1, WEBDRIVER_WAIT_MS);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

static void start_keeper(struct webdriver *w)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		fail_msg("no pipe");
	w->to_keeper = ends[1];
	w->keeper = fork();
	if (w->keeper == 0) {
		close(ends[1]);
		keep_watch(ends[0], w->dir);
	}
	close(ends[0]);
}

static void tell_keeper(const struct webdriver *w, pid_t pid)
{
	if (pid <= 0 || write(w->to_keeper, &pid, sizeof pid) != sizeof pid)
		fail_msg("no process %d to look after", (int)pid);
}

static void become_driver(int out, const char *dir)
{
	setenv("HOME", dir, 1); /* whatever the browser keeps goes there */
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execlp("chromedriver", "chromedriver", "--port=0", (char *)NULL);
	_exit(127);
}

/* The kernel's choice, as the driver says it: "… was started successfully on port 12345." */
static void read_port(struct webdriver *w)
{
	static const char mark[] = " on port ";
	char line[512];

	while (fgets(line, sizeof line, w->words)) {
		const char *at = strstr(line, "successfully") ? strstr(line, mark) : NULL;

		if (at) {
			snprintf(w->root, sizeof w->root, "http://127.0.0.1:%d", (int)strtol(at + strlen(mark), NULL, 10));
			return;
		}
	}
	fail_msg("chromedriver does not start; tests/setup test installs chromium and chromium-driver");
}

static void start_driver(struct webdriver *w)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		fail_msg("no pipe");
	w->driver = fork();
	if (w->driver == 0)
		become_driver(ends[1], w->dir);
	close(ends[1]);
	tell_keeper(w, w->driver);
	w->words = fdopen(ends[0], "r");
	read_port(w);
}

/* Root cannot use Chromium's own sandbox; nothing but our page on this machine is loaded. */
static void put_arguments(struct json_out *j, const char *dir, int width, int height)
{
	static const char *const flags[] = {
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-breakpad", "--hide-scrollbars",
	};
	char text[128];

	json_key(j, "args");
	json_open(j, '[');
	for (size_t i = 0; i < countof(flags); i++)
		json_add_str(j, str_of(flags[i]));
	snprintf(text, sizeof text, "--user-data-dir=%s/profile", dir);
	json_add_str(j, str_of(text));
	snprintf(text, sizeof text, "--window-size=%d,%d", width, height);
	json_add_str(j, str_of(text));
	json_close(j, ']');
}

static void begin_session(struct webdriver *w, int width, int height)
{
	struct json_out *j = begin(w);
	char id[80];

	json_key(j, "capabilities");
	json_open(j, '{');
	json_key(j, "alwaysMatch");
	json_open(j, '{');
	json_key(j, "goog:chromeOptions");
	json_open(j, '{');
	put_arguments(j, w->dir, width, height);
	json_close(j, '}');
	json_key(j, "timeouts");
	json_open(j, '{');
	json_put_i64(j, "implicit", WEBDRIVER_WAIT_MS);
	json_close(j, '}');
	json_close(j, '}');
	json_close(j, '}');
	end(w);
	send(w, HTTP_POST, "/session");
	snprintf(id, sizeof id, "%.*s", STR_ARG(json_str_at(w->answer, "value.sessionId")));
	snprintf(w->session, sizeof w->session, "/session/%s", id);
	tell_keeper(w, (pid_t)json_i64_at(w->answer, "value.capabilities.goog:processID", 0));
}

struct webdriver *webdriver_new(void)
{
	struct webdriver *w = xcalloc(1, sizeof *w);

	buf_init(&w->body, BODY_BYTES_MAX);
	w->client = http_client_new(NULL);
	w->to_keeper = -1;
	return w;
}

void webdriver_open(struct webdriver *w, int width, int height)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(w->dir, sizeof w->dir, "%s/obol-browser-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(w->dir))
		fail_msg("no directory %s", w->dir);
	start_keeper(w);
	start_driver(w);
	begin_session(w, width, height);
}

void webdriver_free(struct webdriver *w)
{
	if (!w)
		return;
	if (*w->session)
		try_send(w, HTTP_DELETE, "");
	if (w->to_keeper >= 0)
		close(w->to_keeper);
	if (w->keeper > 0)
		waitpid(w->keeper, NULL, 0);
	if (w->driver > 0)
		waitpid(w->driver, NULL, 0);
	if (w->words)
		fclose(w->words);
	json_object_put(w->answer);
	http_client_free(w->client);
	buf_release(&w->body);
	free(w);
}
