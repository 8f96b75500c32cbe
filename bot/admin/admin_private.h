/* What the files of bot/admin share. */
#ifndef OBOL_ADMIN_PRIVATE_H
#define OBOL_ADMIN_PRIVATE_H

#include "bot/admin/admin.h"
#include "bot/admin/confirm.h"
#include "bot/chat/screen.h"
#include "bot/chat/words.h"
#include "bot/shop/audit.h"
#include "bot/shop/order.h"
#include "bot/shop/plan.h"
#include "bot/shop/settings.h"
#include "bot/shop/subscription.h"
#include "lib/base/clock.h"
#include "lib/links/address.h"

#define LINES_MAX 20            /* rows of a list on one screen */
#define NAME_POINTS_MAX 64      /* of panels and plans */

/* --- words.c: values as text in the arena, and what admins type as values --- */

struct str admin_user_word(struct act *a, const struct user *u);   /* @name, else the first name, else the id; NULL: "–" */
/* Why a panel's work does not get on (jobs.reason): HTML. The words that the program has for it are a sentence each, what a
 * panel said is quoted. NULL: "–". */
struct str admin_reason_text(const struct screen *s, const char *reason);

bool admin_read_number(int64_t *out, struct str text, int64_t min, int64_t max);
/* A name: 1 … NAME_POINTS_MAX characters on one line, clean. NULL: it is not. */
const char *admin_read_name(struct act *a, struct str text);
struct str admin_cut_word(struct str *rest);                       /* the next word; the rest without white space around it */
/* Host (IPv6 with its brackets) and port of a URL, the scheme's own where none stands there. False: there is no host. */
bool admin_url_read(struct str *host, struct str *port, struct str url);

/* --- say.c: screens of one text, and what a talk does in many places --- */

enum err admin_say(struct talk *t, const char *key);               /* a text without arguments */
enum err admin_ask(struct talk *t, const char *key, const char *dialogue, const char *state); /* and waits for what is typed */
enum err admin_wrong_number(struct talk *t, int64_t min, int64_t max);
void admin_more(struct screen *s, int64_t more); /* below a list: so many are not shown; 0: nothing */
/* Once for whatever an admin changes. subject: "panel:3", "user:A7K29QX4M1". reason may be NULL. */
enum err admin_note(struct talk *t, const char *action, const char *kind, const char *id, const char *reason, const char *detail);
/* Credentials are not typed where others read. True, and said: this is a group. */
bool admin_is_public(struct talk *t, enum err *e);

/* Where notices for all admins go: the alert chat, or a message to each. draw fills one screen. */
typedef void admin_draw(struct screen *s, const void *what);
enum err admin_tell_all(struct act *a, admin_draw *draw, const void *what);
/* A screen for whoever asked in that chat: an admin's own, or a group. */
enum err admin_begin_chat(struct screen *s, struct act *a, int64_t chat_id);

/* --- panels.c --- */

/* Runs with the panel that id names. Without id: the only one, or a choice of buttons "verb:ID"; an unknown one is told. */
typedef enum err panel_run(struct talk *t, const struct panel *p);
enum err admin_with_panel(struct talk *t, struct str id, const char *verb, panel_run *run);
enum err admin_panel_card(struct talk *t, const struct panel *p);
enum err admin_panel_gone(struct talk *t);

enum err admin_cmd_panels(struct talk *t, struct str args);
enum err admin_cmd_panel(struct talk *t, struct str args);
enum err admin_cmd_panel_test(struct talk *t, struct str args);
enum err admin_cmd_panel_log(struct talk *t, struct str args);
enum err admin_cmd_panel_del(struct talk *t, struct str args);
enum err admin_cmd_online(struct talk *t, struct str args);
enum err admin_cmd_health(struct talk *t, struct str args);
enum err admin_on_panel(struct talk *t, struct str id, struct str arg);
enum err admin_on_panel_test(struct talk *t, struct str id, struct str arg);
enum err admin_on_panel_log(struct talk *t, struct str id, struct str arg);
enum err admin_on_panel_del(struct talk *t, struct str id, struct str arg);
enum err admin_on_online(struct talk *t, struct str id, struct str arg);
enum err admin_on_health(struct talk *t, struct str id, struct str arg);
enum err admin_do_panel_del(struct talk *t, struct str subject, const char *reason);
enum err admin_do_panel_keep(struct talk *t, struct str subject, const char *reason);

/* --- panel_answers.c: what a health check found, also for /health --- */

void admin_health_text(struct screen *s, const struct panel *p);

/* --- drift.c --- */

enum err admin_drifts_text(struct screen *s);                      /* what waits for a decision, with its buttons */
enum err admin_on_drift(struct talk *t, struct str id, struct str arg);

/* --- panel_add.c, panel_set.c --- */

enum err admin_cmd_panel_add(struct talk *t, struct str args);
enum err admin_on_plain_http(struct talk *t, struct str id, struct str arg);
enum err admin_typed_panel_url(struct talk *t, struct str state, struct str text);
enum err admin_typed_panel_name(struct talk *t, struct str state, struct str text);
enum err admin_typed_panel_login(struct talk *t, struct str state, struct str text);  /* of a new panel */
enum err admin_typed_panel_relogin(struct talk *t, struct str state, struct str text); /* of one we have */
enum err admin_on_panel_login(struct talk *t, struct str id, struct str arg);

/* --- panel_trust.c: a certificate that no public authority stands for (R018) --- */

void admin_untrusted_text(struct screen *s, const struct panel *p, const struct panel_answer *answer);
enum err admin_ask_pin(struct talk *t, const struct panel *p);
enum err admin_ask_ca(struct talk *t, const struct panel *p);
enum err admin_on_pin(struct talk *t, struct str id, struct str arg);
enum err admin_do_panel_pin(struct talk *t, struct str subject, const char *reason);
enum err admin_typed_pin(struct talk *t, struct str state, struct str text);
enum err admin_typed_ca(struct talk *t, struct str state, struct str text);
/* Asks for a trial; its answer comes as a message of its own. Any dialogue is over. */
enum err admin_try_panel(struct talk *t, int64_t panel_id, const char *action, const char *detail);

enum err admin_cmd_panel_set(struct talk *t, struct str args);
enum err admin_on_panel_set(struct talk *t, struct str id, struct str arg);
enum err admin_typed_panel_set(struct talk *t, struct str state, struct str text);
enum err admin_on_panel_drain(struct talk *t, struct str id, struct str arg);

/* --- inbounds.c: which inbounds are sold, and where customers connect --- */

void admin_inbounds_text(struct screen *s, const struct panel *p);  /* the list with a switch per inbound */

enum err admin_cmd_inbounds(struct talk *t, struct str args);
enum err admin_on_inbounds(struct talk *t, struct str id, struct str arg);
enum err admin_on_inbound(struct talk *t, struct str id, struct str arg);      /* the switch */
enum err admin_on_inbounds_done(struct talk *t, struct str id, struct str arg);
enum err admin_ask_host(struct talk *t, const struct panel *p);
enum err admin_on_host_right(struct talk *t, struct str id, struct str arg);
enum err admin_on_host_insist(struct talk *t, struct str id, struct str arg);
enum err admin_typed_host(struct talk *t, struct str state, struct str text);

/* --- plans.c, plan_add.c --- */

enum err admin_plan_card(struct talk *t, const struct plan *p);
enum err admin_prices_read(struct plan *p, struct talk *t, struct str text); /* E_INVALID: the screen has said what is wrong */

enum err admin_cmd_plan_add(struct talk *t, struct str args);
enum err admin_typed_plan_add(struct talk *t, struct str state, struct str text);
enum err admin_on_plan_trial(struct talk *t, struct str id, struct str arg);
enum err admin_cmd_plans_edit(struct talk *t, struct str args);
enum err admin_on_plans(struct talk *t, struct str id, struct str arg);
enum err admin_on_plan(struct talk *t, struct str id, struct str arg);
enum err admin_on_plan_set(struct talk *t, struct str id, struct str arg);
enum err admin_typed_plan_set(struct talk *t, struct str state, struct str text);
enum err admin_on_plan_place(struct talk *t, struct str id, struct str arg);
enum err admin_do_plan_hide(struct talk *t, struct str subject, const char *reason);
enum err admin_do_plan_del(struct talk *t, struct str subject, const char *reason);

/* --- orders.c --- */

enum err admin_cmd_orders(struct talk *t, struct str args);
enum err admin_cmd_order(struct talk *t, struct str args);
enum err admin_on_order(struct talk *t, struct str id, struct str arg);
enum err admin_on_order_retry(struct talk *t, struct str id, struct str arg);

/* --- stuck_money.c --- */

enum err admin_stuck_money_text(struct screen *s);                 /* for /orders; nothing when nothing is stuck */
enum err admin_on_stuck_money(struct talk *t, struct str id, struct str arg);
enum err admin_do_money_close(struct talk *t, struct str subject, const char *reason);

/* --- people.c, subs.c --- */

typedef enum err user_run(struct talk *t, const struct user *u, struct str rest);
/* Runs with the customer whom the first word of args names; nobody or several are told. Empty: usage_key. */
enum err admin_with_user(struct talk *t, struct str args, const char *usage_key, user_run *run);
enum err admin_user_card(struct talk *t, const struct user *u, struct str rest);
enum err admin_subs_more(struct screen *s, const struct user *u, size_t shown); /* says how many there are beyond the newest that are shown */

enum err admin_cmd_user(struct talk *t, struct str args);
enum err admin_typed_user(struct talk *t, struct str state, struct str text);
enum err admin_on_user(struct talk *t, struct str id, struct str arg);
enum err admin_cmd_ban(struct talk *t, struct str args);
enum err admin_on_ban(struct talk *t, struct str id, struct str arg);
enum err admin_cmd_unban(struct talk *t, struct str args);
enum err admin_on_unban(struct talk *t, struct str id, struct str arg);
enum err admin_do_ban(struct talk *t, struct str subject, const char *reason);
enum err admin_cmd_grant(struct talk *t, struct str args);
enum err admin_on_grant(struct talk *t, struct str id, struct str arg);
enum err admin_do_grant(struct talk *t, struct str subject, const char *reason);

const char *admin_sub_state_key(struct act *a, const struct subscription *s);
struct str admin_plan_word(struct act *a, int64_t plan_id);
struct str admin_owner_word(struct act *a, const struct subscription *sub); /* whose it is, as admin_user_word says it */
enum err admin_on_sub(struct talk *t, struct str id, struct str arg);
enum err admin_on_sub_act(struct talk *t, struct str id, struct str arg);
enum err admin_typed_sub(struct talk *t, struct str state, struct str text);
enum err admin_cmd_extend(struct talk *t, struct str args);
enum err admin_cmd_limit(struct talk *t, struct str args);
enum err admin_cmd_reset(struct talk *t, struct str args);
enum err admin_do_extend(struct talk *t, struct str subject, const char *reason);
enum err admin_do_limit(struct talk *t, struct str subject, const char *reason);
enum err admin_do_rename(struct talk *t, struct str subject, const char *reason);
enum err admin_do_reset(struct talk *t, struct str subject, const char *reason);

enum err admin_plan_buttons(struct screen *s, const char *verb, const char *id); /* "verb:id:PLAN", all plans. E_NOTFOUND: none */

/* --- grants.c: a plan for several people at once --- */

bool admin_grants_are_meant(struct str args);                      /* more than one name */
enum err admin_grants_begin(struct talk *t, struct str names);     /* the names are noted; which plan? */
enum err admin_on_grants(struct talk *t, struct str id, struct str arg);
enum err admin_do_grants(struct talk *t, struct str subject, const char *reason);

/* --- clients.c: what panels say of one client --- */

bool admin_may_read_client(struct act *a, const struct panel_answer *answer);   /* who asked may have lost the right to meanwhile */
void admin_client_text(struct screen *s, const struct panel *p, const struct panel_answer *answer);
enum err admin_on_client(struct talk *t, struct str id, struct str arg);
enum err admin_do_ips_clear(struct talk *t, struct str subject, const char *reason);

/* --- payments.c --- */

enum err admin_cmd_payments(struct talk *t, struct str args);
enum err admin_on_payment(struct talk *t, struct str id, struct str arg);
enum err admin_on_suspense(struct talk *t, struct str id, struct str arg);
enum err admin_typed_apply(struct talk *t, struct str state, struct str text);
enum err admin_do_suspense(struct talk *t, struct str subject, const char *reason);
enum err admin_cmd_refund(struct talk *t, struct str args);
enum err admin_on_refund(struct talk *t, struct str id, struct str arg);
enum err admin_typed_refund(struct talk *t, struct str state, struct str text);
enum err admin_do_refund(struct talk *t, struct str subject, const char *reason);

/* --- providers.c --- */

void admin_providers_text(struct screen *s);                       /* for /settings: a line and a button each */
enum err admin_on_provider(struct talk *t, struct str id, struct str arg);
enum err admin_typed_provider(struct talk *t, struct str state, struct str text);

/* --- settings.c, book.c --- */

enum err admin_cmd_settings(struct talk *t, struct str args);
enum err admin_on_setting(struct talk *t, struct str id, struct str arg);
enum err admin_typed_setting(struct talk *t, struct str state, struct str text);
enum err admin_cmd_maintenance(struct talk *t, struct str args);
enum err admin_cmd_audit(struct talk *t, struct str args);

#endif
