/* What the customer's screens share. */
#ifndef OBOL_SCREENS_PRIVATE_H
#define OBOL_SCREENS_PRIVATE_H

#include "bot/fleet/fleet.h"
#include "bot/chat/screen.h"
#include "bot/chat/words.h"
#include "bot/shop/extras.h"
#include "bot/shop/order.h"
#include "bot/shop/pay.h"
#include "bot/shop/plan.h"
#include "bot/shop/settings.h"
#include "bot/shop/subscription.h"
#include "lib/base/clock.h"

/* --- words.c: values as text, in the arena --- */

struct str word_user(struct act *a, const struct user *u);             /* a name of bearable length that keeps its own direction */
struct str word_order(struct act *a, const struct order *o);           /* A7K2-9QX4-M1 */
const char *about_order(struct act *a, const struct order *o);         /* what messages about it state: send_as.about */

/* --- look.c: a subscription as people see it --- */

struct look {
	struct subscription sub;
	struct str plan;            /* its name */
	bool plan_sold;             /* can be bought again as it is */
	enum sub_status status;
	int64_t kept_until_ms;      /* a renewal before then brings the same link back; 0: without end */
	bool silent;                /* its panel does not answer now: figures are old */
	bool missing;               /* its panel does not have it: it is being put back */
	const char *moving_to;      /* name of the place it is on its way to; NULL: none */
};

/* E_NOTFOUND: no such subscription of this user, or it is gone. */
enum err own_sub(struct look *out, struct talk *t, struct str id);
enum err own_order(struct order *out, struct talk *t, struct str typed); /* E_NOTFOUND: no such number, or somebody else's */
enum err look_at(struct look *out, struct act *a, const struct subscription *s);
/* Those that are not gone, newest first. */
enum err own_subs(struct subscription *out, size_t *count, struct act *a, int64_t user_id);
enum err own_subs_unshown(int64_t *out, struct act *a, int64_t user_id, size_t shown); /* how many there are beyond these */
void look_text(struct screen *s, const struct look *l);                /* name and state, end, usage, what to do */
bool look_wants_renewal(const struct look *l, int64_t now_ms);
const char *look_state_key(struct act *a, const struct look *l);

/* --- the screens; each shows itself in the live message --- */

enum err home_show(struct talk *t, const char *note_key);              /* note: a line above, NULL none */
enum err plans_show(struct talk *t, size_t page, const char *note_key);
enum err plan_show(struct talk *t, int64_t plan_id, int64_t panel_id, const char *note_key); /* panel: stands for its region; 0: not chosen */
enum err order_show(struct talk *t, struct order *o, const char *note_key);
enum err order_of_start(struct talk *t, struct str public_id);          /* o_… */
enum err renew_show(struct talk *t, const struct look *l, int64_t plan_id);
enum err subs_choose(struct talk *t, const char *title_key, const char *verb); /* which one? */
enum err sub_show(struct talk *t, const struct look *l, const char *note_key);
enum err connect_show(struct talk *t, const struct look *l, struct str platform);

/* What every button of a subscription begins with: finds it, or redraws. True: it is not theirs, and *e is the outcome. */
bool sub_is_not_own(struct look *l, struct talk *t, struct str id, enum err *e);
/* The arg of the button that confirms, good once and for a while: for the revision it was shown for. */
const char *sub_once(struct act *a, const struct subscription *s);
bool sub_is_confirmed(const struct act *a, const struct subscription *s, struct str arg);
/* move.c: on its way elsewhere, or there is somewhere to go. */
enum err sub_may_move(bool *may, struct act *a, const struct look *l);

/* True, and the screen says so: the shop is closed for maintenance. */
bool shop_is_closed(struct talk *t, enum err *e);

void home_row(struct screen *s);                                       /* the row that leads back */
enum err menu_refresh(struct act *a, const struct user *admin);        /* his command menu; who becomes one meets it at once */

/* --- deliver.c: messages of their own, never edited --- */

struct delivery {
	const char *about;          /* retracted when it stops being true; NULL: none */
	struct access_links links;
	struct str public_id;       /* of the subscription, for buttons */
};
/* Adds links, buttons and sends; then picture and subscription link. s holds the words that come first. */
enum err deliver_links(struct screen *s, const struct delivery *d);
enum err deliver_qr(struct act *a, const struct user *u, const struct delivery *d);
/* What the rules for copying and pictures choose; empty: neither fits. */
struct str choose_copy(const struct access_links *l);
struct str choose_qr(const struct access_links *l);

/* --- handlers in the tables of screens.c --- */

enum err said_start(struct talk *t, struct str args);
enum err tap_home(struct talk *t, struct str id, struct str arg);
enum err said_plans(struct talk *t, struct str args);
enum err tap_plans(struct talk *t, struct str id, struct str arg);
enum err tap_plan(struct talk *t, struct str id, struct str arg);
enum err tap_buy(struct talk *t, struct str id, struct str arg);
enum err tap_order(struct talk *t, struct str id, struct str arg);
enum err tap_pay(struct talk *t, struct str id, struct str arg);
enum err tap_cancel(struct talk *t, struct str id, struct str arg);
enum err said_my(struct talk *t, struct str args);
enum err tap_my(struct talk *t, struct str id, struct str arg);
enum err tap_sub(struct talk *t, struct str id, struct str arg);
enum err tap_link(struct talk *t, struct str id, struct str arg);
enum err tap_qr(struct talk *t, struct str id, struct str arg);
enum err tap_new_link(struct talk *t, struct str id, struct str arg);
enum err tap_revoke(struct talk *t, struct str id, struct str arg);
enum err tap_move(struct talk *t, struct str id, struct str arg);
enum err said_renew(struct talk *t, struct str args);
enum err tap_renew(struct talk *t, struct str id, struct str arg);
enum err tap_renew_pay(struct talk *t, struct str id, struct str arg);
enum err tap_connect(struct talk *t, struct str id, struct str arg);
enum err tap_trial(struct talk *t, struct str id, struct str arg);
enum err said_invite(struct talk *t, struct str args);
enum err tap_invite(struct talk *t, struct str id, struct str arg);
enum err tap_claim(struct talk *t, struct str id, struct str arg);
enum err typed_claim(struct talk *t, struct str state, struct str text);
enum err typed_anything(struct talk *t, struct str state, struct str text);
enum err said_language(struct talk *t, struct str args);
enum err tap_language(struct talk *t, struct str id, struct str arg);
enum err said_help(struct talk *t, struct str args);
enum err tap_web(struct talk *t, struct str id, struct str arg);
enum err tap_help(struct talk *t, struct str id, struct str arg);
enum err said_terms(struct talk *t, struct str args);
enum err said_id(struct talk *t, struct str args);
enum err said_support(struct talk *t, struct str args);
enum err tap_support(struct talk *t, struct str id, struct str arg);
enum err typed_support(struct talk *t, struct str state, struct str text);
enum err said_paysupport(struct talk *t, struct str args);
enum err tap_answer(struct talk *t, struct str id, struct str arg);
enum err typed_answer(struct talk *t, struct str state, struct str text);

#endif
