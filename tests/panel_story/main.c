/* make panel-story: the story on a real panel. Everything comes from the environment, because arguments can be seen by
 * other users of the machine. */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/panel_story/proxy.h"
#include "tests/panel_story/story.h"
#include "tests/sim/serve.h"

#define PAGE_BYTES (512 * 1024)

static const char usage[] =
	"Plays the life of a client on a real 3X-UI panel (add, buy, renew, expire, disable, delete), checks each step and cleans up.\n"
	"\n"
	"  make panel-story URL=https://panel.example:2053/base/ USER=admin PASSWORD=secret INBOUND=1\n"
	"\n"
	"  URL       address of the panel with its base path\n"
	"  USER, PASSWORD   what one types on its login page; or TOKEN, an API token (3.0 and later)\n"
	"  TOTP      the second factor's secret (base32), where it is on\n"
	"  INBOUND   number of the inbound to work in\n"
	"  HOST      address for the links, where it is not the panel's\n"
	"  PIN       sha256//BASE64 of the panel's key, for a certificate that nobody signed\n"
	"  TRAFFIC=1 also fetches a page through the delivered link, with XRAY=path or v2ray (Debian)\n"
	"  PAGE      that page; without, one that this program serves on 127.0.0.1: right where the panel is this machine and\n"
	"            its routing lets private addresses through\n";

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

/* Empty is the same as missing: make hands on whatever it was given. */
static const char *given(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

struct world {
	const char *program, *url;
};

static void wait_really(void *ctx, int64_t ms)
{
	int64_t until_us = clock_mono_us() + ms * 1000;

	(void)ctx;
	for (int64_t left_us; (left_us = until_us - clock_mono_us()) > 0;)
		if (poll(NULL, 0, (int)(left_us / 1000 + 1)) < 0 && stopped)
			return;
}

static enum err carry(void *ctx, struct str link, int64_t *bytes)
{
	const struct world *w = ctx;

	return proxy_fetch(bytes, w->program, link, w->url);
}

static void page(void *model, const struct sim_request *request, struct sim_response *response)
{
	(void)model;
	response->status = 200;
	response->body = str_n(arena_alloc(request->arena, PAGE_BYTES), PAGE_BYTES);
}

static bool is_on(const char *name)
{
	return given(name) && strcmp(given(name), "0") != 0;
}

static int play(const struct story_config *config)
{
	struct serve *serve = serve_new();
	int socket = serve_add(serve, page, NULL, 0, false);
	struct world w = { .program = given("XRAY") ? given("XRAY") : "v2ray", .url = given("PAGE") ? given("PAGE") : serve_url(serve, socket) };
	const struct story_world world = {
		.wait = wait_really, .carry = is_on("TRAFFIC") ? carry : NULL, .ctx = &w, .stop = &stopped, .out = stdout,
	};
	struct story_score score;

	serve_thread_start(serve);
	score = panel_story_play(config, &world);
	serve_free(serve);
	return score.failed ? 1 : 0;
}

int main(void)
{
	const char *password = given("PASSWORD"), *token = given("TOKEN");
	struct http_trust trust = { .pin = given("PIN") };
	struct story_config config = {
		.panel = {
			.url = given("URL"), .token = token, .totp_secret = given("TOTP"), .trust = trust.pin ? &trust : NULL,
			/* every shell has a USER: without a password it is not meant for us */
			.username = password ? given("USER") : NULL, .password = password,
		},
		.host = given("HOST"),
	};

	if (!config.panel.url || !(token || (config.panel.username && password)) || !given("INBOUND") ||
	    str_to_i64(&config.inbound_id, str_of(given("INBOUND")))) {
		fputs(usage, stderr);
		return 2;
	}
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	return play(&config);
}
