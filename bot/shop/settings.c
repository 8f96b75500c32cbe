/* Settings: rows of the settings table, read through the table of what they may be. */
#include "bot/shop/settings.h"

#include <assert.h>
#include <stdlib.h>

#define ZONE_TEXT "zone"

static const struct setting_row rows[SETTINGS_COUNT] = {
	/*                             key                    text   min         max       otherwise bytes */
	[SETTING_GRACE_HOURS]         = { "grace_hours",         false, 0,         720,       24, 0 },
	[SETTING_DELETE_DAYS]         = { "delete_days",         false, 0,         3650,      14, 0 },
	[SETTING_REFERRAL_DAYS]       = { "referral_days",       false, 0,         3660,      7,  0 },
	[SETTING_REFERRAL_HOLD_HOURS] = { "referral_hold_hours", false, 0,         8760,      0,  0 },
	[SETTING_TRIAL_ON]            = { "trial_on",            false, 0,         1,         1,  0 },
	[SETTING_MAINTENANCE]         = { "maintenance",         false, 0,         1,         0,  0 },
	[SETTING_ADMIN_CHAT]          = { "admin_chat",          false, INT64_MIN, INT64_MAX, 0,  0 },
	[SETTING_ADMIN_THREAD]        = { "admin_thread",        false, 0,         INT64_MAX, 0,  0 },
	[SETTING_ZONE]                = { ZONE_TEXT,             true,  0,         0,         0,  ZONE_NAME_MAX },
	[SETTING_SUPPORT]             = { "support",             true,  0,         0,         0,  256 },
	[SETTING_TERMS]               = { "terms",               true,  0,         0,         0,  3000 },
	[SETTING_DRIFT_REPAIR]        = { "drift_repair",        false, 0,         1,         0,  0 },
	[SETTING_WEB_ACCOUNTS]        = { "web_accounts",        false, 0,         1,         0,  0 },
	[SETTING_SALE_NOTICES]        = { "sale_notices",        false, 0,         1,         0,  0 },
};

const struct setting_row *setting_row(enum setting s)
{
	assert((size_t)s < countof(rows));
	return &rows[s];
}

int64_t setting_i64(struct act *a, enum setting s)
{
	const struct setting_row *row = setting_row(s);
	struct str text = setting_text(a, s);
	int64_t n;

	if (str_to_i64(&n, text) != OK || n < row->min || n > row->max)
		return row->otherwise;
	return n;
}

/* What this transaction has read so far: each of its updates asks for the same few. NULL: not asked for yet. */
static struct { uint64_t as_of; char *texts[SETTINGS_COUNT]; } memo;

static void memo_follow(struct act *a)
{
	uint64_t version = db_table_version(a->tx, "settings");

	if (memo.as_of == version)
		return;
	for (size_t i = 0; i < countof(memo.texts); i++) {
		free(memo.texts[i]);
		memo.texts[i] = NULL;
	}
	memo.as_of = version;
}

struct str setting_text(struct act *a, enum setting s)
{
	char *text;
	enum err e;

	memo_follow(a);
	if (!memo.texts[s]) {
		e = db_get_text(&text, a->arena, a->tx, "SELECT value FROM settings WHERE key=?1", setting_row(s)->key);
		if (e && e != E_NOTFOUND) /* an unreadable store shows itself at the next write; a setting is not worth failing for */
			return STR("");
		memo.texts[s] = xstrdup(e ? "" : text);
	}
	return *memo.texts[s] ? str_of(arena_strdup(a->arena, memo.texts[s])) : STR("");
}

static enum err check(const struct setting_row *row, struct str value)
{
	int64_t n;

	if (row->is_text) {
		if (value.len > row->bytes_max || !utf8_valid(value))
			return E_INVALID;
		return row == &rows[SETTING_ZONE] && value.len && !zone_name_is_valid(value.at) ? E_INVALID : OK;
	}
	return str_to_i64(&n, value) != OK || n < row->min || n > row->max ? E_INVALID : OK;
}

static enum err write(struct act *a, const char *key, struct str text)
{
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=?2", key, text.len ? text : STR(""));
}

/* Where the value before this one stands; where there was none, the default. */
static const char *before_key(struct act *a, const struct setting_row *row)
{
	return arena_printf(a->arena, "before.%s", row->key);
}

static enum err keep_before(struct act *a, const struct setting_row *row, struct str text)
{
	char *now;
	enum err e = db_get_text(&now, a->arena, a->tx, "SELECT value FROM settings WHERE key=?1", row->key);

	if (e == E_NOTFOUND)
		now = row->is_text ? arena_strdup(a->arena, "") : arena_printf(a->arena, "%lld", (long long)row->otherwise);
	else if (e)
		return e;
	return str_is(text, now) ? OK : write(a, before_key(a, row), str_of(now));
}

enum err setting_set(struct act *a, enum setting s, struct str value)
{
	const struct setting_row *row = setting_row(s);
	struct str text = str_of(str_dup(a->arena, str_trim(value)));
	enum err e = check(row, text);

	if (!e)
		e = keep_before(a, row, text);
	return e ? e : write(a, row->key, text);
}

enum err setting_undo(struct act *a, enum setting s)
{
	char *before;
	enum err e = db_get_text(&before, a->arena, a->tx, "SELECT value FROM settings WHERE key=?1", before_key(a, setting_row(s)));

	return e ? e : setting_set(a, s, str_of(before));
}
