/* Who may read what: what is sealed stands nowhere in clear, what customers alone hold in no line of the log and in no chat
 * but theirs. All of them are looked for in one pass over each text: their first bytes lead to them. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "tests/world/world.h"

#define FIRST_BYTES 8     /* none is shorter */
#define SLOTS (1 << 14)

struct secret {
	const char *text;
	int64_t owner;        /* Telegram's id of the only one who may read it; 0: nobody may */
	bool is_sealed;
	size_t next;          /* with the same slot; 0 ends, as slots do */
};

struct secrets {
	struct secret *list;  /* from 1 on */
	size_t count, slots[SLOTS];
};

static size_t slot_of(const char *at)
{
	uint64_t first;

	memcpy(&first, at, FIRST_BYTES);
	return (size_t)(first * UINT64_C(0x9E3779B97F4A7C15) >> 50);
}

static void keep(struct secrets *s, const char *text, int64_t owner, bool is_sealed)
{
	size_t slot = slot_of(text);

	assert(strlen(text) >= FIRST_BYTES);
	s->list[++s->count] = (struct secret){ text, owner, is_sealed, s->slots[slot] };
	s->slots[slot] = s->count;
}

static struct secrets *secrets_of(struct world *w, struct arena *a)
{
	static const char *const sealed[] = { WORLD_SECRET, WORLD_CRYPTOPAY_TOKEN, BOTAPI_TOKEN };
	struct secrets *s = arena_new(a, struct secrets);
	struct db_rows r;

	s->list = arena_array(a, struct secret, 1 + countof(sealed) + 2 * (size_t)world_number(w, "SELECT count(*) FROM subscriptions"));
	for (size_t i = 0; i < countof(sealed); i++)
		keep(s, sealed[i], 0, true);
	db_select(&r, w->db, "SELECT s.uuid, s.sub_id, coalesce(u.telegram_id, 0) FROM subscriptions s JOIN users u ON u.id=s.user_id");
	while (db_next(&r)) {
		keep(s, db_text(&r, 0, a), db_i64(&r, 2), false);
		keep(s, db_text(&r, 1, a), db_i64(&r, 2), false);
	}
	db_end(&r);
	return s;
}

/* The next secret in text from *at on, which moves behind its beginning; NULL: none is left. */
static const struct secret *next_in(const struct secrets *s, struct str text, size_t *at)
{
	for (; *at + FIRST_BYTES <= text.len; ++*at)
		for (size_t i = s->slots[slot_of(text.at + *at)]; i; i = s->list[i].next)
			if (str_starts(str_n(text.at + *at, text.len - *at), s->list[i].text)) {
				++*at;
				return &s->list[i];
			}
	return NULL;
}

static void in_message(struct world *w, struct arena *a, const struct secrets *s, const struct botapi_call *call)
{
	const struct secret *found;
	size_t at = 0;

	while ((found = next_in(s, call->payload, &at))) {
		if (found->is_sealed)
			world_broken(w, "a message holds what is sealed: %.4s...", found->text);
		/* what somebody has pasted into a message to the seller is theirs to tell */
		else if (call->chat_id && call->chat_id != found->owner && !str_has(call->payload, arena_printf(a, WORLD_PASTED, found->text)))
			world_broken(w, "%" PRId64 " was told a key of %" PRId64, call->chat_id, found->owner);
	}
}

static void in_panel_log(struct world *w, const struct secrets *s)
{
	const struct secret *found;
	struct db_rows r;
	size_t at;

	db_select(&r, w->db, "SELECT call||' '||coalesce(note, '') FROM panel_log");
	while (db_next(&r))
		for (at = 0; (found = next_in(s, db_str(&r, 0), &at));)
			world_broken(w, "the log of a panel holds a key of %" PRId64 ": %.*s", found->owner, STR_ARG(db_str(&r, 0)));
	db_end(&r);
}

void secrets_check(struct world *w)
{
	struct arena arena = { 0 };
	const struct secrets *s = secrets_of(w, &arena);
	const struct secret *found;
	size_t at = 0, calls = botapi_calls(w->telegram, NULL);

	while ((found = next_in(s, buf_str(&w->log), &at)))
		world_broken(w, "the log holds a secret of %" PRId64 ": %.4s...", found->owner, found->text);
	for (size_t i = 0; i < calls; i++)
		in_message(w, &arena, s, botapi_call_nth(w->telegram, NULL, i));
	in_panel_log(w, s);
	for (size_t i = 1; i <= s->count; i++)
		if (w->disk && s->list[i].is_sealed && disk_holds(w->disk, str_of(s->list[i].text)))
			world_broken(w, "the disk holds what is sealed: %.4s...", s->list[i].text);
	arena_release(&arena);
}
