/* Inside the Bot API model: its state, and what its parts share.
 *
 *   botapi.c          dispatch, envelope, rules, rates, journal
 *   botapi_updates.c  the queue of updates, getUpdates
 *   botapi_args.c     the three forms of a body → named texts
 *   botapi_html.c     the parser of the HTML parse mode
 *   botapi_send.c     messages: sending, editing, deleting, keyboards
 *   botapi_money.c    invoices, checkouts, refunds, transactions
 *   botapi_people.c   the driver's side: users, groups, taps, views */
#ifndef OBOL_SIM_BOTAPI_PRIVATE_H
#define OBOL_SIM_BOTAPI_PRIVATE_H

#include "lib/base/json.h"
#include "tests/sim/botapi.h"

#define BOTAPI_POLLS_MAX 8
#define BOTAPI_RULES_MAX 32
#define BOTAPI_ARGS_MAX 32
#define CALL_BYTES_MAX (8u << 20)

/* A growing array: data, count, room. */
#define LIST(type) struct { type *at; size_t count, cap; }
#define list_add(list) \
	((list)->at = list_room((list)->at, (list)->count, &(list)->cap, sizeof *(list)->at), &(list)->at[(list)->count++])
void *list_room(void *at, size_t count, size_t *cap, size_t size); /* with room for one more; new elements are zero */

struct str own(struct str s);   /* a terminated copy on the heap */
void disown(struct str *s);

enum chat_type { CHAT_PRIVATE, CHAT_GROUP, CHAT_SUPERGROUP };

struct chat {
	int64_t id;
	enum chat_type type;
	struct str name, username, language;
	bool started, blocked, deactivated, kicked;
	int64_t migrated_to;
	LIST(struct botapi_message) messages;
	struct str toast;               /* last answer to a tap */
	int64_t tokens_milli, tokens_ms; /* rate of a private chat */
	int64_t minute_ms[64];          /* last sends to a group, a ring */
	size_t minute_next;
	int64_t silent_until_ms;        /* a 429 lasts */
};

struct update {
	int64_t id, date_ms;
	struct str json;
};

struct query {                  /* a tap that waits for its answer */
	int64_t id, user, asked_ms;
	bool answered;
};

struct invoice_link {
	struct str link, title, payload;
	int64_t stars;
	bool recurring;
};

struct checkout {
	int64_t id, user, stars, asked_ms;
	struct str payload, charge, refusal;
	enum botapi_checkout state;
	bool recurring;
};

struct transaction {
	struct str id, payload;
	int64_t user, stars, date_ms;
	bool refund, recurring, refunded, withdrawal;
};

struct poll {                   /* a getUpdates that waits */
	uint64_t connection;
	int64_t deadline_ms;
	bool terminated;        /* by a later one */
};

struct file {
	struct str id, bytes, name;
	bool photo;
};

struct command_list {
	struct str scope, language, json;
	int64_t chat_id;
};

struct rule {
	struct botapi_rule r;
	int seen;
};

struct botapi {
	struct str token;
	bool revoked, other_poller, journal_off;
	int64_t now_ms;
	size_t messages_max;

	LIST(struct chat *) chats;
	size_t *index;          /* open hashing: chat number + 1 */
	size_t index_size;
	int64_t next_user, next_group, next_message, next_query, next_file;

	LIST(struct update) updates;
	size_t updates_first;   /* those before it were confirmed */
	bool updates_turned;    /* they do not stand in the order of their ids */
	int64_t next_update;
	uint64_t allowed;       /* bits of update_kinds */
	struct poll polls[BOTAPI_POLLS_MAX];
	size_t polls_count;
	int64_t last_offset, last_poll_ms;
	void (*confirmed)(void *ctx, int64_t update_id); /* NULL: nobody watches */
	void *confirmed_ctx;

	LIST(struct query) queries;
	LIST(struct invoice_link) links;
	LIST(struct checkout) checkouts;
	LIST(struct transaction) transactions;
	LIST(struct file) files;
	LIST(struct command_list) commands;
	int64_t balance;

	struct str webhook;
	struct botapi_rates rates;
	int64_t all_tokens_milli, all_tokens_ms;
	struct rule rules[BOTAPI_RULES_MAX];
	size_t rules_count;
	LIST(struct botapi_call) calls;
};

/* --- one call --- */

struct arg {
	struct str name, value;
	bool is_file;
	struct str file_name;
};

struct call {
	struct botapi *b;
	const struct sim_request *request;
	struct sim_response *response;
	struct arena *arena;
	struct str method;      /* lower case */
	struct arg args[BOTAPI_ARGS_MAX];
	size_t args_count;
	struct json_object *json; /* the body, if it was JSON: texts of args borrow from it */
	struct buf out;         /* the envelope */
	struct json_out j;
	int status;
	int64_t retry_after_s;  /* of a 429 */
};

/* Reads query and body into args. False: an error was answered. */
bool args_read(struct call *c);
struct str arg(const struct call *c, const char *name);          /* "" when absent */
bool arg_has(const struct call *c, const char *name);
int64_t arg_i64(const struct call *c, const char *name, int64_t otherwise);
bool arg_bool(const struct call *c, const char *name);           /* true, yes, 1 */
const struct arg *arg_file(const struct call *c, const char *name); /* an uploaded file, or NULL */
/* A JSON value, whichever way it came; the caller puts it. False: it is there but no JSON. */
bool arg_json(struct json_object **out, const struct call *c, const char *name);

void call_fail(struct call *c, int code, const char *description); /* whole, with its prefix */
void call_failf(struct call *c, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void call_true(struct call *c);
void call_begin(struct call *c);  /* {"ok":true,"result": … then write one value to c->j … */
void call_end(struct call *c);    /* … } */

/* --- parts --- */

/* Text of the HTML parse mode as shown. False: error holds what stands after "can't parse entities: ". */
bool html_parse(struct buf *plain, struct buf *error, struct str html);

struct chat *chat_find(const struct botapi *b, int64_t id); /* NULL: none */
/* The chat the bot may write to; NULL: the refusal was answered. */
struct chat *chat_for_sending(struct call *c);
bool rates_allow(struct call *c, struct chat *chat); /* false: 429 was answered */

struct botapi_message *message_add(struct botapi *b, struct chat *chat);
struct botapi_message *message_find(struct chat *chat, int64_t id);
void message_release(struct botapi_message *m);
void put_user(struct json_out *j, const struct chat *user);
void put_id(struct json_out *j, const char *key, int64_t id); /* ids of queries are texts of digits */
void put_bot(struct json_out *j);
void put_chat(struct json_out *j, const struct chat *chat);
void put_message(struct json_out *j, const struct chat *chat, const struct botapi_message *m);

/* Begins an update {"update_id":N,"kind":{ in out; update_end queues it. 0 and nothing queued: kind not allowed. */
struct update_draft {
	struct buf text;
	struct json_out j;
	const char *kind;
};
void update_begin(struct update_draft *d, struct botapi *b, const char *kind);
int64_t update_end(struct update_draft *d, struct botapi *b);
int64_t update_push(struct botapi *b, struct str json); /* takes the id next_update */
void updates_drop(struct botapi *b);             /* all that wait */
bool poll_is_waiting(const struct call *c);      /* this is a long poll asked again */
bool poll_goes_on(struct call *c);               /* and nothing has come for it: said without reading it again */

typedef void method_handler(struct call *c);
method_handler get_updates, send_message, send_photo, send_document, copy_message, edit_text, edit_markup, delete_message;
method_handler send_chat_action, answer_callback, set_commands;
method_handler send_invoice, create_link, answer_pre_checkout, refund_stars, get_transactions, get_balance;

/* Adds reply_markup to m. False: refused and answered. */
bool markup_take(struct call *c, struct botapi_message *m);
int64_t query_add(struct botapi *b, int64_t user); /* a tap; the id of its query */
struct checkout *checkout_add(struct botapi *b, int64_t user, int64_t stars, struct str payload, bool recurring);

#endif
