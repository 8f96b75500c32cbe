/* Who waits, for whom, and who may begin: the client's queue and its rules of admission.
 *
 * Exchanges wait at their peer (where connections can be shared), in lanes. A turn goes through the lanes from the most
 * urgent one, in each through the peers one after another.
 *
 * What we foresee (a kept connection is free, a name is known) only decides the order; the rules hold because they are
 * asked again when libcurl really looks a name up or opens a socket (queue_may_connect). Refused there, an exchange waits
 * again. */
#include "lib/http/client_private.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

#define PEERS_KEPT_MAX 1024 /* above this, peers nobody uses are forgotten */

static const struct { enum http_lane lane; int quarters; } lanes[] = {
	{ HTTP_LANE_ANSWER, 4 },
	{ HTTP_LANE_POLL, 0 }, /* takes no slot */
	{ HTTP_LANE_NORMAL, 3 },
	{ HTTP_LANE_REST, 2 },
};

/* --- peers --- */

/* "https://host:port" of a URL. */
static struct str origin_of(const char *url)
{
	const char *authority = strstr(url, "://") + 3;

	return str_n(url, (size_t)(authority - url) + strcspn(authority, "/?#"));
}

/* "host" of "scheme://user:password@host:port"; an address in brackets keeps the first one. */
static struct str host_of(struct str origin)
{
	const char *at = memrchr(origin.at, '@', origin.len), *scheme = memmem(origin.at, origin.len, "://", 3);
	const char *begin = at ? at + 1 : scheme + 3, *end = origin.at + origin.len;
	struct str host = str_n(begin, (size_t)(end - begin));

	return *begin == '[' ? host : str_cut(&host, ':');
}

static bool is_address(struct str host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (!host.len || host.at[0] == '[')
		return true;
	if (host.len >= sizeof text)
		return false;
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1;
}

/* The trust's address is enough to tell peers apart; whether a connection may be shared libcurl decides by content. */
static void build_key(struct buf *key, const struct http_exchange *x)
{
	struct str origin = origin_of(x->url);

	buf_add(key, origin);
	if (x->proxy || x->trust || x->source_address)
		buf_printf(key, " %s %s %p", x->proxy ? x->proxy : "", x->source_address ? x->source_address : "", (const void *)x->trust);
}

static struct peer *peer_new(struct http_client *c, const struct http_exchange *x, const char *key, uint64_t hash)
{
	struct peer *peer = xcalloc(1, sizeof *peer);
	struct str host = host_of(x->proxy ? str_n(x->proxy, (size_t)(strchrnul(strstr(x->proxy, "://") + 3, '/') - x->proxy))
		: origin_of(x->url));

	peer->hash = hash;
	peer->key = xstrdup(key);
	peer->tls = str_starts(str_of(x->url), "https:");
	peer->name = is_address(host) ? NULL : http_name_of(&c->names, host);
	for (size_t i = 0; i < HTTP_LANES; i++)
		TAILQ_INIT(&peer->queue[i]);
	peer->hash_next = c->buckets[hash % PEER_BUCKETS];
	c->buckets[hash % PEER_BUCKETS] = peer;
	c->peers_count++;
	return peer;
}

static void peer_free(struct peer *peer)
{
	free(peer->key);
	free(peer);
}

void queue_forget_unused_peers(struct http_client *c)
{
	for (size_t i = 0; i < PEER_BUCKETS; i++) {
		for (struct peer **at = &c->buckets[i]; *at;) {
			struct peer *peer = *at;

			if (peer->under_way || peer->waiting) {
				at = &peer->hash_next;
				continue;
			}
			*at = peer->hash_next;
			peer_free(peer);
			c->peers_count--;
		}
	}
}

struct peer *queue_peer_of(struct http_client *c, const struct http_exchange *x)
{
	struct peer *peer;
	uint64_t hash;

	buf_clear(&c->key);
	build_key(&c->key, x);
	hash = hash_bytes(HASH_START, buf_str(&c->key));
	for (peer = c->buckets[hash % PEER_BUCKETS]; peer; peer = peer->hash_next)
		if (peer->hash == hash && strcmp(peer->key, buf_cstr(&c->key)) == 0)
			return peer;
	if (c->peers_count >= PEERS_KEPT_MAX)
		queue_forget_unused_peers(c);
	return peer_new(c, x, buf_cstr(&c->key), hash);
}

/* --- the queue --- */

void queue_add(struct http_client *c, struct http_exchange *x, bool at_head)
{
	struct peer *peer = x->peer;

	x->state = EXCHANGE_WAITING;
	if (at_head)
		TAILQ_INSERT_HEAD(&peer->queue[x->lane], x, link);
	else
		TAILQ_INSERT_TAIL(&peer->queue[x->lane], x, link);
	if (peer->waiting++ == 0)
		TAILQ_INSERT_TAIL(&c->peers_waiting, peer, link);
	c->counts.waiting++;
	if (x->deadline_us < c->queue_deadline_us)
		c->queue_deadline_us = x->deadline_us;
}

void queue_remove(struct http_client *c, struct http_exchange *x)
{
	struct peer *peer = x->peer;

	TAILQ_REMOVE(&peer->queue[x->lane], x, link);
	if (--peer->waiting == 0)
		TAILQ_REMOVE(&c->peers_waiting, peer, link);
	c->counts.waiting--;
}

static void fail_waiting(struct http_client *c, struct http_exchange *x, enum http_failure failure, const char *why)
{
	queue_remove(c, x);
	exchange_fail(c, x, failure, why);
	client_hand_in(c, x);
}

static void fail_one_overdue(struct http_client *c, struct http_exchange *x)
{
	if (x->peer->name && !x->peer->name->known)
		fail_waiting(c, x, HTTP_FAIL_RESOLVE, "the name had no address in time");
	else
		fail_waiting(c, x, HTTP_FAIL_TIMEOUT, "no free connection in time");
}

void queue_fail_overdue(struct http_client *c, int64_t now_us)
{
	struct peer *peer, *next_peer;
	struct http_exchange *x, *next;

	if (now_us < c->queue_deadline_us)
		return;
	c->queue_deadline_us = INT64_MAX;
	for (peer = TAILQ_FIRST(&c->peers_waiting); peer; peer = next_peer) {
		next_peer = TAILQ_NEXT(peer, link); /* before the peer's last one may leave the list */
		for (size_t lane = 0; lane < HTTP_LANES; lane++) {
			for (x = TAILQ_FIRST(&peer->queue[lane]); x; x = next) {
				next = TAILQ_NEXT(x, link);
				if (x->deadline_us <= now_us)
					fail_one_overdue(c, x);
				else if (x->deadline_us < c->queue_deadline_us)
					c->queue_deadline_us = x->deadline_us;
			}
		}
	}
}

/* --- admission --- */

enum admission { ADMIT, ADMIT_NOT_NOW, ADMIT_REFUSED };

static enum admission admit_new_connection(struct http_client *c, struct http_exchange *x, int64_t now_us)
{
	if (x->peer->tls && c->tls_admitted >= c->limits.tls_begun_per_turn_max) {
		c->held_back = true;
		return ADMIT_NOT_NOW;
	}
	switch (x->peer->name ? http_name_ask(&c->names, x->peer->name, x, now_us / 1000) : HTTP_NAME_GO) {
	case HTTP_NAME_GO:
		c->tls_admitted += x->peer->tls;
		return ADMIT;
	case HTTP_NAME_WAIT:
		return ADMIT_NOT_NOW;
	case HTTP_NAME_RESTS:
		fail_waiting(c, x, HTTP_FAIL_RESOLVE, "the name failed a moment ago");
		return ADMIT_REFUSED;
	case HTTP_NAME_CROWDED:
		fail_waiting(c, x, HTTP_FAIL_RESOLVE, "too many dead look-ups");
		return ADMIT_REFUSED;
	}
	return ADMIT_NOT_NOW;
}

static enum admission admit(struct http_client *c, struct http_exchange *x, int64_t now_us)
{
	if (x->lane != HTTP_LANE_POLL && x->peer->under_way >= c->limits.connections_per_host_max)
		return ADMIT_NOT_NOW;
	if (!x->peer->idle)
		return admit_new_connection(c, x, now_us);
	x->peer->idle--;
	return ADMIT;
}

bool queue_may_connect(struct http_client *c, struct http_exchange *x)
{
	x->peer->idle = 0; /* else libcurl would have used it */
	if (x->peer->tls && c->tls_opened >= c->limits.tls_begun_per_turn_max) {
		x->again = true;
		return false;
	}
	c->tls_opened += x->peer->tls;
	c->counts.connections_opened++;
	return true;
}

static void begin_from_peer(struct http_client *c, struct peer *peer, enum http_lane lane, int slots_max, int64_t now_us)
{
	struct http_exchange *x;

	while ((x = TAILQ_FIRST(&peer->queue[lane]))) {
		enum admission a;

		if (lane != HTTP_LANE_POLL && c->slots_used >= slots_max)
			return;
		a = admit(c, x, now_us);
		if (a == ADMIT_NOT_NOW)
			return;
		if (a == ADMIT)
			client_begin(c, x, now_us);
	}
}

/* The peer that was first is last the next time. */
static void rotate_peers(struct http_client *c)
{
	struct peer *first = TAILQ_FIRST(&c->peers_waiting);

	if (!first)
		return;
	TAILQ_REMOVE(&c->peers_waiting, first, link);
	TAILQ_INSERT_TAIL(&c->peers_waiting, first, link);
}

void queue_begin(struct http_client *c, int64_t now_us)
{
	struct peer *peer, *next;

	for (size_t i = 0; i < countof(lanes); i++) {
		int slots_max = c->limits.connections_max * lanes[i].quarters / 4;

		for (peer = TAILQ_FIRST(&c->peers_waiting); peer; peer = next) {
			next = TAILQ_NEXT(peer, link);
			begin_from_peer(c, peer, lanes[i].lane, slots_max, now_us);
		}
	}
	rotate_peers(c);
}
