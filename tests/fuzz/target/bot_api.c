/* Answers of the Bot API (R023, R289): a verdict that fits the status, waits that are bounded, texts that are clean, never more
 * transactions than there is room for; and the same answer with more members and its numbers as text says the same.
 * Parts: the HTTP status with a failure's letter behind it, then the body. */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/json_read.h"
#include "lib/telegram/tg_answer.h"

#define TEXT_MAX ((size_t)1 << 20)
#define WAIT_MAX_MS (24 * HOUR_MS)

static void put(struct buf *to, struct str s)
{
	must(fuzz_is_clean(s));
	buf_add(to, s);
	buf_addc(to, '\n');
}

static void say_answer(struct buf *to, struct arena *a, const struct http_response *r)
{
	struct tg_answer t;

	tg_answer_read(&t, a, r);
	must((size_t)t.verdict <= TG_UNKNOWN_OUTCOME && tg_verdict_name(t.verdict));
	must(t.verdict != TG_OK || (!r->failure && str_has(r->body, "true")));
	must(t.verdict != TG_NETWORK_UNSENT || r->certain_unsent);
	must(t.verdict != TG_RETRY_AFTER || (t.retry_after_ms >= SECOND_MS && t.retry_after_ms <= WAIT_MAX_MS));
	buf_printf(to, "%s %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", tg_verdict_name(t.verdict), t.status, t.retry_after_ms,
		t.migrate_to_chat_id, t.message_id, t.chat_id, t.bot_id, t.pending);
	put(to, t.description);
	put(to, t.file_id);
	put(to, t.text);
	put(to, t.bot_username);
	put(to, t.webhook_url);
}

static void say_transactions(struct buf *to, struct arena *a, struct str body)
{
	struct tg_transaction *list = arena_array(a, struct tg_transaction, TG_TRANSACTIONS_MAX);
	size_t n = 0, few = 0;

	if (tg_transactions_read(list, &n, TG_TRANSACTIONS_MAX, a, body))
		return;
	must(n <= TG_TRANSACTIONS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct tg_transaction *t = &list[i];

		buf_printf(to, "%" PRId64 " %" PRId64 " %d %d %" PRId64 " %d\n", t->amount, t->date_ms, t->incoming, t->is_invoice, t->user_id, t->recurring);
		put(to, t->id);
		put(to, t->payload);
	}
	must(tg_transactions_read(list, &few, 1, a, body) == OK && few == (n ? 1 : 0));
}

static void say(struct buf *to, struct arena *a, const struct http_response *r)
{
	buf_init(to, TEXT_MAX);
	say_answer(to, a, r);
	say_transactions(to, a, r->body);
	must(!to->over);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n((const char *)data, size), status = fuzz_part(&rest);
	struct http_response r = { .body = rest, .status = 200 };
	const struct json_value *v;
	struct arena a = { 0 };
	struct buf one, two, dressed;
	int64_t n;

	if (str_ends(status, "b") || str_ends(status, "u")) {
		r.failure = str_ends(status, "b") ? HTTP_FAIL_BROKEN : HTTP_FAIL_CONNECT;
		r.certain_unsent = r.failure == HTTP_FAIL_CONNECT;
		status.len--;
	}
	if (str_to_i64(&n, status) == OK && n >= 100 && n < 600)
		r.status = (int)n;
	say(&one, &a, &r);
	buf_init(&dressed, TEXT_MAX);
	if (json_read(&v, &a, rest) == OK && fuzz_redress(&dressed, v)) {
		r.body = buf_str(&dressed);
		say(&two, &a, &r);
		must(str_eq(buf_str(&one), buf_str(&two)));
		buf_release(&two);
	}
	buf_release(&one);
	buf_release(&dressed);
	arena_release(&a);
	return 0;
}
