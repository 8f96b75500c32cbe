/* What the files of `obol check` share. Each part says one line: ok, WARN or FAIL, its name, what was found, and after an
 * arrow what to do about it. Nothing is changed anywhere, but a foreign webhook with --take-over.
 *
 * check.c        the order of parts, the line, configuration, texts, addresses and ports
 * check_store.c  database, disk, key
 * check_net.c    one exchange; Telegram, clock, payment providers
 * check_panel.c  panels, step by step */
#ifndef OBOL_CHECK_PRIVATE_H
#define OBOL_CHECK_PRIVATE_H

#include "bot/core/act.h"
#include "bot/core/config.h"
#include "lib/http/client.h"

#define CHECK_EXCHANGE_MS 10000 /* one exchange with anybody; a part makes at most a handful */

enum check_verdict { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check {
	struct arena arena;
	struct config config;
	bool take_over;
	struct db *db;                /* NULL: none yet, or it cannot be read */
	bool is_running;              /* an obol works with this database now */
	struct seal_key key;
	bool has_key;                 /* key is the one that sealed db */
	struct shared shared;
	struct act act;               /* db as the tables' readers want it; its tx may be NULL */
	struct http_client *client;
	struct http_done done;
	int64_t peer_ms, heard_ms;    /* Telegram's clock and ours at that moment; 0: not heard */
	int warned, failed;
};

/* One line. advice NULL: there is nothing to do. Whatever looks like a secret is blanked. */
void check_say(struct check *c, enum check_verdict v, const char *part, const char *advice, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Sends and waits, at most CHECK_EXCHANGE_MS. The answer lives until the next call. */
const struct http_response *check_ask(struct check *c, struct http_request *request);
/* Host and port of a URL, without the name and password it may hold. In the arena. */
const char *check_authority(struct check *c, const char *url);
/* The step a failed exchange got stuck at, and what can be done, for people. r->failure is not NONE. */
struct check_trouble {
	const char *step, *finding, *advice;
};
struct check_trouble check_trouble_of(struct check *c, const struct http_response *r, const char *url);

void check_database(struct check *c); /* opens c->db */
void check_disk(struct check *c);
void check_key(struct check *c);      /* after check_database */
void check_telegram(struct check *c);
void check_clock(struct check *c);    /* after check_telegram */
void check_providers(struct check *c);
void check_panels(struct check *c);

#endif
