/* Telegram's Bot API as a model: one bot, its users and groups, their chats, the queue of updates, Stars.
 *
 * Strict where the real server is: a text with broken HTML, a button over its limits or an answer after its deadline is
 * refused with the server's own words. Rates are checked only when rates are switched on. Time is request.now_ms; what
 * the driver does happens at the latest time seen (or set by botapi_set_now).
 *
 * Facts: the reference's telegram.md; where it marks a text as not verified, this model says no more than it does. */
#ifndef OBOL_SIM_BOTAPI_H
#define OBOL_SIM_BOTAPI_H

#include "lib/base/buf.h"
#include "tests/sim/sim.h"

#define BOTAPI_TOKEN "777000:AAFdocVectorBotToken0123456789abcde"
#define BOTAPI_USERNAME "demo_shop_bot"
#define BOTAPI_ID INT64_C(777000)

struct botapi;

struct botapi *botapi_new(const char *token); /* NULL: BOTAPI_TOKEN */
void botapi_free(struct botapi *b);
sim_handler botapi_handle;
void botapi_set_now(struct botapi *b, int64_t now_ms); /* never back */
int64_t botapi_now(const struct botapi *b);

/* For load: how many messages of a chat are remembered (0: all) and whether calls are written down. [all, yes] */
void botapi_set_memory(struct botapi *b, size_t messages_max, bool journal);

/* --- people and groups. All return the chat id; a private chat has its user's. --- */

int64_t botapi_user_new(struct botapi *b, const char *first_name, const char *username, const char *language_code);
void botapi_user_add(struct botapi *b, int64_t id, const char *first_name, const char *username, const char *language_code);
int64_t botapi_group_new(struct botapi *b, const char *title, bool supergroup); /* the bot is a member */
int64_t botapi_group_migrate(struct botapi *b, int64_t group); /* the new id; the old one answers with it */

/* What people do. Each makes an update (if its kind is allowed) and returns its update_id, 0 if there was none to make:
 * the user blocked the bot, the message or button is not there. */
int64_t botapi_say(struct botapi *b, int64_t user, const char *text);
int64_t botapi_say_in(struct botapi *b, int64_t chat, int64_t user, const char *text);
int64_t botapi_tap(struct botapi *b, int64_t user, int64_t message_id, const char *label); /* a button that shows this text */
int64_t botapi_tap_data(struct botapi *b, int64_t user, int64_t message_id, const char *data); /* forged ones too */
int64_t botapi_send_photo(struct botapi *b, int64_t user, struct str bytes, const char *caption);
int64_t botapi_send_contact(struct botapi *b, int64_t user, const char *phone, int64_t contact_user_id);
int64_t botapi_forward(struct botapi *b, int64_t user, int64_t origin_user, const char *text); /* 0: a hidden author */
int64_t botapi_block(struct botapi *b, int64_t user);
int64_t botapi_unblock(struct botapi *b, int64_t user);
void botapi_deactivate(struct botapi *b, int64_t user); /* the account is gone: no update, sending is 403 */
int64_t botapi_kick(struct botapi *b, int64_t group);

/* --- Stars --- */

enum botapi_checkout { BOTAPI_CHECKOUT_NONE, BOTAPI_CHECKOUT_WAITING, BOTAPI_CHECKOUT_PAID, BOTAPI_CHECKOUT_REFUSED, BOTAPI_CHECKOUT_EXPIRED };

/* The user presses Pay and confirms: a pre_checkout_query; if it is answered ok in 10 s, the money moves and a
 * successful_payment follows. Returns the number of the checkout, 0 if there is no such invoice. The same invoice can
 * be paid more than once, as in reality. */
int botapi_pay(struct botapi *b, int64_t user, int64_t message_id);
int botapi_pay_link(struct botapi *b, int64_t user, struct str link);
enum botapi_checkout botapi_checkout_state(const struct botapi *b, int checkout);
struct str botapi_checkout_charge(const struct botapi *b, int checkout);  /* empty until paid */
struct str botapi_checkout_refusal(const struct botapi *b, int checkout); /* what the user was told */
/* Paid, but no update is made: what getStarTransactions is for. Returns the charge id. */
struct str botapi_pay_silently(struct botapi *b, int64_t user, const char *payload, int64_t stars);
bool botapi_give_back(struct botapi *b, struct str charge); /* Telegram's support, or the owner past the bot; false: no such charge, or given back */
int64_t botapi_withdraw(struct botapi *b);                  /* the owner takes all Stars out: so many */
int64_t botapi_renew(struct botapi *b, int checkout); /* a Stars subscription is charged again; update_id */
int64_t botapi_balance(const struct botapi *b);

/* --- what people see --- */

struct botapi_button {
	struct str text, data, url, copy; /* one of the last three, or pay */
	bool pay;
	int row;
};

struct botapi_message {
	int64_t chat_id, id, sent_ms, reply_to_id, thread_id;
	bool from_bot, deleted, silent, protect;
	int edits;
	struct str html;   /* as the bot sent it */
	struct str text;   /* as shown; the caption of a picture or file */
	struct botapi_button *buttons;
	size_t buttons_count;
	struct str markup; /* the keyboard's JSON, "" without */
	struct str photo, document, file_name, file_id; /* bytes */
	struct str invoice_title, invoice_text, invoice_payload;
	int64_t invoice_stars; /* 0: no invoice */
};

/* Oldest first, deleted ones included. Borrowed until the chat changes. */
size_t botapi_messages_count(const struct botapi *b, int64_t chat);
const struct botapi_message *botapi_message_at(const struct botapi *b, int64_t chat, size_t index);
const struct botapi_message *botapi_message_get(const struct botapi *b, int64_t chat, int64_t message_id); /* NULL: none */
const struct botapi_message *botapi_last(const struct botapi *b, int64_t chat); /* newest of the bot that is not deleted; NULL */
const struct botapi_message *botapi_find_text(const struct botapi *b, int64_t chat, const char *part); /* newest visible one that shows it */
const struct botapi_button *botapi_find_button(const struct botapi_message *m, const char *label); /* NULL: none */

/* The answer to the user's last tap: shown text ("" for a silent one), at == NULL while the spinner turns. */
struct str botapi_toast(const struct botapi *b, int64_t user);
/* The command menu's JSON of a scope ("all_private_chats", "chat" …); empty: not set. */
struct str botapi_commands(const struct botapi *b, const char *scope, int64_t chat_id, const char *language_code);

/* --- the queue of updates --- */

int64_t botapi_push_raw(struct botapi *b, const char *member_json); /* "\"poll\":{…}": whatever the kind, never filtered; its update_id */
void botapi_repeat_update(struct botapi *b);            /* the newest once more, same id */
void botapi_reverse_updates(struct botapi *b);          /* those that wait */
void botapi_set_next_update_id(struct botapi *b, int64_t id); /* as after a quiet week */
size_t botapi_updates_waiting(const struct botapi *b);
void botapi_watch_confirmed(struct botapi *b, void (*confirmed)(void *ctx, int64_t update_id), void *ctx); /* told of each that a getUpdates lets go of */

/* --- trouble --- */

void botapi_set_webhook(struct botapi *b, const char *url); /* somebody else did; NULL: none */
void botapi_set_other_poller(struct botapi *b, bool on);    /* each getUpdates of ours is cut off by another program's */
void botapi_revoke_token(struct botapi *b);                 /* 401 from now on */

struct botapi_rates {
	bool on;
	int chat_burst, all_burst;           /* on top of 1/s per chat and 30/s overall */
	int group_per_minute;
};
void botapi_set_rates(struct botapi *b, struct botapi_rates rates); /* zero numbers: 5, 40, 20 */

enum botapi_fault {
	BOTAPI_NETWORK,    /* trouble happens to the answer */
	BOTAPI_HTML_502,   /* the edge's page */
	BOTAPI_500,        /* "Internal Server Error: restart" */
	BOTAPI_429,        /* retry_after_s */
	BOTAPI_ERROR       /* code and text, in the envelope */
};

struct botapi_rule {
	const char *method;  /* NULL: any. Borrowed, like text */
	int64_t chat_id;     /* 0: any */
	int nth, times;      /* first call it strikes (0 is 1), how many in a row (0: for ever) */
	enum botapi_fault fault;
	bool after;          /* the call takes effect, only the answer is spoilt */
	struct sim_trouble trouble;
	int retry_after_s, code;
	const char *text;
};
void botapi_add_rule(struct botapi *b, const struct botapi_rule *rule); /* copied; the first that fits wins */
void botapi_clear_rules(struct botapi *b);

/* --- journal --- */

struct botapi_call {
	struct str method;   /* lower case */
	struct str payload;  /* JSON, whatever form it came in; files are left out */
	int64_t chat_id, now_ms;
	int status;          /* 0: the answer was spoilt by the network */
	int64_t retry_after_s; /* of a 429 */
};
size_t botapi_calls(const struct botapi *b, const char *method); /* how many; NULL: all. A long poll counts once */
const struct botapi_call *botapi_call_nth(const struct botapi *b, const char *method, size_t n); /* 0 is the oldest; NULL: none */
void botapi_clear_calls(struct botapi *b);

#endif
