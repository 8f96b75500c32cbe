/* Reconcile against simulated panels of all generations, with everything lost that can be lost. */
#include "tests/unit/fleet_world.h"

/* While the panel has not answered yet, the row says what it was sent; only then what it agreed to. */
static void test_row_comes_first(void **state)
{
	static const struct panel_rule hang = { .route = "add", .times = 1, .fault = PANEL_NETWORK, .trouble = { .hang = true } };
	struct fleet_world *w = fw_new("2.8.5");

	(void)state;
	fw_sell(w);
	panel_sim_add_rule(w->sims[0], &hang);
	fw_reconcile(w);
	fw_run(w, 5000);
	assert_int_equal(panel_sim_count(w->sims[0], "addClient"), 1);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE writing=1 AND written_rev=1 AND done_rev=0"), 1);
	fw_run(w, 5 * MINUTE_MS);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE writing=0 AND written_rev=1 AND done_rev=1"), 1);
	fw_assert_in_line(w, "after a hanging add");
	fw_free(w);
}

/* A panel that says yes and does nothing is not asked without end: a person hears of it, and it is tried again later. */
static void test_yes_and_nothing(void **state)
{
	static const struct panel_rule lie = { .route = "add", .fault = PANEL_WRONG_JSON, .text = "{\"success\":true,\"msg\":\"\",\"obj\":null}" };

	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);
		size_t asked;

		panel_sim_add_rule(w->sims[0], &lie);
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 5000);
		asked = panel_sim_count(w->sims[0], "add");
		assert_in_range(asked, 2, 20);
		assert_int_equal(w->ready, 0);
		assert_non_null(strstr(w->alert_keys, "+order_stuck"));
		panel_sim_clear_rules(w->sims[0]);
		fw_run(w, 10 * MINUTE_MS);
		fw_assert_in_line(w, fw_versions[i]);
		assert_int_equal(w->ready, 1);
		fw_free(w);
	}
}

/* The same about a deletion: what the panel said is looked at, and the client is not forgotten while it stands there. */
static void test_yes_and_kept(void **state)
{
	static const struct panel_rule lie = { .route = "del", .fault = PANEL_WRONG_JSON, .text = "{\"success\":true,\"msg\":\"\",\"obj\":null}" };

	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);

		fw_operator_adds(w, fw_versions[i], "zoe_f"); /* the last client of an inbound is another matter (K17) */
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, fw_versions[i]);
		panel_sim_add_rule(w->sims[0], &lie);
		fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
		fw_run(w, MINUTE_MS);
		assert_int_equal(panel_sim_count_clients(w->sims[0], 0), 2);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE seen_exists=1"), 1);
		panel_sim_clear_rules(w->sims[0]);
		fw_run(w, 10 * MINUTE_MS);
		assert_int_equal(panel_sim_count_clients(w->sims[0], 0), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE seen_exists=1"), 0);
		fw_free(w);
	}
}

static void test_created(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		fw_assert_in_line(w, fw_versions[i]);
		assert_int_equal(w->ready, 1);
		assert_int_equal(w->ready_rev, 1);
		assert_int_equal(w->waits, 0);
		assert_int_equal(fw_number(w, "SELECT link LIKE 'vless://" UUID_1 "@vpn.example.com:20443?%' FROM accesses"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		assert_string_equal(w->alert_keys, "");
		fw_free(w);
	}
}

/* The life of a subscription: bought, renewed with new traffic, banned, let in again, enlarged. */
static void live(struct fleet_world *w)
{
	static const char *const changes[] = {
		"UPDATE subscriptions SET expires_ms=expires_ms+2592000000, quota_bytes=quota_bytes+1073741824, reset_rev=reset_rev+1 WHERE id=1",
		"UPDATE subscriptions SET enabled=0 WHERE id=1",
		"UPDATE subscriptions SET enabled=1, limit_ip=5 WHERE id=1",
		"UPDATE subscriptions SET quota_bytes=quota_bytes*2 WHERE id=1",
	};

	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 20 * MINUTE_MS);
	fw_assert_in_line(w, "bought");
	panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 100, 200);
	for (size_t i = 0; i < countof(changes); i++) {
		fw_want(w, changes[i]);
		fw_run(w, 20 * MINUTE_MS);
		fw_assert_in_line(w, changes[i]);
	}
	assert_int_equal(fw_client(w, 0).client.up, 0);
	assert_true(fw_number(w, "SELECT count(*) FROM drifts") == 0);
}

static void test_life(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);

		live(w);
		assert_int_equal(w->ready, 5);
		assert_int_equal(w->up_bytes, 0);
		assert_true(panel_sim_count(w->sims[0], "POST login") <= 3); /* 100 minutes, an hour each (R004) */
		fw_free(w);
	}
}

/* --- among others --- */

static bool write_other(void *ctx, const struct panel_client_view *c)
{
	if (c->tg_id != 4242)
		buf_printf(ctx, "%.*s %.*s %.*s enabled %d quota %lld until %lld used %lld+%lld row %d %lld %lld\n", STR_ARG(c->email), STR_ARG(c->id), STR_ARG(c->sub_id),
			c->enable, (long long)c->total_bytes, (long long)c->expiry_ms, (long long)c->up, (long long)c->down, c->row_enable, (long long)c->row_total_bytes,
			(long long)c->row_expiry_ms);
	return true;
}

static void write_others(struct buf *to, struct fleet_world *w)
{
	buf_clear(to);
	panel_sim_each_client(w->sims[0], 0, write_other, to);
	assert_false(to->over);
}

/* Between clients of others, whose places in the list change all the time: ours is told by its keys and its e-mail, keeps
 * them through its whole life, has its own usage, and of the others' nothing changes. */
static void test_among_others(void **state)
{
	static const char *const changes[] = {
		"UPDATE subscriptions SET expires_ms=expires_ms+2592000000, quota_bytes=quota_bytes+1073741824, reset_rev=reset_rev+1 WHERE id=1",
		"UPDATE subscriptions SET enabled=0 WHERE id=1",
		"UPDATE subscriptions SET enabled=1, limit_ip=5 WHERE id=1",
		"UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1",
	};
	static const char *const names[] = { "anna_a", "anna_b", "anna_c", "anna_d", "anna_abcdefghe", "zoe_f" };
	struct buf before, after;

	(void)state;
	buf_init(&before, 10000);
	buf_init(&after, 10000);
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);

		for (size_t k = 0; k < 4; k++)
			fw_operator_adds(w, fw_versions[i], names[k]);
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		fw_operator_adds(w, fw_versions[i], names[4]);
		fw_operator_adds(w, fw_versions[i], names[5]);
		for (size_t k = 0; k < countof(changes); k++) {
			bool last = k == countof(changes) - 1;

			fw_assert_in_line(w, fw_versions[i]);
			fw_operator_deletes(w, fw_versions[i], names[k]); /* the first of the list: all move up */
			panel_sim_set_traffic(w->sims[0], names[5], 7000, 9000);
			panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 100 + (int64_t)k, 200);
			write_others(&before, w);
			fw_reconcile(w);
			fw_run(w, MINUTE_MS);
			assert_int_equal(w->up_bytes, 100 + k);
			fw_want(w, changes[k]);
			fw_run(w, MINUTE_MS);
			write_others(&after, w);
			if (strcmp(buf_cstr(&before), buf_cstr(&after)))
				fail_msg("%s, %s: before\n%safter\n%s", fw_versions[i], changes[k], buf_cstr(&before), buf_cstr(&after));
			assert_int_equal(panel_sim_count_clients(w->sims[0], 0), countof(names) - 1 - k + !last);
		}
		assert_int_equal(fw_client(w, 0).count, 0);
		fw_free(w);
	}
	buf_release(&before);
	buf_release(&after);
}

static void test_answers_lost(void **state)
{
	(void)state;
	fw_lose_nth("2.8.5", PANEL_NETWORK, true, fw_new, live);
	fw_lose_nth("3.0.2", PANEL_NETWORK, true, fw_new, live);
	fw_lose_nth("3.6.0", PANEL_NETWORK, true, fw_new, live);
}

static void test_empty_500(void **state)
{
	(void)state;
	fw_lose_nth("2.9.4", PANEL_EMPTY_500, true, fw_new, live);
	fw_lose_nth("2.9.4", PANEL_EMPTY_500, false, fw_new, live);
	fw_lose_nth("3.1.0", PANEL_EMPTY_500, true, fw_new, live);
	fw_lose_nth("3.0.2", PANEL_HTML_502, false, fw_new, live);
}

static void test_sessions_lost(void **state)
{
	(void)state;
	fw_lose_nth("2.8.5", PANEL_LOGOUT, false, fw_new, live);
	fw_lose_nth("3.6.0", PANEL_LOGOUT, false, fw_new, live);
}

static void test_kills(void **state)
{
	(void)state;
	fw_kill_nth("2.8.5", "jobs.claimed", false, fw_new, live);
	fw_kill_nth("2.8.5", "jobs.call_sent", true, fw_new, live);
	fw_kill_nth("3.6.0", "jobs.call_sent", false, fw_new, live);
}

/* Used up, cut off by the panel, renewed: in again, with new counters. The same when an admin gives the traffic once more and
 * nothing else changes: a reset alone does not let anybody in. */
static void test_renewed_after_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 6 * GIB, 6 * GIB);
		fw_run(w, MINUTE_MS);
		assert_false(fw_client(w, 0).client.in_xray);
		fw_reconcile(w); /* a look at somebody cut off changes nothing and reports nothing */
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts"), 0);
		assert_false(fw_client(w, 0).client.in_xray);
		assert_int_equal(w->up_bytes, 6 * GIB);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000, reset_rev=1 WHERE id=1");
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, fw_versions[i]);
		assert_int_equal(fw_client(w, 0).client.up, 0);
		assert_int_equal(w->ready, 2);
		panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 6 * GIB, 6 * GIB);
		fw_run(w, MINUTE_MS);
		assert_false(fw_client(w, 0).client.in_xray);
		fw_want(w, "UPDATE subscriptions SET reset_rev=2 WHERE id=1");
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, fw_versions[i]);
		assert_true(fw_client(w, 0).client.in_xray);
		fw_free(w);
	}
}

/* Expired, then renewed. */
static void test_renewed_after_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		memnet_advance_ms(w->net, 31 * DAY_MS);
		fw_run(w, MINUTE_MS);
		assert_false(fw_client(w, 0).client.in_xray);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+5184000000 WHERE id=1");
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, fw_versions[i]);
		fw_free(w);
	}
}

/* Refunded: gone from the panel; of 2.x and 3.0.x the last client of an inbound can only be switched off. */
static void test_deleted(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);
		struct fw_found f;

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
		fw_run(w, MINUTE_MS);
		f = fw_client(w, 0);
		assert_true(f.count == 0 || (!f.client.enable && !f.client.in_xray));
		assert_true(f.count == 0 || fw_versions[i][0] == '2' || fw_versions[i][2] == '0');
		assert_true(fw_number(w, "SELECT deleted_ms FROM accesses WHERE id=1") > 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_free(w);
	}
}

/* Paid for again while its deletion is under way: what was taken away is there again, also where 2.x and 3.0.x could only switch it off. */
static void test_paid_while_deleted(void **state)
{
	static const char *const back[] = { "UPDATE subscriptions SET gone=0, deleted_ms=0, expires_ms=expires_ms+2592000000 WHERE id=1", "UPDATE subscriptions SET gone=0, deleted_ms=0 WHERE id=1" };

	(void)state;
	for (size_t i = 0; i < 2 * countof(fw_versions); i++) {
		const char *version = fw_versions[i / 2], *route = fw_has_records(version) ? "clients/del" : "updateClient";
		struct fleet_world *w = fw_sold(version);
		struct panel_rule slow = { .route = route, .times = 1, .fault = PANEL_NETWORK, .trouble = { .delay_ms = 3000 } };

		panel_sim_clear_counts(w->sims[0]);
		panel_sim_add_rule(w->sims[0], &slow);
		fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
		fw_run(w, 1000);
		assert_int_equal(panel_sim_count(w->sims[0], route), 1);
		fw_want(w, back[i % 2]);
		fw_run(w, 30 * SECOND_MS);
		fw_assert_in_line(w, version);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts"), 0);
		assert_int_equal(w->ready_rev, 3);
		fw_free(w);
	}
}

/* First panel dead before anything was sent: delivered on the second (R141). */
static void test_moved(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");

	(void)state;
	fw_add_panel(w, "3.6.0");
	memnet_set_down(w->net, w->origins[0], true);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_client(w, 0).count, 0);
	assert_int_equal(fw_client(w, 1).count, 1);
	assert_int_equal(w->ready, 1);
	assert_string_equal(w->alert_keys, "+panel_down ");
	fw_free(w);
}

static void operator_deletes_inbound(struct fleet_world *w)
{
	char path[100];

	snprintf(path, sizeof path, "panel/api/inbounds/del/%lld", (long long)w->inbound_ids[0]);
	fw_operate(w, path, "");
}

/* Its inbound was deleted on the panel: what was never sent is delivered elsewhere, in every dialect; where there is nowhere
 * to go, and for who stood there, a person is told why it waits. */
static void test_inbound_deleted(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_new(fw_versions[i]);

		operator_deletes_inbound(w);
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_int_equal(w->ready, 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts WHERE text_key='order_stuck' AND detail='inbound_gone'"), 1);
		assert_int_equal(fw_number(w, "SELECT gone FROM inbounds"), 1);
		fw_add_panel(w, "3.6.0");
		fw_run(w, 10 * MINUTE_MS);
		assert_int_equal(w->ready, 1);
		assert_int_equal(fw_client(w, 1).count, 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		assert_string_equal(w->alert_keys, "+order_stuck -order_stuck ");
		fw_free(w);

		w = fw_sold(fw_versions[i]);
		operator_deletes_inbound(w);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts WHERE text_key='order_stuck' AND detail='inbound_gone'"), 1);
		fw_free(w);
	}
}

/* The add was sent and its answer lost: that panel may have it, so it waits there. */
static void test_not_moved_when_unsure(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct panel_rule lost = { .route = "addClient", .times = 1, .fault = PANEL_NETWORK, .after = true, .trouble = { .drop = true } };
	struct panel_rule dead = { .route = "inbounds/get", .nth = 3, .fault = PANEL_EMPTY_500 };

	(void)state;
	fw_add_panel(w, "3.6.0");
	panel_sim_add_rule(w->sims[0], &lost);
	panel_sim_add_rule(w->sims[0], &dead);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 10 * MINUTE_MS);
	assert_int_equal(fw_client(w, 1).count, 0);
	assert_int_equal(w->ready, 0);
	assert_true(w->waits > 0);
	panel_sim_clear_rules(w->sims[0]);
	fw_run(w, 10 * MINUTE_MS);
	fw_assert_in_line(w, "back");
	assert_int_equal(panel_sim_count(w->sims[0], "addClient"), 1);
	fw_free(w);
}

/* The same, and it is given back before anybody could look: it was perhaps never there, which only a look can tell. */
static void test_given_back_when_unsure(void **state)
{
	static const char *const ways[] = { "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1", "UPDATE accesses SET deleted_ms=1 WHERE id=1" };

	(void)state;
	for (size_t i = 0; i < countof(ways); i++) {
		struct fleet_world *w = fw_new("3.6.0");
		struct panel_rule lost = { .route = "clients/add", .times = 1, .fault = PANEL_NETWORK, .after = true, .trouble = { .drop = true } };

		panel_sim_add_rule(w->sims[0], &lost);
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 10);
		assert_int_equal(fw_number(w, "SELECT seen_exists FROM accesses WHERE id=1"), 0);
		memnet_set_down(w->net, w->origins[0], true);
		fw_want(w, ways[i]);
		fw_run(w, 10 * MINUTE_MS);
		memnet_set_down(w->net, w->origins[0], false);
		fw_run(w, 10 * MINUTE_MS);
		assert_int_equal(fw_client(w, 0).count, 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		assert_int_equal(panel_sim_count(w->sims[0], "clients/add"), 1);
		fw_free(w);
	}
}

static enum memnet_fate twice_and_no_more(void *ctx, const char *origin, const struct sim_request *r, struct sim_trouble *trouble)
{
	bool *is_cut = ctx;

	(void)origin;
	(void)trouble;
	if (*is_cut)
		return MEMNET_REFUSE;
	*is_cut = str_has(r->path, "addClient") || str_has(r->path, "clients/add");
	return *is_cut ? MEMNET_TWICE : MEMNET_PASS;
}

/* What a connection that broke has sent again, or a proxy, the panel refuses the second time: "duplicate email" does not tell that
 * ours is not there. Nobody could look before it was given back (world 3667). */
static void test_added_twice_and_given_back(void **state)
{
	static const char *const cases[] = { "2.8.5", "3.0.2", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_new(cases[i]);
		bool is_cut = false;
		struct fw_found f;

		memnet_set_weather(w->net, twice_and_no_more, &is_cut);
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_true(is_cut);
		memnet_set_weather(w->net, NULL, NULL);
		assert_true(fw_client(w, 0).count > 0);
		fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
		fw_run(w, 10 * MINUTE_MS);
		f = fw_client(w, 0);
		assert_true(f.count == 0 || (!f.client.enable && !f.client.in_xray)); /* the last one is only switched off by 2.x and 3.0.x */
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_free(w);
	}
}

/* It stands, and no link can be made of it: nothing is delivered until one can. */
static void test_nothing_to_hand_over(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	fw_do(w, "UPDATE panels SET sub_url=NULL; UPDATE inbounds SET body='[]'");
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 10 * MINUTE_MS);
	assert_int_equal(fw_client(w, 0).count, 1);
	assert_int_equal(w->ready, 0);
	assert_true(w->waits > 0);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts WHERE text_key='order_stuck' AND detail='no_link'"), 1);
	fw_do(w, "DELETE FROM inbounds"); /* read anew */
	fw_run(w, 10 * MINUTE_MS);
	assert_int_equal(w->ready, 1);
	assert_string_equal(w->alert_keys, "+order_stuck -order_stuck ");
	fw_assert_in_line(w, "handed over");
	fw_free(w);
}

/* Refused twice, accepted the third time: about ten seconds, without a word to anybody (R140). */
static void test_refused_twice(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");
	int64_t begun_ms;

	(void)state;
	fw_sell(w);
	memnet_set_down(w->net, w->origins[0], true);
	begun_ms = memnet_now_ms(w->net);
	fw_reconcile(w);
	fw_run(w, 9000);
	memnet_set_down(w->net, w->origins[0], false);
	fw_run(w, 2000);
	fw_assert_in_line(w, "third time");
	assert_int_equal(fw_number(w, "SELECT min(updated_ms) FROM accesses WHERE done_rev=1") / 1000, (begun_ms + 10000) / 1000);
	assert_string_equal(w->alert_keys, "");
	fw_free(w);
}

/* Down for a day: one alert, one all-clear, delivered when it is back (R038, R098, R142). */
static void test_down_for_a_day(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	memnet_set_down(w->net, w->origins[0], true);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, DAY_MS);
	assert_int_equal(w->ready, 0);
	assert_true(w->waits > 100 && w->waits < 2000);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='down'"), 1);
	assert_string_equal(w->alert_keys, "+panel_down ");
	memnet_set_down(w->net, w->origins[0], false);
	fw_run(w, 10 * MINUTE_MS);
	fw_assert_in_line(w, "back");
	assert_string_equal(w->alert_keys, "+panel_down -panel_down ");
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='ok'"), 1);
	fw_free(w);
}

/* What the panel cannot read is not sent again (R053). */
static void test_cannot_unmarshal(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");
	struct panel_rule rule = { .route = "POST panel/api/clients/add", .fault = PANEL_REFUSE,
		.text = "Something went wrong (json: cannot unmarshal string into Go struct field Client.tgId of type int64)" };

	(void)state;
	panel_sim_add_rule(w->sims[0], &rule);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, HOUR_MS);
	assert_int_equal(panel_sim_count(w->sims[0], "POST panel/api/clients/add"), 1);
	assert_int_equal(fw_number(w, "SELECT state FROM jobs WHERE kind='reconcile'"), 2);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts WHERE text_key='order_stuck' AND detail LIKE '%Client.tgId%'"), 1);
	fw_free(w);
}

/* A refusal with status 200 is no delivery; it is tried again, an admin reads the panel's words (R021). */
static void test_refusal(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct panel_rule rule = { .route = "addClient", .times = 2, .fault = PANEL_REFUSE, .text = "چیزی اشتباه شد" };

	(void)state;
	panel_sim_add_rule(w->sims[0], &rule);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "third time");
	assert_int_equal(w->waits, 2);
	assert_string_equal(w->alert_keys, "+order_stuck -order_stuck ");
	fw_free(w);
}

/* Locked for a moment is nobody's business, locked all the time is. */
static void test_locked_database(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct panel_rule rule = { .route = "addClient", .fault = PANEL_DB_LOCKED };

	(void)state;
	panel_sim_add_rule(w->sims[0], &rule);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_string_equal(w->alert_keys, "");
	fw_run(w, 10 * MINUTE_MS);
	assert_string_equal(w->alert_keys, "+order_stuck ");
	panel_sim_clear_rules(w->sims[0]);
	fw_run(w, 10 * MINUTE_MS);
	fw_assert_in_line(w, "unlocked");
	assert_string_equal(w->alert_keys, "+order_stuck -order_stuck ");
	fw_free(w);
}

static void add_again(struct fleet_world *w)
{
	struct json_out j;
	struct buf b, inner;

	buf_init(&b, 4000);
	buf_init(&inner, 4000);
	buf_printf(&inner, "{\"clients\":[{\"id\":\"" UUID_1 "\",\"email\":\"anna_abcdefgh\",\"limitIp\":2,\"totalGB\":%lld,\"expiryTime\":%lld,\"enable\":true,"
		"\"tgId\":4242,\"subId\":\"subidsubidsubid00001\",\"comment\":\"\",\"reset\":0,\"flow\":\"\"}]}", (long long)(10 * GIB), (long long)(START_MS + 30 * DAY_MS));
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_i64(&j, "id", w->inbound_ids[0]);
	json_put_str(&j, "settings", buf_str(&inner));
	json_close(&j, '}');
	fw_operate(w, "panel/api/inbounds/addClient", buf_cstr(&b));
	buf_release(&b);
	buf_release(&inner);
}

/* There twice on 3.0.2: Xray would not start any more. Both go, one comes; also where they are all that the inbound has. */
static void test_doubled(void **state)
{
	(void)state;
	for (int alone = 0; alone < 2; alone++) {
		struct fleet_world *w = fw_sold("3.0.2");

		if (!alone)
			panel_sim_seed(w->sims[0], "vless", 20444, "other", 3);
		add_again(w);
		assert_int_equal(fw_client(w, 0).count, 2);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, "once");
		fw_free(w);
	}
}

/* New keys: the old access is dropped, its client goes, by the keys it had (B46). */
static void test_dropped(void **state)
{
	static const char *const cases[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_sold(cases[i]);
		struct fw_found f;

		fw_want(w, "UPDATE subscriptions SET uuid='22222222-aaaa-4aaa-8aaa-000000000002', password='ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=', sub_id='subidsubidsubid00002' WHERE id=1;"
			"UPDATE accesses SET deleted_ms=5 WHERE id=1;"
			"INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) SELECT 2, 1, panel_id, inbound_id, 'anna_other', 1, 1 FROM accesses WHERE id=1");
		fw_run(w, MINUTE_MS);
		f = fw_client(w, 0);
		if (cases[i][0] == '3')
			assert_int_equal(f.count, 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE id=2 AND link LIKE 'vless://22222222%'"), 1);
		assert_int_equal(fw_number(w, "SELECT seen_exists FROM accesses WHERE id=1"), 0);
		fw_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_row_comes_first, "R036"),
		proves(test_yes_and_nothing, "R021 B51"),
		proves(test_yes_and_kept, "R190"),
		proves(test_created, "R036"),
		proves(test_life, "R004 R186"),
		proves(test_among_others, "B31"),
		proves(test_answers_lost, "B4 B5 B51"),
		proves(test_empty_500, "B21 R186"),
		proves(test_sessions_lost, "B18"),
		proves(test_kills, "R186 B1 B2"),
		proves(test_renewed_after_cut, "B52 B29"),
		proves(test_renewed_after_end, "B29"),
		proves(test_deleted, "R044 B46"),
		proves(test_paid_while_deleted, ""),
		proves(test_moved, "R141"),
		proves(test_inbound_deleted, "R141"),
		proves(test_given_back_when_unsure, ""),
		proves(test_added_twice_and_given_back, "B4"),
		proves(test_nothing_to_hand_over, ""),
		proves(test_not_moved_when_unsure, "B51"),
		proves(test_refused_twice, "R140"),
		proves(test_down_for_a_day, "R098 R142"),
		proves(test_cannot_unmarshal, "R053"),
		proves(test_refusal, "R035"),
		proves(test_locked_database, ""),
		proves(test_doubled, "B51"),
		proves(test_dropped, "B46"),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
