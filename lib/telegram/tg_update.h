/* One update of the Bot API as our own data: the border where Telegram's JSON ends.
 *
 * Source: Bot API 10.3, "Update" and what it contains, reduced to what a shop in a chat needs. An update names its
 * kind by its only member beside update_id; kinds and members that are not listed here are ignored, never an error,
 * because Telegram adds some with every version and the update must still be confirmed.
 *
 * Whatever comes from people is cut to a named maximum and cleaned (valid UTF-8, no control characters but \n and \t);
 * every text is terminated as well. What serves as a key (ids, payloads, file ids) is never cut: too long is empty.
 * All of it lives in the arena that was given. */
#ifndef OBOL_TELEGRAM_TG_UPDATE_H
#define OBOL_TELEGRAM_TG_UPDATE_H

#include "lib/base/str.h"

#define TG_NAME_BYTES_MAX 256       /* first, last, file names: 64 characters of up to 4 bytes */
#define TG_USERNAME_BYTES_MAX 64
#define TG_TEXT_BYTES_MAX 12288     /* 4096 UTF-16 units of at most 3 bytes */
#define TG_DATA_BYTES_MAX 64        /* callback_data */
#define TG_PAYLOAD_BYTES_MAX 128    /* invoice payload */
#define TG_ID_BYTES_MAX 512         /* file ids, charge ids, query ids: opaque, longest seen about 100 */
#define TG_COMMAND_MAX 32

enum tg_update_kind {
	TG_UPDATE_OTHER,          /* a kind we do not use, or none at all */
	TG_UPDATE_MESSAGE,        /* message: text, picture, payment, … */
	TG_UPDATE_CALLBACK,       /* a button was tapped */
	TG_UPDATE_PRE_CHECKOUT,   /* somebody is about to pay: to be answered within 10 s */
	TG_UPDATE_MY_MEMBER,      /* the bot was blocked, unblocked, added, removed */
	TG_UPDATE_SUBSCRIPTION    /* a Stars subscription was canceled, taken up again, or could not be charged */
};

enum tg_chat_type { TG_CHAT_UNKNOWN, TG_CHAT_PRIVATE, TG_CHAT_GROUP, TG_CHAT_SUPERGROUP, TG_CHAT_CHANNEL };

struct tg_user {
	int64_t id;               /* 0: not given */
	bool is_bot;
	struct str first_name, last_name, username, language_code;
};

struct tg_chat {
	int64_t id;               /* a private chat has its user's id; 0: not given */
	enum tg_chat_type type;
	int64_t thread_id;        /* topic inside a forum; 0: none */
};

/* successful_payment and refunded_payment. The charge id is the key of the money; the payload names the order. */
struct tg_payment {
	struct str currency;
	int64_t amount_minor;     /* whole Stars for XTR */
	struct str payload, charge_id, provider_charge_id;
	bool recurring, first_recurring;
	int64_t subscription_expires_ms; /* 0: not a subscription */
};

struct tg_file {
	struct str id, unique_id; /* id is valid for this bot only; the same picture has the same unique_id everywhere */
	struct str name, type;    /* documents only */
	int64_t size_bytes;
};

struct tg_message {
	int64_t id;
	struct str text;          /* or the caption of a picture or file */
	struct str media_group;   /* pictures sent as one album share it */
	struct tg_file photo;     /* the largest size */
	struct tg_file document;
	struct str contact_phone;
	int64_t contact_user_id;  /* 0: a card without a Telegram account. Somebody's own card only if it equals from.id */
	bool forwarded;
	int64_t forward_user_id;  /* who wrote it; 0: hidden by their privacy setting, or not forwarded */
	int64_t reply_to_id;      /* message answered; 0: none */
	int64_t migrate_to_chat_id; /* the group is from now on this supergroup; 0: no */
	struct str web_app_data;  /* unsigned, chosen by the client: no more than typed text */
	bool is_paid, is_refund;  /* payment holds a successful_payment, a refunded_payment */
	struct tg_payment payment;
};

struct tg_callback {
	struct str id;
	struct str data;          /* chosen by whoever sends it: old, foreign and forged ones come */
	int64_t message_id;       /* whose keyboard was tapped; 0: an inline-mode message */
	bool message_gone;        /* too old for Telegram to show: edit may still work, its content is unknown */
};

struct tg_pre_checkout {
	struct str id, currency, payload;
	int64_t amount_minor;
};

enum tg_member {
	TG_MEMBER_UNKNOWN, TG_MEMBER_CREATOR, TG_MEMBER_ADMINISTRATOR, TG_MEMBER_MEMBER, TG_MEMBER_RESTRICTED,
	TG_MEMBER_LEFT, TG_MEMBER_KICKED /* in a private chat: the user blocked the bot */
};

enum tg_sub_state { TG_SUB_UNKNOWN, TG_SUB_CANCELED, TG_SUB_ACTIVE, TG_SUB_FAILED };

struct tg_update {
	int64_t update_id;
	enum tg_update_kind kind;
	const char *kind_name;    /* Telegram's word for it, for the log; "" when there is none */
	int64_t date_ms;          /* of the message or membership change; 0: the update has no date */
	struct tg_user from;      /* who did it */
	struct tg_chat chat;      /* where; for kinds without a chat all zero */
	struct tg_message message;
	struct tg_callback callback;
	struct tg_pre_checkout pre_checkout;
	enum tg_member member_was, member_is; /* TG_UPDATE_MY_MEMBER */
	struct str subscription_payload;      /* TG_UPDATE_SUBSCRIPTION */
	enum tg_sub_state subscription_state;
};

/* Reads the JSON text of one update. Wrong types and missing members leave zeros and empty texts.
 * E_INVALID: no JSON object with a positive update_id; *u is then all zero but the update_id found, if any. */
enum err tg_update_read(struct tg_update *u, struct arena *arena, struct str json);
/* The same of JSON that is read already; what it says is copied. */
struct json_value;
enum err tg_update_from(struct tg_update *u, struct arena *arena, const struct json_value *root);

struct tg_command {
	char name[TG_COMMAND_MAX + 1]; /* lower case, without the slash */
	struct str bot;                /* the name after '@'; empty: addressed to whoever reads it */
	struct str args;               /* the rest, trimmed */
};

/* Splits "/name@bot args". False: the text is no command. The parts borrow from text. */
bool tg_command_read(struct tg_command *c, struct str text);
/* Whether the command is for the bot of that user name (any case). In groups, commands for others are not ours. */
bool tg_command_is_for(const struct tg_command *c, struct str username);

#endif
