/* The real program over real sockets: simulators behind ports of the kernel's choice, the bot as a child process in a
 * directory of its own, told everything by its environment.
 *
 *	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" } });
 *	rig_start(r);
 *	botapi_say(r->telegram, anna, "/start");
 *	UNTIL(r, botapi_last(r->telegram, anna));
 *	rig_free(r);
 *
 * The caller's thread drives the simulators (rig_turn), so models may be touched at any time without a lock, and a kill
 * inside a hook of theirs happens exactly at that moment. Waiting is always for something, until a deadline; what is
 * waited for may stand in a model, in the bot's log, in its database or in an answer of its HTTP server.
 *
 * Trouble of the machine (no fork, no directory) ends the process with a word; trouble of the bot is the caller's. */
#ifndef OBOL_E2E_HARNESS_H
#define OBOL_E2E_HARNESS_H

#include <sys/types.h>

#include "lib/http/client.h"
#include "tests/sim/botapi.h"
#include "tests/sim/cryptopay.h"
#include "tests/sim/panel.h"
#include "tests/sim/serve.h"

#define RIG_PANELS_MAX 8
#define RIG_ENV_MAX 48
#define RIG_ADMIN INT64_C(900001)
#define RIG_GUARD_MS 30000 /* what is waited for comes far sooner; the machine may be busy */

/* What must never be seen in clear: in logs, chats, the database, the process list. */
#define RIG_PANEL_PASSWORD "MARKER-panel-password-7f3a"
#define RIG_CRYPTOPAY_TOKEN "18475:AAMARKERcryptopayToken00000000000"

struct rig_panel {
	struct panel_sim *sim;
	int socket, sub_socket;      /* of serve */
	const char *url;             /* with its base path, no trailing slash */
	int64_t inbound_id;          /* a vless inbound with room */
};

struct rig {
	char *dir, *database;        /* the child's working directory; its database */
	struct serve *serve;
	struct botapi *telegram;
	struct cryptopay_sim *cryptopay;
	int telegram_socket, cryptopay_socket;
	struct rig_panel panels[RIG_PANELS_MAX];
	size_t panels_count;
	pid_t pid;                   /* 0: not running */
	int status;                  /* how the last child ended, as waitpid says it */
	bool expected;               /* its end was asked for */
	/* inside */
	const char *program;
	char *env[RIG_ENV_MAX + 1];
	struct http_client *client;
	struct http_done done;
	struct buf log, scratch;
	size_t log_from;             /* where in the file the words of this start begin */
};

struct rig_options {
	const char *versions[RIG_PANELS_MAX]; /* panels, "2.8.5" …; NULL ends. The first is XUI_PANEL_URL */
	bool crypto_pay;             /* CRYPTO_PAY_TOKEN is set */
	bool tls;                    /* every simulator speaks TLS; the bot trusts them by SSL_CERT_FILE */
	bool panels_tls;             /* the panels alone speak TLS, with a certificate that nobody knows */
	const char *program;         /* NULL: $OBOL, else build/obol-san */
	const char *place;           /* where the directory is made; NULL: $TMPDIR, else /tmp */
};

struct rig *rig_new(const struct rig_options *options); /* NULL: no panel */
void rig_free(struct rig *r);                           /* kills; the directory is removed */

/* --- before the start --- */

void rig_set(struct rig *r, const char *name, const char *value); /* environment; NULL: not set */
const char *rig_get(const struct rig *r, const char *name);       /* NULL: not set */
const char *rig_path(struct rig *r, const char *name);            /* in the directory; lives until the next call */
void rig_write(struct rig *r, const char *name, struct str text, int mode); /* a file there */
struct str rig_read(struct rig *r, const char *name);             /* whole; empty when missing; until the next call */

/* --- the child --- */

void rig_start(struct rig *r);
bool rig_is_up(struct rig *r);     /* this start has opened everything */
void rig_kill(struct rig *r);      /* SIGKILL; it is gone when this returns. Also from a hook of serve. */
int rig_stop(struct rig *r);       /* SIGTERM; the exit code, -1 for any other end */
int rig_wait_exit(struct rig *r);  /* until it ends by itself; the same. Kills and says -1 after RIG_GUARD_MS */

/* Another command of the program beside it, to its end: rig_run(r, &out, NULL, (const char *const[]){ "backup", "copy.db", NULL }).
 * Its exit code, -1 for any other end; both outputs are appended to out unless NULL; input may be NULL. The simulators
 * go on meanwhile. */
int rig_run(struct rig *r, struct buf *out, const char *input, const char *const *args);

/* One step of the simulators, at most timeout_ms; notices a dead child. */
void rig_turn(struct rig *r, int timeout_ms);

/* Steps until the condition holds. Fails the test (cmocka) after RIG_GUARD_MS or when the child has died unasked. */
#define UNTIL(r, condition) \
	do { \
		int64_t until_us_ = rig_deadline_us(); \
		while (!(condition)) { \
			if (rig_is_over((r), until_us_)) { \
				rig_complain(r); \
				fail_msg("never came: %s", #condition); \
			} \
			rig_turn((r), 20); \
		} \
	} while (0)
int64_t rig_deadline_us(void);
bool rig_is_over(struct rig *r, int64_t until_us);
void rig_complain(struct rig *r);     /* rig_words on standard error: cmocka would cut it off */
const char *rig_words(struct rig *r); /* how the child is and the end of its log */

/* --- looking at it --- */

struct str rig_log(struct rig *r);                      /* what it wrote on both outputs since its last start: words of an earlier one prove nothing */
bool rig_logged(struct rig *r, const char *part);
size_t rig_times_logged(struct rig *r, const char *part);
int64_t rig_number(struct rig *r, const char *sql);     /* one number from the database, running or not; no row: 0 */
char *rig_text(struct rig *r, struct arena *arena, const char *sql); /* one text; NULL: no row */
int rig_port(struct rig *r, const char *listener);      /* "public", "admin": where this child listens; 0: not yet */

/* One exchange with the bot's server. Borrowed until the next one. */
const struct http_response *rig_http(struct rig *r, const char *listener, struct http_request *request, const char *path);

/* Which files of the directory, the log among them, hold this in clear: their names are appended. */
bool rig_find_secret(struct rig *r, struct buf *where, const char *secret);

/* The newest button with this in its label that the bot has shown there, and its message; NULL: none. */
const struct botapi_button *rig_button(struct rig *r, int64_t user, const char *label, int64_t *message_id);

#endif
