/* The steps, in the order of a customer's life. Each does one thing, looks, and says what should be so. */
#include "tests/panel_story/story_private.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/clock.h"

#define HOSTS_BYTES_MAX ((size_t)1 << 20)
#define LOOK_EVERY_MS (500)
#define CARRY_EVERY_MS (6 * SECOND_MS)  /* longer than the poll of 3.x: the next bytes fall into another one */
#define CARRY_ROUNDS_MAX 6
#define RESIDUE_BYTES (64 * 1024)       /* of connections that closed while the counters were set back */

/* --- words shared by steps --- */

static struct xui_client limits(int64_t expires_ms, int64_t quota_bytes)
{
	return (struct xui_client){ .expires_ms = expires_ms, .quota_bytes = quota_bytes, .enabled = true };
}

static enum err update(struct story *s, const struct xui_client *want, unsigned change)
{
	struct xui_ask ask = ask_about(s, XUI_UPDATE, &s->first);

	ask.want = *want;
	ask.change = change;
	return story_ask(s, &ask)->err;
}

static bool is_settled(const struct xui_look *l, const struct xui_client *want, unsigned change)
{
	if (!l->exists || !l->has_row || !l->agrees)
		return false;
	if ((change & XUI_SET_EXPIRES) && l->client.expires_ms != want->expires_ms)
		return false;
	if ((change & XUI_SET_QUOTA) && l->client.quota_bytes != want->quota_bytes)
		return false;
	if ((change & XUI_SET_LIMIT_IP) && l->client.limit_ip != want->limit_ip)
		return false;
	return !(change & XUI_SET_ENABLED) || (l->client.enabled == want->enabled && l->traffic.enabled == want->enabled);
}

/* Writes and looks until the panel agrees: how the product does it. Right after a cut-off real panels answer 500 or do
 * half of it, so a second try is no fault, but it is said. */
static bool settle(struct story *s, const struct xui_client *want, unsigned change)
{
	struct xui_look look = { 0 };
	int tries = 0;

	do {
		enum err e = update(s, want, change);

		tries++;
		if (e)
			story_say(s, "try %d: %s", tries, err_name(e));
		look = story_look(s, &s->first);
		if (is_settled(&look, want, change)) {
			if (tries > 1)
				story_say(s, "took %d tries", tries);
			if (change & XUI_SET_EXPIRES)
				s->wanted.expires_ms = want->expires_ms;
			if (change & XUI_SET_QUOTA)
				s->wanted.quota_bytes = want->quota_bytes;
			return story_check(s, true, "");
		}
		story_wait(s, STORY_SETTLE_MS);
	} while (tries < STORY_TRIES_MAX && !story_is_stopped(s));
	return story_check(s, false, arena_printf(&s->arena, "the update holds (client: end %" PRId64 " quota %" PRId64 " %s; row: end %" PRId64
						  " quota %" PRId64 " %s)", look.client.expires_ms, look.client.quota_bytes,
						  look.client.enabled ? "on" : "off", look.traffic.expires_ms, look.traffic.quota_bytes,
						  look.traffic.enabled ? "on" : "off"));
}

static int64_t used(const struct xui_look *l)
{
	return l->traffic.up_bytes + l->traffic.down_bytes;
}

static bool has_traffic(const struct story *s)
{
	return s->world->carry && s->link.len;
}

/* With traffic: until it passes (or does not any more), within a bound. A proxy that cannot be used at all proves neither. */
static bool check_carries(struct story *s, bool should, int64_t within_ms)
{
	int64_t start_ms = clock_now_ms(), bytes = 0, passed_ms = 0; /* until the last try, whose own length says nothing */
	enum err e;

	if (!has_traffic(s))
		return true;
	while ((e = s->world->carry(s->world->ctx, s->link, &bytes)) == (should ? E_IO : OK)) {
		if (clock_now_ms() - start_ms > within_ms || story_is_stopped(s))
			break;
		story_wait(s, LOOK_EVERY_MS);
		passed_ms = clock_now_ms() - start_ms;
	}
	if (passed_ms > 2 * SECOND_MS)
		story_say(s, "%s for %.1f s", should ? "nothing passes" : "still passes", (double)passed_ms / SECOND_MS);
	if (e != OK && e != E_IO)
		story_say(s, "the proxy program: %s", err_name(e));
	return story_check(s, e == (should ? OK : E_IO), should ? "traffic passes through the link" : "nothing passes through the link");
}

struct row_seen {
	struct str email;
	bool seen, enabled;
};

static enum err on_row(void *ctx, const struct xui_traffic *t)
{
	struct row_seen *row = ctx;

	if (str_eq(t->email, row->email))
		*row = (struct row_seen){ .email = row->email, .seen = true, .enabled = t->enabled };
	return OK;
}

/* Off in the accounting. 2.8.1 to 2.8.11 answer a single row with the switch of the settings; only lists tell. */
static bool is_cut(struct story *s, struct xui_look *look)
{
	struct row_seen row = { .email = str_of(s->first.email) };
	const struct xui_ask ask = { .what = XUI_CLIENTS, .sinks = { .on_traffic = on_row, .ctx = &row } };

	*look = story_look(s, &s->first);
	if (look->has_row && !look->traffic.enabled)
		return true;
	return s->panel.dialect == XUI_A && story_ask(s, &ask)->err == OK && row.seen && !row.enabled;
}

/* Waits for the panel to cut the client off. */
static void check_is_cut(struct story *s)
{
	int64_t start_ms = clock_now_ms();
	struct xui_look look;
	bool cut;

	while (!(cut = is_cut(s, &look)) && clock_now_ms() - start_ms < STORY_CUT_MS && !story_is_stopped(s))
		story_wait(s, LOOK_EVERY_MS);
	if (story_check(s, cut, "the panel cuts it off"))
		story_say(s, "cut after %.1f s, settings say %s", (double)(clock_now_ms() - start_ms) / SECOND_MS, look.client.enabled ? "on" : "off");
	check_carries(s, false, STORY_SETTLE_MS);
}

/* Reset first, then absolute values: the one order that is right everywhere. */
static void renew(struct story *s, int64_t expires_ms, int64_t quota_bytes)
{
	const struct xui_client want = limits(expires_ms, quota_bytes);
	struct xui_ask reset = ask_about(s, XUI_RESET, &s->first);
	const struct xui_result *r = story_ask(s, &reset);
	struct xui_look look;

	for (int i = 1; r->err && i < STORY_TRIES_MAX; i++) {
		story_say(s, "reset: %s", err_name(r->err));
		story_wait(s, STORY_SETTLE_MS);
		r = story_ask(s, &reset);
	}
	story_check_ok(s, r, "the counters are reset");
	settle(s, &want, XUI_SET_EXPIRES | XUI_SET_QUOTA | XUI_SET_ENABLED);
	look = story_look(s, &s->first);
	story_check(s, used(&look) <= (has_traffic(s) ? RESIDUE_BYTES : 0), "counters begin at zero");
}

/* A renewal after a cut-off must still hold when the traffic poll has come by. */
static void check_stays(struct story *s)
{
	const struct xui_client want = limits(s->wanted.expires_ms, s->wanted.quota_bytes);
	struct xui_look look;

	check_carries(s, true, STORY_PASS_MS);
	story_wait(s, STORY_POLL_MS);
	look = story_look(s, &s->first);
	story_check(s, is_settled(&look, &want, XUI_SET_EXPIRES | XUI_SET_QUOTA | XUI_SET_ENABLED), "it still holds after a traffic poll");
}

/* --- the panel --- */

static const char *support_name(enum xui_support support)
{
	static const char *const names[] = { "not known", "good", "poor: ask the operator to update" };

	return names[support];
}

static void probe(struct story *s)
{
	const struct xui_ask ask = { .what = XUI_PROBE };
	const struct xui_result *r = story_ask(s, &ask);

	s->is_over = !story_check_ok(s, r, "the panel lets us in");
	if (s->is_over)
		return;
	story_check(s, s->panel.dialect != XUI_UNKNOWN, "its dialect is known");
	story_say(s, "dialect %s, version %s, support %s", xui_dialect_name(s->panel.dialect), *s->panel.version ? s->panel.version : "?",
		  support_name(xui_version_support(&s->panel)));
}

/* What lib/links reads of an inbound's hosts. */
static struct str hosts_json(struct story *s, const struct xui_result *r)
{
	struct buf b;
	struct str out;

	buf_init(&b, HOSTS_BYTES_MAX);
	for (size_t i = 0; i < r->hosts_count; i++)
		if (r->hosts[i].inbound_id == s->config->inbound_id)
			buf_printf(&b, "%c%.*s", b.len ? ',' : '[', STR_ARG(r->hosts[i].row));
	if (b.len)
		buf_addc(&b, ']');
	story_check(s, r->hosts_known && !b.over, "its hosts are known");
	out = str_n(str_dup(&s->arena, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

static const struct xui_inbound *find_inbound(struct story *s)
{
	const struct xui_ask ask = { .what = XUI_INBOUNDS };
	const struct xui_result *r = story_ask(s, &ask);

	if (!story_check_ok(s, r, "the inbounds are listed"))
		return NULL;
	s->hosts = hosts_json(s, r);
	for (size_t i = 0; i < r->inbounds_count; i++)
		if (r->inbounds[i].id == s->config->inbound_id)
			return &r->inbounds[i];
	return NULL;
}

static struct str stream_member(struct story *s, const char *key)
{
	struct json_object *o = NULL;
	struct str out = STR("");

	if (json_parse(&o, s->inbound.stream_settings) == OK) {
		struct str text = json_str_at(o, key);

		out = str_n(str_dup(&s->arena, text), text.len);
	}
	json_object_put(o);
	return out;
}

static void inbounds(struct story *s)
{
	const struct xui_inbound *in = find_inbound(s);

	s->is_over = !story_check(s, in != NULL, "the inbound is there");
	if (s->is_over)
		return;
	s->inbound = *in;
	s->clients_before = in->clients_count;
	story_check(s, in->enabled, "the inbound is switched on");
	s->is_over = !story_check(s, in->takes_clients, "the inbound takes clients");
	story_say(s, "%.*s %.*s %.*s, port %" PRId64 ", %zu clients", STR_ARG(in->protocol), STR_ARG(stream_member(s, "network")),
		  STR_ARG(stream_member(s, "security")), in->port, in->clients_count);
}

static void server(struct story *s)
{
	const struct xui_ask ask = { .what = XUI_STATUS };
	const struct xui_result *r = story_ask(s, &ask);

	if (!story_check_ok(s, r, "the server's state can be read"))
		return;
	story_check(s, str_is(r->status.xray_state, "running"), "Xray is running");
	story_say(s, "Xray %.*s %.*s", STR_ARG(r->status.xray_version), STR_ARG(r->status.xray_state));
}

static void settings(struct story *s)
{
	const struct xui_ask ask = { .what = XUI_SETTINGS };
	const struct xui_result *r;

	if (!xui_shows_settings(&s->panel)) {
		story_say(s, "before 3.3.0 no token is shown them");
		return;
	}
	r = story_ask(s, &ask);
	if (!story_check_ok(s, r, "the settings can be read"))
		return;
	s->settings = r->settings;
	story_check(s, !r->settings.sub_enabled || r->settings.sub_uri.len, "subscriptions that are on have an address");
	story_say(s, "subscriptions %s, JSON ones %s", r->settings.sub_enabled ? "on" : "off", r->settings.json_enabled ? "on" : "off");
}

/* --- buying --- */

static void add(struct story *s)
{
	struct xui_ask ask = ask_about(s, XUI_ADD, &s->first);
	struct xui_look look = story_look(s, &s->first);
	const struct xui_result *r;

	story_check(s, !look.exists && !look.is_taken, "nobody has this name yet");
	s->wanted = limits(clock_now_ms() + 30 * DAY_MS, GIB);
	ask.client.expires_ms = s->wanted.expires_ms;
	ask.client.quota_bytes = s->wanted.quota_bytes;
	ask.client.limit_ip = 2;
	ask.client.comment = STR("panel story");
	ask.client.enabled = true;
	s->first.on_panel = true;
	r = story_ask(s, &ask);
	s->is_over = !story_check_ok(s, r, "the client is added");
	story_check(s, !r->existed, "it was not there before");
	story_say(s, "%s", s->first.email);
}

static void look(struct story *s)
{
	struct xui_look l = story_look(s, &s->first);

	s->is_over = !story_check(s, l.exists, "the client is there");
	if (s->is_over)
		return;
	story_check(s, l.found == 1, "once");
	story_check(s, l.has_row, "the accounting knows it");
	story_check(s, l.agrees, "settings and accounting agree");
	story_check(s, l.client.enabled && l.traffic.enabled, "it is on in both");
	story_check(s, l.client.expires_ms == s->wanted.expires_ms, "the end is the one we sent");
	story_check(s, l.client.quota_bytes == s->wanted.quota_bytes, "the quota is the one we sent, in bytes");
	story_check(s, l.client.limit_ip == 2, "so is the limit of devices");
	story_check(s, str_is(l.client.sub_id, s->first.sub_id), "the subscription id is ours");
	story_check(s, !l.client.uuid.len || str_is(l.client.uuid, s->first.uuid), "the UUID is ours");
	story_check(s, l.client.tg_id == 0 && l.client.reset_days == 0, "no Telegram id, no renewal of its own");
	story_check(s, used(&l) == 0, "nothing is used");
	story_deliver(s, &l.client);
}

/* --- using --- */

static void traffic(struct story *s)
{
	struct xui_look l;
	int64_t bytes = 0, total = 0;
	int rounds = 0;

	if (!check_carries(s, true, STORY_PASS_MS)) {
		s->link = STR(""); /* nothing further can be proved by it */
		return;
	}
	do { /* 3.0.2 and 3.1.0 do not count what their first poll sees */
		if (s->world->carry(s->world->ctx, s->link, &bytes) == OK)
			total += bytes;
		story_wait(s, CARRY_EVERY_MS);
		l = story_look(s, &s->first);
	} while (++rounds < CARRY_ROUNDS_MAX && !used(&l) && !story_is_stopped(s));
	story_wait(s, STORY_POLL_MS);
	l = story_look(s, &s->first);
	story_check(s, used(&l) > 0, "the panel counts the traffic");
	story_check(s, used(&l) <= 2 * (total + bytes) + MIB, "and not more than there was");
	story_check(s, l.traffic.enabled && l.agrees, "it stays on");
	story_say(s, "%" PRId64 " KiB carried in %d rounds, %" PRId64 " KiB counted", total / 1024, rounds, used(&l) / 1024);
}

struct name_seen {
	struct str email;
	bool seen;
};

static enum err on_online(void *ctx, const struct xui_online *o)
{
	struct name_seen *n = ctx;

	n->seen |= str_eq(o->email, n->email);
	return OK;
}

/* Whoever used the line since the last poll is in the list; 3.1.0 never fills it. */
static void onlines(struct story *s)
{
	bool never = !strcmp(s->panel.version, "3.1.0"), expected = has_traffic(s) && !never;
	struct name_seen name = { .email = str_of(s->first.email) };
	const struct xui_ask ask = { .what = XUI_ONLINES, .sinks = { .on_online = on_online, .ctx = &name } };
	const struct xui_result *r = NULL;
	int64_t bytes;

	for (int i = 0; i < CARRY_ROUNDS_MAX * 4 && !name.seen && !story_is_stopped(s); i++) {
		if (expected && i % 4 == 0)
			s->world->carry(s->world->ctx, s->link, &bytes);
		r = story_ask(s, &ask);
		if (r->err || !expected)
			break;
		story_wait(s, CARRY_EVERY_MS / 4);
	}
	if (!r || !story_check_ok(s, r, "the list of those online"))
		return;
	story_check(s, name.seen == expected, expected ? "we are in it" : "we are not in it");
	story_say(s, "%zu online", r->listed);
}

static void addresses(struct story *s)
{
	const struct xui_ask ips = ask_about(s, XUI_IPS, &s->first), clear = ask_about(s, XUI_IPS_CLEAR, &s->first);
	const struct xui_result *r = story_ask(s, &ips);

	if (story_check_ok(s, r, "the client's addresses"))
		story_say(s, "%zu known", r->ips_count);
	story_check_ok(s, story_ask(s, &clear), "they can be forgotten");
	r = story_ask(s, &ips);
	story_check(s, r->err == OK && r->ips_count == 0, "then there are none");
}

/* --- changing --- */

static void renew_early(struct story *s)
{
	renew(s, s->wanted.expires_ms + 30 * DAY_MS, 2 * GIB);
	check_carries(s, true, STORY_PASS_MS);
}

static void change(struct story *s)
{
	struct xui_client want = limits(0, 3 * GIB);
	struct xui_look l;

	want.limit_ip = 5;
	settle(s, &want, XUI_SET_QUOTA | XUI_SET_LIMIT_IP);
	l = story_look(s, &s->first);
	story_check(s, l.client.expires_ms == s->wanted.expires_ms && l.client.enabled, "end and switch stay as they were");
	story_check(s, str_is(l.client.comment, "panel story") && str_is(l.client.sub_id, s->first.sub_id), "so does what we did not name");
	story_check(s, !l.client.uuid.len || str_is(l.client.uuid, s->first.uuid), "so does the UUID");
}

/* Asked for by the new name, and by the old one where that is still the client's. */
static bool is_named(struct story *s, const char *email)
{
	snprintf(s->first.email, sizeof s->first.email, "%s", email);
	return story_look(s, &s->first).exists;
}

/* 3.1.0 leaves a client that stands nowhere under a name that was given up. */
static void forget_name(struct story *s, const struct made *old)
{
	struct xui_ask ask = ask_about(s, XUI_DELETE, old);

	if (s->panel.dialect != XUI_C || !story_look(s, old).exists)
		return;
	story_say(s, "the old name stayed behind");
	story_check_ok(s, story_ask(s, &ask), "it can be deleted");
	story_check(s, !story_look(s, old).exists && story_look(s, &s->first).exists, "and takes nothing along");
}

/* Another name; by it alone 3.1 and later know a client. What is bought and used goes along, the link stays. */
static void rename_it(struct story *s)
{
	struct xui_look before = story_look(s, &s->first), l;
	struct made old = s->first;
	struct xui_client want = { 0 };
	char *email = arena_printf(&s->arena, "%s-2", old.email);

	want.email = str_of(email);
	story_check(s, update(s, &want, XUI_SET_EMAIL) == OK, "it may get another name");
	if (!story_check(s, is_named(s, email), "it is found by it")) {
		s->first = old; /* also for cleaning up */
		return;
	}
	l = story_look(s, &s->first);
	story_check(s, l.found == 1 && str_is(l.client.email, email) && str_is(l.traffic.email, email), "once, in both places");
	story_check(s, is_settled(&l, &before.client, XUI_SET_EXPIRES | XUI_SET_QUOTA | XUI_SET_LIMIT_IP | XUI_SET_ENABLED), "with all that was bought");
	story_check(s, used(&l) >= used(&before), "and all that was used");
	story_check(s, str_eq(l.client.sub_id, before.client.sub_id) && str_eq(l.client.uuid, before.client.uuid) &&
		    str_eq(l.client.password, before.client.password), "and its keys");
	forget_name(s, &old);
	check_carries(s, true, STORY_PASS_MS);
}

static void expire(struct story *s)
{
	struct xui_client want = limits(clock_now_ms() - DAY_MS, 0);

	story_check(s, update(s, &want, XUI_SET_EXPIRES) == OK, "the end may lie in the past");
	check_is_cut(s);
}

static void renew_back(struct story *s)
{
	renew(s, clock_now_ms() + 30 * DAY_MS, GIB);
	check_stays(s);
}

/* More is used than bought. */
static void deplete(struct story *s)
{
	struct xui_client want = limits(0, RESIDUE_BYTES);
	struct xui_look l;
	int64_t bytes;

	settle(s, &want, XUI_SET_QUOTA);
	for (int i = 0; i < CARRY_ROUNDS_MAX && !story_is_stopped(s); i++) {
		s->world->carry(s->world->ctx, s->link, &bytes);
		story_wait(s, CARRY_EVERY_MS);
		if (is_cut(s, &l))
			break;
	}
	check_is_cut(s);
	l = story_look(s, &s->first);
	story_check(s, used(&l) >= RESIDUE_BYTES, "because the quota is used up");
}

static void disable(struct story *s)
{
	const struct xui_client off = { .enabled = false };

	settle(s, &off, XUI_SET_ENABLED);
	check_carries(s, false, STORY_SETTLE_MS);
}

static void enable(struct story *s)
{
	const struct xui_client on = { .enabled = true };

	settle(s, &on, XUI_SET_ENABLED);
	check_stays(s);
}

/* --- doing it twice --- */

/* The answer to an add is lost: what is known then, and what a second add does. */
static void lose_answer(struct story *s)
{
	struct xui_ask ask = ask_about(s, XUI_ADD, &s->second);
	const struct xui_result *r;
	struct xui_look l;

	ask.client.expires_ms = clock_now_ms() + 7 * DAY_MS;
	ask.client.quota_bytes = GIB;
	ask.client.enabled = true;
	s->second.on_panel = true;
	r = story_ask_losing(s, &ask);
	story_check(s, r->err == E_UNKNOWN && r->is_unknown, "an add without an answer is unknown, not failed");
	l = story_look(s, &s->second);
	story_check(s, l.exists && l.found == 1 && l.agrees, "a look finds it");
	r = story_ask(s, &ask);
	story_check_ok(s, r, "the second add");
	story_check(s, r->existed, "sends nothing");
	l = story_look(s, &s->second);
	story_check(s, l.exists && l.found == 1 && l.agrees && l.client.quota_bytes == GIB, "it is there once");
}

static void add_again(struct story *s)
{
	struct xui_ask ask = ask_about(s, XUI_ADD, &s->first);
	struct xui_look l;
	const struct xui_result *r;

	ask.client.quota_bytes = 7 * GIB; /* must not get through */
	ask.client.enabled = true;
	r = story_ask(s, &ask);
	story_check_ok(s, r, "an add of what is there");
	story_check(s, r->existed, "sends nothing");
	l = story_look(s, &s->first);
	story_check(s, l.found == 1 && l.agrees && l.client.quota_bytes == s->wanted.quota_bytes, "and changes nothing");
	ask.client.uuid = str_of(s->second.uuid);
	ask.client.sub_id = str_of(s->second.sub_id);
	r = story_ask(s, &ask);
	story_check(s, r->err == E_CONFLICT, "the same name for somebody else is refused");
}

/* --- leaving --- */

/* The last client of an inbound stays in 2.x and 3.0.x, switched off. */
static void forget(struct story *s, struct made *who)
{
	struct xui_ask ask = ask_about(s, XUI_DELETE, who);
	const struct xui_result *r = story_ask(s, &ask);
	struct xui_look l;
	bool kept;

	if (!story_check_ok(s, r, "it is deleted"))
		return;
	kept = r->kept_disabled;
	l = story_look(s, who);
	story_check(s, kept ? l.exists && !l.client.enabled : !l.exists && !l.found, kept ? "it is kept, switched off" : "it is gone");
	who->on_panel = false;
	if (kept)
		story_say(s, "%s is the inbound's only client: the panel keeps it, switched off", who->email);
	r = story_ask(s, &ask);
	story_check_ok(s, r, "deleting it again is no error");
}

static void delete_second(struct story *s)
{
	forget(s, &s->second);
	story_check(s, story_look(s, &s->first).exists, "the other one is still there");
}

static void delete_first(struct story *s)
{
	forget(s, &s->first);
	check_carries(s, false, STORY_SETTLE_MS);
}

static void last_look(struct story *s)
{
	const struct xui_inbound *in = find_inbound(s);
	size_t kept = story_look(s, &s->first).exists;

	if (story_check(s, in != NULL, "the inbound is there"))
		story_check(s, in->clients_count == s->clients_before + kept, "it has as many clients as before");
	story_say(s, "%zu clients", in ? in->clients_count : 0);
}

const struct story_step story_steps[] = {
	{ "probe",        probe,         false },
	{ "inbounds",     inbounds,      false },
	{ "server",       server,        false },
	{ "settings",     settings,      false },
	{ "add",          add,           false },
	{ "look, links",  look,          false },
	{ "traffic",      traffic,       true  },
	{ "online",       onlines,       false },
	{ "addresses",    addresses,     false },
	{ "renew early",  renew_early,   false },
	{ "change",       change,        false },
	{ "rename",       rename_it,     false },
	{ "expire",       expire,        false },
	{ "renew back",   renew_back,    false },
	{ "deplete",      deplete,       true  },
	{ "renew again",  renew_back,    true  },
	{ "disable",      disable,       false },
	{ "enable",       enable,        false },
	{ "answer lost",  lose_answer,   false },
	{ "add again",    add_again,     false },
	{ "delete one",   delete_second, false },
	{ "delete",       delete_first,  false },
	{ "last look",    last_look,     false },
};
const size_t story_steps_count = countof(story_steps);

void story_clean_up(struct story *s)
{
	struct made *all[] = { &s->second, &s->first };

	for (size_t i = 0; i < countof(all); i++) {
		struct xui_ask ask = ask_about(s, XUI_DELETE, all[i]);

		for (int tries = 0; all[i]->on_panel && tries < STORY_TRIES_MAX; tries++) {
			if (tries)
				s->world->wait(s->world->ctx, STORY_SETTLE_MS);
			all[i]->on_panel = story_ask(s, &ask)->err != OK;
		}
		story_check(s, !all[i]->on_panel, arena_printf(&s->arena, "%s is removed; by hand, please", all[i]->email));
	}
}
