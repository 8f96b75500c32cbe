/* A tokenizer that keeps no tree, and a stack of open cuts above it.
 *
 * Invariants:
 *  1. depth counts open brackets over all texts together; the path of the value under way has depth steps. A string
 *     that holds JSON adds no step, so the root of the inner text has the path of the string.
 *  2. Every byte that is kept goes to the innermost open cut. When that cut began in an outer text, the byte is escaped
 *     again once per text between, so that the outer string stays what it was.
 *  3. texts[t + 1] is under way exactly while texts[t] is inside a string with has_text.
 *  4. The raw bytes of a string with has_text are not kept: its inner text keeps what remains of it. When the inner text
 *     breaks, nothing more of the string is kept; what was kept before is escaped, so the outer string stays well-formed. */
#include "lib/base/json_cut.h"

#include <assert.h>
#include <string.h>

enum state {
	S_VALUE,     /* a value must come */
	S_ELEMENT,   /* after '[': a value or ']' */
	S_MEMBER,    /* after '{': a key or '}' */
	S_KEY,       /* after ',' in an object */
	S_COLON,
	S_NEXT,      /* after a value: ',' or the closing bracket */
	S_STRING, S_ESCAPE, S_HEX,
	S_NUMBER, S_LITERAL,
	S_DONE       /* the text's value is complete */
};

enum number { N_MINUS, N_ZERO, N_INT, N_DOT, N_FRACTION, N_E, N_SIGN, N_EXPONENT };

#define INSIDE_BYTES 512

static enum err text_feed(struct json_cut *c, size_t t, const char *at, size_t n);

/* --- paths --- */

static void path_add(struct json_cut_path *p, struct str name, bool is_text)
{
	assert(p->count < JSON_CUT_STEPS_MAX);
	p->steps[p->count++] = (struct json_cut_step){ name, is_text };
}

static void path_parse(struct json_cut_path *p, struct str path)
{
	p->count = 0;
	while (path.at && path.len) {
		struct str part = str_cut(&path, '.');
		size_t arrays = 0;
		bool is_text = false;

		for (; str_ends(part, "[]"); arrays++)
			part.len -= 2;
		if (str_ends(part, "$")) {
			is_text = true;
			part.len--;
		}
		if (part.len)
			path_add(p, part, is_text);
		while (arrays--)
			path_add(p, str_n(NULL, 0), false);
	}
}

/* Rules of live that end exactly at a path of so many steps: at most one. */
static const struct json_cut_rule *rule_at(const struct json_cut *c, uint8_t live, size_t steps)
{
	for (size_t i = 0; i < c->rules_count; i++)
		if (live & 1u << i && c->paths[i].count == steps)
			return &c->rules[i];
	return NULL;
}

/* Rules of the frame that go on with this step. */
static uint8_t live_below(const struct json_cut *c, const struct json_cut_frame *f, size_t depth, struct str name)
{
	uint8_t live = 0;

	for (size_t i = 0; f->live && i < c->rules_count; i++) {
		const struct json_cut_path *p = &c->paths[i];

		if (!(f->live & 1u << i) || p->count < depth)
			continue;
		if (f->kind == '[' ? !p->steps[depth - 1].name.at
				: p->steps[depth - 1].name.at && str_eq(p->steps[depth - 1].name, name))
			live |= (uint8_t)(1u << i);
	}
	return live;
}

static bool goes_into_text(const struct json_cut *c)
{
	for (size_t i = 0; i < c->rules_count; i++)
		if (c->live & 1u << i && c->paths[i].count > c->depth && c->depth && c->paths[i].steps[c->depth - 1].is_text)
			return true;
	return false;
}

/* --- what is kept --- */

static void keep_escaped(struct buf *to, size_t times, const char *at, size_t n)
{
	if (times == 0) {
		if (n == 1)
			buf_addc(to, *at); /* brackets, commas, quotes */
		else
			buf_add(to, str_n(at, n));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)at[i];
		char escape[] = { '\\', 'u', '0', '0', (char)('0' + (b >> 4)), "0123456789abcdef"[b & 15] };

		if (b == '"' || b == '\\')
			keep_escaped(to, times - 1, "\\", 1);
		if (b < 0x20)
			keep_escaped(to, times - 1, escape, sizeof escape);
		else
			keep_escaped(to, times - 1, at + i, 1);
	}
}

static void keep(struct json_cut *c, size_t t, const char *at, size_t n)
{
	struct json_cut_open *o = &c->open[c->open_count - 1];

	if (!o->drop)
		keep_escaped(&o->kept, t - o->text, at, n);
}

static void keep_char(struct json_cut *c, size_t t, char ch)
{
	keep(c, t, &ch, 1);
}

static void open_cut(struct json_cut *c, size_t t, const struct json_cut_rule *rule)
{
	bool hidden = c->open[c->open_count - 1].drop;
	struct json_cut_open *o = &c->open[c->open_count++];

	o->rule = (size_t)(rule - c->rules);
	o->text = t;
	o->depth = c->depth;
	o->drop = !rule->fn || hidden;
	o->kept.max = rule->bytes_max ? rule->bytes_max : JSON_CUT_ELEMENT_MAX;
	buf_clear(&o->kept);
}

static enum err close_cut(struct json_cut *c, size_t t)
{
	struct json_cut_open *o = &c->open[--c->open_count];
	const struct json_cut_rule *rule = &c->rules[o->rule];
	bool is_element = c->depth && c->frames[c->depth - 1].kind == '[';

	if (o->kept.over)
		return E_TOOBIG;
	if (rule->keep)
		keep(c, t, buf_cstr(&o->kept), o->kept.len);
	else if (!is_element)
		keep(c, t, "null", 4);
	if (!o->drop)
		c->stopped = rule->fn(c->ctx, buf_str(&o->kept));
	return c->stopped;
}

/* --- values --- */

static void value_begin(struct json_cut *c, size_t t)
{
	struct json_cut_text *x = &c->texts[t];
	bool is_inner_root = t > 0 && c->depth == x->base;
	const struct json_cut_rule *rule;

	if (c->depth > x->base) {
		const struct json_cut_frame *f = &c->frames[c->depth - 1];

		c->live = live_below(c, f, c->depth, str_n(c->key, c->key_len));
	}
	if (is_inner_root)
		return; /* the string around it has this path and was looked at already */
	rule = rule_at(c, c->live, c->depth);
	if (rule)
		open_cut(c, t, rule);
}

static enum err value_end(struct json_cut *c, size_t t)
{
	struct json_cut_text *x = &c->texts[t];
	const struct json_cut_open *o = &c->open[c->open_count - 1];

	x->state = c->depth > x->base ? S_NEXT : S_DONE;
	if (c->open_count > 1 && o->text == t && o->depth == c->depth)
		return close_cut(c, t);
	return OK;
}

static enum err container_begin(struct json_cut *c, size_t t, char kind)
{
	const struct json_cut_rule *element;
	struct json_cut_frame *f;

	if (c->depth == JSON_DEPTH_MAX)
		return E_INVALID;
	f = &c->frames[c->depth++];
	*f = (struct json_cut_frame){ .kind = kind, .live = c->live };
	element = kind == '[' ? rule_at(c, live_below(c, f, c->depth, str_n(NULL, 0)), c->depth) : NULL;
	f->drops_commas = element && !element->keep;
	c->texts[t].state = kind == '[' ? S_ELEMENT : S_MEMBER;
	keep_char(c, t, kind);
	return OK;
}

static enum err container_end(struct json_cut *c, size_t t, char bracket)
{
	char kind = bracket == ']' ? '[' : '{';

	if (c->depth == c->texts[t].base || c->frames[c->depth - 1].kind != kind)
		return E_INVALID;
	keep_char(c, t, bracket);
	c->depth--;
	return value_end(c, t);
}

static enum err string_begin(struct json_cut *c, size_t t, bool in_key)
{
	struct json_cut_text *x = &c->texts[t];

	keep_char(c, t, '"');
	x->state = S_STRING;
	x->in_key = in_key;
	x->is_mute = false;
	x->has_text = !in_key && t + 1 < JSON_CUT_TEXTS_MAX && goes_into_text(c);
	x->high = 0;
	if (in_key)
		c->key_len = 0;
	if (x->has_text)
		c->texts[t + 1] = (struct json_cut_text){ .state = S_VALUE, .base = c->depth };
	return OK;
}

static enum err number_step(struct json_cut_text *x, char b)
{
	static const char *const digits_lead_to[] = { /* for '0' and for 1-9, by state; '!' none */
		[N_MINUS] = "zi", [N_ZERO] = "!!", [N_INT] = "ii", [N_DOT] = "ff", [N_FRACTION] = "ff",
		[N_E] = "ee", [N_SIGN] = "ee", [N_EXPONENT] = "ee",
	};
	bool whole = x->number == N_ZERO || x->number == N_INT;
	char to = '!';

	if (b >= '0' && b <= '9')
		to = digits_lead_to[x->number][b != '0'];
	else if (b == '.' && whole)
		to = '.';
	else if ((b == 'e' || b == 'E') && (whole || x->number == N_FRACTION))
		to = 'E';
	else if ((b == '+' || b == '-') && x->number == N_E)
		to = 's';
	switch (to) {
	case 'z': x->number = N_ZERO; return OK;
	case 'i': x->number = N_INT; return OK;
	case '.': x->number = N_DOT; return OK;
	case 'f': x->number = N_FRACTION; return OK;
	case 'E': x->number = N_E; return OK;
	case 's': x->number = N_SIGN; return OK;
	case 'e': x->number = N_EXPONENT; return OK;
	default: return E_INVALID;
	}
}

static bool number_may_end(const struct json_cut_text *x)
{
	return x->number == N_ZERO || x->number == N_INT || x->number == N_FRACTION || x->number == N_EXPONENT;
}

static enum err value_byte(struct json_cut *c, size_t t, char b)
{
	struct json_cut_text *x = &c->texts[t];

	value_begin(c, t);
	switch (b) {
	case '[':
	case '{':
		return container_begin(c, t, b);
	case '"':
		return string_begin(c, t, false);
	case 't':
		x->literal = "rue";
		break;
	case 'f':
		x->literal = "alse";
		break;
	case 'n':
		x->literal = "ull";
		break;
	default:
		x->number = N_MINUS;
		if (b != '-' && number_step(x, b))
			return E_INVALID;
		keep_char(c, t, b);
		x->state = S_NUMBER;
		return OK;
	}
	keep_char(c, t, b);
	x->state = S_LITERAL;
	return OK;
}

static enum err literal_byte(struct json_cut *c, size_t t, char b)
{
	struct json_cut_text *x = &c->texts[t];

	if (*x->literal != b)
		return E_INVALID;
	keep_char(c, t, b);
	x->literal++;
	return *x->literal ? OK : value_end(c, t);
}

/* --- strings --- */

/* The string is no JSON after all: cuts begun in it are forgotten, what is left of it is passed over. */
static void text_abandon(struct json_cut *c, size_t t)
{
	while (c->open[c->open_count - 1].text > t)
		c->open_count--;
	c->depth = c->texts[t + 1].base;
	c->texts[t].has_text = false;
	c->texts[t].is_mute = true;
}

static enum err text_result(struct json_cut *c, size_t t, enum err e)
{
	if (e != E_INVALID || c->stopped)
		return e;
	text_abandon(c, t);
	return OK;
}

/* Raw bytes of the string under way. An inner text keeps for itself what remains of it. */
static void string_keep(struct json_cut *c, size_t t, const char *at, size_t n)
{
	const struct json_cut_text *x = &c->texts[t];

	if (!x->has_text && !x->is_mute)
		keep(c, t, at, n);
}

/* Unescaped bytes of the string under way, where somebody wants them. */
static enum err string_plain(struct json_cut *c, size_t t, const char *at, size_t n)
{
	struct json_cut_text *x = &c->texts[t];

	if (x->has_text)
		return text_result(c, t, text_feed(c, t + 1, at, n));
	if (!x->in_key)
		return OK;
	if (c->key_len + n <= sizeof c->key)
		memcpy(c->key + c->key_len, at, n);
	c->key_len = c->key_len + n <= sizeof c->key ? c->key_len + n : sizeof c->key + 1;
	return OK;
}

static enum err string_point(struct json_cut *c, size_t t, uint32_t p)
{
	char out[4];
	size_t n = 0;

	if (p < 0x80) {
		out[n++] = (char)p;
		return string_plain(c, t, out, n);
	}
	if (p < 0x800) {
		out[n++] = (char)(0xC0 | p >> 6);
	} else {
		if (p < 0x10000) {
			out[n++] = (char)(0xE0 | p >> 12);
		} else {
			out[n++] = (char)(0xF0 | p >> 18);
			out[n++] = (char)(0x80 | (p >> 12 & 63));
		}
		out[n++] = (char)(0x80 | (p >> 6 & 63));
	}
	out[n++] = (char)(0x80 | (p & 63));
	return string_plain(c, t, out, n);
}

#define POINT_REPLACEMENT 0xFFFD

/* Half a surrogate pair that found no other half becomes the replacement character, as everywhere in Go. */
static enum err string_settle(struct json_cut *c, size_t t)
{
	struct json_cut_text *x = &c->texts[t];

	if (!x->high)
		return OK;
	x->high = 0;
	return string_point(c, t, POINT_REPLACEMENT);
}

static enum err string_unit(struct json_cut *c, size_t t, uint32_t unit)
{
	struct json_cut_text *x = &c->texts[t];
	bool is_low = unit >= 0xDC00 && unit <= 0xDFFF, is_high = unit >= 0xD800 && unit <= 0xDBFF;
	enum err e;

	if (is_low && x->high) {
		uint32_t p = 0x10000 + ((x->high - 0xD800) << 10) + (unit - 0xDC00);

		x->high = 0;
		return string_point(c, t, p);
	}
	e = string_settle(c, t);
	if (e)
		return e;
	if (is_high) {
		x->high = unit;
		return OK;
	}
	return string_point(c, t, is_low ? POINT_REPLACEMENT : unit);
}

/* What a one-letter escape stands for; 0: there is no such letter. */
static char escape_means(char letter)
{
	switch (letter) {
	case '"': case '\\': case '/': return letter;
	case 'b': return '\b';
	case 'f': return '\f';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	default: return 0;
	}
}

static enum err escape_byte(struct json_cut *c, size_t t, char b)
{
	struct json_cut_text *x = &c->texts[t];
	char plain = escape_means(b);
	enum err e;

	string_keep(c, t, &b, 1);
	if (b == 'u') {
		x->state = S_HEX;
		x->hex = 0;
		x->hex_left = 4;
		return OK;
	}
	if (!plain)
		return E_INVALID;
	x->state = S_STRING;
	e = string_settle(c, t);
	return e ? e : string_plain(c, t, &plain, 1);
}

static enum err hex_byte(struct json_cut *c, size_t t, char b)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	struct json_cut_text *x = &c->texts[t];
	const char *found = b ? strchr(digits, b) : NULL;
	uint32_t value;

	if (!found)
		return E_INVALID;
	string_keep(c, t, &b, 1);
	value = (uint32_t)(found - digits);
	x->hex = x->hex << 4 | (value < 16 ? value : value - 6);
	if (--x->hex_left)
		return OK;
	x->state = S_STRING;
	return string_unit(c, t, x->hex);
}

/* A text must be whole when it ends. */
static enum err text_end(struct json_cut *c, size_t t)
{
	struct json_cut_text *x = &c->texts[t];

	if (x->state == S_NUMBER && c->depth == x->base && number_may_end(x))
		return value_end(c, t);
	return x->state == S_DONE ? OK : E_INVALID;
}

static enum err string_end(struct json_cut *c, size_t t)
{
	struct json_cut_text *x = &c->texts[t];
	enum err e = string_settle(c, t);

	if (!e && x->has_text)
		e = text_result(c, t, text_end(c, t + 1));
	if (e)
		return e;
	x->has_text = false;
	keep_char(c, t, '"');
	if (!x->in_key)
		return value_end(c, t);
	x->state = S_COLON;
	return OK;
}

/* A run of plain bytes at once: most of every document. Sets *used to what was taken. */
static enum err string_run(struct json_cut *c, size_t t, const char *at, size_t n, size_t *used)
{
	struct json_cut_text *x = &c->texts[t];
	size_t i = str_plain(str_n(at, n));
	enum err e;

	*used = i;
	if (i) {
		string_keep(c, t, at, i);
		e = string_settle(c, t);
		return e ? e : string_plain(c, t, at, i);
	}
	*used = 1;
	if (at[0] == '"')
		return string_end(c, t);
	if (at[0] != '\\')
		return E_INVALID;
	string_keep(c, t, at, 1);
	x->state = S_ESCAPE;
	return OK;
}

/* The same in a string that holds JSON, where every other run is a quote with its backslash: those are undone on the way,
 * so that the inner text is entered once for all of them. */
static enum err string_run_inside(struct json_cut *c, size_t t, const char *at, size_t n, size_t *used)
{
	char plain[INSIDE_BYTES];
	size_t i = 0, len = 0;
	enum err e;

	while (i < n && len < sizeof plain) {
		size_t room = sizeof plain - len, run = str_plain(str_n(at + i, n - i < room ? n - i : room));

		memcpy(plain + len, at + i, run);
		len += run;
		i += run;
		if (n - i < 2 || at[i] != '\\' || len == sizeof plain || !escape_means(at[i + 1]))
			break;
		plain[len++] = escape_means(at[i + 1]);
		i += 2;
	}
	if (!i)
		return string_run(c, t, at, n, used);
	*used = i;
	e = string_settle(c, t);
	return e ? e : string_plain(c, t, plain, len);
}

/* --- the tokenizer --- */

static enum err next_byte(struct json_cut *c, size_t t, char b)
{
	struct json_cut_text *x = &c->texts[t];
	const struct json_cut_frame *f = &c->frames[c->depth - 1];

	if (b == ']' || b == '}')
		return container_end(c, t, b);
	if (b != ',')
		return E_INVALID;
	if (!f->drops_commas)
		keep_char(c, t, ',');
	x->state = f->kind == '[' ? S_VALUE : S_KEY;
	return OK;
}

static enum err token_byte(struct json_cut *c, size_t t, char b)
{
	struct json_cut_text *x = &c->texts[t];

	switch (x->state) {
	case S_ELEMENT:
		if (b == ']')
			return container_end(c, t, b);
		return value_byte(c, t, b);
	case S_VALUE:
		return value_byte(c, t, b);
	case S_MEMBER:
		if (b == '}')
			return container_end(c, t, b);
		return b == '"' ? string_begin(c, t, true) : E_INVALID;
	case S_KEY:
		return b == '"' ? string_begin(c, t, true) : E_INVALID;
	case S_COLON:
		if (b != ':')
			return E_INVALID;
		keep_char(c, t, ':');
		x->state = S_VALUE;
		return OK;
	case S_NEXT:
		return next_byte(c, t, b);
	default:
		return E_INVALID; /* something after the end */
	}
}

/* The bytes of a number, *used of them; it ends at what follows it, which is not taken. */
static enum err number_run(struct json_cut *c, size_t t, const char *at, size_t n, size_t *used)
{
	struct json_cut_text *x = &c->texts[t];
	size_t i = 0;

	while (i < n && number_step(x, at[i]) == OK)
		i++;
	keep(c, t, at, i);
	*used = i;
	if (i == n)
		return OK;
	return number_may_end(x) ? value_end(c, t) : E_INVALID;
}

static bool is_space(char b)
{
	return b == ' ' || b == '\t' || b == '\n' || b == '\r';
}

/* Panels indent what they keep as text: half of it is white space. */
static size_t space_run(const char *at, size_t n)
{
	size_t i = 0;

	while (i < n && is_space(at[i]))
		i++;
	return i;
}

static enum err text_feed(struct json_cut *c, size_t t, const char *at, size_t n)
{
	struct json_cut_text *x = &c->texts[t];
	enum err e = OK;

	for (size_t i = 0, used; !e && i < n; i += used) {
		used = 1;
		switch (x->state) {
		case S_STRING:
			e = (x->has_text ? string_run_inside : string_run)(c, t, at + i, n - i, &used);
			break;
		case S_ESCAPE:
			e = escape_byte(c, t, at[i]);
			break;
		case S_HEX:
			e = hex_byte(c, t, at[i]);
			break;
		case S_NUMBER:
			e = number_run(c, t, at + i, n - i, &used);
			break;
		case S_LITERAL:
			e = literal_byte(c, t, at[i]);
			break;
		default:
			used = space_run(at + i, n - i);
			if (!used) {
				used = 1;
				e = token_byte(c, t, at[i]);
			}
		}
	}
	return e;
}

/* --- for callers --- */

void json_cut_init(struct json_cut *c, const struct json_cut_rule *rules, size_t count, void *ctx)
{
	assert(count <= JSON_CUT_RULES_MAX);
	memset(c, 0, sizeof *c);
	c->rules = rules;
	c->rules_count = count;
	c->ctx = ctx;
	c->live = (uint8_t)((1u << count) - 1);
	for (size_t i = 0; i < count; i++) {
		path_parse(&c->paths[i], str_of(rules[i].path));
		buf_init(&c->open[i + 1].kept, JSON_CUT_ELEMENT_MAX);
	}
	buf_init(&c->open[0].kept, JSON_CUT_REST_MAX);
	c->open_count = 1;
	c->texts[0].state = S_VALUE;
}

enum err json_cut_feed(struct json_cut *c, struct str piece)
{
	if (c->failed)
		return c->failed;
	c->bytes += piece.len;
	if (piece.len == 0)
		return OK;
	c->failed = c->bytes > JSON_CUT_BODY_MAX ? E_TOOBIG : text_feed(c, 0, piece.at, piece.len);
	/* looked at once per piece: a full buf drops, it does not grow */
	for (size_t i = 0; !c->failed && i < c->open_count; i++)
		if (c->open[i].kept.over)
			c->failed = E_TOOBIG;
	return c->failed;
}

enum err json_cut_end(struct json_cut *c)
{
	if (!c->failed)
		c->failed = text_end(c, 0);
	if (!c->failed && c->open[0].kept.over)
		c->failed = E_TOOBIG; /* a bare number closes nothing before */
	return c->failed;
}

struct str json_cut_rest(const struct json_cut *c)
{
	return buf_str(&c->open[0].kept);
}

void json_cut_release(struct json_cut *c)
{
	for (size_t i = 0; i < countof(c->open); i++)
		buf_release(&c->open[i].kept);
}
