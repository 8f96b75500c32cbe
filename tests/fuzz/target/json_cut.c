/* The cutter of long JSON (R289): fed whole, byte by byte or in odd pieces it finds the same, in the same order, with the same
 * end; it takes what json_read takes and the other way round; and what it cuts out is what json-c finds there, also inside
 * text that is JSON itself. The first byte says which rules, the second how the pieces are cut. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/base/json_cut.h"
#include "lib/base/json_read.h"

#define TRANSCRIPT_MAX ((size_t)64 << 20)
#define SMALL 64 /* of a rule that is to be passed often */

struct told {
	struct buf text;          /* everything the rules were given, and how it ended */
	struct json_object *list; /* the same as values, of the rule looked at last */
};

static enum err tell(struct told *t, char rule, struct str text)
{
	struct json_object *value;

	buf_addc(&t->text, rule);
	buf_add(&t->text, text);
	buf_addc(&t->text, '\n');
	if (rule == 'c' && json_parse(&value, text) == OK)
		json_object_array_add(t->list, value);
	return OK;
}

static enum err on_outer(void *ctx, struct str text) { return tell(ctx, 'o', text); }
static enum err on_inner(void *ctx, struct str text) { return tell(ctx, 'c', text); }
static enum err on_refusal(void *ctx, struct str text) { tell(ctx, 'r', text); return text.len > 40 ? E_REFUSED : OK; }

enum { SET_NONE, SET_ELEMENTS, SET_PANEL, SET_LOOK, SET_SMALL, SET_COUNT };
static const struct {
	struct json_cut_rule rules[3];
	size_t count;
} sets[SET_COUNT] = {
	[SET_NONE] = { { { NULL, NULL, 0, false } }, 0 },
	[SET_ELEMENTS] = { { { "[]", on_inner, 0, false } }, 1 },
	[SET_PANEL] = { { { "obj[]", on_outer, 0, false }, { "obj[].settings$.clients[]", on_inner, 0, false }, { "obj[].clientStats[]", NULL, 0, false } }, 3 },
	[SET_LOOK] = { { { "obj[].settings$", on_outer, 0, true }, { "obj[].settings$.clients[]", on_inner, 0, true } }, 2 },
	[SET_SMALL] = { { { "result[]", on_refusal, SMALL, false }, { "a$.b$.c", on_inner, SMALL, false } }, 2 },
};

/* pieces: 0 whole, 1 byte by byte, else that many bytes and more, unequal. */
static enum err cut(struct told *t, unsigned set, struct str text, size_t pieces)
{
	struct json_cut c;
	size_t at = 0;
	enum err e = OK;

	*t = (struct told){ .list = json_object_new_array() };
	buf_init(&t->text, TRANSCRIPT_MAX);
	json_cut_init(&c, sets[set].rules, sets[set].count, t);
	for (size_t i = 0; at < text.len && !e; i++) {
		size_t n = pieces == 0 ? text.len : pieces == 1 ? 1 : 1 + (pieces * (i + 1)) % 37;
		char *piece;

		n = n < text.len - at ? n : text.len - at;
		piece = fuzz_exact(str_n(text.at + at, n));
		e = json_cut_feed(&c, str_n(piece, n));
		free(piece);
		at += n;
	}
	if (e)
		must(json_cut_feed(&c, STR(" ")) == e); /* errors stay */
	else
		e = json_cut_end(&c);
	if (!e)
		tell(t, 'R', json_cut_rest(&c));
	buf_printf(&t->text, "%s", err_name(e));
	must(!t->text.over);
	json_cut_release(&c);
	return e;
}

static void told_release(struct told *t)
{
	buf_release(&t->text);
	json_object_put(t->list);
}

static bool has(struct json_object *list, struct json_object *value)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (json_object_equal(json_object_array_get_idx(list, i), value))
			return true;
	return false;
}

static void all_told(struct json_object *list, struct json_object *clients)
{
	for (size_t i = 0; i < json_len(clients); i++)
		must(has(list, json_object_array_get_idx(clients, i)));
}

/* What json-c finds at obj[].settings.clients[]; settings may be text. */
static void agree_on_clients(const struct told *t, struct json_object *root)
{
	struct json_object *obj = json_array_at(root, "obj");

	for (size_t i = 0; i < json_len(obj); i++) {
		struct json_object *settings = json_at(json_object_array_get_idx(obj, i), "settings"), *inner;

		if (json_object_is_type(settings, json_type_object)) {
			all_told(t->list, json_array_at(settings, "clients"));
		} else if (json_object_is_type(settings, json_type_string) && json_parse(&inner, json_str_at(settings, "")) == OK) {
			all_told(t->list, json_array_at(inner, "clients"));
			json_object_put(inner);
		}
	}
}

static void agree(unsigned set, const struct told *t, struct json_object *root)
{
	if (set == SET_ELEMENTS && json_object_is_type(root, json_type_array)) {
		must(json_len(t->list) == json_len(root));
		for (size_t i = 0; i < json_len(root); i++)
			must(json_object_equal(json_object_array_get_idx(root, i), json_object_array_get_idx(t->list, i)));
	} else if (set == SET_PANEL || set == SET_LOOK) {
		agree_on_clients(t, root);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	unsigned set = fuzz_byte(&text) % SET_COUNT;
	size_t pieces = 2 + fuzz_byte(&text);
	struct told whole, bytes, odd;
	const struct json_value *v;
	struct arena a = { 0 };
	struct json_object *root;
	enum err strict, e = cut(&whole, set, text, 0);

	must(cut(&bytes, set, text, 1) == e);
	must(cut(&odd, set, text, pieces) == e);
	must(str_eq(buf_str(&whole.text), buf_str(&bytes.text)));
	must(str_eq(buf_str(&whole.text), buf_str(&odd.text)));
	if (json_parse(&root, text) == OK && !e)
		agree(set, &whole, root);
	json_object_put(root);
	strict = json_read(&v, &a, text);
	must(strict || e != E_INVALID || fuzz_has_control(text));
	must(e || !strict || !utf8_valid(text)); /* which is not the cutter's business */
	arena_release(&a);
	told_release(&whole);
	told_release(&bytes);
	told_release(&odd);
	return 0;
}
