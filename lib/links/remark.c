/* Remarks of links.
 *
 * A template is cut at '|' into segments, a segment into pieces: literal text and tokens. Both things done with
 * templates, expanding and taking usage out, work on that list of pieces. */
#include "lib/links/remark.h"

#include <inttypes.h>
#include <time.h>

#include "lib/base/clock.h"

enum { PIECES_MAX = 64, DAY_S = 86400 };

static const char infinite[] = "∞";

void link_add_size(struct buf *to, int64_t bytes)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB" };
	double size = bytes > 0 ? (double)bytes : 0;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < countof(units)) {
		size /= 1024;
		unit++;
	}
	buf_printf(to, "%.2f%s", size, units[unit]);
}

struct str link_name_clean(struct arena *a, struct str name)
{
	struct str s = utf8_clean(a, name);
	char *out = str_dup(a, s);

	for (size_t i = 0; i < s.len; i++)
		if (out[i] == '\n' || out[i] == '\t')
			out[i] = ' ';
	return str_n(out, s.len);
}

static struct str finish(struct arena *a, struct buf *b)
{
	struct str out = str_n(str_dup(a, buf_str(b)), b->len);

	buf_release(b);
	return out;
}

static int64_t used_bytes(const struct link_remark *r)
{
	return r->up_bytes + r->down_bytes;
}

static int64_t left_bytes(const struct link_remark *r)
{
	int64_t left = r->total_bytes - used_bytes(r);

	return left > 0 ? left : 0;
}

/* Until the end, or the length of what has not begun yet; 0 when over. Not for expires_ms 0. */
static int64_t left_s(const struct link_remark *r)
{
	int64_t ms = r->expires_ms < 0 ? -r->expires_ms : r->expires_ms - r->now_ms;

	return ms > 0 ? ms / SECOND_MS : 0;
}

/* --- 2.8.5 --- */

static void join(struct buf *to, char separator, struct str part)
{
	if (!part.len)
		return;
	if (to->len)
		buf_addc(to, separator);
	buf_add(to, part);
}

static void add_v2_time(struct buf *to, char separator, int64_t s)
{
	int64_t days = s / DAY_S, hours = s % DAY_S / 3600, minutes = s % 3600 / 60;

	if (to->len)
		buf_addc(to, separator);
	if (days && hours)
		buf_printf(to, "%" PRId64 "D,%" PRId64 "H⏳", days, hours);
	else if (days)
		buf_printf(to, "%" PRId64 "D⏳", days);
	else if (hours)
		buf_printf(to, "%" PRId64 "H⏳", hours);
	else
		buf_printf(to, "%" PRId64 "M⏳", minutes);
}

static void add_v2_parts(struct buf *to, struct str model, const struct link_remark *r)
{
	for (size_t i = 1; i < model.len; i++) {
		switch (model.at[i]) {
		case 'i':
			join(to, model.at[0], r->inbound);
			break;
		case 'e':
			join(to, model.at[0], r->email);
			break;
		case 'o':
			join(to, model.at[0], r->extra);
			break;
		}
	}
}

struct str link_remark_v2(struct arena *a, struct str model, const struct link_remark *r, bool show_info)
{
	struct buf b;
	char separator;

	if (!model.len)
		model = STR(LINK_REMARK_V2_MODEL);
	separator = model.at[0];
	buf_init(&b, LINK_REMARK_BYTES_MAX);
	show_info = show_info && r->has_stats;
	if (show_info && r->disabled)
		buf_adds(&b, "⛔️N/A");
	add_v2_parts(&b, model, r);
	if (!show_info || r->disabled)
		return finish(a, &b);
	if (left_bytes(r)) {
		if (b.len)
			buf_addc(&b, separator);
		link_add_size(&b, left_bytes(r));
		buf_adds(&b, "📊");
	}
	if (r->expires_ms && left_s(r))
		add_v2_time(&b, separator, left_s(r));
	return finish(a, &b);
}

/* --- v3 tokens --- */

enum token_source { FROM_TEXT, FROM_STATS };

static const char *status(const struct link_remark *r)
{
	if (r->disabled)
		return "disabled";
	if (r->expires_ms > 0 && r->expires_ms <= r->now_ms)
		return "expired";
	if (r->total_bytes > 0 && used_bytes(r) >= r->total_bytes)
		return "depleted";
	return "active";
}

static void add_status(struct buf *to, const struct link_remark *r)
{
	buf_adds(to, status(r));
}

static void add_status_emoji(struct buf *to, const struct link_remark *r)
{
	switch (status(r)[1]) {
	case 'c':
		buf_adds(to, "✅");
		break;
	case 'x':
		buf_adds(to, "⏳");
		break;
	default: /* depleted, disabled */
		buf_adds(to, "🚫");
	}
}

static void add_days_left(struct buf *to, const struct link_remark *r)
{
	if (r->expires_ms)
		buf_addi(to, left_s(r) / DAY_S);
	else
		buf_adds(to, infinite);
}

static void add_time_left(struct buf *to, const struct link_remark *r)
{
	int64_t s = left_s(r);

	if (!r->expires_ms) {
		buf_adds(to, infinite);
		return;
	}
	if (s >= DAY_S)
		buf_printf(to, "%" PRId64 "d ", s / DAY_S);
	if (s >= 3600)
		buf_printf(to, "%" PRId64 "h ", s % DAY_S / 3600);
	buf_printf(to, "%" PRId64 "m", s % 3600 / 60);
}

/* false: there is no date to show */
static bool expiry_date(struct tm *out, const struct link_remark *r)
{
	time_t s = (time_t)(r->expires_ms / SECOND_MS);

	return r->expires_ms > 0 && gmtime_r(&s, out);
}

static void add_expire_date(struct buf *to, const struct link_remark *r)
{
	struct tm t;

	if (expiry_date(&t, r))
		buf_printf(to, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
}

/* The Persian calendar by its 33-year cycle, right for 1799 … 2256. */
static void add_jalali_date(struct buf *to, const struct link_remark *r)
{
	enum { CYCLE_DAYS = 12053, FOUR_YEARS = 1461 };
	int64_t days, year;
	struct tm t;

	if (!expiry_date(&t, r))
		return;
	/* days since 1 Farvardin 979 (20 March 1600); 1970-01-01 is day 135,061 of that count */
	days = r->expires_ms / DAY_MS + 135061;
	year = 979 + 33 * (days / CYCLE_DAYS);
	days %= CYCLE_DAYS;
	year += 4 * (days / FOUR_YEARS);
	days %= FOUR_YEARS;
	if (days >= 366) {
		year += (days - 1) / 365;
		days = (days - 1) % 365;
	}
	if (days < 186)
		buf_printf(to, "%" PRId64 "/%02" PRId64 "/%02" PRId64, year, 1 + days / 31, 1 + days % 31);
	else
		buf_printf(to, "%" PRId64 "/%02" PRId64 "/%02" PRId64, year, 7 + (days - 186) / 30, 1 + (days - 186) % 30);
}

static void add_expire_unix(struct buf *to, const struct link_remark *r)
{
	if (r->expires_ms > 0)
		buf_addi(to, r->expires_ms / SECOND_MS);
}

static void add_created_unix(struct buf *to, const struct link_remark *r)
{
	if (r->created_ms > 0)
		buf_addi(to, r->created_ms / SECOND_MS);
}

static void add_used(struct buf *to, const struct link_remark *r)
{
	link_add_size(to, used_bytes(r));
}

static void add_left(struct buf *to, const struct link_remark *r)
{
	if (r->total_bytes > 0)
		link_add_size(to, left_bytes(r));
	else
		buf_adds(to, infinite);
}

static void add_total(struct buf *to, const struct link_remark *r)
{
	if (r->total_bytes > 0)
		link_add_size(to, r->total_bytes);
	else
		buf_adds(to, infinite);
}

static void add_used_bytes(struct buf *to, const struct link_remark *r)
{
	buf_addi(to, used_bytes(r));
}

static void add_left_bytes(struct buf *to, const struct link_remark *r)
{
	if (r->total_bytes > 0)
		buf_addi(to, left_bytes(r));
}

static void add_total_bytes(struct buf *to, const struct link_remark *r)
{
	if (r->total_bytes > 0)
		buf_addi(to, r->total_bytes);
}

static void add_up(struct buf *to, const struct link_remark *r)
{
	link_add_size(to, r->up_bytes);
}

static void add_down(struct buf *to, const struct link_remark *r)
{
	link_add_size(to, r->down_bytes);
}

static void add_reset_days(struct buf *to, const struct link_remark *r)
{
	if (r->reset_days > 0)
		buf_addi(to, r->reset_days);
}

static void add_percentage(struct buf *to, const struct link_remark *r)
{
	if (r->total_bytes > 0)
		buf_printf(to, "%.1f%%", 100.0 * (double)used_bytes(r) / (double)r->total_bytes);
}

static void add_upper(struct buf *to, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_addc(to, s.at[i] >= 'a' && s.at[i] <= 'z' ? (char)(s.at[i] - 32) : s.at[i]);
}

static void add_email(struct buf *to, const struct link_remark *r) { buf_add(to, r->email); }
static void add_inbound(struct buf *to, const struct link_remark *r) { buf_add(to, r->inbound); }
static void add_extra(struct buf *to, const struct link_remark *r) { buf_add(to, r->extra); }
static void add_id(struct buf *to, const struct link_remark *r) { buf_add(to, r->id); }
static void add_short_id(struct buf *to, const struct link_remark *r) { buf_add(to, utf8_head(r->id, 8)); }
static void add_telegram_id(struct buf *to, const struct link_remark *r) { buf_add(to, r->telegram_id); }
static void add_sub_id(struct buf *to, const struct link_remark *r) { buf_add(to, r->sub_id); }
static void add_comment(struct buf *to, const struct link_remark *r) { buf_add(to, r->comment); }
static void add_protocol(struct buf *to, const struct link_remark *r) { add_upper(to, r->protocol); }
static void add_transport(struct buf *to, const struct link_remark *r) { buf_add(to, r->transport); }
static void add_security(struct buf *to, const struct link_remark *r) { add_upper(to, r->security); }

static const struct token {
	const char *name, *alias; /* {{NAME}}; {ALIAS} is the panel page's own spelling */
	enum token_source source; /* FROM_STATS: empty without stats, and what "usage" means */
	void (*add)(struct buf *to, const struct link_remark *r);
} tokens[] = {
	{ "EMAIL",               "EMAIL",              FROM_TEXT,  add_email },
	{ "USERNAME",            NULL,                 FROM_TEXT,  add_email },
	{ "INBOUND",             NULL,                 FROM_TEXT,  add_inbound },
	{ "HOST",                NULL,                 FROM_TEXT,  add_extra },
	{ "ID",                  NULL,                 FROM_TEXT,  add_id },
	{ "SHORT_ID",            NULL,                 FROM_TEXT,  add_short_id },
	{ "TELEGRAM_ID",         NULL,                 FROM_TEXT,  add_telegram_id },
	{ "SUB_ID",              NULL,                 FROM_TEXT,  add_sub_id },
	{ "COMMENT",             NULL,                 FROM_TEXT,  add_comment },
	{ "PROTOCOL",            "PROTOCOL",           FROM_TEXT,  add_protocol },
	{ "TRANSPORT",           "TRANSPORT",          FROM_TEXT,  add_transport },
	{ "SECURITY",            "SECURITY",           FROM_TEXT,  add_security },
	{ "STATUS",              NULL,                 FROM_STATS, add_status },
	{ "STATUS_EMOJI",        "STATUS_EMOJI",       FROM_STATS, add_status_emoji },
	{ "DAYS_LEFT",           "DAYS_LEFT",          FROM_STATS, add_days_left },
	{ "TIME_LEFT",           "TIME_LEFT",          FROM_STATS, add_time_left },
	{ "EXPIRE_DATE",         "EXPIRE_DATE",        FROM_STATS, add_expire_date },
	{ "JALALI_EXPIRE_DATE",  "JALALI_EXPIRE_DATE", FROM_STATS, add_jalali_date },
	{ "EXPIRE_UNIX",         NULL,                 FROM_STATS, add_expire_unix },
	{ "CREATED_UNIX",        NULL,                 FROM_STATS, add_created_unix },
	{ "TRAFFIC_USED",        "DATA_USAGE",         FROM_STATS, add_used },
	{ "TRAFFIC_LEFT",        "DATA_LEFT",          FROM_STATS, add_left },
	{ "TRAFFIC_TOTAL",       "DATA_LIMIT",         FROM_STATS, add_total },
	{ "TRAFFIC_USED_BYTES",  NULL,                 FROM_STATS, add_used_bytes },
	{ "TRAFFIC_LEFT_BYTES",  NULL,                 FROM_STATS, add_left_bytes },
	{ "TRAFFIC_TOTAL_BYTES", NULL,                 FROM_STATS, add_total_bytes },
	{ "UP",                  NULL,                 FROM_STATS, add_up },
	{ "DOWN",                NULL,                 FROM_STATS, add_down },
	{ "RESET_DAYS",          NULL,                 FROM_STATS, add_reset_days },
	{ "USAGE_PERCENTAGE",    "USAGE_PERCENTAGE",   FROM_STATS, add_percentage },
};

static const struct token unknown_token = { "", NULL, FROM_TEXT, NULL };

/* --- v3 pieces --- */

struct piece {
	struct str text;           /* as it stands in the template */
	const struct token *token; /* NULL: literal */
};

struct pieces {
	struct piece at[PIECES_MAX];
	size_t count;
};

static size_t index_of(struct str s, size_t from, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = from; i + n <= s.len; i++)
		if (memcmp(s.at + i, what, n) == 0)
			return i;
	return s.len;
}

static const struct token *token_named(struct str name, bool alias)
{
	for (size_t i = 0; i < countof(tokens); i++) {
		const char *own = alias ? tokens[i].alias : tokens[i].name;

		if (own && str_is(name, own))
			return &tokens[i];
	}
	return alias ? NULL : &unknown_token;
}

/* A token that starts at s[i]; *len is its length with braces. NULL: none there. */
static const struct token *token_at(struct str s, size_t i, size_t *len)
{
	bool twice = i + 1 < s.len && s.at[i + 1] == '{';
	size_t begin = i + (twice ? 2 : 1), end;

	if (s.at[i] != '{')
		return NULL;
	end = index_of(s, begin, twice ? "}}" : "}");
	if (end == s.len)
		return NULL;
	*len = end - i + (twice ? 2 : 1);
	return token_named(str_n(s.at + begin, end - begin), !twice);
}

static void add_piece(struct pieces *p, struct str text, const struct token *token)
{
	if (text.len && p->count < PIECES_MAX)
		p->at[p->count++] = (struct piece){ text, token };
}

static void cut_pieces(struct pieces *p, struct str segment)
{
	size_t literal = 0, i = 0;

	p->count = 0;
	while (i < segment.len) {
		size_t len = 0;
		const struct token *t = token_at(segment, i, &len);

		if (!t) {
			i++;
			continue;
		}
		add_piece(p, str_n(segment.at + literal, i - literal), NULL);
		add_piece(p, str_n(segment.at + i, len), t);
		i += len;
		literal = i;
	}
	add_piece(p, str_n(segment.at + literal, segment.len - literal), NULL);
}

static struct str value_of(struct arena *a, const struct token *t, const struct link_remark *r)
{
	struct buf b;

	buf_init(&b, LINK_REMARK_BYTES_MAX);
	if (t->add && (t->source == FROM_TEXT || r->has_stats))
		t->add(&b, r);
	return finish(a, &b);
}

static bool is_lone_hyphen(const struct pieces *p, size_t i)
{
	return !p->at[i].token && str_is(str_trim(p->at[i].text), "-") && i > 0 && i + 1 < p->count &&
	       p->at[i - 1].token && p->at[i + 1].token;
}

/* Appends the segment's text. false: it has tokens and none of them says anything, so it goes with its decoration. */
static bool expand(struct buf *to, struct arena *a, struct str segment, const struct link_remark *r)
{
	struct str values[PIECES_MAX];
	bool tokens_seen = false, said = false, real = false;
	struct pieces p;

	cut_pieces(&p, segment);
	for (size_t i = 0; i < p.count; i++) {
		values[i] = p.at[i].token ? value_of(a, p.at[i].token, r) : p.at[i].text;
		tokens_seen |= p.at[i].token != NULL;
		real |= p.at[i].token && values[i].len && !str_is(values[i], infinite);
	}
	if (tokens_seen && !real)
		return false;
	for (size_t i = 0; i < p.count; i++) {
		if (is_lone_hyphen(&p, i) && (!said || !values[i + 1].len))
			continue;
		buf_add(to, values[i]);
		said |= p.at[i].token && values[i].len;
	}
	return true;
}

struct str link_remark_v3(struct arena *a, struct str template, const struct link_remark *r)
{
	struct str rest = str_trim(template);
	bool first = true;
	struct buf b, part;

	buf_init(&b, LINK_REMARK_BYTES_MAX);
	if (!rest.len) {
		join(&b, '-', r->inbound);
		join(&b, '-', r->extra);
		join(&b, '-', r->email);
		return finish(a, &b);
	}
	buf_init(&part, LINK_REMARK_BYTES_MAX);
	rest = template;
	while (rest.at) {
		buf_clear(&part);
		if (!expand(&part, a, str_cut(&rest, '|'), r))
			continue;
		if (!first)
			buf_addc(&b, '|');
		buf_add(&b, buf_str(&part));
		first = false;
	}
	buf_release(&part);
	if (!str_trim(buf_str(&b)).len) {
		buf_clear(&b);
		buf_add(&b, r->inbound);
	}
	return finish(a, &b);
}

static bool is_usage(const struct piece *p)
{
	return p->token && p->token->source == FROM_STATS;
}

/* A removed token takes the literal text beside it along; what survives is joined with one space. */
static void add_without_usage(struct buf *to, struct str segment)
{
	bool gap = false;
	struct pieces p;

	cut_pieces(&p, segment);
	for (size_t i = 0; i < p.count; i++) {
		bool beside = (i > 0 && is_usage(&p.at[i - 1])) || (i + 1 < p.count && is_usage(&p.at[i + 1]));

		if (is_usage(&p.at[i]) || (!p.at[i].token && beside)) {
			gap = true;
			continue;
		}
		if (gap && to->len)
			buf_addc(to, ' ');
		buf_add(to, p.at[i].text);
		gap = false;
	}
}

struct str link_remark_without_usage(struct arena *a, struct str template)
{
	struct str rest = template;
	struct buf b, part;

	buf_init(&b, LINK_REMARK_BYTES_MAX);
	buf_init(&part, LINK_REMARK_BYTES_MAX);
	while (rest.at) {
		buf_clear(&part);
		add_without_usage(&part, str_cut(&rest, '|'));
		join(&b, '|', buf_str(&part));
	}
	buf_release(&part);
	return finish(a, &b);
}
