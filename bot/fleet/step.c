/* What a panel is asked for in one step. Texts live in arena; look is borrowed. */
#include "bot/fleet/fleet_private.h"

#include <assert.h>

#include "lib/base/rand.h"

#define KEEPER_BYTES_MAX 64

static const unsigned changes[FIELDS] = {
	[FIELD_UNTIL] = XUI_SET_EXPIRES, [FIELD_QUOTA] = XUI_SET_QUOTA, [FIELD_DEVICES] = XUI_SET_LIMIT_IP, [FIELD_ENABLED] = XUI_SET_ENABLED,
};

static void ask_update(struct xui_ask *ask, struct arena *arena, const struct access *x, const struct xui_look *l)
{
	const struct xui_client *seen = &l->client;

	ask->what = XUI_UPDATE;
	ask->client = *seen; /* by whatever keys the panel has for it now */
	ask->want = access_client(arena, x);
	for (enum terms_field f = FIELD_UNTIL; f < FIELDS; f++)
		if (!x->left[f]) /* what waits for a person stays as the panel has it */
			ask->change |= changes[f];
	if (x->reset_days) /* else it is 0 since we made the client, or the operator's word, which stays (R039) */
		ask->change |= XUI_SET_RESET;
	if (rename_is_due(x, seen))
		rename_ask(ask, arena, x);
	if (!access_has_other_keys(x, seen))
		return;
	ask->change |= XUI_SET_UUID | XUI_SET_PASSWORD | XUI_SET_SUB_ID;
	if (seen->auth.len) {
		ask->want.auth = ask->want.password;
		ask->change |= XUI_SET_AUTH;
	}
}

/* 2.x and 3.0.x keep the last client of an inbound: ours that is there twice could not be deleted. */
static bool is_all_there_is(const struct xui_look *l, enum xui_dialect dialect)
{
	return dialect != XUI_C && l->clients_in_inbound <= l->found;
}

/* So a client of nobody comes first, switched off; it stays. */
static void ask_keeper(struct xui_ask *ask, struct arena *arena)
{
	char *email = arena_alloc(arena, KEEPER_BYTES_MAX), *uuid = arena_alloc(arena, UUID_CHARS + 1);

	access_email(email, KEEPER_BYTES_MAX, STR("keeper"));
	rand_uuid(uuid);
	ask->what = XUI_ADD;
	ask->client = (struct xui_client){ .email = str_of(email), .uuid = str_of(uuid), .password = str_of(uuid), .sub_id = str_of(email), .comment = STR("obol:keeper") };
}

void step_ask(struct xui_ask *ask, struct arena *arena, enum sub_step step, const struct access *x, const struct xui_look *l, enum xui_dialect dialect)
{
	*ask = (struct xui_ask){ .inbound_id = x->inbound_id };
	switch (step) {
	case STEP_CREATE:
		ask->what = XUI_ADD;
		ask->client = access_client(arena, x);
		break;
	case STEP_UPDATE:
		ask_update(ask, arena, x, l);
		break;
	case STEP_RESET:
		ask->what = XUI_RESET;
		ask->client = l->client;
		break;
	case STEP_DELETE:
		ask->what = XUI_DELETE;
		ask->client = l->client;
		if (l->found > 1 && is_all_there_is(l, dialect))
			ask_keeper(ask, arena);
		break;
	case STEP_NOTHING:
		assert(!"nothing is no write");
	}
}
