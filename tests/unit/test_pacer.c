/* Telegram's limits and the order inside a chat. */
#include "tests/unit/proves.h"

#include <stdlib.h>

#include "bot/core/pacer.h"
#include "lib/base/mem.h"

#define SECOND INT64_C(1000000)

/* Sends all that is queued, ending each message at once; writes down when each left. */
static size_t drain(struct pacer *p, int64_t *now, struct pacer_item *items, int64_t *at, size_t max)
{
	size_t n = 0;

	while (pacer_queued(p) && n < max) {
		while (n < max && pacer_next(p, &items[n], *now)) {
			at[n] = *now;
			pacer_done(p, items[n].chat_id, *now);
			n++;
		}
		if (pacer_queued(p))
			*now = pacer_due_us(p);
	}
	return n;
}

static void no_window_over(const int64_t *at, size_t n, int64_t window, size_t limit)
{
	for (size_t i = 0; i + limit < n; i++)
		assert_true(at[i + limit] - at[i] >= window);
}

static void test_overall(void **state)
{
	enum { N = 1000 };
	struct pacer *p = pacer_new(30);
	static struct pacer_item out[N];
	static int64_t at[N];
	int64_t now = 5 * SECOND;

	(void)state;
	for (int i = 0; i < N; i++)
		pacer_add(p, &(struct pacer_item){ i, 1000 + i, i % 2 ? PACER_REST : PACER_INTERACTIVE });
	assert_int_equal(drain(p, &now, out, at, N), N);
	no_window_over(at, N, SECOND, 30);
	assert_true(at[N - 1] - at[0] < 42 * SECOND); /* and it is not idle either: at least 24 a second */
	for (int i = 0; i < N / 2; i++)
		assert_int_equal(out[i].lane, PACER_INTERACTIVE);
	pacer_free(p);
}

static void test_chat_and_group(void **state)
{
	static const struct { int64_t chat, window; size_t limit; } cases[] = { { 7, 3 * SECOND, 5 }, { -7, 60 * SECOND, 20 } };

	(void)state;
	for (size_t k = 0; k < countof(cases); k++) {
		struct pacer *p = pacer_new(30);
		struct pacer_item out[60];
		int64_t at[60], now = SECOND;

		for (int i = 0; i < 60; i++)
			pacer_add(p, &(struct pacer_item){ i, cases[k].chat, PACER_INTERACTIVE });
		assert_int_equal(drain(p, &now, out, at, 60), 60);
		no_window_over(at, 60, cases[k].window, cases[k].limit);
		for (int i = 0; i < 60; i++)
			assert_int_equal(out[i].id, i);
		pacer_free(p);
	}
}

static void test_one_under_way(void **state)
{
	struct pacer *p = pacer_new(0);
	struct pacer_item item, first = { 1, 5, PACER_INTERACTIVE };

	(void)state;
	assert_true(pacer_try(p, &first, 0));
	pacer_add(p, &(struct pacer_item){ 2, 5, PACER_INTERACTIVE });
	assert_false(pacer_next(p, &item, SECOND));
	assert_true(pacer_due_us(p) == INT64_MAX);
	pacer_put_back(p, &first, 4 * SECOND); /* 429: it comes first again, later */
	assert_false(pacer_next(p, &item, 3 * SECOND));
	assert_true(pacer_next(p, &item, 4 * SECOND));
	assert_int_equal(item.id, 1);
	pacer_done(p, 5, 4 * SECOND);
	assert_true(pacer_next(p, &item, 4 * SECOND));
	assert_int_equal(item.id, 2);
	pacer_done(p, 5, 4 * SECOND);
	pacer_free(p);
}

static void test_pause(void **state)
{
	struct pacer *p = pacer_new(30);
	struct pacer_item item;

	(void)state;
	for (int i = 0; i < 3; i++)
		pacer_add(p, &(struct pacer_item){ i, 100 + i, PACER_INTERACTIVE });
	pacer_pause(p, 100, 0, 9 * SECOND);
	assert_true(pacer_next(p, &item, 0)); /* one chat paused: others go on */
	assert_int_equal(item.chat_id, 101);
	pacer_pause(p, 101, SECOND, 8 * SECOND); /* a second one: everything waits */
	assert_false(pacer_next(p, &item, 7 * SECOND));
	assert_true(pacer_next(p, &item, 8 * SECOND));
	assert_int_equal(item.chat_id, 102);
	pacer_free(p);
}

/* What waited and was under way is gone, as after a commit that failed; limits and pauses hold for what is added anew. */
static void test_emptied(void **state)
{
	struct pacer *p = pacer_new(30);
	struct pacer_item out;
	int64_t now = 5 * SECOND;

	(void)state;
	for (int i = 0; i < 20; i++)
		pacer_add(p, &(struct pacer_item){ i, 1 + i % 4, PACER_REST });
	assert_true(pacer_next(p, &out, now)); /* chat 1 is under way */
	pacer_pause(p, 2, now, now + 30 * SECOND);
	pacer_empty(p);
	assert_int_equal(pacer_queued(p), 0);
	assert_false(pacer_next(p, &out, now + SECOND));
	pacer_add(p, &(struct pacer_item){ 100, 2, PACER_REST });
	pacer_add(p, &(struct pacer_item){ 101, 1, PACER_REST });
	assert_true(pacer_next(p, &out, now + 2 * SECOND));
	assert_int_equal(out.id, 101);
	assert_false(pacer_next(p, &out, now + 29 * SECOND));
	assert_true(pacer_next(p, &out, now + 31 * SECOND));
	assert_int_equal(out.id, 100);
	pacer_free(p);
}

static void test_memory(void **state)
{
	struct pacer *p = pacer_new(0);

	(void)state;
	for (int64_t i = 0; i < 200000; i++) {
		struct pacer_item item = { i, i + 1, PACER_INTERACTIVE };
		int64_t now = i * 1000; /* 1000 a second */

		assert_true(pacer_try(p, &item, now));
		pacer_done(p, item.chat_id, now);
		assert_true(pacer_chats(p) < 1100);
	}
	pacer_free(p);
}

/* Random adds, ends and put-backs: nothing lost, nothing twice, order kept per chat and lane. */
static void test_random(void **state)
{
	enum { N = 20000 };
	struct pacer *p = pacer_new(200);
	static int seen[N];
	static int64_t last[2][50];
	static struct pacer_item busy[50];
	size_t busy_count = 0;
	int added = 0, out = 0;
	int64_t now = SECOND;

	(void)state;
	srand(7);
	while (out < N) {
		struct pacer_item item;
		int what = rand() % 4;

		if (what < 2 && added < N) {
			pacer_add(p, &(struct pacer_item){ added, 1 + rand() % 50, rand() % 2 ? PACER_REST : PACER_INTERACTIVE });
			added++;
		} else if (what == 2 && busy_count) {
			size_t k = (size_t)rand() % busy_count;

			item = busy[k];
			busy[k] = busy[--busy_count];
			if (rand() % 8 == 0) {
				pacer_put_back(p, &item, now + rand() % 100000);
			} else {
				assert_true(item.id >= last[item.lane][item.chat_id - 1]);
				last[item.lane][item.chat_id - 1] = item.id;
				assert_int_equal(seen[item.id]++, 0);
				out++;
				pacer_done(p, item.chat_id, now);
			}
		} else if (busy_count < 50 && pacer_next(p, &item, now)) {
			for (size_t k = 0; k < busy_count; k++)
				assert_int_not_equal(busy[k].chat_id, item.chat_id);
			busy[busy_count++] = item;
		} else {
			now += rand() % 20000;
		}
	}
	pacer_free(p);
}

/* Who comes while others wait for the overall limit comes after them, however free their own chat is. */
static void test_no_overtaking(void **state)
{
	struct pacer *p = pacer_new(30);
	struct pacer_item item, late = { 100, 100, PACER_INTERACTIVE }, rest = { 101, 101, PACER_REST };
	int64_t now = 5 * SECOND;
	int out = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		pacer_add(p, &(struct pacer_item){ i, 1 + i, PACER_INTERACTIVE });
	while (pacer_next(p, &item, now))
		out++;
	assert_in_range(out, 1, 10);
	while (pacer_queued(p)) {
		now = pacer_due_us(p);
		assert_false(pacer_try(p, &late, now));
		assert_false(pacer_try(p, &rest, now));
		assert_true(pacer_next(p, &item, now));
		assert_int_equal(item.id, out++);
	}
	now += SECOND;
	pacer_add(p, &(struct pacer_item){ 50, 50, PACER_REST });
	assert_false(pacer_try(p, &rest, now));
	assert_true(pacer_try(p, &late, now)); /* people before the rest */
	pacer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_overall, "R280"),
		proves(test_chat_and_group, "R280"),
		proves(test_one_under_way, "R280"),
		proves(test_pause, "R280 B48"),
		proves(test_emptied, ""),
		proves(test_memory, ""),
		proves(test_no_overtaking, ""),
		proves(test_random, ""),
	};

	return cmocka_run_group_tests_name("pacer", tests, NULL, NULL);
}
