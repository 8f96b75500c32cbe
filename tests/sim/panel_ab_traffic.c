/* Traffic rows of dialects A and B: reading, resetting, online lists, and the poll that enforces limits. */
#include "tests/sim/panel_ab.h"

#define TRAFFIC_ERROR "Error getting traffics."
#define XRAY_RESTART_MS 300 /* how long the panel's own restart of Xray disturbs writers (§4.14) */
#define FIRST_3X VERSION(3, 0, 0)

/* --- rows --- */

void ab_row_update(struct panel_sim *sim, struct panel_traffic *row, const struct ab_fields *f)
{
	(void)sim;
	row->enable = f->enable;
	row->total = f->total;
	row->expiry_ms = f->expiry_ms;
	row->reset = f->reset;
}

void ab_row_add(struct panel_sim *sim, int64_t inbound_id, const struct ab_fields *f)
{
	if (panel_traffic_find(sim, f->email)) {
		if (sim->version >= FIRST_3X)
			sim->traffic_id_last++;
		return;
	}
	ab_row_update(sim, panel_traffic_new(sim, f->email, inbound_id), f);
}

static bool is_shared(struct panel_sim *sim, struct str email, const struct panel_inbound *but)
{
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		if (in != but && ab_find_email(sim, in, email))
			return true;
	return false;
}

void ab_row_delete(struct panel_sim *sim, struct str email, const struct panel_inbound *but)
{
	struct panel_traffic *row = panel_traffic_find(sim, email);

	if (!row || (sim->version >= FIRST_3X && is_shared(sim, email, but)))
		return;
	panel_traffic_delete(sim, row);
}

/* --- reading --- */

/* What the panel shows of a client: the row, with uuid, subId and (2.8.1–2.8.11) enable from settings. Error or NULL. */
static const char *record_find(struct panel_call *c, struct str email, struct panel_traffic **row, struct ab_client **cl)
{
	struct panel_inbound *in;

	*cl = NULL;
	*row = panel_traffic_find(c->sim, email);
	if (!*row)
		return arena_printf(c->arena, "Inbound Not Found For Email: %.*s\n", STR_ARG(email));
	in = panel_inbound_find(c->sim, (*row)->inbound_id);
	if (!in)
		return "record not found";
	*cl = ab_find_email(c->sim, in, email);
	if (!*cl)
		return arena_printf(c->arena, "Client Not Found In Inbound For Email: %.*s\n", STR_ARG(email));
	return NULL;
}

static void record_write(struct json_out *j, struct panel_sim *sim, const struct panel_traffic *row, const struct ab_client *cl)
{
	struct panel_traffic shown = *row;

	if (panel_is(sim, VERSION(2, 8, 1), VERSION(2, 8, 99)))
		shown.enable = cl->fields.enable;
	panel_traffic_write(j, sim, &shown, cl->fields.id, cl->fields.sub_id);
}

static void on_traffic(struct panel_call *c)
{
	struct panel_traffic *row;
	struct ab_client *cl;
	struct buf b;
	struct json_out j;
	const char *error = record_find(c, c->params[0], &row, &cl);

	if (error && c->sim->version < VERSION(2, 8, 1))
		panel_answer_obj(c, STR("null"));
	else if (error)
		panel_answer_fail(c, TRAFFIC_ERROR, error);
	if (error)
		return;
	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	record_write(&j, c->sim, row, cl);
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

static int by_row_id(const void *a, const void *b)
{
	const struct panel_traffic *x = *(struct panel_traffic *const *)a, *y = *(struct panel_traffic *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Rows of every client with that id, which trojan and shadowsocks clients do not have. */
static void on_traffic_by_id(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	struct panel_traffic **rows;
	struct buf b;
	struct json_out j;
	size_t n = 0, max = 0;

	for (struct map_entry *e = map_first(&ab_of(sim)->by_id, c->params[0]); e; e = map_next(e))
		max++;
	rows = xcalloc(max ? max : 1, sizeof(struct panel_traffic *));
	for (struct map_entry *e = map_first(&ab_of(sim)->by_id, c->params[0]); e; e = map_next(e)) {
		struct panel_traffic *row = panel_traffic_find(sim, ((struct ab_client *)e->value)->fields.email);
		size_t i = 0;

		while (row && i < n && rows[i] != row)
			i++;
		if (row && i == n)
			rows[n++] = row;
	}
	qsort(rows, n, sizeof(struct panel_traffic *), by_row_id);
	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (size_t i = 0; i < n; i++) {
		struct ab_client *cl = ab_find_email(sim, panel_inbound_find(sim, rows[i]->inbound_id), str_of(rows[i]->email));

		if (cl)
			record_write(&j, sim, rows[i], cl);
	}
	json_close(&j, ']');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
	free(rows);
}

static void on_online(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	bool known = sim->online_known || (!sim->xray_running && sim->version >= VERSION(2, 9, 0));
	struct buf b;
	struct json_out j;

	if (!known) {
		panel_answer_obj(c, STR("null"));
		return;
	}
	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (size_t i = 0; i < sim->online_count; i++)
		json_add_str(&j, str_of(sim->online[i]));
	json_close(&j, ']');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

static void on_last_online(struct panel_call *c)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	for (struct panel_traffic *row = c->sim->traffics; row; row = row->next)
		json_put_i64(&j, row->email, row->last_online_ms);
	json_close(&j, '}');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

/* --- changing --- */

static void on_set_traffic(struct panel_call *c)
{
	static const char *const keys[] = { "upload", "download" };
	struct panel_traffic *row = panel_traffic_find(c->sim, c->params[0]);
	struct json_object *o;
	int64_t values[2] = { 0 };
	const char *error = go_json_decode(&o, c->arena, c->request->body);

	for (size_t i = 0; i < countof(keys) && !error; i++) {
		struct json_object *v = json_at(o, keys[i]);

		if (!go_json_i64(&values[i], v))
			error = arena_printf(c->arena, "json: cannot unmarshal %s into Go struct field TrafficUpdateRequest.%s of type int64",
					     go_json_kind(v), keys[i]);
	}
	json_object_put(o);
	if (error) {
		panel_answer_fail(c, INBOUND_UPDATED, error);
		return;
	}
	if (row) {
		row->up = values[0];
		row->down = values[1];
		if (c->sim->version >= VERSION(2, 9, 0) && row->up + row->down > row->all_time)
			row->all_time = row->up + row->down;
	}
	panel_answer_ok(c, "Inbound client has been updated.");
}

static void row_zero(struct panel_traffic *row)
{
	row->up = 0;
	row->down = 0;
	row->enable = true;
}

/* The user is let in again only if it looks disabled to the panel and is on in settings: never, after a depletion,
 * in these versions (2.8.x looks at the settings flag, 2.9.4 and later have cleared it). */
static void on_reset(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	struct panel_traffic *row;
	struct ab_client *cl;
	bool shown;
	const char *error;
	int64_t id;

	if (!panel_param_id(c, 0, &id, INBOUND_UPDATED))
		return;
	error = record_find(c, c->params[1], &row, &cl);
	if (error && sim->version < VERSION(2, 8, 1)) {
		panel_answer_empty(c, 500);
		return;
	}
	shown = !error && (panel_is(sim, VERSION(2, 8, 1), VERSION(2, 8, 99)) ? cl->fields.enable : row->enable);
	if (!error && !shown && !panel_inbound_find(sim, id))
		error = "record not found";
	if (error) {
		panel_answer_fail(c, WENT_WRONG, error);
		return;
	}
	if (!shown && cl->fields.enable)
		ab_xray_set(sim, cl, true);
	row_zero(row);
	panel_answer_ok(c, "Traffic has been reset.");
}

static void on_reset_clients(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	int64_t id;

	if (!panel_param_id(c, 0, &id, INBOUND_UPDATED))
		return;
	for (struct panel_traffic *row = sim->traffics; row; row = row->next)
		if (id < 0 || row->inbound_id == id)
			row_zero(row);
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		if (id < 0 || in->id == id)
			in->last_reset_ms = sim->version >= FIRST_3X ? sim->now_ms : ab_now(sim);
	sim->xray_restart_wanted = true;
	panel_answer_ok(c, "All traffic from the client has been reset.");
}

static void on_reset_inbounds(struct panel_call *c)
{
	for (struct panel_inbound *in = c->sim->inbounds; in; in = in->next)
		in->up = in->down = 0;
	panel_answer_ok(c, "All traffic has been reset.");
}

static void on_reset_inbound(struct panel_call *c)
{
	struct panel_inbound *in;
	int64_t id;

	if (!panel_param_id(c, 0, &id, INBOUND_UPDATED))
		return;
	in = panel_inbound_find(c->sim, id);
	if (in)
		in->up = in->down = 0;
	panel_answer_ok(c, "Inbound traffic has been reset.");
}

/* --- the poll --- */

/* Changes one key of a client in settings the way the poll does. */
static void set_in_settings(struct panel_sim *sim, struct ab_client *cl, const char *key, struct json_object *value)
{
	struct json_object *o = ab_client_json(cl);
	bool was = cl->in_xray;

	json_object_object_add(o, key, value);
	if (sim->version >= VERSION(2, 6, 7))
		json_object_object_add(o, "updated_at", json_object_new_int64(ab_now(sim)));
	ab_client_set(sim, cl, o);
	cl->in_xray = was;
	ab_touch(cl->in);
	json_object_put(o);
}

/* What happens to every client of that e-mail (several only in 3.0.x). */
static void each_of(struct panel_sim *sim, const struct panel_traffic *row,
		    void (*fn)(struct panel_sim *sim, struct ab_client *cl, const struct panel_traffic *row))
{
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next) {
		struct ab_client *cl = ab_find_email(sim, in, str_of(row->email));

		if (cl)
			fn(sim, cl, row);
	}
}

static void follow_expiry(struct panel_sim *sim, struct ab_client *cl, const struct panel_traffic *row)
{
	set_in_settings(sim, cl, "expiryTime", json_object_new_int64(row->expiry_ms));
}

static void follow_renewal(struct panel_sim *sim, struct ab_client *cl, const struct panel_traffic *row)
{
	set_in_settings(sim, cl, "expiryTime", json_object_new_int64(row->expiry_ms));
	set_in_settings(sim, cl, "enable", json_object_new_boolean(1));
	ab_xray_set(sim, cl, true);
}

static void follow_depletion(struct panel_sim *sim, struct ab_client *cl, const struct panel_traffic *row)
{
	(void)row;
	cl->in_xray = false;
	if (sim->version >= VERSION(2, 9, 4))
		set_in_settings(sim, cl, "enable", json_object_new_boolean(0));
}

/* 3.0.x reads Xray's counters without resetting them and passes over the first value it sees of each. */
static bool count_row(struct panel_sim *sim, struct panel_traffic *row)
{
	int64_t up = row->pending_up, down = row->pending_down;
	bool skipped = sim->version >= FIRST_3X && !row->counted;
	struct panel_inbound *in = panel_inbound_find(sim, row->inbound_id);

	row->pending_up = row->pending_down = 0;
	row->counted = true;
	if (skipped)
		return false;
	row->up += up;
	row->down += down;
	row->all_time += up + down;
	row->last_online_ms = sim->now_ms;
	if (in) {
		in->up += up;
		in->down += down;
		in->all_time += up + down;
	}
	return true;
}

static void start_delayed(struct panel_sim *sim, struct panel_traffic *row)
{
	if (row->expiry_ms >= 0)
		return;
	row->expiry_ms = sim->now_ms - row->expiry_ms;
	each_of(sim, row, follow_expiry);
}

static void count_traffic(struct panel_sim *sim)
{
	const char **online = NULL;
	size_t n = 0, max = 0;

	for (struct panel_traffic *row = sim->traffics; row; row = row->next) {
		bool moved = row->pending_up || row->pending_down;
		bool seen = sim->version >= FIRST_3X && row->counted; /* its counter was there at the poll before */

		if (moved ? (sim->version < FIRST_3X || seen) : seen)
			start_delayed(sim, row);
		if (!moved || !count_row(sim, row))
			continue;
		if (n == max) {
			max = max ? max * 2 : 64;
			online = xrealloc(online, max * sizeof *online);
		}
		online[n++] = row->email;
	}
	if (n || sim->online_known)
		panel_online_set(sim, online, n);
	free(online);
}

static void renew(struct panel_sim *sim)
{
	for (struct panel_traffic *row = sim->traffics; row; row = row->next) {
		if (row->reset <= 0 || row->expiry_ms <= 0 || row->expiry_ms > sim->now_ms)
			continue;
		row->expiry_ms += ((sim->now_ms - row->expiry_ms) / (row->reset * DAY_MS) + 1) * row->reset * DAY_MS;
		row_zero(row);
		each_of(sim, row, follow_renewal);
	}
}

static size_t deplete_clients(struct panel_sim *sim)
{
	size_t n = 0;

	for (struct panel_traffic *row = sim->traffics; row; row = row->next) {
		bool over = row->total > 0 && row->up + row->down >= row->total;
		bool expired = row->expiry_ms > 0 && row->expiry_ms <= sim->now_ms;

		if (!row->enable || (!over && !expired))
			continue;
		row->enable = false;
		each_of(sim, row, follow_depletion);
		n++;
	}
	return n;
}

static void deplete_inbounds(struct panel_sim *sim)
{
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next) {
		bool over = in->total > 0 && in->up + in->down >= in->total;

		if (!in->enable || (!over && !(in->expiry_ms > 0 && in->expiry_ms <= sim->now_ms)))
			continue;
		in->enable = false;
		for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next)
			cl->in_xray = false;
	}
}

void ab_poll(struct panel_sim *sim, int64_t now_ms)
{
	size_t cut;

	(void)now_ms;
	count_traffic(sim);
	renew(sim);
	cut = deplete_clients(sim);
	deplete_inbounds(sim);
	if (!cut || sim->version < VERSION(2, 9, 4) || !panel_setting_bool(sim, "restartXrayOnClientDisable"))
		return;
	panel_xray_start(sim);
	sim->xray_busy_until_ms = sim->now_ms + XRAY_RESTART_MS;
}

#define API "panel/api/inbounds/"
#define READS AREA_API, false
#define WRITES AREA_API, true

const struct panel_route panel_ab_traffic_routes[] = {
	{ HTTP_GET,  API "getClientTraffics/:email",        VERSION_ANY,       VERSION_LAST, READS,  on_traffic },
	{ HTTP_GET,  API "getClientTrafficsById/:id",       VERSION(2, 3, 11), VERSION_LAST, READS,  on_traffic_by_id },
	{ HTTP_POST, API "onlines",                         VERSION_ANY,       VERSION_LAST, READS,  on_online },
	{ HTTP_POST, API "lastOnline",                      VERSION(2, 6, 8),  VERSION_LAST, READS,  on_last_online },
	{ HTTP_POST, API "clientIps/:email",                VERSION_ANY,       VERSION_LAST, READS,  panel_on_ips },
	{ HTTP_POST, API "clearClientIps/:email",           VERSION_ANY,       VERSION_LAST, READS,  panel_on_clear_ips },
	{ HTTP_POST, API "updateClientTraffic/:email",      VERSION(2, 6, 3),  VERSION_LAST, WRITES, on_set_traffic },
	{ HTTP_POST, API ":id/resetClientTraffic/:email",   VERSION_ANY,       VERSION_LAST, WRITES, on_reset },
	{ HTTP_POST, API "resetAllClientTraffics/:id",      VERSION_ANY,       VERSION_LAST, WRITES, on_reset_clients },
	{ HTTP_POST, API "resetAllTraffics",                VERSION_ANY,       VERSION_LAST, WRITES, on_reset_inbounds },
	{ HTTP_POST, API ":id/resetTraffic",                VERSION(3, 0, 2),  VERSION_LAST, WRITES, on_reset_inbound },
};
const size_t panel_ab_traffic_routes_count = countof(panel_ab_traffic_routes);
