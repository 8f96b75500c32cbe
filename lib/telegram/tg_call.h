/* What we ask of the Bot API: payloads as JSON text, keyboards, and the HTTP request that carries them.
 *
 * An outbox row is (method name, payload); tg_request turns it into a request when it is sent. The builders append
 * one JSON object to a buf and never fail by themselves: look at buf.over once at the end. Text that people or panels
 * chose may be passed as it came: invalid UTF-8 is cleaned, and what has a limit in characters is cut to it. HTML is
 * the only markup used; its values are escaped where they are put in (the formatter), and splitting is in tg_text.h.
 *
 * Source of the limits: Bot API 10.3 and the server's own checks. */
#ifndef OBOL_TELEGRAM_TG_CALL_H
#define OBOL_TELEGRAM_TG_CALL_H

#include "lib/base/json.h"
#include "lib/http/http.h"

#define TG_GET_ME "getMe"
#define TG_GET_UPDATES "getUpdates"
#define TG_GET_WEBHOOK_INFO "getWebhookInfo"
#define TG_DELETE_WEBHOOK "deleteWebhook"
#define TG_SEND_MESSAGE "sendMessage"
#define TG_SEND_PHOTO "sendPhoto"
#define TG_SEND_DOCUMENT "sendDocument"
#define TG_SEND_INVOICE "sendInvoice"
#define TG_SEND_CHAT_ACTION "sendChatAction"
#define TG_COPY_MESSAGE "copyMessage"
#define TG_EDIT_MESSAGE_TEXT "editMessageText"
#define TG_EDIT_MESSAGE_REPLY_MARKUP "editMessageReplyMarkup"
#define TG_DELETE_MESSAGE "deleteMessage"
#define TG_ANSWER_CALLBACK_QUERY "answerCallbackQuery"
#define TG_ANSWER_PRE_CHECKOUT_QUERY "answerPreCheckoutQuery"
#define TG_CREATE_INVOICE_LINK "createInvoiceLink"
#define TG_REFUND_STAR_PAYMENT "refundStarPayment"
#define TG_GET_STAR_TRANSACTIONS "getStarTransactions"
#define TG_SET_MY_COMMANDS "setMyCommands"

#define TG_POLL_S_MAX 50            /* the server cuts a long poll to this */
#define TG_CALL_BYTES_MAX 65536     /* room for any payload of ours: 32 KiB of text, 10 KiB of keyboard, escapes */
#define TG_BUTTON_DATA_BYTES_MAX 64
#define TG_BUTTON_COPY_MAX 256      /* UTF-16 units */
#define TG_BUTTON_TEXT_MAX 64       /* characters that apps show */
#define TG_BUTTONS_ROW_MAX 8
#define TG_BUTTONS_MAX 100
#define TG_CALLBACK_TEXT_MAX 200
#define TG_INVOICE_TITLE_MAX 32
#define TG_INVOICE_TEXT_MAX 255
#define TG_STARS "XTR"

/* --- keyboard: rows of buttons, written as they come --- */

struct tg_keys {
	struct buf *to;
	struct json_out out;
	int row, count;       /* buttons in this row, in all */
};

enum tg_style { TG_STYLE_NONE, TG_STYLE_PRIMARY, TG_STYLE_SUCCESS, TG_STYLE_DANGER };

/* One button. Exactly one of the actions is set; style is a colour that old apps and servers ignore. */
struct tg_button {
	struct str text;
	struct str data;      /* callback_data; ours by construction, so more than 64 bytes is a broken invariant */
	struct str url;       /* http, https or tg */
	struct str copy;      /* what a tap puts on the clipboard */
	bool pay;             /* first button of an invoice's keyboard */
	enum tg_style style;
};

void tg_keys_begin(struct tg_keys *k, struct buf *to);
void tg_keys_row(struct tg_keys *k); /* the next button starts a row; an empty row is never written */
/* Adds a button; a ninth one in a row starts the next. False, and nothing is added: the keyboard is full, the address
 * has a scheme that Telegram refuses, or the text to copy is longer than it takes. The caller's screen then goes on
 * without it (its text explains the other way). */
bool tg_keys_add(struct tg_keys *k, struct tg_button button);
void tg_keys_end(struct tg_keys *k); /* to holds {"inline_keyboard":[…]} */

/* --- messages --- */

struct tg_send {
	int64_t chat_id;
	int64_t thread_id;    /* 0: none */
	int64_t reply_to_id;  /* 0: none; a message gone meanwhile does not stop the sending */
	struct str html;      /* text, or caption of a picture or file (may be empty there) */
	struct str markup;    /* keyboard JSON; empty: none */
	bool silent;          /* no sound */
	bool protect;         /* cannot be forwarded or saved */
};

/* Link previews are always off: the preview fetcher would open subscription and payment links. */
void tg_send_message(struct buf *to, const struct tg_send *m);
/* file_id: one sent before by this bot; empty when the bytes come with tg_request's file. */
void tg_send_photo(struct buf *to, const struct tg_send *m, struct str file_id);
void tg_send_document(struct buf *to, const struct tg_send *m, struct str file_id);
void tg_edit_text(struct buf *to, int64_t chat_id, int64_t message_id, struct str html, struct str markup); /* empty markup removes the keyboard */
void tg_edit_markup(struct buf *to, int64_t chat_id, int64_t message_id, struct str markup);
void tg_delete_message(struct buf *to, int64_t chat_id, int64_t message_id);
void tg_copy_message(struct buf *to, int64_t chat_id, int64_t from_chat_id, int64_t message_id);
void tg_send_action(struct buf *to, int64_t chat_id, const char *action); /* "typing", "upload_photo", … shown 5 s */
void tg_answer_callback(struct buf *to, struct str query_id, struct str text, bool alert); /* text may be empty */

/* --- money --- */

struct tg_invoice {
	int64_t chat_id, thread_id;  /* not for links */
	struct str title, text, label;
	struct str payload;          /* 1 … 128 bytes (asserted): names our invoice */
	int64_t stars;
	struct str markup;           /* pay button first; empty: Telegram's own */
	bool recurring;              /* links only: a subscription of 30 days */
};

void tg_send_invoice(struct buf *to, const struct tg_invoice *i);
void tg_create_invoice_link(struct buf *to, const struct tg_invoice *i);
void tg_answer_pre_checkout(struct buf *to, struct str query_id, bool ok, struct str why); /* why: shown when not ok */
void tg_refund_stars(struct buf *to, int64_t user_id, struct str charge_id);
void tg_get_star_transactions(struct buf *to, int64_t offset, int limit);

/* --- the bot itself --- */

/* The list of kinds goes with every call: an inherited one without pre_checkout_query makes every payment time out. */
void tg_get_updates(struct buf *to, int64_t offset, int limit, int timeout_s);
void tg_delete_webhook(struct buf *to); /* keeps the updates that wait */
void tg_no_arguments(struct buf *to);   /* getMe, getWebhookInfo */

struct tg_menu_entry {
	struct str command, text;
};

/* The command menu of one scope and language. chat_id 0: all private chats; else this chat only.
 * language_code empty: everybody for whom there is no other list. */
void tg_set_commands(struct buf *to, const struct tg_menu_entry *entries, size_t count, int64_t chat_id, struct str language_code);

/* The payload without markup: HTML stripped from text or caption and no parse_mode. For the one try after TG_BAD_MARKUP.
 * E_INVALID: not a JSON object. E_NOTFOUND: it has none. */
enum err tg_call_plain(struct buf *to, struct arena *arena, struct str payload);

/* --- on its way --- */

struct tg_api {
	const char *base_url;            /* "https://api.telegram.org" or one's own server; a trailing slash is fine */
	const char *token;
	const char *proxy;               /* NULL: none */
	const struct http_trust *trust;  /* NULL: the system's */
};

/* The request for method with payload (a JSON object). With a file it becomes multipart and the payload's members its
 * text fields; *file must live as long as the request. The URL holds the token: never log it.
 * E_INVALID: a file with a payload that is no JSON object, or one of more than TG_FIELDS_MAX members. */
#define TG_FIELDS_MAX 16
enum err tg_request(struct http_request *r, struct arena *arena, const struct tg_api *api, const char *method,
	struct str payload, const struct http_file *file);

#endif
