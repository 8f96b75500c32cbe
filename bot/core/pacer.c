/* The pacer: a hash of chats, two heaps of chats that have something to send, one list of idle chats to forget.
 *
 * A chat is in exactly one place: busy (under way), queued (in the heap of its next message's lane), or idle (in the
 * list, until its own limit has recovered; then it is forgotten, so memory follows the traffic of the last seconds). */
#include "bot/core/pacer.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/mem.h"

#define SECOND_US INT64_C(1000000)
#define CHAT_INTERVAL_US SECOND_US
#define CHAT_BURST 3
#define GROUP_INTERVAL_US (60 * SECOND_US / 15) /* 15 a minute and a burst of 5 are never more than 20 in a minute */
#define GROUP_BURST 5
#define REST_RESERVE 3 /* of the overall burst, kept free for people who are talking */
#define PAUSE_TOGETHER_US (5 * SECOND_US)

struct node {
	struct pacer_item item;
	struct node *next;
};

struct queue {
	struct node *first, **last;
};

enum place { IDLE, QUEUED, BUSY };

struct chat {
	int64_t id;
	int64_t tat_us;         /* GCRA */
	int64_t not_before_us;  /* 429, back-off of the first message */
	struct queue queue[PACER_LANES];
	enum place place;
	enum pacer_lane lane;   /* QUEUED: which heap */
	size_t heap_at;
	int64_t ready_us;       /* QUEUED: heap key, with the id of the first message */
	struct chat *hash_next, *idle_next, *idle_prev;
};

struct heap {
	struct chat **at;
	size_t len, cap;
};

struct pacer {
	int64_t interval_us;    /* overall; 0: unlimited */
	int64_t burst;
	int64_t tat_us, pause_until_us;
	int64_t last_pause_us, last_pause_chat;
	struct chat **buckets;
	size_t buckets_count, chats, queued;
	struct heap heap[PACER_LANES];
	struct chat idle;       /* list head */
	struct node *free_nodes;
};

struct pacer *pacer_new(int rate_per_s)
{
	struct pacer *p = xcalloc(1, sizeof *p);

	if (rate_per_s > 0) {
		/* a sixth as burst, five sixths as steady rate: together the limit in any second */
		p->burst = rate_per_s / 6 > 0 ? rate_per_s / 6 : 1;
		p->interval_us = SECOND_US / (rate_per_s > p->burst ? rate_per_s - p->burst : 1);
	}
	p->last_pause_us = INT64_MIN / 2;
	p->buckets_count = 64;
	p->buckets = xcalloc(p->buckets_count, sizeof *p->buckets);
	p->idle.idle_next = p->idle.idle_prev = &p->idle;
	return p;
}

static void nodes_free(struct node *n)
{
	while (n) {
		struct node *next = n->next;

		free(n);
		n = next;
	}
}

void pacer_free(struct pacer *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->buckets_count; i++)
		for (struct chat *c = p->buckets[i], *next; c; c = next) {
			next = c->hash_next;
			for (int lane = 0; lane < PACER_LANES; lane++)
				nodes_free(c->queue[lane].first);
			free(c);
		}
	nodes_free(p->free_nodes);
	for (int lane = 0; lane < PACER_LANES; lane++)
		free(p->heap[lane].at);
	free(p->buckets);
	free(p);
}

/* --- chats by id --- */

static size_t bucket_of(const struct pacer *p, int64_t id)
{
	return (size_t)(((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (p->buckets_count - 1);
}

static void hash_grow(struct pacer *p)
{
	struct chat **old = p->buckets;
	size_t count = p->buckets_count;

	p->buckets_count *= 2;
	p->buckets = xcalloc(p->buckets_count, sizeof *p->buckets);
	for (size_t i = 0; i < count; i++)
		for (struct chat *c = old[i], *next; c; c = next) {
			size_t b = bucket_of(p, c->id);

			next = c->hash_next;
			c->hash_next = p->buckets[b];
			p->buckets[b] = c;
		}
	free(old);
}

static struct chat *chat_find(struct pacer *p, int64_t id)
{
	struct chat *c = p->buckets[bucket_of(p, id)];

	while (c && c->id != id)
		c = c->hash_next;
	return c;
}

static void idle_add(struct pacer *p, struct chat *c)
{
	c->place = IDLE;
	c->idle_prev = p->idle.idle_prev;
	c->idle_next = &p->idle;
	c->idle_prev->idle_next = c->idle_next->idle_prev = c;
}

static void idle_remove(struct chat *c)
{
	c->idle_prev->idle_next = c->idle_next;
	c->idle_next->idle_prev = c->idle_prev;
}

static struct chat *chat_get(struct pacer *p, int64_t id)
{
	struct chat *c = chat_find(p, id);
	size_t b;

	if (c)
		return c;
	if (p->chats >= p->buckets_count)
		hash_grow(p);
	c = xcalloc(1, sizeof *c);
	c->id = id;
	for (int lane = 0; lane < PACER_LANES; lane++)
		c->queue[lane].last = &c->queue[lane].first;
	b = bucket_of(p, id);
	c->hash_next = p->buckets[b];
	p->buckets[b] = c;
	p->chats++;
	idle_add(p, c);
	return c;
}

static void chat_forget(struct pacer *p, struct chat *c)
{
	struct chat **at = &p->buckets[bucket_of(p, c->id)];

	while (*at != c)
		at = &(*at)->hash_next;
	*at = c->hash_next;
	idle_remove(c);
	free(c);
	p->chats--;
}

/* Idle chats leave in the order they became idle; a pause far ahead keeps those behind it a little longer. */
static void forget_recovered(struct pacer *p, int64_t now_us)
{
	for (int i = 0; i < 4; i++) {
		struct chat *c = p->idle.idle_next;

		if (c == &p->idle || c->tat_us > now_us || c->not_before_us > now_us)
			return;
		chat_forget(p, c);
	}
}

/* --- limits --- */

static int64_t chat_interval_us(const struct chat *c)
{
	return c->id < 0 ? GROUP_INTERVAL_US : CHAT_INTERVAL_US;
}

/* Earliest moment at which GCRA lets one more through. */
static int64_t gcra_ready_us(int64_t tat_us, int64_t interval_us, int64_t burst)
{
	return tat_us - (burst - 1) * interval_us;
}

static int64_t gcra_take(int64_t tat_us, int64_t interval_us, int64_t now_us)
{
	return (tat_us > now_us ? tat_us : now_us) + interval_us;
}

static int64_t chat_ready_us(const struct chat *c)
{
	int64_t ready = gcra_ready_us(c->tat_us, chat_interval_us(c), c->id < 0 ? GROUP_BURST : CHAT_BURST);

	return ready > c->not_before_us ? ready : c->not_before_us;
}

static int64_t overall_ready_us(const struct pacer *p, enum pacer_lane lane)
{
	int64_t burst = p->burst, ready = INT64_MIN;

	if (lane == PACER_REST)
		burst = burst > REST_RESERVE ? burst - REST_RESERVE : 1;
	if (p->interval_us)
		ready = gcra_ready_us(p->tat_us, p->interval_us, burst);
	return ready > p->pause_until_us ? ready : p->pause_until_us;
}

static void take(struct pacer *p, struct chat *c, int64_t now_us)
{
	c->place = BUSY;
	c->tat_us = gcra_take(c->tat_us, chat_interval_us(c), now_us);
	if (p->interval_us)
		p->tat_us = gcra_take(p->tat_us, p->interval_us, now_us);
}

/* --- heaps of chats, by (ready, id of the first message) --- */

static bool before(const struct chat *a, const struct chat *b)
{
	if (a->ready_us != b->ready_us)
		return a->ready_us < b->ready_us;
	return a->queue[a->lane].first->item.id < b->queue[b->lane].first->item.id;
}

static void heap_put(struct heap *h, size_t at, struct chat *c)
{
	h->at[at] = c;
	c->heap_at = at;
}

static void heap_up(struct heap *h, size_t at)
{
	struct chat *c = h->at[at];

	for (; at && before(c, h->at[(at - 1) / 2]); at = (at - 1) / 2)
		heap_put(h, at, h->at[(at - 1) / 2]);
	heap_put(h, at, c);
}

static void heap_down(struct heap *h, size_t at)
{
	struct chat *c = h->at[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < h->len && before(h->at[child + 1], h->at[child]))
			child++;
		if (child >= h->len || !before(h->at[child], c))
			break;
		heap_put(h, at, h->at[child]);
		at = child;
	}
	heap_put(h, at, c);
}

static void heap_add(struct heap *h, struct chat *c)
{
	if (h->len == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 64;
		h->at = xrealloc(h->at, h->cap * sizeof *h->at);
	}
	heap_put(h, h->len++, c);
	heap_up(h, c->heap_at);
}

static void heap_remove(struct heap *h, struct chat *c)
{
	size_t at = c->heap_at;
	struct chat *last = h->at[--h->len];

	if (last == c)
		return;
	heap_put(h, at, last);
	heap_up(h, at);
	heap_down(h, last->heap_at);
}

/* --- a chat's place follows from what it holds --- */

static void leave_place(struct pacer *p, struct chat *c)
{
	if (c->place == QUEUED)
		heap_remove(&p->heap[c->lane], c);
	else if (c->place == IDLE)
		idle_remove(c);
}

static void find_place(struct pacer *p, struct chat *c)
{
	if (!c->queue[PACER_INTERACTIVE].first && !c->queue[PACER_REST].first) {
		idle_add(p, c);
		return;
	}
	c->place = QUEUED;
	c->lane = c->queue[PACER_INTERACTIVE].first ? PACER_INTERACTIVE : PACER_REST;
	c->ready_us = chat_ready_us(c);
	heap_add(&p->heap[c->lane], c);
}

static struct node *node_new(struct pacer *p, const struct pacer_item *item)
{
	struct node *n = p->free_nodes;

	if (n)
		p->free_nodes = n->next;
	else
		n = xmalloc(sizeof *n);
	n->item = *item;
	n->next = NULL;
	p->queued++;
	return n;
}

void pacer_add(struct pacer *p, const struct pacer_item *item)
{
	struct chat *c = chat_get(p, item->chat_id);
	struct queue *q = &c->queue[item->lane];
	struct node *n = node_new(p, item);

	if (c->place != BUSY)
		leave_place(p, c); /* before its keys change */
	*q->last = n;
	q->last = &n->next;
	if (c->place != BUSY)
		find_place(p, c);
}

void pacer_empty(struct pacer *p)
{
	for (size_t i = 0; i < p->buckets_count; i++)
		for (struct chat *c = p->buckets[i]; c; c = c->hash_next) {
			if (c->place != BUSY)
				leave_place(p, c);
			for (int lane = 0; lane < PACER_LANES; lane++) {
				nodes_free(c->queue[lane].first);
				c->queue[lane] = (struct queue){ NULL, &c->queue[lane].first };
			}
			idle_add(p, c);
		}
	p->queued = 0;
}

void pacer_put_back(struct pacer *p, const struct pacer_item *item, int64_t not_before_us)
{
	struct chat *c = chat_get(p, item->chat_id);
	struct queue *q = &c->queue[item->lane];
	struct node *n = node_new(p, item);

	if (c->place != BUSY)
		leave_place(p, c);
	n->next = q->first;
	if (!q->first)
		q->last = &n->next;
	q->first = n;
	if (not_before_us > c->not_before_us)
		c->not_before_us = not_before_us;
	find_place(p, c);
}

static void pop(struct pacer *p, struct chat *c, struct pacer_item *item)
{
	struct queue *q = &c->queue[c->lane];
	struct node *n = q->first;

	heap_remove(&p->heap[c->lane], c);
	*item = n->item;
	q->first = n->next;
	if (!q->first)
		q->last = &q->first;
	n->next = p->free_nodes;
	p->free_nodes = n;
	p->queued--;
}

bool pacer_next(struct pacer *p, struct pacer_item *item, int64_t now_us)
{
	forget_recovered(p, now_us);
	for (int lane = 0; lane < PACER_LANES; lane++) {
		struct heap *h = &p->heap[lane];
		struct chat *c = h->len ? h->at[0] : NULL;

		if (!c || c->ready_us > now_us || overall_ready_us(p, (enum pacer_lane)lane) > now_us)
			continue;
		pop(p, c, item);
		take(p, c, now_us);
		return true;
	}
	return false;
}

bool pacer_try(struct pacer *p, const struct pacer_item *item, int64_t now_us)
{
	struct chat *c;

	forget_recovered(p, now_us);
	if (overall_ready_us(p, item->lane) > now_us)
		return false;
	/* somebody waits for the overall limit already: no overtaking */
	for (int lane = 0; lane <= (int)item->lane; lane++)
		if (p->heap[lane].len && p->heap[lane].at[0]->ready_us <= now_us)
			return false;
	c = chat_get(p, item->chat_id);
	if (c->place != IDLE || chat_ready_us(c) > now_us)
		return false;
	idle_remove(c);
	take(p, c, now_us);
	return true;
}

void pacer_done(struct pacer *p, int64_t chat_id, int64_t now_us)
{
	struct chat *c = chat_find(p, chat_id);

	assert(c && c->place == BUSY);
	find_place(p, c);
	forget_recovered(p, now_us);
}

void pacer_pause(struct pacer *p, int64_t chat_id, int64_t now_us, int64_t until_us)
{
	struct chat *c = chat_get(p, chat_id);

	if (c->place != BUSY)
		leave_place(p, c);
	if (until_us > c->not_before_us)
		c->not_before_us = until_us;
	if (c->place != BUSY)
		find_place(p, c);
	if (p->last_pause_chat != chat_id && now_us - p->last_pause_us < PAUSE_TOGETHER_US && until_us > p->pause_until_us)
		p->pause_until_us = until_us;
	p->last_pause_us = now_us;
	p->last_pause_chat = chat_id;
}

int64_t pacer_due_us(const struct pacer *p)
{
	int64_t due = INT64_MAX;

	for (int lane = 0; lane < PACER_LANES; lane++) {
		int64_t chat, overall;

		if (!p->heap[lane].len)
			continue;
		chat = p->heap[lane].at[0]->ready_us;
		overall = overall_ready_us(p, (enum pacer_lane)lane);
		if (overall > chat)
			chat = overall;
		if (chat < due)
			due = chat;
	}
	return due;
}

size_t pacer_queued(const struct pacer *p)
{
	return p->queued;
}

size_t pacer_chats(const struct pacer *p)
{
	return p->chats;
}
