/* The operators of the panels in their pages: they change and delete clients, give our names to others, and restore old
 * backups; and somebody uses what was bought. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/story/operator.h"
#include "tests/world/world.h"

#define USERS_AT_ONCE 6

struct choice {
	size_t wanted, at;
	struct panel_client_view view;
	char id[64], password[96], sub_id[64], email[96], flow[32];
	bool found;
};

static void keep(char *out, size_t size, struct str *text)
{
	snprintf(out, size, "%.*s", STR_ARG(*text));
	*text = str_of(out);
}

static bool choose(void *ctx, const struct panel_client_view *c)
{
	struct choice *x = ctx;

	if (x->at++ != x->wanted)
		return true;
	x->view = *c;
	keep(x->id, sizeof x->id, &x->view.id);
	keep(x->password, sizeof x->password, &x->view.password);
	keep(x->sub_id, sizeof x->sub_id, &x->view.sub_id);
	keep(x->email, sizeof x->email, &x->view.email);
	keep(x->flow, sizeof x->flow, &x->view.flow);
	x->view.comment = STR("");
	x->found = true;
	return false;
}

static bool nth_client(struct choice *x, struct world_panel *p, size_t nth)
{
	*x = (struct choice){ .wanted = nth };
	panel_sim_each_client(p->sim, 0, choose, x);
	return x->found;
}

bool client_is_strangers(const struct world_panel *p, const char *email)
{
	for (size_t i = 0; i < p->strangers_count; i++)
		if (strcmp(email, p->strangers[i]) == 0)
			return true;
	return strncmp(email, WORLD_GUEST, strlen(WORLD_GUEST)) == 0;
}

/* Ours is deleted, and the name given to somebody else. */
static void takes_name(struct world *w, struct world_panel *p, struct choice *x)
{
	struct panel_client_view other = { .inbound_id = p->inbound_id, .email = str_of(x->email), .enable = true };
	char id[48], sub_id[32], password[] = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=";
	int64_t number = luck_below(&w->luck, 1000000);

	snprintf(id, sizeof id, "6f1c2a52-0d0e-4c1b-9a56-%012" PRId64, number);
	snprintf(sub_id, sizeof sub_id, "stranger%" PRId64, number);
	for (size_t i = 0; i < 8; i++)
		password[i] = (char)('a' + (number >> i) % 26);
	other.id = str_of(id);
	other.sub_id = str_of(sub_id);
	other.password = str_of(password);
	if (p->strangers_count == STRANGERS_MAX || !operator_deletes(p->sim, p->version, &x->view) || !operator_adds_client(p->sim, p->version, &other, "a friend"))
		return;
	tally_fault(FAULT_PANEL_NAME_TAKEN);
	snprintf(p->strangers[p->strangers_count], sizeof p->strangers[0], "%s", x->email);
	world_tell(w, "by hand on %s: %s is somebody else now", p->name, p->strangers[p->strangers_count++]);
}

static void edits(struct world *w, struct world_panel *p)
{
	size_t n = panel_sim_count_clients(p->sim, 0);
	struct operator_edit e;
	struct choice x;
	char name[32];

	if (!nth_client(&x, p, (size_t)luck_below(&w->luck, (int64_t)n)) || client_is_strangers(p, x.email))
		return;
	if (luck_has(&w->luck, 2000)) {
		tally_fault(FAULT_PANEL_CLIENT_DELETED);
		world_tell(w, "by hand on %s: %s is deleted: %d", p->name, x.email, operator_deletes(p->sim, p->version, &x.view));
		return;
	}
	if (luck_has(&w->luck, 2500)) {
		takes_name(w, p, &x);
		return;
	}
	e = operator_sees(&x.view);
	snprintf(name, sizeof name, "by_hand_%" PRId64, luck_below(&w->luck, 1000000));
	switch (luck_below(&w->luck, 5)) {
	case 0: e.expiry_ms += luck_between(&w->luck, -5, 5) * DAY_MS; break;
	case 1: e.total_bytes = luck_between(&w->luck, 1, 300) << 30; break;
	case 2: e.enable = !e.enable; break;
	case 3: e.email = name; break;
	default: e.comment = "a friend"; break;
	}
	tally_fault(FAULT_PANEL_CLIENT_EDITED);
	world_tell(w, "by hand on %s: %s is changed: %d", p->name, x.email, operator_saves(p->sim, p->version, &x.view, &e));
}

/* A backup holds what customers have; later ones are not in it. */
static void backs_up(struct world *w, struct world_panel *p)
{
	size_t n = panel_sim_count_clients(p->sim, 0);

	p->backup = xrealloc(p->backup, (n ? n : 1) * sizeof *p->backup);
	p->backup_count = 0;
	for (size_t i = 0; i < n; i++) {
		struct choice x;

		if (!nth_client(&x, p, i))
			break;
		snprintf(p->backup[p->backup_count].email, sizeof p->backup->email, "%s", x.email);
		p->backup[p->backup_count].expiry_ms = x.view.expiry_ms;
		p->backup[p->backup_count++].total_bytes = x.view.total_bytes;
	}
	world_tell(w, "%s is backed up: %zu clients", p->name, p->backup_count);
}

static const struct old_client *in_backup(const struct world_panel *p, const char *email)
{
	for (size_t i = 0; i < p->backup_count; i++)
		if (strcmp(p->backup[i].email, email) == 0)
			return &p->backup[i];
	return NULL;
}

static void restores(struct world *w, struct world_panel *p)
{
	size_t lost = 0, older = 0;

	for (size_t i = 0;; i++) {
		size_t before = panel_sim_count_clients(p->sim, 0);
		const struct old_client *old;
		struct choice x;

		if (!nth_client(&x, p, i))
			break;
		old = in_backup(p, x.email);
		if (client_is_strangers(p, x.email))
			continue; /* they are there again, as they are */
		if (!old) {
			operator_deletes(p->sim, p->version, &x.view);
			if (panel_sim_count_clients(p->sim, 0) < before) { /* some say so and keep it */
				lost++;
				i--;
			}
		} else if (old->expiry_ms != x.view.expiry_ms || old->total_bytes != x.view.total_bytes) {
			struct operator_edit e = operator_sees(&x.view);

			e.expiry_ms = old->expiry_ms;
			e.total_bytes = old->total_bytes;
			older += operator_saves(p->sim, p->version, &x.view, &e);
		}
	}
	panel_sim_drop_sessions(p->sim);
	tally_fault(FAULT_PANEL_OLD_BACKUP);
	world_tell(w, "%s is restored from an old backup: %zu clients lost, %zu older", p->name, lost, older);
}

/* What was bought is used: by any of them. */
static void somebody_uses(struct world *w, struct world_panel *p)
{
	struct choice x;

	if (nth_client(&x, p, (size_t)luck_below(&w->luck, (int64_t)panel_sim_count_clients(p->sim, 0))))
		panel_sim_use(p->sim, x.email, luck_length(&w->luck, 1 << 20, INT64_C(40) << 30), luck_length(&w->luck, 1 << 20, INT64_C(80) << 30));
}

static void operates(struct world *w, struct actor *self)
{
	struct world_panel *p = &w->panels[self->number];

	panel_sim_advance(p->sim, world_now_ms(w));
	if (luck_has(&w->luck, w->climate.hands))
		edits(w, p);
	else if (luck_has(&w->luck, 3000))
		backs_up(w, p);
	else if (p->backup && luck_has(&w->luck, w->climate.hands / 4))
		restores(w, p);
	for (int64_t n = luck_length(&w->luck, 0, USERS_AT_ONCE); n > 0; n--)
		somebody_uses(w, p);
	self->next_ms = world_later(w, 2 * HOUR_MS, 2 * DAY_MS);
}

void operators_open(struct world *w)
{
	for (size_t i = 0; i < w->panels_count; i++)
		world_actor(w, operates, (int64_t)i, world_now_ms(w) + luck_below(&w->luck, DAY_MS));
}
