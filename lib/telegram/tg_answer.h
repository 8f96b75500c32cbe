/* What the Bot API answered, as something to act upon.
 *
 * Telegram tells errors apart by an English description whose beginning is stable and whose rest is not; a table of
 * substrings (any case) maps them. What is not in the table falls back on the status. */
#ifndef OBOL_TELEGRAM_TG_ANSWER_H
#define OBOL_TELEGRAM_TG_ANSWER_H

#include "lib/http/http.h"

enum tg_verdict {
	TG_OK,
	TG_NOT_MODIFIED,      /* it is already as we want it: done */
	TG_ALREADY_REFUNDED,  /* done, before */
	TG_RETRY_AFTER,       /* 429: not before retry_after_ms */
	TG_GONE,              /* 403: blocked, deactivated, kicked: nobody there until they come back */
	TG_CHAT_NOT_FOUND,    /* never started the bot, or a wrong id */
	TG_EDIT_IMPOSSIBLE,   /* the message is gone or frozen: send a new one */
	TG_DELETE_IMPOSSIBLE, /* it is gone, or stays: nothing to do */
	TG_REPLY_GONE,        /* the message to answer is gone: send without */
	TG_QUERY_TOO_OLD,     /* nobody waits for this answer any more; bad news for a pre-checkout */
	TG_BAD_MARKUP,        /* our HTML is broken: once more as plain text */
	TG_BAD_FILE,          /* the file_id is no longer good: upload again */
	TG_TOO_LONG,          /* text, caption or keyboard over the limit: our mistake */
	TG_NO_RIGHTS,         /* in a group or channel: its owner must let the bot write */
	TG_TOPIC_GONE,        /* the topic of a group was deleted or closed; the group itself is there */
	TG_MIGRATED,          /* the group has the id migrate_to_chat_id now: once more there */
	TG_UNAUTHORIZED,      /* token wrong or revoked (401; 404 for getMe) */
	TG_CONFLICT_WEBHOOK,  /* somebody set a webhook */
	TG_CONFLICT_POLLER,   /* another program polls with this token */
	TG_BAD_REQUEST,       /* any other refusal: the same again would be refused again */
	TG_SERVER,            /* Telegram or its edge failed: again with back-off */
	TG_NETWORK_UNSENT,    /* never left: again with back-off */
	TG_UNKNOWN_OUTCOME    /* it may have been done or not; the row's policy decides */
};

/* A short English word for logs and tests. */
const char *tg_verdict_name(enum tg_verdict v);
/* Whether what was asked for is the case now (OK, NOT_MODIFIED, ALREADY_REFUNDED). */
bool tg_verdict_is_done(enum tg_verdict v);

/* Everything in the arena. Result members that this method does not give are zero or empty. */
struct tg_answer {
	enum tg_verdict verdict;
	int status;                   /* HTTP's; 0: none */
	struct str description;       /* Telegram's words, for the log; names no secret of ours */
	int64_t retry_after_ms;       /* TG_RETRY_AFTER: at least 1 s */
	int64_t migrate_to_chat_id;   /* TG_MIGRATED */
	int64_t message_id, chat_id;  /* of the message sent or edited */
	struct str file_id;           /* of the picture (largest size) or document sent */
	struct str text;              /* a result that is text: createInvoiceLink */
	int64_t bot_id;               /* getMe */
	struct str bot_username;
	struct str webhook_url;       /* getWebhookInfo; empty: none set */
	int64_t pending;              /* getWebhookInfo: updates that wait */
};

/* Reads an answer to any method. A 2xx answer of getUpdates goes through the request's sink instead and is not for
 * this function; its errors are. */
void tg_answer_read(struct tg_answer *a, struct arena *arena, const struct http_response *response);

#define TG_TRANSACTIONS_MAX 100 /* a page */

/* One row of the bot's Stars account. A payment and its refund have the same id; the direction tells them apart. */
struct tg_transaction {
	struct str id;                /* of a payment: its charge id */
	int64_t amount;               /* whole Stars */
	int64_t date_ms;
	bool incoming;
	bool is_invoice;              /* partner is a user who paid an invoice, or is refunded one */
	int64_t user_id;              /* 0: partner is no user */
	struct str payload;           /* of the invoice */
	bool recurring;               /* of a Stars subscription */
};

/* The body of a getStarTransactions answer, oldest first. E_INVALID: no such answer. */
enum err tg_transactions_read(struct tg_transaction *out, size_t *count, size_t max, struct arena *arena, struct str body);

#endif
