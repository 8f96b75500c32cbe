/* The process: its starts and ends, its disk, its clock. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "bot/schema.h"
#include "bot/tables.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/rand.h"
#include "tests/world/edges.h"
#include "tests/world/world.h"

#define STANDING_MAX 2000         /* turns in which the clock does not move: ten times what is ever needed */
#define POISON_MAX 12
#define SMALL_CACHES 3000         /* of the starts, times in 10,000 */
#define START_AGAIN_MS (5 * SECOND_MS)
#define PATIENCE_MS (2 * MINUTE_MS)

static struct world *living;      /* the core's steps and the store's calls have no context of their own */

static uint64_t draw(void *ctx)
{
	return luck_draw(ctx);
}

static void die(struct world *w)
{
	w->dead = true;
	w->steps_left = 0;
	if (w->disk)
		disk_set_dead(w->disk, true);
	memnet_set_dead(w->net);
	memserver_set_dead(w->server);
}

void life_fell(struct world *w, const char *by)
{
	w->end = DISK_AFTER_KILL;
	w->felled_by = by;
	die(w);
}

static void step(struct world *w)
{
	if (w->dead || !w->steps_left || --w->steps_left)
		return;
	die(w);
}

static void on_step(const char *name)
{
	(void)name;
	if (living && !living->in_commit)
		step(living);
}

static int on_disk(void *ctx, enum disk_op op)
{
	struct world *w = ctx;

	if (!w->acts || w->plain_disk)
		return SQLITE_OK;
	if (op != DISK_READ && w->steps_left && (w->in_commit || luck_has(&w->luck, 2000))) {
		step(w);
		if (w->dead) {
			tally_fault(FAULT_KILL_IN_COMMIT);
			return SQLITE_IOERR;
		}
	}
	if (w->disk_full && op == DISK_WRITE) {
		tally_fault(FAULT_DISK_FULL);
		return SQLITE_FULL;
	}
	if (w->read_fails && op == DISK_READ) {
		w->read_fails = false;
		tally_fault(FAULT_DISK_UNREAD);
		return SQLITE_IOERR;
	}
	if (w->disk_fails && (op == DISK_READ || op == DISK_WRITE || op == DISK_SYNC) && luck_has(&w->luck, w->disk_fails)) {
		tally_fault(op == DISK_READ ? FAULT_DISK_UNREAD : FAULT_DISK_ERROR);
		return SQLITE_IOERR;
	}
	return SQLITE_OK;
}

static enum err on_store(void *ctx, enum db_point point)
{
	struct world *w = ctx;

	(void)point;
	if (!w->acts)
		return OK;
	if (w->dead)
		return E_IO;
	if (!w->store_calls_left || --w->store_calls_left)
		return OK;
	if (!w->plain_disk && luck_has(&w->luck, 4000)) {
		w->read_fails = true; /* the next, in the middle of whatever it has begun */
		return OK;
	}
	tally_fault(FAULT_STORE_CALL);
	return luck_has(&w->luck, 5000) ? E_FULL : E_IO;
}

/* --- poison: what kills whoever handles it, until it is set aside --- */

static struct core_tables poisoned;

static enum err decide(struct world *w, struct act *a, const struct tg_update *u)
{
	int64_t invoice;
	enum err e;

	if (!str_starts(u->callback.data, "buy:") && !str_starts(u->callback.data, "renewpay:"))
		return tables.on_update(a, u);
	invoice = truth_newest_invoice(w);
	e = tables.on_update(a, u);
	if (!e && !w->dead && !sqlite3_get_autocommit(db_handle(w->db)))
		truth_look_at_invoice(w, invoice, u->callback.data);
	return e;
}

static enum err handle_poisoned(struct world *w, struct act *a, const struct tg_update *u)
{
	bool is_money = w->poison_money && (u->message.is_paid || u->message.is_refund);

	if (is_money || (w->poison && w->poison == u->chat.id)) { /* this one, as often as it is taken up */
		w->poison = 0;
		w->poison_money = w->poison_money && !is_money;
		w->poison_fails = luck_has(&w->luck, 4000);
		w->poisoned_update = u->update_id;
		w->poisoned_times = 0;
	}
	if (!u->update_id || u->update_id != w->poisoned_update)
		return decide(w, a, u);
	if (w->poison_fails) {
		tally_fault(FAULT_UPDATE_FAILS);
		if (luck_has(&w->luck, 7000))
			tables.on_update(a, u); /* all of it, and then not */
		return E_IO;
	}
	tally_fault(FAULT_POISON);
	if (++w->poisoned_times > POISON_MAX)
		world_broken(w, "update %lld has killed %d times and is not set aside", (long long)u->update_id, w->poisoned_times);
	life_fell(w, "an update");
	return E_IO;
}

/* An update whose handler failed is to come again; which ones have to is kept here. */
static void note_failed(struct world *w, int64_t update_id, bool failed)
{
	size_t i = 0;

	while (i < w->failed_count && w->failed[i].update_id != update_id)
		i++;
	if (i < w->failed_count)
		w->failed[i].came_again = true;
	else if (failed && w->failed_count < WORLD_FAILED_MAX)
		w->failed[w->failed_count++].update_id = update_id;
}

static enum err on_update(struct act *a, const struct tg_update *u)
{
	struct world *w = living;
	bool is_undone; /* whatever it says: SQLite has taken the transaction back */
	enum err e;

	if (w->dead)
		return tables.on_update(a, u);
	e = handle_poisoned(w, a, u);
	if (!u->update_id)
		return e;
	is_undone = e || sqlite3_get_autocommit(db_handle(w->db));
	note_failed(w, u->update_id, is_undone && !w->dead); /* what a death cut off was not decided: Telegram brings it again, or forgets it */
	if (!is_undone && !w->dead && w->is_tallied && !edges_is_first(u->update_id))
		world_broken(w, "update %lld is decided once more", (long long)u->update_id);
	return e;
}

/* Set aside, and perhaps taken up again by a person: so often it may kill each time. */
static enum err on_parked(struct act *a, const struct tg_update *u)
{
	if (u->update_id == living->poisoned_update)
		living->poisoned_times = 0;
	return tables.on_parked(a, u);
}

static void from_program(void *ctx, void *out, size_t n)
{
	struct world *w = ctx;
	unsigned char *to = out;

	while (n) {
		uint64_t u = luck_draw(&w->program);
		size_t piece = n < sizeof u ? n : sizeof u;

		for (size_t i = 0; i < piece; i++)
			*to++ = (unsigned char)(u >> (8 * i));
		n -= piece;
	}
}

static void note_confirmed(void *ctx, int64_t update_id)
{
	struct world *w = ctx;

	if (w->confirmed_count < WORLD_CONFIRMED_MAX)
		w->confirmed[w->confirmed_count++] = update_id;
}

void life_open(struct world *w)
{
	living = w;
	poisoned = tables;
	poisoned.on_update = on_update;
	poisoned.on_parked = on_parked;
	core_step = on_step;
	if (!w->real_file)
		w->disk = disk_new(on_disk, w);
	db_set_fault(on_store, w);
	botapi_watch_confirmed(w->telegram, note_confirmed, w);
	rand_set_source(from_program, w);
	sqlite3_randomness(0, NULL); /* SQLite keeps a stream of its own: it begins anew with each world */
}

/* --- starting and ending --- */

static bool try_start(struct world *w)
{
	struct core_setup setup = {
		.config = &w->config, .tables = &poisoned, .shared = &w->shared, .net = memnet_net(w->net), .server = memserver_net(w->server),
		.api = { .base_url = WORLD_TELEGRAM, .token = BOTAPI_TOKEN }, .send_rate_per_s = w->config.send_rate_per_s,
	};
	int64_t from;
	enum err e;

	w->acts = true;
	e = db_open(&w->db, w->path, DB_WRITE, w->disk ? disk_vfs(w->disk) : NULL);
	if (!e)
		e = db_migrate(w->db, &from, schema_migrations, schema_migrations_count);
	w->acts = false;
	w->looked_changes = -1;
	w->is_tallied = !e && !w->dead;
	if (w->is_tallied) {
		if (luck_has(&w->luck, SMALL_CACHES))
			sqlite3_exec(db_handle(w->db), "PRAGMA cache_size=8", NULL, NULL, NULL); /* as with tables that are larger than it: it reads all the time */
		edges_watch(w->db, &w->acts);
		guards_watch(w->db);
	}
	w->shared = (struct shared){ .config = &w->config, .i18n = w->i18n, .key = &w->key };
	setup.db = w->db;
	w->acts = true;
	if (!e)
		e = core_open(&w->core, &setup);
	w->acts = false;
	world_tell(w, "started: %s", err_name(e));
	return !e;
}

static void went_astray(void *ctx, const char *edge)
{
	world_broken(ctx, "a row went a way that its state machine does not have: %s", edge);
}

static void close_all(struct world *w)
{
	if (w->db && w->is_tallied) {
		edges_collect(went_astray, w); /* also of a dead one: what it committed was synced */
		guards_look(w);
	}
	w->acts = true;
	core_close(w->core);
	db_close(w->db);
	w->acts = false;
	w->core = NULL;
	w->db = NULL;
}

/* Whatever it had in its hands is gone; of what it had written, as much as the end allows is there. */
static void bury(struct world *w, int64_t rest_ms)
{
	static const enum fault names[] = { [DISK_AFTER_KILL] = FAULT_KILL, [DISK_AFTER_POWER] = FAULT_POWER_CUT, [DISK_AFTER_TEAR] = FAULT_POWER_TORN };

	close_all(w);
	heard_end(w);
	memnet_kill(w->net, luck_has(&w->luck, 5000));
	memserver_kill(w->server);
	if (w->disk) {
		disk_end(w->disk, w->end, draw, &w->luck);
		disk_set_dead(w->disk, false);
	}
	if (w->dead) {
		tally_fault(names[w->end]);
		w->deaths++;
	}
	w->was_cut_off = w->was_cut_off || !w->felled_by;
	w->killer = w->felled_by;
	w->felled_by = NULL;
	w->dead = w->in_commit = false;
	w->steps_left = 0;
	w->starts_ms = world_now_ms(w) + rest_ms;
	world_tell(w, "ended (%s), back in %lld s", w->end == DISK_AFTER_KILL ? "killed" : w->end == DISK_AFTER_POWER ? "power cut" : "torn", (long long)(rest_ms / 1000));
}

/* A panel whose job was under way then, and at other deaths: the program cannot tell it from one that kills. The same where two
 * others kill in turn: the one that it was asked beside, and then what came while it was asked alone (world 9359). Once it is set
 * aside its job counts from nought, and there may be another end before anybody looks (world 3910). */
static void note_cut_off(struct world *w)
{
	for (size_t i = 0; i < w->panels_count; i++) {
		struct world_panel *p = &w->panels[i];

		if (world_number(w, "SELECT (SELECT count(*) FROM jobs WHERE crashes>0 AND lane=?1)+(SELECT count(*) FROM panels WHERE state='failing' AND id=?1)", p->panel_id)) {
			p->was_cut_off = p->was_cut_off || w->was_cut_off || (p->killer && w->killer && strcmp(p->killer, w->killer) != 0);
			p->killer = w->killer;
		} else {
			p->was_cut_off = false;
			p->killer = NULL;
		}
	}
	w->was_cut_off = false;
}

static void start(struct world *w)
{
	w->starts++;
	if (w->actors_count && world_now_ms(w) < w->calm_ms && w->climate.deaths_ms && luck_has(&w->luck, 1500)) {
		w->steps_left = luck_between(&w->luck, 1, 150);
		w->in_commit = !w->plain_disk && luck_has(&w->luck, 5000);
		w->end = (enum disk_end)luck_below(&w->luck, w->plain_disk ? 1 : 3);
	}
	if (try_start(w) && !w->dead) {
		w->deadly_message = w->deadly_message && world_number(w, WORLD_GIVEN_UP) == w->deadly_given_up;
		if (!world_number(w, "SELECT count(*) FROM outbox WHERE crashes>0"))
			w->deadly_sent = 0; /* it ran out before it was given up: the next one with the same words is another (world 2591) */
		note_cut_off(w);
		return;
	}
	if (w->dead)
		tally_fault(FAULT_KILL_IN_START);
	w->end = w->dead ? w->end : DISK_AFTER_KILL;
	bury(w, START_AGAIN_MS);
}

static void turn(struct world *w, int timeout_max_ms)
{
	w->acts = true;
	core_turn(w->core, timeout_max_ms);
	w->acts = false;
	w->turns++;
	if (!w->dead) {
		heard_look(w);
		truth_look_at_confirmed(w);
	}
	if (!w->dead && w->moves_watched && w->moves_watched--)
		truth_look_at_moves(w);
}

/* As the program ends when it is told to; or it dies of that. */
void life_stop(struct world *w)
{
	if (!w->core)
		return;
	core_stop(w->core);
	while (!w->dead && core_exit_code(w->core) < 0)
		turn(w, 1);
	if (!w->dead)
		close_all(w);
	if (w->dead) {
		bury(w, START_AGAIN_MS);
		return;
	}
	heard_end(w);
	memnet_kill(w->net, false);
	memserver_kill(w->server);
	world_tell(w, "stopped");
}

void life_close(struct world *w)
{
	if (w->core)
		life_stop(w);
	core_step = NULL;
	db_set_fault(NULL, NULL);
	rand_set_source(NULL, NULL);
	if (w->disk)
		disk_free(w->disk);
	living = NULL;
}

bool life_do(struct world *w, enum err (*fn)(struct act *a, void *ctx), void *ctx)
{
	enum err e;

	if (!w->core || w->dead)
		return false;
	w->acts = true;
	e = core_do(w->core, fn, ctx);
	w->acts = false;
	if (!w->dead)
		return !e;
	bury(w, luck_length(&w->luck, 0, MINUTE_MS));
	return false;
}

/* --- running --- */

static bool nothing_moves(struct world *w)
{
	return core_is_idle(w->core) && memnet_under_way(w->net) == 0 && memserver_waiting(w->server) == 0;
}

/* Idle time is skipped: as on a machine that slept, what was due meanwhile is done late. Messages that wait for their
 * second get it; those that wait for Telegram to come back do so in larger steps. */
static void skip(struct world *w, int64_t begin_ms, int64_t until_ms)
{
	int64_t now_ms = world_now_ms(w), to_ms = now_ms + w->climate.stride_ms;

	truth_look(w);
	if (world_number(w, "SELECT count(*) FROM outbox WHERE state=0")) {
		if (now_ms < begin_ms + PATIENCE_MS)
			return;
		to_ms = now_ms + 10 * PATIENCE_MS;
	}
	if (to_ms > until_ms)
		to_ms = until_ms;
	if (to_ms > now_ms)
		memnet_skip_ms(w->net, to_ms - now_ms);
}

void life_run(struct world *w, int64_t until_ms)
{
	int64_t begin_ms = world_now_ms(w);
	int standing = 0;

	while (world_now_ms(w) < until_ms) {
		int64_t now_ms = world_now_ms(w);

		if (!w->core) {
			int64_t wait_ms = w->starts_ms - now_ms;

			if (wait_ms > 0) {
				memnet_advance_ms(w->net, wait_ms < until_ms - now_ms ? wait_ms : until_ms - now_ms);
				continue;
			}
			start(w);
			provider_hear(w);
			continue;
		}
		if (nothing_moves(w))
			skip(w, begin_ms, until_ms);
		if (world_now_ms(w) >= until_ms)
			return;
		turn(w, (int)(until_ms - world_now_ms(w)));
		if (!w->dead && core_exit_code(w->core) >= 0) {
			world_tell(w, "it ends by itself: %d", core_exit_code(w->core));
			life_stop(w);
			w->starts_ms = world_now_ms(w) + START_AGAIN_MS;
		}
		if (w->dead)
			bury(w, luck_has(&w->luck, 9000) ? luck_length(&w->luck, 0, MINUTE_MS) : luck_length(&w->luck, MINUTE_MS, 6 * HOUR_MS));
		provider_hear(w);
		standing = world_now_ms(w) == now_ms ? standing + 1 : 0;
		if (standing > STANDING_MAX) {
			world_broken(w, "the clock stands still: something is due and is not done");
			return;
		}
	}
}

/* --- what happens to a process --- */

void life_will_die(struct world *w, int64_t steps_max)
{
	w->end = w->plain_disk ? DISK_AFTER_KILL : (enum disk_end)luck_below(&w->luck, 3);
	w->in_commit = !w->plain_disk && luck_has(&w->luck, 4000);
	w->steps_left = luck_length(&w->luck, 1, steps_max);
}

static void fate(struct world *w, struct actor *self)
{
	int64_t mean_ms = w->climate.deaths_ms;

	self->next_ms = world_later(w, mean_ms / 4, 2 * mean_ms);
	if (!w->core)
		return;
	w->poison_money = w->poison_money || luck_has(&w->luck, 3500);
	if (luck_has(&w->luck, 1000)) {
		int64_t rest_ms = luck_length(&w->luck, SECOND_MS, 12 * HOUR_MS);

		tally_fault(FAULT_STOPPED);
		life_stop(w);
		w->starts_ms = world_now_ms(w) + rest_ms;
	} else if (luck_has(&w->luck, 2000)) {
		w->store_calls_left = luck_length(&w->luck, 1, 300);
	} else if (luck_has(&w->luck, 2500)) { /* as often as it takes to be set aside, and once more */
		w->deadly = w->panels[luck_below(&w->luck, (int64_t)w->panels_count)].origin;
		w->deadly_writes = luck_has(&w->luck, 8500);
		w->deadly_times = (int)luck_between(&w->luck, 3, 5);
	} else if (luck_has(&w->luck, 1200)) {
		w->deadly_message = true;
		w->deadly_given_up = world_number(w, WORLD_GIVEN_UP);
		w->deadly_body = 0;
		w->deadly_sent = 0;
	} else if (luck_has(&w->luck, 3000) && w->people_count) {
		w->poison = w->people[luck_below(&w->luck, (int64_t)w->people_count)].telegram_id;
	} else {
		life_will_die(w, 400);
	}
}

static void bad_disk(struct world *w, struct actor *self)
{
	bool ends = w->disk_full || w->disk_fails;

	w->disk_full = false;
	w->disk_fails = 0;
	if (ends || !luck_has(&w->luck, w->climate.disk)) {
		self->next_ms = world_now_ms(w) + luck_length(&w->luck, HOUR_MS, 4 * DAY_MS);
		return;
	}
	if (luck_has(&w->luck, 5000))
		w->disk_full = true;
	else
		w->disk_fails = luck_length(&w->luck, 100, 6000);
	world_tell(w, "the disk is %s", w->disk_full ? "full" : "failing");
	self->next_ms = world_now_ms(w) + luck_length(&w->luck, SECOND_MS, HOUR_MS);
}

static void wrong_clock(struct world *w, struct actor *self)
{
	self->at_work = !self->at_work;
	if (!self->at_work) {
		memnet_set_skew_ms(w->net, 0);
		self->next_ms = world_now_ms(w) + luck_length(&w->luck, HOUR_MS, 10 * DAY_MS);
		return;
	}
	w->had_wrong_clock = true;
	if (luck_has(&w->luck, 5000)) {
		tally_fault(FAULT_CLOCK_FORWARD);
		memnet_set_skew_ms(w->net, HOUR_MS);
	} else {
		tally_fault(FAULT_CLOCK_BACK);
		memnet_set_skew_ms(w->net, -HOUR_MS);
	}
	self->next_ms = world_now_ms(w) + luck_length(&w->luck, SECOND_MS, 5 * HOUR_MS);
}

void life_add_actor(struct world *w)
{
	int64_t now_ms = world_now_ms(w);

	if (w->climate.deaths_ms)
		world_actor(w, fate, 0, now_ms + luck_below(&w->luck, w->climate.deaths_ms));
	if (w->climate.disk && !w->plain_disk)
		world_actor(w, bad_disk, 0, now_ms + luck_below(&w->luck, DAY_MS));
	if (luck_has(&w->luck, 3000))
		world_actor(w, wrong_clock, 0, now_ms + luck_below(&w->luck, 3 * DAY_MS));
}

void life_calm(struct world *w)
{
	w->disk_full = false;
	w->disk_fails = 0;
	w->steps_left = w->store_calls_left = 0;
	w->in_commit = w->read_fails = false;
	w->poison = w->poisoned_update = 0;
	w->poison_money = false;
	w->deadly = NULL;
	w->deadly_message = false;
	memnet_set_skew_ms(w->net, 0);
}
