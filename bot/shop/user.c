/* People: found by their telegram_id, made on first contact, kept up to date. */
#include "bot/shop/user.h"

#include <string.h>

#include "bot/core/config.h"
#include "bot/shop/settings.h"
#include "bot/shop/subscription.h"
#include "bot/shop/time_steps.h"
#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/base/log.h"

#define USER_COLUMNS "id, public_id, telegram_id, username, first_name, last_name, lang, lang_chosen, is_admin, banned, reachable," \
	" referral_code, referred_by, live_message_id, dialogue, created_ms, seen_ms"
#define SEEN_EVERY_MS HOUR_MS    /* last contact is kept this exactly: not a write per tap */
#define DIALOGUE_BYTES_MAX 4096

static bool is_admin(const struct act *a, int64_t telegram_id, bool in_table)
{
	return in_table || (telegram_id && a->shared->config && config_is_admin(a->shared->config, telegram_id));
}

static void read_row(struct user *out, int64_t *seen_ms, const struct db_rows *r, const struct act *a)
{
	*out = (struct user){ .id = db_i64(r, 0), .telegram_id = db_i64(r, 2), .username = db_text(r, 3, a->arena),
		.first_name = db_text(r, 4, a->arena), .last_name = db_text(r, 5, a->arena), .lang = i18n_lang_of(a->shared->i18n, db_str(r, 6)),
		.lang_chosen = db_i64(r, 7), .banned = db_i64(r, 9), .reachable = db_i64(r, 10), .referred_by = db_i64(r, 12),
		.live_message_id = db_i64(r, 13), .dialogue = db_text(r, 14, a->arena), .created_ms = db_i64(r, 15) };
	out->is_admin = is_admin(a, out->telegram_id, db_i64(r, 8));
	snprintf(out->public_id, sizeof out->public_id, "%.*s", STR_ARG(db_str(r, 1)));
	snprintf(out->referral_code, sizeof out->referral_code, "%.*s", STR_ARG(db_str(r, 11)));
	*seen_ms = db_i64(r, 16);
}

static enum err read_one(struct user *out, int64_t *seen_ms, struct act *a, struct db_rows *r)
{
	enum err e = db_first(r);

	if (e)
		return e;
	read_row(out, seen_ms, r, a);
	return db_end(r);
}

enum err user_draw_ids(struct act *a, struct user *u)
{
	if (*u->public_id)
		return OK;
	public_id_draw(u->public_id);
	enc_random_base32(u->referral_code, REFERRAL_CODE_CHARS);
	return db_run(a->tx, "UPDATE users SET public_id=?2, referral_code=?3 WHERE id=?1", u->id, u->public_id, u->referral_code);
}

enum err user_get(struct user *out, struct act *a, int64_t id)
{
	struct db_rows r;
	int64_t seen_ms;
	enum err e;

	db_select(&r, a->tx, "SELECT " USER_COLUMNS " FROM users WHERE id=?1", id);
	e = read_one(out, &seen_ms, a, &r);
	return e ? e : user_draw_ids(a, out);
}

static enum err by_telegram(struct user *out, int64_t *seen_ms, struct act *a, int64_t telegram_id)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " USER_COLUMNS " FROM users WHERE telegram_id=?1", telegram_id);
	return read_one(out, seen_ms, a, &r);
}

enum err user_by_telegram(struct user *out, struct act *a, int64_t telegram_id)
{
	int64_t seen_ms;
	enum err e = by_telegram(out, &seen_ms, a, telegram_id);

	return e ? e : user_draw_ids(a, out);
}

/* --- first contact, and every other --- */

static enum err add(struct user *out, struct act *a, const struct tg_user *from)
{
	int lang = i18n_lang_of(a->shared->i18n, from->language_code);
	enum err e = db_run(a->tx, "INSERT INTO users(telegram_id, username, first_name, last_name, lang, created_ms, updated_ms, seen_ms)"
		" VALUES(?1, nullif(?2, ''), coalesce(?3, ''), coalesce(?4, ''), ?5, ?6, ?6, ?6)",
		from->id, from->username, from->first_name, from->last_name, i18n_lang_code(a->shared->i18n, lang), a->now_ms);

	*out = (struct user){ .id = db_last_id(a->tx), .telegram_id = from->id, .first_name = str_dup(a->arena, from->first_name),
		.last_name = str_dup(a->arena, from->last_name), .lang = lang, .reachable = true, .created_ms = a->now_ms, .is_new = true };
	out->username = from->username.len ? str_dup(a->arena, from->username) : NULL;
	out->is_admin = is_admin(a, from->id, false);
	return e;
}

enum err user_add_web(struct user *out, struct act *a)
{
	enum err e = db_run(a->tx, "INSERT INTO users(lang, reachable, created_ms, updated_ms) VALUES(?1, 0, ?2, ?2)",
		i18n_lang_code(a->shared->i18n, 0), a->now_ms);

	if (!e)
		e = user_get(out, a, db_last_id(a->tx));
	out->is_new = !e;
	return e;
}

static bool same(const char *have, struct str now)
{
	return str_eq(str_of(have), now);
}

/* Telegram tells names and language with every update: they follow, unless the user chose a language. */
static enum err refresh(struct user *u, int64_t seen_ms, struct act *a, const struct tg_user *from)
{
	int lang = u->lang_chosen ? u->lang : i18n_lang_of(a->shared->i18n, from->language_code);

	if (same(u->username, from->username) && same(u->first_name, from->first_name) && same(u->last_name, from->last_name) &&
	    lang == u->lang && u->reachable && a->now_ms - seen_ms < SEEN_EVERY_MS)
		return OK;
	u->username = from->username.len ? str_dup(a->arena, from->username) : NULL;
	u->first_name = str_dup(a->arena, from->first_name);
	u->last_name = str_dup(a->arena, from->last_name);
	u->lang = lang;
	u->reachable = true;
	return db_run(a->tx, "UPDATE users SET username=?2, first_name=?3, last_name=?4, lang=?5, reachable=1, updated_ms=?6, seen_ms=?6 WHERE id=?1",
		u->id, u->username, u->first_name, u->last_name, i18n_lang_code(a->shared->i18n, lang), a->now_ms);
}

enum err user_meet(struct user *out, struct act *a, const struct tg_user *from)
{
	int64_t seen_ms;
	enum err e;

	if (from->id <= 0)
		return E_INVALID;
	e = by_telegram(out, &seen_ms, a, from->id);
	if (!e)
		return refresh(out, seen_ms, a, from);
	return e == E_NOTFOUND ? add(out, a, from) : e;
}

/* --- changes --- */

enum err user_set_lang(struct act *a, struct user *u, int lang)
{
	u->lang = lang;
	u->lang_chosen = true;
	return db_run(a->tx, "UPDATE users SET lang=?2, lang_chosen=1, updated_ms=?3 WHERE id=?1", u->id, i18n_lang_code(a->shared->i18n, lang), a->now_ms);
}

enum err user_set_live(struct act *a, int64_t user_id, int64_t message_id)
{
	return db_run(a->tx, "UPDATE users SET live_message_id=?2 WHERE id=?1", user_id, message_id);
}

enum err user_set_dialogue(struct act *a, struct user *u, const char *dialogue)
{
	if (dialogue && strlen(dialogue) > DIALOGUE_BYTES_MAX)
		return E_TOOBIG;
	u->dialogue = arena_strdup(a->arena, dialogue);
	return db_run(a->tx, "UPDATE users SET dialogue=?2 WHERE id=?1", u->id, dialogue);
}

enum err user_set_banned(struct act *a, int64_t user_id, bool banned)
{
	struct subscription *subs;
	int64_t all;
	size_t count = 0;
	enum err e = db_run(a->tx, "UPDATE users SET banned=?2, updated_ms=?3 WHERE id=?1 AND banned<>?2", user_id, banned, a->now_ms);

	if (e || db_changes(a->tx) == 0)
		return e;
	e = db_get_i64(&all, a->tx, "SELECT count(*) FROM subscriptions WHERE user_id=?1", user_id); /* each of them, however many */
	if (e)
		return e;
	subs = arena_array(a->arena, struct subscription, (size_t)all);
	e = sub_list(subs, &count, (size_t)all, a, user_id);
	for (size_t i = 0; !e && i < count; i++)
		e = sub_set_banned(a, &subs[i], banned);
	return e;
}

enum err user_set_admin(struct act *a, int64_t user_id, bool admin)
{
	return db_run(a->tx, "UPDATE users SET is_admin=?2, updated_ms=?3 WHERE id=?1", user_id, admin, a->now_ms);
}

enum err user_unreachable(struct act *a, int64_t telegram_id)
{
	return db_run(a->tx, "UPDATE users SET reachable=0, updated_ms=?2 WHERE telegram_id=?1 AND reachable=1", telegram_id, a->now_ms);
}

/* --- admins --- */

#define ADMINS_MAX (CONFIG_ADMINS_MAX + 64)

enum err user_each_admin(struct act *a, enum err (*each)(struct act *a, const struct user *admin, void *ctx), void *ctx)
{
	const struct config *config = a->shared->config;
	int64_t ids[ADMINS_MAX];
	size_t n = 0;
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT telegram_id FROM users WHERE is_admin=1 AND telegram_id IS NOT NULL ORDER BY id LIMIT ?1", ADMINS_MAX - CONFIG_ADMINS_MAX);
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; config && i < config->admins_count; i++) {
		size_t k = 0;

		while (k < n && ids[k] != config->admins[i])
			k++;
		if (k == n)
			ids[n++] = config->admins[i];
	}
	for (size_t i = 0; !e && i < n; i++) {
		struct user admin;

		e = user_by_telegram(&admin, a, ids[i]);
		if (!e)
			e = each(a, &admin, ctx);
		else if (e == E_NOTFOUND)
			e = OK; /* has never written to the bot, so the bot cannot write either */
	}
	return e;
}

/* --- for whom texts are written --- */

/* The zone in use, and the one before it, which texts of the present turn may still point to. */
static struct { char name[ZONE_NAME_MAX + 1]; struct zone *zone, *before; } shop_zone;

static const struct zone *zone_of(struct str name)
{
	struct zone *zone = NULL;

	if (!name.len || name.len > ZONE_NAME_MAX)
		return NULL;
	if (str_is(name, shop_zone.name))
		return shop_zone.zone;
	snprintf(shop_zone.name, sizeof shop_zone.name, "%.*s", STR_ARG(name));
	if (zone_load(&zone, shop_zone.name) != OK)
		log_warn("settings.zone_unknown", KV("zone", name));
	zone_free(shop_zone.before);
	shop_zone.before = shop_zone.zone;
	shop_zone.zone = zone;
	return zone;
}

struct i18n_to user_reader(const struct act *a, const struct user *u)
{
	struct act copy = *a;
	struct str name = setting_text(&copy, SETTING_ZONE);

	if (!name.len && a->shared->config)
		name = str_of(a->shared->config->zone);
	return (struct i18n_to){ .texts = a->shared->i18n, .lang = u ? u->lang : 0, .zone = zone_of(name) };
}
