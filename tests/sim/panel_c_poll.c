/* The traffic poll of dialect C and who is let through by its Xray; also seeding and looking inside. */
#include "tests/sim/panel_c.h"

#define ONLINE_MS (20 * SECOND_MS) /* a client leaves the list at the first poll this long after its last bytes */

/* --- Xray --- */

bool c_let_through(const struct panel_sim *sim, const struct c_element *e, const struct panel_traffic *row)
{
	return sim->xray_running && e->in->enable && e->client.enable && (!row || row->enable);
}

bool c_is_online(struct panel_sim *sim, const struct panel_traffic *row)
{
	const struct panel_c *c = c_of(sim);

	return row->last_online_ms > c->xray_since_ms && c->last_poll_ms - row->last_online_ms < ONLINE_MS;
}

bool c_use(struct panel_sim *sim, struct str email, int64_t up, int64_t down)
{
	struct panel_traffic *row = panel_traffic_find(sim, email);
	struct map_entry *at;
	char *name = xstrndup(email.at, email.len);
	struct c_element *e = c_element_any(sim, name, &at);

	while (e && (strcmp(c_get(&e->client, T_EMAIL), name) || !c_let_through(sim, e, row)))
		e = c_element_next(&at);
	free(name);
	if (!e)
		return false;
	c_body(e->in)->pending_up += up;
	c_body(e->in)->pending_down += down;
	if (!row)
		return true;
	row->pending_up += up;
	row->pending_down += down;
	return true;
}

/* What a client moved since the last poll is lost with the old process. */
void c_xray_start(struct panel_sim *sim)
{
	for (struct panel_traffic *row = sim->traffics; row; row = row->next) {
		row->pending_up = row->pending_down = 0;
		row->counted = false;
	}
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		c_body(in)->pending_up = c_body(in)->pending_down = 0;
	c_of(sim)->xray_since_ms = sim->now_ms;
}

/* --- the poll --- */

/* Sets enable and expiry of a client wherever it stands. Until 3.3.0 the elements of other inbounds than the row's
 * are left as they are when an expiry moves. */
static void write_through(struct panel_sim *sim, const struct panel_traffic *row, bool expiry, bool enable, bool everywhere)
{
	struct c_record *r = c_record_find(sim, row->email);
	int64_t second = sim->now_ms / 1000 * 1000;
	struct map_entry *at;

	for (struct c_element *e = c_element_any(sim, row->email, &at); e; e = c_element_next(&at)) {
		if (strcmp(c_get(&e->client, T_EMAIL), row->email) || (!everywhere && e->in->id != row->inbound_id))
			continue;
		if (expiry)
			e->client.number[N_EXPIRY] = row->expiry_ms;
		if (enable)
			e->client.enable = row->enable;
		e->client.number[N_UPDATED] = second;
	}
	if (!r)
		return;
	if (expiry)
		r->client.number[N_EXPIRY] = row->expiry_ms;
	if (enable)
		r->client.enable = row->enable;
	r->client.number[N_UPDATED] = second;
}

static void begin_period(struct panel_sim *sim, struct panel_traffic *row, int64_t now_ms)
{
	row->expiry_ms = now_ms / 1000 * 1000 - row->expiry_ms;
	write_through(sim, row, true, false, c_has(sim, C_KEEPS_CREDENTIALS));
}

static void count_bytes(struct panel_sim *sim, struct panel_traffic *row, int64_t now_ms)
{
	bool all = c_has(sim, C_COUNTS_FIRST_POLL), seen = row->counted || all;
	bool moved = row->pending_up || row->pending_down;

	if (row->expiry_ms < 0 && (all ? moved : row->counted)) /* 3.1.0 begins when it has a counter, moving or not */
		begin_period(sim, row, now_ms);
	if (!moved)
		return;
	if (seen) {
		row->up += row->pending_up;
		row->down += row->pending_down;
		row->last_online_ms = now_ms;
	}
	row->counted = true;
	row->pending_up = row->pending_down = 0;
}

static void renew(struct panel_sim *sim, struct panel_traffic *row, int64_t now_ms)
{
	bool enable = !row->enable;

	if (row->reset <= 0 || row->expiry_ms <= 0 || row->expiry_ms > now_ms)
		return;
	while (row->expiry_ms < now_ms)
		row->expiry_ms += row->reset * DAY_MS;
	row->up = row->down = 0;
	row->enable = true;
	write_through(sim, row, true, enable, true);
}

static bool disable(struct panel_sim *sim, struct panel_traffic *row, int64_t now_ms)
{
	bool depleted = (row->total > 0 && row->up + row->down >= row->total) || (row->expiry_ms > 0 && row->expiry_ms <= now_ms);

	if (!row->enable || !depleted)
		return false;
	row->enable = false;
	write_through(sim, row, false, true, true);
	return true;
}

void c_poll(struct panel_sim *sim, int64_t now_ms)
{
	bool disabled = false;

	c_of(sim)->last_poll_ms = now_ms;
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next) {
		struct c_body *b = c_body(in);

		in->up += b->pending_up;
		in->down += b->pending_down;
		b->pending_up = b->pending_down = 0;
	}
	for (struct panel_traffic *row = sim->traffics; row; row = row->next) {
		count_bytes(sim, row, now_ms);
		renew(sim, row, now_ms);
		disabled |= disable(sim, row, now_ms);
	}
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next) {
		if ((in->total > 0 && in->up + in->down >= in->total) || (in->expiry_ms > 0 && in->expiry_ms <= now_ms))
			in->enable = false;
	}
	if (disabled && c_has(sim, C_RESTARTS_ON_DEPLETION))
		panel_xray_start(sim);
}

/* --- seeding and looking inside --- */

static const char *seed_settings(const char *protocol)
{
	if (!strcmp(protocol, "vless"))
		return "{\"decryption\":\"none\",\"encryption\":\"none\",\"fallbacks\":[]}";
	if (!strcmp(protocol, "shadowsocks"))
		return "{\"method\":\"chacha20-ietf-poly1305\",\"password\":\"\",\"network\":\"tcp,udp\"}";
	return "{}";
}

static void seed_client(struct panel_sim *sim, struct panel_inbound *in, const char *email)
{
	struct c_client client = { .enable = true };
	char uuid[UUID_CHARS + 1];

	rand_uuid(uuid);
	c_set(&client, T_EMAIL, email);
	c_set(&client, T_SUB_ID, uuid);
	c_fill_credentials(&client, in, sim);
	client.number[N_CREATED] = client.number[N_UPDATED] = sim->now_ms / 1000 * 1000;
	c_row_add(sim, in, &client);
	c_sync(sim, in, c_element_new(sim, in, &client));
	c_release(&client);
}

int64_t c_seed(struct panel_sim *sim, const char *protocol, int port, const char *prefix, size_t clients)
{
	struct panel_inbound *in = panel_inbound_new(sim, 0);
	struct c_body *b = c_body_new();
	char email[128];

	in->body = b;
	in->port = port;
	in->enable = true;
	panel_text_set(&in->remark, str_of(prefix));
	panel_text_set(&in->protocol, str_of(protocol));
	panel_text_set(&in->stream, STR("{\"network\":\"tcp\",\"security\":\"none\",\"tcpSettings\":{\"header\":{\"type\":\"none\"}}}"));
	panel_text_set(&in->sniffing, STR("{\"enabled\":false}"));
	snprintf(email, sizeof(email), c_has(sim, C_NEW_TAGS) ? "in-%d-tcp" : "inbound-%d", port);
	panel_text_set(&in->tag, str_of(email));
	if (json_parse(&b->settings, str_of(seed_settings(protocol))))
		abort();
	b->shape = CLIENTS_LIST;
	for (size_t i = 1; i <= clients; i++) {
		snprintf(email, sizeof(email), "%s%zu", prefix, i);
		seed_client(sim, in, email);
	}
	return in->id;
}

static void view(struct panel_client_view *v, struct panel_sim *sim, const struct c_element *e)
{
	const struct panel_traffic *row = panel_traffic_find(sim, str_of(c_get(&e->client, T_EMAIL)));

	*v = (struct panel_client_view){
		.inbound_id = e->in->id,
		.email = str_of(c_get(&e->client, T_EMAIL)),
		.id = str_of(c_get(&e->client, T_ID)),
		.password = str_of(c_get(&e->client, T_PASSWORD)),
		.sub_id = str_of(c_get(&e->client, T_SUB_ID)),
		.flow = str_of(c_get(&e->client, T_FLOW)),
		.comment = str_of(c_get(&e->client, T_COMMENT)),
		.enable = e->client.enable,
		.total_bytes = e->client.number[N_TOTAL],
		.expiry_ms = e->client.number[N_EXPIRY],
		.reset_days = e->client.number[N_RESET],
		.limit_ip = e->client.number[N_LIMIT_IP],
		.tg_id = e->client.number[N_TG_ID],
		.in_xray = c_let_through(sim, e, row),
		.has_row = row != NULL,
	};
	if (!row)
		return;
	v->row_enable = row->enable;
	v->row_id = row->id;
	v->row_total_bytes = row->total;
	v->row_expiry_ms = row->expiry_ms;
	v->row_reset_days = row->reset;
	v->up = row->up;
	v->down = row->down;
	v->last_online_ms = row->last_online_ms;
}

void c_each_client(struct panel_sim *sim, int64_t inbound_id, bool (*fn)(void *ctx, const struct panel_client_view *client),
		   void *ctx)
{
	struct panel_client_view v;

	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		for (struct c_element *e = !inbound_id || in->id == inbound_id ? c_body(in)->first : NULL; e; e = e->next) {
			view(&v, sim, e);
			if (!fn(ctx, &v))
				return;
		}
}

bool c_find_client(struct panel_client_view *out, struct panel_sim *sim, int64_t inbound_id, struct str email)
{
	char *name = xstrndup(email.at, email.len);
	struct map_entry *at;
	struct c_element *e = c_element_any(sim, name, &at);

	while (e && (strcmp(c_get(&e->client, T_EMAIL), name) || (inbound_id && e->in->id != inbound_id)))
		e = c_element_next(&at);
	free(name);
	if (e)
		view(out, sim, e);
	return e != NULL;
}
