/* Answers: one table of refusals, one list of result members. */
#include "lib/telegram/tg_answer.h"

#include <assert.h>

#include "lib/base/clock.h"
#include "lib/base/json_read.h"
#include "lib/telegram/tg_update.h"

#define DESCRIPTION_BYTES_MAX 512
#define URL_BYTES_MAX 2048
#define RETRY_AFTER_S_DEFAULT 5   /* a 429 that does not say */
#define RETRY_AFTER_S_MAX 86400   /* more is nonsense, not an order */

static const char *const names[] = {
	[TG_OK] = "ok", [TG_NOT_MODIFIED] = "not_modified", [TG_ALREADY_REFUNDED] = "already_refunded",
	[TG_RETRY_AFTER] = "retry_after", [TG_GONE] = "gone", [TG_CHAT_NOT_FOUND] = "chat_not_found",
	[TG_EDIT_IMPOSSIBLE] = "edit_impossible", [TG_DELETE_IMPOSSIBLE] = "delete_impossible",
	[TG_REPLY_GONE] = "reply_gone", [TG_QUERY_TOO_OLD] = "query_too_old", [TG_BAD_MARKUP] = "bad_markup",
	[TG_BAD_FILE] = "bad_file", [TG_TOO_LONG] = "too_long", [TG_NO_RIGHTS] = "no_rights", [TG_TOPIC_GONE] = "topic_gone", [TG_MIGRATED] = "migrated",
	[TG_UNAUTHORIZED] = "unauthorized", [TG_CONFLICT_WEBHOOK] = "conflict_webhook",
	[TG_CONFLICT_POLLER] = "conflict_poller", [TG_BAD_REQUEST] = "bad_request", [TG_SERVER] = "server",
	[TG_NETWORK_UNSENT] = "network_unsent", [TG_UNKNOWN_OUTCOME] = "unknown_outcome",
};

/* First match wins. code 0: whatever the status is. */
static const struct refusal {
	int code;
	const char *text;
	enum tg_verdict verdict;
} refusals[] = {
	{ 400, "message is not modified",                      TG_NOT_MODIFIED      },
	{ 0,   "CHARGE_ALREADY_REFUNDED",                      TG_ALREADY_REFUNDED  },
	{ 400, "message to edit not found",                    TG_EDIT_IMPOSSIBLE   },
	{ 400, "message can't be edited",                      TG_EDIT_IMPOSSIBLE   },
	{ 400, "there is no text in the message to edit",      TG_EDIT_IMPOSSIBLE   },
	{ 400, "message to delete not found",                  TG_DELETE_IMPOSSIBLE },
	{ 400, "message can't be deleted",                     TG_DELETE_IMPOSSIBLE },
	{ 400, "message to be replied not found",              TG_REPLY_GONE        },
	{ 400, "query is too old",                             TG_QUERY_TOO_OLD     },
	{ 400, "query ID is invalid",                          TG_QUERY_TOO_OLD     },
	{ 400, "can't parse entities",                         TG_BAD_MARKUP        },
	{ 400, "wrong file_id",                                TG_BAD_FILE          },
	{ 400, "wrong file identifier",                        TG_BAD_FILE          },
	{ 400, "message is too long",                          TG_TOO_LONG          },
	{ 400, "caption is too long",                          TG_TOO_LONG          },
	{ 400, "text is too long",                             TG_TOO_LONG          },
	{ 400, "reply markup is too long",                     TG_TOO_LONG          },
	{ 400, "upgraded to a supergroup",                     TG_MIGRATED          },
	{ 400, "chat not found",                               TG_CHAT_NOT_FOUND    },
	{ 400, "user not found",                               TG_CHAT_NOT_FOUND    },
	{ 400, "PEER_ID_INVALID",                              TG_CHAT_NOT_FOUND    },
	{ 0,   "have no rights to send",                       TG_NO_RIGHTS         },
	{ 0,   "not enough rights",                            TG_NO_RIGHTS         },
	{ 0,   "CHAT_WRITE_FORBIDDEN",                         TG_NO_RIGHTS         },
	{ 400, "message thread not found",                     TG_TOPIC_GONE        },
	{ 400, "TOPIC_DELETED",                                TG_TOPIC_GONE        },
	{ 400, "TOPIC_CLOSED",                                 TG_TOPIC_GONE        },
	{ 400, "TOPIC_ID_INVALID",                             TG_TOPIC_GONE        },
	/* an MTProto 403 in capitals comes as a 400 */
	{ 400, "USER_IS_BLOCKED",                              TG_GONE              },
	{ 400, "INPUT_USER_DEACTIVATED",                       TG_GONE              },
	{ 409, "other getUpdates",                             TG_CONFLICT_POLLER   },
	{ 409, "",                                             TG_CONFLICT_WEBHOOK  },
	{ 403, "",                                             TG_GONE              },
	{ 401, "",                                             TG_UNAUTHORIZED      },
	{ 421, "",                                             TG_UNAUTHORIZED      }, /* own server, other token */
	{ 404, "method not found",                             TG_BAD_REQUEST       },
	{ 404, "",                                             TG_UNAUTHORIZED      }, /* the path, that is the token */
	{ 429, "",                                             TG_RETRY_AFTER       },
};

const char *tg_verdict_name(enum tg_verdict v)
{
	assert((size_t)v < countof(names));
	return names[v];
}

bool tg_verdict_is_done(enum tg_verdict v)
{
	return v == TG_OK || v == TG_NOT_MODIFIED || v == TG_ALREADY_REFUNDED;
}

static enum tg_verdict refusal_verdict(int code, struct str description)
{
	if (code >= 500)
		return TG_SERVER;
	for (size_t i = 0; i < countof(refusals); i++) {
		const struct refusal *r = &refusals[i];

		if ((r->code == 0 || r->code == code) && str_has_nocase(description, r->text))
			return r->verdict;
	}
	return TG_BAD_REQUEST;
}

/* No answer of Telegram's own: it failed on the way, or something between us answered. A gateway that gave up waiting
 * (504), and a success we cannot read, may stand before a message that was sent. */
static enum tg_verdict foreign_verdict(const struct http_response *r)
{
	if (r->certain_unsent)
		return TG_NETWORK_UNSENT;
	if (r->failure || r->status < 300 || r->status == 504)
		return TG_UNKNOWN_OUTCOME;
	return r->status == 429 ? TG_RETRY_AFTER : TG_SERVER;
}

static int64_t retry_after_ms(const struct json_value *root, const struct http_response *r)
{
	int64_t s = json_int_in(root, "parameters.retry_after", 0);

	if (s <= 0 && str_to_i64(&s, http_header_get(r, "retry-after")))
		s = RETRY_AFTER_S_DEFAULT;
	if (s < 1)
		s = 1;
	return (s < RETRY_AFTER_S_MAX ? s : RETRY_AFTER_S_MAX) * SECOND_MS;
}

static struct str text(struct arena *arena, const struct json_value *o, const char *key, size_t bytes_max)
{
	struct str s = json_text_in(o, key);

	return s.len && s.len <= bytes_max ? utf8_clean(arena, s) : STR("");
}

static struct str sent_file(struct arena *arena, const struct json_value *message)
{
	const struct json_value *sizes = json_list_in(message, "photo");

	if (sizes && sizes->count) /* ascending: the last is the largest */
		return text(arena, json_last(sizes), "file_id", TG_ID_BYTES_MAX);
	return text(arena, message, "document.file_id", TG_ID_BYTES_MAX);
}

static void read_result(struct tg_answer *a, struct arena *arena, const struct json_value *root)
{
	const struct json_value *result = json_in(root, "result");

	if (result && result->kind == JSON_STRING)
		a->text = text(arena, root, "result", URL_BYTES_MAX);
	a->message_id = json_int_in(result, "message_id", 0);
	a->chat_id = json_int_in(result, "chat.id", 0);
	a->file_id = sent_file(arena, result);
	a->bot_id = json_int_in(result, "id", 0);
	a->bot_username = text(arena, result, "username", TG_USERNAME_BYTES_MAX);
	a->webhook_url = text(arena, result, "url", URL_BYTES_MAX);
	a->pending = json_int_in(result, "pending_update_count", 0);
}

static void read_refusal(struct tg_answer *a, struct arena *arena, const struct json_value *root, const struct http_response *r)
{
	struct str description = utf8_head_bytes(json_text_in(root, "description"), DESCRIPTION_BYTES_MAX);

	a->description = utf8_clean(arena, description);
	a->migrate_to_chat_id = json_int_in(root, "parameters.migrate_to_chat_id", 0);
	a->verdict = refusal_verdict((int)json_int_in(root, "error_code", r->status), a->description);
	if (a->verdict == TG_MIGRATED && a->migrate_to_chat_id == 0)
		a->verdict = TG_CHAT_NOT_FOUND; /* the old one is dead and nobody says which is the new */
	if (a->verdict == TG_RETRY_AFTER)
		a->retry_after_ms = retry_after_ms(root, r);
}

void tg_answer_read(struct tg_answer *a, struct arena *arena, const struct http_response *r)
{
	const struct json_value *root = NULL, *ok = NULL;

	*a = (struct tg_answer){ .status = r->status };
	if (!r->failure && json_read(&root, arena, r->body) == OK)
		ok = json_in(root, "ok");
	if (!ok || ok->kind != JSON_BOOL) {
		a->verdict = foreign_verdict(r);
		if (a->verdict == TG_RETRY_AFTER)
			a->retry_after_ms = retry_after_ms(NULL, r);
	} else if (json_bool_in(root, "ok", false)) {
		read_result(a, arena, root);
	} else {
		read_refusal(a, arena, root, r);
	}
}

/* A payment comes from its source, a refund goes to its receiver. */
static void read_transaction(struct tg_transaction *t, struct arena *arena, const struct json_value *o)
{
	const struct json_value *source = json_in(o, "source");
	const struct json_value *partner = source ? source : json_in(o, "receiver");
	int64_t date = json_int_in(o, "date", 0);

	*t = (struct tg_transaction){ .incoming = source != NULL };
	t->id = text(arena, o, "id", TG_ID_BYTES_MAX);
	t->amount = json_int_in(o, "amount", 0);
	t->date_ms = date > 0 && date < INT64_MAX / SECOND_MS ? date * SECOND_MS : 0;
	t->is_invoice = str_is(json_text_in(partner, "transaction_type"), "invoice_payment");
	t->user_id = json_int_in(partner, "user.id", 0);
	t->payload = text(arena, partner, "invoice_payload", TG_PAYLOAD_BYTES_MAX);
	t->recurring = json_int_in(partner, "subscription_period", 0) > 0;
}

enum err tg_transactions_read(struct tg_transaction *out, size_t *count, size_t max, struct arena *arena, struct str body)
{
	const struct json_value *root, *rows, *row;

	*count = 0;
	if (json_read(&root, arena, body))
		return E_INVALID;
	rows = json_list_in(root, "result.transactions");
	if (!rows)
		return E_INVALID;
	row = json_first(rows);
	for (uint32_t i = 0; i < rows->count && i < max; i++, row = json_next(row))
		read_transaction(&out[(*count)++], arena, row);
	return OK;
}
