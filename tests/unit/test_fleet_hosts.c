/* Where customers connect: no address that leads nowhere, and those that the panel itself puts before an inbound. */
#include "lib/base/enc.h"
#include "tests/unit/fleet_world.h"

/* No link is shown that leads nowhere; once an address is typed, it is delivered (B49). */
static void test_private_host(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");

	(void)state;
	fw_do(w, "UPDATE panels SET host=NULL, sub_url=NULL, url='http://10.0.0.5:2053'; DELETE FROM panel_sessions");
	memnet_serve(w->net, "http://10.0.0.5:2053", 0, panel_sim_handle, w->sims[0]);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(w->ready, 0);
	assert_int_equal(fw_number(w, "SELECT link IS NULL FROM accesses"), 1);
	assert_string_equal(w->alert_keys, "+panel_address ");
	fw_do(w, "UPDATE inbounds SET host='shop.example.net'");
	fw_run(w, 10 * MINUTE_MS);
	assert_int_equal(w->ready, 1);
	assert_int_equal(fw_number(w, "SELECT link LIKE '%@shop.example.net:%' FROM accesses"), 1);
	assert_string_equal(w->alert_keys, "+panel_address -panel_address ");
	/* nobody is sent there any more: over as well */
	fw_do(w, "UPDATE inbounds SET host=NULL");
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
	fw_run(w, MINUTE_MS);
	assert_string_equal(w->alert_keys, "+panel_address -panel_address +panel_address -panel_address ");
	fw_free(w);
}

/* An inbound's own address comes before that of its panel, and a private one is delivered only if it is the very one that was
 * typed: that another was typed says nothing about those that the panel puts before its inbounds. */
static void test_typed_addresses(void **state)
{
	static const struct { const char *sql, *link, *not; bool told; } cases[] = {
		{ "UPDATE panels SET host='panel.example.net'; UPDATE inbounds SET host='own.example.net'", "%@own.example.net:%", "%panel.example.net%", false },
		{ "UPDATE panels SET host='panel.example.net'; UPDATE inbounds SET host=NULL", "%@panel.example.net:%", "%own%", false },
		{ "UPDATE inbounds SET hosts='[{\"address\":\"10.0.0.9\",\"port\":443},{\"address\":\"cdn.example.com\",\"port\":443}]'", "%@cdn.example.com:%", "%10.0.0.9%", true },
		{ "UPDATE inbounds SET host='10.0.0.9', hosts='[{\"address\":\"10.0.0.9\",\"port\":443}]'", "%@10.0.0.9:%", "%example%", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_sold("3.6.0");
		char sql[300];

		fw_do(w, cases[i].sql);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		snprintf(sql, sizeof sql, "SELECT count(*) FROM accesses WHERE link LIKE '%s' AND link NOT LIKE '%s'", cases[i].link, cases[i].not);
		if (!fw_number(w, sql))
			fail_msg("%s", cases[i].sql);
		assert_string_equal(w->alert_keys, cases[i].told ? "+panel_address " : "");
		fw_free(w);
	}
}

/* --- hosts --- */

static enum err ask_inbounds(struct act *a, void *ctx)
{
	return panel_ask(a, *(int64_t *)ctx, ASK_INBOUNDS, 77);
}

/* An admin reads the panel's inbounds again, and the next look comes. */
static void look_again(struct fleet_world *w)
{
	int answers = w->answers;

	assert_int_equal(core_do(w->core, ask_inbounds, &w->panel_ids[0]), OK);
	fw_run(w, 2000);
	assert_int_equal(w->answers, answers + 1);
	assert_true(w->answer.ok);
	fw_reconcile(w);
	fw_run(w, 2000);
}

/* One a line without their names, which are the panel's template there and ours here, and without empty parameters. */
static void compared(struct buf *to, struct str links)
{
	while (links.len) {
		struct str line = str_cut(&links, '\n'), rest = str_cut(&line, '#');

		while (rest.len) {
			struct str part = str_cut(&rest, '&');

			if (!str_ends(part, "="))
				buf_printf(to, "%.*s ", STR_ARG(part));
		}
		buf_addc(to, '\n');
	}
}

static void assert_same_as_subscription(struct fleet_world *w, const char *when)
{
	struct sim_request q = { .method = HTTP_GET, .path = STR("/sub/subidsubidsubid00001"), .now_ms = memnet_now_ms(w->net), .listener = 1 };
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };
	char text[4000], *ours = NULL;
	struct buf theirs, mine;
	size_t n = 0;

	q.arena = &arena;
	q.headers[q.headers_count++] = (struct http_header){ "host", "vpn.example.com:2096" };
	panel_sim_handle(w->sims[0], &q, &r);
	assert_int_equal(dec_base64((unsigned char *)text, sizeof text, &n, r.body), OK);
	assert_int_equal(db_get_text(&ours, &arena, w->db, "SELECT link FROM accesses WHERE id=1"), OK);
	buf_init(&theirs, sizeof text);
	buf_init(&mine, sizeof text);
	compared(&theirs, str_n(text, n));
	compared(&mine, str_of(ours));
	if (strcmp(buf_cstr(&theirs), buf_cstr(&mine)))
		fail_msg("%s: the panel says\n%s, we\n%s", when, buf_cstr(&theirs), buf_cstr(&mine));
	buf_release(&theirs);
	buf_release(&mine);
	arena_release(&arena);
}

#define CDN "\"remark\":\"cdn\",\"security\":\"tls\",\"sni\":\"front.example.com\",\"hostHeader\":\"front.example.com\",\"path\":\"/cdn\",\"fingerprint\":\"chrome\",\"alpn\":[\"h2\",\"http/1.1\"]"

/* The addresses the panel puts before an inbound are those that are delivered, as its own subscription does; they come and
 * go with the panel's list, stay when it cannot be had, and are none where it is refused. */
static void test_hosts(void **state)
{
	static const struct { const char *version, *add; int links; } cases[] = {
		{ "3.4.1", "{\"inboundId\":1,\"address\":\"cdn.example.com\",\"port\":8443," CDN "}", 1 },
		{ "3.6.0", "{\"inboundIds\":[1],\"hosts\":[\"cdn.example.com:8443\",\"[2606:4700::1111]:444\",\"other.example.com\"]," CDN "}", 3 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_new(cases[i].version);

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		assert_same_as_subscription(w, "no host");
		fw_operate(w, "panel/api/hosts/add", cases[i].add);
		look_again(w);
		assert_int_equal(fw_number(w, "SELECT link LIKE '%@cdn.example.com:8443?%' AND link LIKE '%sni=front.example.com%' FROM accesses"), 1);
		assert_int_equal(fw_number(w, "SELECT length(link)-length(replace(link, 'vless://', 'vless:/')) FROM accesses"), cases[i].links);
		assert_same_as_subscription(w, cases[i].version);
		/* the list does not come: what was known stays */
		panel_sim_add_rule(w->sims[0], &(struct panel_rule){ .route = "hosts/list", .fault = PANEL_HTML_502 });
		look_again(w);
		assert_same_as_subscription(w, "502");
		/* it is refused: there are none */
		panel_sim_clear_rules(w->sims[0]);
		panel_sim_add_rule(w->sims[0], &(struct panel_rule){ .route = "hosts/list", .fault = PANEL_REFUSE, .text = "no" });
		look_again(w);
		assert_int_equal(fw_number(w, "SELECT link LIKE '%@vpn.example.com:20443?%' FROM accesses"), 1);
		panel_sim_clear_rules(w->sims[0]);
		look_again(w);
		assert_same_as_subscription(w, "listed again");
		fw_operate(w, "panel/api/hosts/del/1", "");
		look_again(w);
		assert_same_as_subscription(w, "deleted");
		assert_int_equal(fw_number(w, "SELECT hosts IS NULL AND link LIKE '%@vpn.example.com:20443?%' FROM accesses JOIN inbounds USING(panel_id, inbound_id)"), 1);
		fw_free(w);
	}
}

static enum err take_sample(struct act *a, void *ctx)
{
	struct inbound_sample *sample = ctx;
	struct panel p;
	struct inbound in;

	assert_int_equal(panel_get(&p, a, 1), OK);
	assert_int_equal(inbound_get(&in, a, 1, 1), OK);
	assert_int_equal(inbound_sample(sample, a, &p, &in), OK);
	assert_true(str_is(sample->host, "cdn.example.com") && sample->port == 8443);
	return OK;
}

/* What an admin is shown and what is tried are the same addresses. */
static void test_hosts_in_sample(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");
	struct inbound_sample sample;

	(void)state;
	fw_operate(w, "panel/api/hosts/add", "{\"inboundIds\":[1],\"hosts\":[\"cdn.example.com:8443\"]," CDN "}");
	assert_int_equal(core_do(w->core, ask_inbounds, &w->panel_ids[0]), OK);
	fw_run(w, 2000);
	assert_int_equal(core_do(w->core, take_sample, &sample), OK);
	fw_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_private_host, "B49"),
		proves(test_typed_addresses, ""),
		proves(test_hosts, ""),
		proves(test_hosts_in_sample, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
