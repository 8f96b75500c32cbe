/* The addresses a client connected from. The real service reads them from Xray's access log while an IP limit is in use;
 * here they are what panel_sim_saw_ip was told. The server's clock is UTC. */
#include "tests/sim/panel_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/date.h"

enum { IPS_MAX = 300, TEXT_BYTES_MAX = 64 * 1024 };

/* How the list is written, by version (§4.9). */
enum shape {
	SHAPE_TEXT_OF_IPS,      /* a text that holds a list of addresses */
	SHAPE_TEXT_OF_OBJECTS,  /* … of {"ip","timestamp"}, in seconds */
	SHAPE_LIST,             /* "1.2.3.4 (2025-11-23 12:30:00)" */
	SHAPE_LIST_OF_OBJECTS,  /* {"ip","time","node"}; an empty one instead of "No IP Record" */
};

static enum shape shape_of(const struct panel_sim *sim)
{
	if (panel_is(sim, VERSION(3, 4, 0), VERSION_LAST))
		return SHAPE_LIST_OF_OBJECTS;
	if (panel_is(sim, VERSION(2, 8, 11), VERSION_LAST))
		return SHAPE_LIST;
	return panel_is(sim, VERSION(2, 8, 10), VERSION(2, 8, 10)) ? SHAPE_TEXT_OF_OBJECTS : SHAPE_TEXT_OF_IPS;
}

static void write_ip(struct json_out *j, const struct panel_ip_seen *ip, enum shape shape)
{
	struct civil c = civil_of_ms(ip->at_ms);
	char when[32], text[128];

	snprintf(when, sizeof when, "%04d-%02d-%02d %02d:%02d:%02d", c.date.year, c.date.month, c.date.day, c.hour, c.minute, c.second);
	snprintf(text, sizeof text, "%s (%s)", ip->ip, when);
	if (shape == SHAPE_TEXT_OF_IPS || shape == SHAPE_LIST) {
		json_add_str(j, str_of(shape == SHAPE_LIST ? text : ip->ip));
		return;
	}
	json_open(j, '{');
	json_put_cstr(j, "ip", ip->ip);
	if (shape == SHAPE_TEXT_OF_OBJECTS)
		json_put_i64(j, "timestamp", ip->at_ms / 1000);
	else
		json_put_cstr(j, "time", when);
	if (shape == SHAPE_LIST_OF_OBJECTS)
		json_put_cstr(j, "node", "");
	json_close(j, '}');
}

static void answer_text(struct panel_call *c, struct str text)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, 2 * TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_add_str(&j, text);
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

void panel_on_ips(struct panel_call *c)
{
	enum shape shape = shape_of(c->sim);
	struct json_out j;
	struct buf b;
	size_t count = 0;

	buf_init(&b, TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (const struct panel_ip_seen *ip = c->sim->ips; ip; ip = ip->next)
		if (str_is(c->params[0], ip->email)) {
			write_ip(&j, ip, shape);
			count++;
		}
	json_close(&j, ']');
	if (!count && shape != SHAPE_LIST_OF_OBJECTS)
		answer_text(c, STR("No IP Record"));
	else if (shape == SHAPE_TEXT_OF_IPS || shape == SHAPE_TEXT_OF_OBJECTS)
		answer_text(c, buf_str(&b));
	else
		panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

/* email NULL: everybody's */
static void forget(struct panel_sim *sim, const struct str *email)
{
	for (struct panel_ip_seen **at = &sim->ips, *ip; (ip = *at);) {
		if (email && !str_is(*email, ip->email)) {
			at = &ip->next;
			continue;
		}
		*at = ip->next;
		free(ip->email);
		free(ip->ip);
		free(ip);
	}
}

void panel_on_clear_ips(struct panel_call *c)
{
	forget(c->sim, &c->params[0]);
	panel_answer_ok(c, "The log has been cleared.");
}

void panel_ips_delete(struct panel_sim *sim, const char *email)
{
	struct str s = str_of(email);

	forget(sim, &s);
}

void panel_ips_rename(struct panel_sim *sim, const char *from, struct str to)
{
	for (struct panel_ip_seen *ip = sim->ips; ip; ip = ip->next)
		if (!strcmp(ip->email, from))
			panel_text_set(&ip->email, to);
}

void panel_ips_release(struct panel_sim *sim)
{
	forget(sim, NULL);
}

void panel_sim_saw_ip(struct panel_sim *sim, const char *email, const char *ip, int64_t at_ms)
{
	struct panel_ip_seen **at = &sim->ips, *seen = xcalloc(1, sizeof *seen);
	size_t count = 0;

	while (*at) {
		at = &(*at)->next;
		count++;
	}
	assert(count < IPS_MAX);
	seen->email = xstrdup(email);
	seen->ip = xstrdup(ip);
	seen->at_ms = at_ms;
	*at = seen;
}

size_t panel_sim_count_ips(const struct panel_sim *sim, const char *email)
{
	size_t count = 0;

	for (const struct panel_ip_seen *ip = sim->ips; ip; ip = ip->next)
		count += strcmp(ip->email, email) == 0;
	return count;
}
