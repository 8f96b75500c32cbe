/* Writes to one client in dialect C. What a write over several inbounds has done before it fails stays done. */
#include "tests/sim/panel_c.h"

/* --- errors --- */

const char *c_error(struct arena *a, const char *what, const char *value)
{
	return value ? arena_printf(a, "%s %s\n", what, value) : arena_printf(a, "%s\n", what);
}

void c_refuse(struct panel_call *call, const char *prefix, const char *error)
{
	if (!strcmp(error, C_PANIC))
		panel_answer_empty(call, 500);
	else
		panel_answer_fail(call, prefix, error);
}

#define NOT_FOUND "record not found"
#define WRONG "Something went wrong"

/* --- checks --- */

static bool blank(const char *s)
{
	return !str_trim(str_of(s)).len;
}

static bool forbidden(const char *s)
{
	for (; *s; s++)
		if (*s == '/' || *s == '\\' || *s == ' ' || (unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static const char *check_names(const struct panel_sim *sim, const struct c_client *client, struct arena *a)
{
	if (blank(c_get(client, T_EMAIL)))
		return c_error(a, "client email is required", NULL);
	if (!c_has(sim, C_CHECKS_NAMES))
		return NULL;
	if (forbidden(c_get(client, T_EMAIL)))
		return c_error(a, "client email contains an invalid character:", c_get(client, T_EMAIL));
	if (forbidden(c_get(client, T_SUB_ID)))
		return c_error(a, "client subId contains an invalid character:", c_get(client, T_SUB_ID));
	return NULL;
}

bool c_email_taken(struct panel_sim *sim, const struct c_client *client)
{
	const char *sub;

	if (!*c_get(client, T_EMAIL) || !c_known_sub(&sub, sim, c_get(client, T_EMAIL)))
		return false;
	return !*sub || strcmp(sub, c_get(client, T_SUB_ID)) != 0;
}

/* --- credentials --- */

static size_t key_bytes(const struct panel_inbound *in)
{
	const char *method = json_str_at(c_body(in)->settings, "method").at;

	if (!method)
		return 0;
	if (!strcmp(method, "2022-blake3-aes-128-gcm"))
		return 16;
	return !strcmp(method, "2022-blake3-aes-256-gcm") || !strcmp(method, "2022-blake3-chacha20-poly1305") ? 32 : 0;
}

static void set_hex(struct c_client *client, enum c_text t)
{
	unsigned char bytes[16];
	struct buf b;

	rand_bytes(bytes, sizeof(bytes));
	buf_init(&b, 64);
	enc_hex(&b, bytes, sizeof(bytes));
	c_set(client, t, buf_cstr(&b));
	buf_release(&b);
}

static void set_base64(struct c_client *client, enum c_text t, size_t n)
{
	unsigned char bytes[32];
	struct buf b;

	rand_bytes(bytes, n);
	buf_init(&b, 64);
	enc_base64(&b, bytes, n);
	c_set(client, t, buf_cstr(&b));
	buf_release(&b);
}

static void set_uuid(struct c_client *client, enum c_text t)
{
	char uuid[UUID_CHARS + 1];

	rand_uuid(uuid);
	c_set(client, t, uuid);
}

static void fill_shadowsocks(struct c_client *client, const struct panel_inbound *in)
{
	unsigned char decoded[64];
	size_t want = key_bytes(in), n = 0;
	const char *password = c_get(client, T_PASSWORD);

	if (!want) {
		if (!*password)
			set_hex(client, T_PASSWORD);
		return;
	}
	if (dec_base64(decoded, sizeof(decoded), &n, str_of(password)) || n != want)
		set_base64(client, T_PASSWORD, want);
}

void c_fill_credentials(struct c_client *client, const struct panel_inbound *in, const struct panel_sim *sim)
{
	const char *p = in->protocol;

	if ((!strcmp(p, "vmess") || !strcmp(p, "vless")) && !*c_get(client, T_ID))
		set_uuid(client, T_ID);
	else if (!strcmp(p, "trojan") && !*c_get(client, T_PASSWORD))
		set_hex(client, T_PASSWORD);
	else if (!strcmp(p, "shadowsocks"))
		fill_shadowsocks(client, in);
	else if ((!strcmp(p, "hysteria") || !strcmp(p, "hysteria2")) && !*c_get(client, T_AUTH))
		set_hex(client, T_AUTH);
	else if (!strcmp(p, "mtproto") && c_has(sim, C_MTPROTO) && !*c_get(client, T_SECRET))
		set_hex(client, T_SECRET);
}

/* The first address of 10.0.0.0/16 that no client of the inbound has; .1 is the server. */
static void next_address(struct c_client *client, const struct panel_inbound *in)
{
	char text[32];

	for (int n = 2; n < 65534; n++) {
		const struct c_element *e = c_body(in)->first;

		snprintf(text, sizeof(text), "10.0.%d.%d/32", n / 256, n % 256);
		while (e && !str_has(str_of(c_get(&e->client, T_ALLOWED_IPS)), text))
			e = e->next;
		if (!e)
			break;
	}
	c_set(client, T_ALLOWED_IPS, text);
}

static void fill_wireguard(struct c_client *client, const struct panel_inbound *in)
{
	char public_key[C_WG_KEY_CHARS + 1];

	if (!*c_get(client, T_PUBLIC_KEY)) {
		set_base64(client, T_PRIVATE_KEY, 32);
		c_set(client, T_PUBLIC_KEY, c_wg_public_key(public_key, c_get(client, T_PRIVATE_KEY)));
	}
	if (!*c_get(client, T_ALLOWED_IPS))
		next_address(client, in);
}

/* --- one inbound --- */

static const char *credential_missing(const struct panel_sim *sim, const struct panel_inbound *in,
				      const struct c_client *client, struct arena *a)
{
	const char *p = in->protocol;

	if (!strcmp(p, "wireguard") && c_has(sim, C_WIREGUARD))
		return *c_get(client, T_PUBLIC_KEY) ? NULL : c_error(a, "wireguard client requires a key", NULL);
	if (!strcmp(p, "mtproto") && c_has(sim, C_MTPROTO))
		return *c_get(client, T_SECRET) ? NULL : c_error(a, "mtproto client requires a secret", NULL);
	return *c_key(in, client) ? NULL : c_error(a, "empty client ID", NULL);
}

/* Until 3.3.0 the panel knows a client inside an inbound by its credential. Two e-mails with one credential are
 * accepted once and make every later write to that inbound fail. */
static bool poisoned(struct panel_sim *sim, const struct panel_inbound *in)
{
	if (c_has(sim, C_KEEPS_CREDENTIALS) || !c_body(in)->twins)
		return false;
	for (const struct c_element *e = c_body(in)->first; e; e = e->next)
		for (struct map_entry *m = map_first(&c_of(sim)->elements_by_key, str_of(e->key)); *e->key && m; m = map_next(m)) {
			const struct c_element *other = m->value;

			if (other != e && other->in == in && strcmp(c_get(&other->client, T_EMAIL), c_get(&e->client, T_EMAIL)))
				return true;
		}
	return false;
}

#define POISON "UNIQUE constraint failed: clients.email"
#define TWICE "UNIQUE constraint failed: client_inbounds.client_id, client_inbounds.inbound_id"

static void shadowsocks_method(struct c_client *client, const struct panel_inbound *in)
{
	struct str method = json_str_at(c_body(in)->settings, "method");

	if (strcmp(in->protocol, "shadowsocks") || str_starts(method, "2022-blake3-"))
		c_set(client, T_METHOD, "");
	else if (!*c_get(client, T_METHOD))
		c_set(client, T_METHOD, method.at);
}

static const char *add_to(struct panel_sim *sim, struct panel_inbound *in, const struct c_client *given, struct arena *a)
{
	struct c_client client = { 0 };
	const char *error;

	if (c_malformed(sim))
		return "malformed JSON";
	if (c_email_taken(sim, given))
		return c_error(a, "Duplicate email:", c_get(given, T_EMAIL));
	if (c_has(sim, C_ADD_REUSES) && c_element_find_nocase(sim, in, c_get(given, T_EMAIL)))
		return NULL;
	c_copy(&client, given);
	client.number[N_UPDATED] = sim->now_ms / 1000 * 1000;
	if (c_has(sim, C_DROPS_FLOW) && !c_can_flow(in))
		c_set(&client, T_FLOW, "");
	if (!strcmp(in->protocol, "wireguard") && c_has(sim, C_WIREGUARD))
		fill_wireguard(&client, in);
	shadowsocks_method(&client, in);
	error = credential_missing(sim, in, &client, a);
	if (!error && !c_body(in)->settings)
		error = "unexpected end of JSON input";
	if (!error && !c_has(sim, C_NULL_CLIENTS_OK) && c_body(in)->shape != CLIENTS_LIST)
		error = C_PANIC;
	if (!error && poisoned(sim, in))
		error = POISON;
	if (!error && !c_has(sim, C_ADD_REUSES) && !c_has(sim, C_ADD_DUPLICATES) &&
	    c_element_find(sim, in, c_get(given, T_EMAIL)))
		error = TWICE;
	if (!error) {
		c_drop_orphans(sim, in);
		c_row_add(sim, in, &client);
		c_sync(sim, in, c_element_new(sim, in, &client));
	}
	c_release(&client);
	return error;
}

/* The row follows a rename, unless the new name has a row of its own. */
static void row_follow(struct panel_sim *sim, const struct panel_inbound *in, const char *old, const struct c_client *client)
{
	const char *email = c_get(client, T_EMAIL);

	if (!str_is_nocase(str_of(old), email) && panel_traffic_find(sim, str_of(email))) {
		if (!c_used_elsewhere(sim, old, in))
			c_row_delete(sim, old);
		old = email;
	}
	c_row_update(sim, old, client);
}

static bool same_client(const struct c_client *a, const struct c_client *b)
{
	bool same = a->enable == b->enable;

	for (int t = 0; t < C_TEXTS; t++)
		same &= !strcmp(c_get(a, (enum c_text)t), c_get(b, (enum c_text)t));
	for (int n = 0; n < N_UPDATED; n++)
		same &= a->number[n] == b->number[n];
	return same;
}

/* e was found in the inbound by what the version goes by. */
static const char *update_in(struct panel_sim *sim, struct c_element *e, const struct c_client *given, struct arena *a)
{
	const char *old = arena_strdup(a, c_get(&e->client, T_EMAIL));
	struct panel_inbound *in = e->in;
	struct c_client client = { 0 };
	bool renamed = strcmp(old, c_get(given, T_EMAIL)) != 0;
	struct c_record *r;

	if (renamed && c_email_taken(sim, given))
		return c_error(a, "Duplicate email:", c_get(given, T_EMAIL));
	if (renamed && c_element_find(sim, in, c_get(given, T_EMAIL)))
		return TWICE;
	if (poisoned(sim, in))
		return POISON;
	c_copy(&client, given);
	client.number[N_CREATED] = e->client.number[N_CREATED];
	client.number[N_UPDATED] = sim->now_ms / 1000 * 1000;
	shadowsocks_method(&client, in);
	if (c_has(sim, C_DROPS_FLOW) && !c_can_flow(in))
		c_set(&client, T_FLOW, "");
	if (!strcmp(in->protocol, "wireguard"))
		for (int t = T_PRIVATE_KEY; t <= T_PRE_SHARED_KEY; t++)
			if (!*c_get(&client, (enum c_text)t))
				c_set(&client, (enum c_text)t, c_get(&e->client, (enum c_text)t));
	if (c_has(sim, C_KEEPS_CREDENTIALS) && same_client(&client, &e->client)) {
		c_release(&client); /* the text did not change: nothing at all is written */
		return NULL;
	}
	row_follow(sim, in, old, &client);
	c_element_write(sim, e, &client);
	r = c_record_find(sim, old);
	if (renamed && r && c_has(sim, C_RENAMES_RECORD) && !c_record_find(sim, c_get(&client, T_EMAIL))) {
		struct c_client named = { 0 };

		c_copy(&named, &r->client);
		c_set(&named, T_EMAIL, c_get(&client, T_EMAIL));
		c_record_write(sim, r, &named);
		c_release(&named);
	}
	c_sync(sim, in, e);
	c_release(&client);
	return NULL;
}

static void remove_from(struct panel_sim *sim, struct c_element *e, bool keep_row)
{
	const char *email = c_get(&e->client, T_EMAIL);
	struct panel_inbound *in = e->in;

	if (!keep_row && !c_used_elsewhere(sim, email, in))
		c_row_delete(sim, email);
	c_element_delete(sim, e);
	c_drop_orphans(sim, in);
	c_sync(sim, in, NULL);
}

/* --- the routes' work --- */

static const char *join_existing(struct panel_sim *sim, struct c_client *client, struct arena *a)
{
	static const enum c_text credentials[] = { T_ID, T_PASSWORD, T_AUTH, T_SECRET };
	const char *email = c_get(client, T_EMAIL), *sub = c_get(client, T_SUB_ID);
	struct c_record *r = c_record_find(sim, email);

	if (r && (!*c_get(&r->client, T_SUB_ID) || strcmp(c_get(&r->client, T_SUB_ID), sub)))
		return c_error(a, "email already in use:", email);
	for (size_t i = 0; r && c_has(sim, C_ADD_REUSES) && i < countof(credentials); i++)
		if (!*c_get(client, credentials[i]))
			c_set(client, credentials[i], c_get(&r->client, credentials[i]));
	if (c_has(sim, C_ONE_SUB_ID) && c_record_of_sub(sim, sub, email))
		return c_error(a, "subId already in use:", sub);
	return NULL;
}

const char *c_client_add(struct panel_sim *sim, struct c_client *client, const int64_t *ids, size_t count, struct arena *a)
{
	const char *error = check_names(sim, client, a);

	if (error)
		return error;
	if (!count)
		return c_error(a, "at least one inbound is required", NULL);
	if (!*c_get(client, T_SUB_ID))
		set_uuid(client, T_SUB_ID);
	client->enable = true; /* whatever was sent */
	if (!client->number[N_CREATED])
		client->number[N_CREATED] = sim->now_ms;
	error = join_existing(sim, client, a);
	for (size_t i = 0; !error && i < count; i++) {
		struct panel_inbound *in = panel_inbound_find(sim, ids[i]);

		if (!in)
			return NOT_FOUND;
		c_fill_credentials(client, in, sim);
		error = add_to(sim, in, client, a);
	}
	return error;
}

static const char *check_update(struct panel_sim *sim, struct c_record *r, struct c_client *client, struct arena *a)
{
	static const enum c_text kept[] = { T_ID, T_PASSWORD, T_AUTH, T_SECRET };
	const char *email = c_get(client, T_EMAIL);
	const char *error = check_names(sim, client, a);
	struct c_record *other;

	if (error)
		return error;
	if (!*c_get(client, T_SUB_ID))
		c_set(client, T_SUB_ID, c_get(&r->client, T_SUB_ID));
	if (!*c_get(client, T_SUB_ID))
		set_uuid(client, T_SUB_ID);
	if (!client->number[N_CREATED])
		client->number[N_CREATED] = r->client.number[N_CREATED];
	if (!c_has(sim, C_KEEPS_CREDENTIALS))
		return NULL;
	for (size_t i = 0; i < countof(kept); i++)
		if (!*c_get(client, kept[i]))
			c_set(client, kept[i], c_get(&r->client, kept[i]));
	other = c_record_find(sim, email);
	if (other && other != r)
		return c_error(a, "Duplicate email:", email);
	if (strcmp(c_get(client, T_SUB_ID), c_get(&r->client, T_SUB_ID)) &&
	    c_record_of_sub(sim, c_get(client, T_SUB_ID), c_get(&r->client, T_EMAIL)))
		return c_error(a, "Duplicate subId:", c_get(client, T_SUB_ID));
	return NULL;
}

/* What an update leaves in the record besides what the inbounds copied back. */
static void finish_update(struct panel_sim *sim, struct c_record *r, const struct c_client *client, bool orphan)
{
	struct c_client final = { 0 };

	c_copy(&final, &r->client);
	if (orphan && c_has(sim, C_UPDATES_ORPHANS)) {
		static const enum c_text kept[] = { T_ID, T_PASSWORD, T_AUTH, T_SECRET, T_SECURITY, T_PRIVATE_KEY, T_PUBLIC_KEY,
						    T_ALLOWED_IPS };

		c_copy(&final, client);
		for (size_t i = 0; i < countof(kept); i++)
			if (!*c_get(client, kept[i]))
				c_set(&final, kept[i], c_get(&r->client, kept[i]));
		final.number[N_CREATED] = r->client.number[N_CREATED];
	}
	if (c_has(sim, C_KEEPS_CREDENTIALS)) {
		c_set(&final, T_EMAIL, c_get(client, T_EMAIL));
		c_set(&final, T_REVERSE, c_get(client, T_REVERSE));
		c_set(&final, T_GROUP, c_get(client, T_GROUP));
		c_set(&final, T_AD_TAG, c_get(client, T_AD_TAG));
		final.enable = client->enable;
	}
	final.number[N_UPDATED] = sim->now_ms;
	c_record_write(sim, r, &final);
	c_release(&final);
}

static struct c_element *element_of(struct panel_sim *sim, const struct panel_inbound *in, const struct c_client *known)
{
	struct c_element *e;

	if (c_has(sim, C_KEEPS_CREDENTIALS))
		return c_element_find_nocase(sim, in, c_get(known, T_EMAIL));
	e = c_element_find_key(sim, in, c_key(in, known));
	return e ? e : c_element_find(sim, in, c_get(known, T_EMAIL));
}

static bool listed(int64_t id, const int64_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

const char *c_client_update(struct panel_sim *sim, struct c_record *r, struct c_client *client, const int64_t *only,
			    size_t only_count, struct arena *a)
{
	const char *error = check_update(sim, r, client, a);
	struct c_client known = { 0 };
	int64_t *ids;
	size_t count = c_attached(&ids, sim, c_get(&r->client, T_EMAIL), false, a), done = 0;

	if (error)
		return error;
	c_copy(&known, &r->client);
	for (size_t i = 0; !error && i < count; i++) {
		struct panel_inbound *in = panel_inbound_find(sim, ids[i]);
		struct c_element *e;

		if (only_count && !listed(ids[i], only, only_count))
			continue;
		done++;
		if (!c_has(sim, C_KEEPS_CREDENTIALS) && !*c_key(in, &known))
			continue;
		c_fill_credentials(client, in, sim);
		e = element_of(sim, in, &known);
		if (!e || (*in->protocol && strcmp(in->protocol, "wireguard") && strcmp(in->protocol, "mtproto") &&
			   !*c_key(in, client)))
			error = c_error(a, "empty client ID", NULL);
		else
			error = update_in(sim, e, client, a);
	}
	c_release(&known);
	if (!error)
		finish_update(sim, r, client, done == 0);
	return error;
}

const char *c_client_delete(struct panel_sim *sim, struct c_record *r, bool keep_traffic, struct arena *a)
{
	bool keep = keep_traffic && c_has(sim, C_ROWS_OUTLIVE);
	int64_t *ids;
	size_t count = c_attached(&ids, sim, c_get(&r->client, T_EMAIL), false, a);

	for (size_t i = 0; i < count; i++) {
		struct panel_inbound *in = panel_inbound_find(sim, ids[i]);
		struct c_element *e = element_of(sim, in, &r->client);

		if (poisoned(sim, in))
			return POISON;
		if (!e && !c_has(sim, C_KEEPS_CREDENTIALS))
			return c_error(a, "Client Not Found In Inbound For ID:", c_key(in, &r->client));
		if (e)
			remove_from(sim, e, keep);
	}
	if (!keep)
		c_row_delete(sim, c_get(&r->client, T_EMAIL));
	c_record_delete(sim, r);
	return NULL;
}

const char *c_client_attach(struct panel_sim *sim, struct c_record *r, const int64_t *ids, size_t count,
			    size_t *attached, size_t *skipped, struct arena *a)
{
	struct c_client client = { 0 };
	const char *error = NULL;

	*attached = *skipped = 0;
	c_copy(&client, &r->client);
	for (size_t i = 0; !error && i < count; i++) {
		struct panel_inbound *in = panel_inbound_find(sim, ids[i]);

		if (in && c_element_find(sim, in, c_get(&client, T_EMAIL))) {
			++*skipped;
			continue;
		}
		if (!in) {
			error = NOT_FOUND;
			break;
		}
		c_fill_credentials(&client, in, sim);
		error = add_to(sim, in, &client, a);
		*attached += !error;
	}
	c_release(&client);
	return error;
}

const char *c_client_detach(struct panel_sim *sim, struct c_record *r, const int64_t *ids, size_t count,
			    size_t *detached, struct arena *a)
{
	const char *email = arena_strdup(a, c_get(&r->client, T_EMAIL));

	*detached = 0;
	for (size_t i = 0; i < count; i++) {
		struct panel_inbound *in = panel_inbound_find(sim, ids[i]);
		struct c_element *e = in ? c_element_find(sim, in, email) : NULL;

		if (!e)
			continue;
		if (poisoned(sim, in))
			return POISON;
		remove_from(sim, e, c_has(sim, C_ROWS_OUTLIVE));
		++*detached;
	}
	return NULL;
}

void c_client_reset(struct panel_sim *sim, struct c_record *r, struct arena *a)
{
	struct panel_traffic *row = panel_traffic_find(sim, str_of(c_get(&r->client, T_EMAIL)));

	if (!r->client.enable && c_has(sim, C_RESET_ENABLES)) {
		struct c_client client = { 0 };

		c_copy(&client, &r->client);
		client.enable = true;
		(void)c_client_update(sim, r, &client, NULL, 0, a); /* the real one only warns, too */
		c_release(&client);
	}
	if (!row)
		return;
	row->up = row->down = 0;
	row->enable = true;
}

/* --- handlers --- */

/* The record the path names; NULL after having answered. */
static struct c_record *named(struct panel_call *call, size_t param)
{
	struct c_record *r = c_record_find(call->sim, str_dup(call->arena, call->params[param]));

	if (!r)
		panel_answer_fail(call, WRONG, NOT_FOUND);
	return r;
}

static void done(struct panel_call *call, const char *error, const char *message)
{
	if (error)
		c_refuse(call, WRONG, error);
	else
		panel_answer_ok(call, message);
}

#define ADDED "Inbound client(s) have been added."
#define UPDATED "Inbound client has been updated."
#define DELETED "Inbound client has been deleted."

void c_on_add(struct panel_call *call)
{
	struct json_object *body;
	struct c_client client = { 0 };
	int64_t *ids = NULL;
	size_t count = 0;
	const char *error = c_body_read(&body, call);

	if (!error)
		error = c_client_read(&client, json_object_object_get(body, "client"), "Client.client.", call->sim->version,
				      call->arena);
	if (!error)
		error = c_ids_read(&ids, &count, body, "inboundIds", "ClientCreatePayload", call->arena);
	if (!error)
		error = c_client_add(call->sim, &client, ids, count, call->arena);
	done(call, error, ADDED);
	c_release(&client);
	json_object_put(body);
}

/* ?inboundIds=3,5; what is no number is ignored. */
static size_t only_ids(int64_t **ids, struct panel_call *call)
{
	struct str rest = panel_query(call, "inboundIds");
	size_t count = 0;

	*ids = arena_array(call->arena, int64_t, rest.len + 1);
	if (call->sim->version < VERSION(3, 2, 8))
		return 0;
	while (rest.at)
		if (!str_to_i64(&(*ids)[count], str_trim(str_cut(&rest, ','))))
			count++;
	return count;
}

void c_on_update(struct panel_call *call)
{
	struct json_object *body;
	struct c_client client = { 0 };
	struct c_record *r = NULL;
	int64_t *ids;
	size_t count = only_ids(&ids, call);
	const char *error = c_body_read(&body, call);

	if (!error)
		error = c_client_read(&client, body, "Client.", call->sim->version, call->arena);
	if (error)
		panel_answer_fail(call, WRONG, error);
	else
		r = named(call, 0);
	if (r)
		done(call, c_client_update(call->sim, r, &client, ids, count, call->arena), UPDATED);
	c_release(&client);
	json_object_put(body);
}

void c_on_del(struct panel_call *call)
{
	const char *email = str_dup(call->arena, call->params[0]);
	struct c_record *r = c_record_find(call->sim, email);

	if (r)
		done(call, c_client_delete(call->sim, r, str_is(panel_query(call, "keepTraffic"), "1"), call->arena), DELETED);
	else if (c_has(call->sim, C_GONE_TEXT))
		panel_answer_fail(call, WRONG, arena_printf(call->arena, "client \"%s\" not found in any inbound or client "
							    "record\n", email));
	else
		panel_answer_fail(call, WRONG, NOT_FOUND);
}

void c_on_attach(struct panel_call *call)
{
	struct json_object *body;
	int64_t *ids = NULL;
	size_t count = 0, attached, skipped;
	const char *error = c_body_read(&body, call);
	struct c_record *r = NULL;

	if (!error)
		error = c_ids_read(&ids, &count, body, "inboundIds", "attachDetachBody", call->arena);
	if (error)
		panel_answer_fail(call, WRONG, error);
	else
		r = named(call, 0);
	if (r)
		done(call, c_client_attach(call->sim, r, ids, count, &attached, &skipped, call->arena), ADDED);
	json_object_put(body);
}

void c_on_detach(struct panel_call *call)
{
	struct json_object *body;
	int64_t *ids = NULL;
	size_t count = 0, detached;
	const char *error = c_body_read(&body, call);
	struct c_record *r = NULL;

	if (!error)
		error = c_ids_read(&ids, &count, body, "inboundIds", "attachDetachBody", call->arena);
	if (error)
		panel_answer_fail(call, WRONG, error);
	else
		r = named(call, 0);
	if (r)
		done(call, c_client_detach(call->sim, r, ids, count, &detached, call->arena), DELETED);
	json_object_put(body);
}

void c_on_reset(struct panel_call *call)
{
	struct c_record *r = named(call, 0);

	if (!r)
		return;
	c_client_reset(call->sim, r, call->arena);
	panel_answer_ok(call, "Traffic has been reset.");
}

void c_on_reset_all(struct panel_call *call)
{
	for (struct panel_traffic *row = call->sim->traffics; row; row = row->next) {
		row->up = row->down = 0;
		row->enable |= c_has(call->sim, C_RESET_ENABLES);
	}
	for (struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		in->last_reset_ms = call->sim->now_ms;
	panel_answer_ok(call, "Traffic for all clients has been reset.");
}

void c_on_set_traffic(struct panel_call *call)
{
	struct panel_traffic *row = panel_traffic_find(call->sim, call->params[0]);
	struct json_object *body;
	int64_t up = 0, down = 0;
	const char *error = c_body_read(&body, call);

	if (!error && (!go_json_i64(&up, json_object_object_get(body, "upload")) ||
		       !go_json_i64(&down, json_object_object_get(body, "download"))))
		error = "json: cannot unmarshal string into Go struct field TrafficUpdateRequest.upload of type int64";
	if (!error && row) {
		row->up = up;
		row->down = down;
	}
	done(call, error, UPDATED);
	json_object_put(body);
}

static struct json_object *external_entry(struct panel_sim *sim, const struct c_record *r, struct json_object *sent, size_t i)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_new_int64(++c_of(sim)->external_id_last));
	json_object_object_add(o, "clientId", json_object_new_int64(r->id));
	json_object_object_add(o, "kind", json_object_new_string(json_str_at(sent, "kind").len ? json_str_at(sent, "kind").at : ""));
	json_object_object_add(o, "value", json_object_new_string(json_str_at(sent, "value").len ? json_str_at(sent, "value").at : ""));
	json_object_object_add(o, "remark", json_object_new_string(json_str_at(sent, "remark").len ? json_str_at(sent, "remark").at : ""));
	json_object_object_add(o, "sortIndex", json_object_new_int64((int64_t)i));
	json_object_object_add(o, "createdAt", json_object_new_int64(sim->now_ms));
	return o;
}

void c_on_external_links(struct panel_call *call)
{
	struct json_object *body, *sent;
	const char *error = c_body_read(&body, call);
	struct c_record *r = NULL;

	if (error)
		panel_answer_fail(call, WRONG, error);
	else
		r = named(call, 0);
	if (r) {
		json_object_put(r->external);
		r->external = json_object_new_array();
		sent = json_array_at(body, "externalLinks");
		for (size_t i = 0; i < json_len(sent); i++)
			json_object_array_add(r->external, external_entry(call->sim, r, json_object_array_get_idx(sent, i), i));
		panel_answer_ok(call, UPDATED);
	}
	json_object_put(body);
}

static bool depleted(const struct panel_traffic *row, int64_t now_ms)
{
	return (row->total > 0 && row->up + row->down >= row->total) || (row->expiry_ms > 0 && row->expiry_ms <= now_ms);
}

void c_on_del_depleted(struct panel_call *call)
{
	struct panel_sim *sim = call->sim;
	int64_t deleted = 0;

	for (struct panel_traffic *row = sim->traffics, *next; row; row = next) {
		struct c_record *r = c_record_find(sim, row->email);

		next = row->next;
		if (r && !row->reset && depleted(row, sim->now_ms) && !c_client_delete(sim, r, false, call->arena))
			deleted++;
	}
	panel_answer_obj(call, str_of(arena_printf(call->arena, "{\"deleted\":%lld}", (long long)deleted)));
}
