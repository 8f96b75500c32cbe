/* A shop for tests: the real schema in a database of its own, a real core whose network never answers, a clock that the
 * test moves, one panel with one inbound, and hooks that count. Everything happens in one open transaction; what the
 * handlers send is looked at where it waits for the commit. shop_fixture.c is included by the tests that use it. */
#ifndef OBOL_TESTS_SHOP_FIXTURE_H
#define OBOL_TESTS_SHOP_FIXTURE_H

#include "bot/core/core_private.h"
#include "bot/core/config.h"
#include "bot/fleet/fleet.h"
#include "bot/shop/extras.h"
#include "bot/shop/pay.h"
#include "bot/shop/settings.h"
#include "tests/sim/cryptopay.h"

#define SHOP_NOW_MS INT64_C(1793614200000)
#define SHOP_TOKEN "18475:AAH3docExampleTokenForVectors00000"

/* What the hooks have heard. */
struct shop_heard {
	int paid, delivered, waits, ready, failed, set_aside, kept, refunded, refund_failed, reminded;
	char reason[24], reminder[8];
	bool payer_known;
};

struct shop {
	char dir[64];
	struct db *db;
	struct core *core;
	struct core_tables tables;
	struct core_setup setup;
	struct config config;
	struct shared shared;
	struct seal_key key;
	struct i18n *i18n;
	struct cryptopay_sim *crypto;
	struct clock_source clock;
	struct arena arena;
	struct act a;
	int64_t now_ms;
	int64_t next_update;
};

extern struct shop_heard shop_heard;

struct shop *shop_new(void);
void shop_free(struct shop *s);
void shop_wait(struct shop *s, int64_t ms);

int64_t shop_number(struct shop *s, const char *sql);        /* first column of the first row; -1: none */
const char *shop_text(struct shop *s, const char *sql);
void shop_run(struct shop *s, const char *sql);

struct user shop_user(struct shop *s, int64_t telegram_id, const char *name);
struct plan shop_plan(struct shop *s, const char *name, int days, int64_t quota_bytes, int64_t stars, int64_t rub_minor);
struct order shop_order(struct shop *s, const struct user *u, const struct plan *p); /* opened; asserts */
void shop_panel(struct shop *s, int64_t id, int priority, int capacity);             /* with inbound 1, vless, for sale */

/* The panels agree with everything that is wanted now. */
void shop_panels_agree(struct shop *s);

/* Telegram's side. */
bool shop_pre_checkout(struct shop *s, int64_t telegram_id, const char *invoice, int64_t stars, struct str *why); /* the answer */
enum err shop_stars(struct shop *s, int64_t telegram_id, const char *invoice, int64_t stars, const char *charge);
enum err shop_stars_refunded(struct shop *s, int64_t telegram_id, const char *invoice, int64_t stars, const char *charge);

/* Runs a job's next step: begin, then each call answered by the Crypto Pay model, or by answer when it is not NULL.
 * The row of a job that is done is removed; a later one keeps its time in *at_ms. */
enum job_next shop_job(struct shop *s, const struct job_kind *kind, const char *subject, const struct http_response *answer, int64_t *at_ms);
int shop_callback(struct shop *s, const struct cryptopay_callback *c, struct str path); /* status of the answer */

void shop_check_books(struct shop *s);  /* ledger_check, and every currency sums to zero */

#endif
