/* Reading locale files and checking the whole. Every problem is one line "file: key: problem", so that a seller who
 * edits a file sees at once what to mend.
 *
 * Problems that would reach a person (a placeholder nobody fills, markup that Telegram refuses, a plural form that some
 * number needs) are errors; a key that falls back to English is a note. */
#include "lib/i18n/i18n_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

#define KEY_BYTES_MAX 96
#define NESTED_MAX 8

static const char *const plain_families[] = { "button.", "cmd.", "toast.", "invoice.", "format." };

/* What one file is read with. */
struct reading {
	struct i18n *t;
	int lang;
	const char *file;
	struct buf *report;
	bool failed;
};

static void complain(struct reading *r, const char *key, const char *problem)
{
	buf_printf(r->report, "%s: %s: %s\n", r->file, key, problem);
	r->failed = true;
}

/* --- entries --- */

static uint32_t hash_of(struct str key)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.at[i]) * 16777619u;
	return h ^ h >> 15;
}

/* The slot of the key, or the empty one where it belongs. */
static uint32_t *slot_of(const struct i18n *t, struct str key)
{
	size_t i = hash_of(key) & (I18N_SLOTS - 1);

	while (t->slots[i] && !str_is(key, t->entries[t->slots[i] - 1].key))
		i = (i + 1) & (I18N_SLOTS - 1);
	return &t->slots[i];
}

struct i18n_entry *i18n_find(const struct i18n *t, struct str key)
{
	uint32_t index = *slot_of(t, key);

	return index ? &t->entries[index - 1] : NULL;
}

static bool is_html(const char *key)
{
	for (size_t i = 0; i < countof(plain_families); i++)
		if (str_starts(str_of(key), plain_families[i]))
			return false;
	return true;
}

/* NULL: no room for another key. */
static struct i18n_entry *entry_of(struct i18n *t, struct str key)
{
	uint32_t *slot = slot_of(t, key);

	if (*slot)
		return &t->entries[*slot - 1];
	if (t->entries_count == I18N_KEYS_MAX)
		return NULL;
	if (t->entries_count == t->entries_cap) {
		t->entries_cap = t->entries_cap ? t->entries_cap * 2 : 512;
		t->entries = xrealloc(t->entries, t->entries_cap * sizeof *t->entries);
	}
	*slot = (uint32_t)t->entries_count + 1;
	t->entries[t->entries_count] = (struct i18n_entry){ .key = str_dup(&t->memory, key) };
	t->entries[t->entries_count].is_html = is_html(t->entries[t->entries_count].key);
	return &t->entries[t->entries_count++];
}

/* "days_few" → "days" and PLURAL_FEW; PLURAL_COUNT when there is no such ending. */
static enum plural split_form(struct str *key)
{
	for (int form = 0; form < PLURAL_COUNT; form++) {
		const char *name = plural_name(form);
		size_t n = strlen(name) + 1;

		if (key->len <= n || !str_ends(*key, name) || key->at[key->len - n] != '_')
			continue;
		*key = str_n(key->at, key->len - n);
		return form;
	}
	return PLURAL_COUNT;
}

/* --- one file --- */

static const char *text_problem(const struct i18n_entry *entry, struct str text)
{
	if (text.len == 0)
		return "empty";
	if (text.len > I18N_TEXT_BYTES_MAX)
		return "too long";
	return entry->is_html ? i18n_markup_problem(text) : NULL;
}

static struct i18n_text *text_of(struct reading *r, struct i18n_entry *entry, bool is_plural)
{
	struct i18n_text **slot = &entry->texts[r->lang];

	/* a file laid over ours may turn a plain text into forms and back: it replaces the whole. Two files of one name
	 * are two files, hence the pointers. */
	if (!*slot || ((*slot)->is_plural != is_plural && (*slot)->file != r->file))
		*slot = arena_new(&r->t->memory, struct i18n_text);
	return *slot;
}

static void add_text(struct reading *r, struct str path, struct str text)
{
	const char *full = str_dup(&r->t->memory, path), *problem;
	enum plural form = split_form(&path);
	struct i18n_entry *entry = entry_of(r->t, path);
	struct i18n_template *template = arena_new(&r->t->memory, struct i18n_template);
	struct i18n_text *slot;

	if (!entry) {
		complain(r, full, "too many keys");
		return;
	}
	problem = text_problem(entry, text);
	if (problem || i18n_compile(template, &r->t->memory, text, &problem)) {
		complain(r, full, problem);
		return;
	}
	slot = text_of(r, entry, form != PLURAL_COUNT);
	if (slot->file && slot->is_plural != (form != PLURAL_COUNT)) {
		complain(r, full, "the same key with and without plural forms");
		return;
	}
	slot->file = r->file;
	slot->is_plural = form != PLURAL_COUNT;
	if (slot->is_plural)
		slot->forms[form] = template;
	else
		slot->plain = template;
}

static bool is_key_part(const char *s)
{
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9') && *s != '_')
			return false;
	return true;
}

static void add_member(struct reading *r, struct buf *path, const char *name, struct json_object *value, int depth);

static void add_object(struct reading *r, struct buf *path, struct json_object *o, int depth)
{
	json_object_object_foreach(o, name, value)
		add_member(r, path, name, value, depth);
}

static void add_member(struct reading *r, struct buf *path, const char *name, struct json_object *value, int depth)
{
	size_t len = path->len;

	if (len)
		buf_addc(path, '.');
	buf_adds(path, name);
	if (path->over || !*name || !is_key_part(name) || depth > NESTED_MAX)
		complain(r, buf_cstr(path), "not a key: a-z, 0-9 and _, not too long, not too deep");
	else if (json_object_is_type(value, json_type_object))
		add_object(r, path, value, depth + 1);
	else if (json_object_is_type(value, json_type_string))
		add_text(r, buf_str(path), str_n(json_object_get_string(value), (size_t)json_object_get_string_len(value)));
	else
		complain(r, buf_cstr(path), "neither a text nor an object");
	path->over = false;
	buf_cut(path, len);
}

static int lang_index(struct i18n *t, struct str language, const char *file)
{
	for (int i = 0; i < t->langs_count; i++)
		if (str_is(language, t->langs[i].code))
			return i;
	if (t->langs_count == I18N_LANGS_MAX)
		return -1;
	t->langs[t->langs_count] = (struct i18n_lang){ .code = str_dup(&t->memory, language),
		.plural = plural_rule_find(language), .format = format_find(language), .file = file };
	return t->langs_count++;
}

static bool is_language(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.at[i] >= 'a' && s.at[i] <= 'z') && s.at[i] != '-')
			return false;
	return s.len >= 2 && s.len <= 12;
}

enum err i18n_add_file(struct i18n *t, struct str language, const char *file, struct str json, struct buf *report)
{
	struct reading r = { .t = t, .file = arena_strdup(&t->memory, file), .report = report };
	struct json_object *o = NULL;
	struct buf path;

	buf_init(&path, KEY_BYTES_MAX);
	r.lang = is_language(language) ? lang_index(t, language, r.file) : -1;
	if (r.lang < 0)
		complain(&r, "-", "not a language code, or too many languages");
	else if (json.len > I18N_FILE_BYTES_MAX)
		complain(&r, "-", "the file is too large");
	else if (json_parse(&o, json) || !json_object_is_type(o, json_type_object))
		complain(&r, "-", "not a JSON object");
	else
		add_object(&r, &path, o, 1);
	json_object_put(o);
	buf_release(&path);
	return r.failed ? E_INVALID : OK;
}

/* --- the whole --- */

static bool template_has(const struct i18n_template *template, const char *name)
{
	for (size_t i = 0; template && i < template->count; i++)
		if (template->pieces[i].name && strcmp(template->pieces[i].name, name) == 0)
			return true;
	return false;
}

static bool text_has(const struct i18n_text *text, const char *name)
{
	for (int form = 0; form < PLURAL_COUNT; form++)
		if (template_has(text->forms[form], name))
			return true;
	return template_has(text->plain, name);
}

/* First placeholder of a that no form of b has; NULL: none. */
static const char *template_surplus(const struct i18n_template *a, const struct i18n_text *b)
{
	for (size_t i = 0; a && i < a->count; i++)
		if (a->pieces[i].name && !text_has(b, a->pieces[i].name))
			return a->pieces[i].name;
	return NULL;
}

static const char *text_surplus(const struct i18n_text *a, const struct i18n_text *b)
{
	const char *name = template_surplus(a->plain, b);

	for (int form = 0; form < PLURAL_COUNT && !name; form++)
		name = template_surplus(a->forms[form], b);
	return name;
}

static bool check_forms(const struct i18n_lang *lang, const struct i18n_entry *entry, const struct i18n_text *text,
	struct buf *report)
{
	bool ok = true;

	for (int form = 0; form < PLURAL_COUNT && text->is_plural; form++) {
		if (text->forms[form] || !plural_needs(lang->plural, form))
			continue;
		buf_printf(report, "%s: %s: plural form _%s is missing\n", text->file, entry->key, plural_name(form));
		ok = false;
	}
	return ok;
}

static bool check_against_english(const struct i18n_entry *entry, const struct i18n_text *text, struct buf *report)
{
	const struct i18n_text *english = entry->texts[0];
	const char *name = text_surplus(text, english);

	if (text->is_plural != english->is_plural) {
		buf_printf(report, "%s: %s: plural forms here or in English, not in both\n", text->file, entry->key);
		return false;
	}
	if (name && strcmp(name, "count") != 0) { /* forms may count without the English one naming it */
		buf_printf(report, "%s: %s: unknown placeholder {{%s}}\n", text->file, entry->key, name);
		return false;
	}
	name = text_surplus(english, text);
	if (name)
		buf_printf(report, "%s: %s: note: {{%s}} is not shown\n", text->file, entry->key, name);
	return true;
}

static bool check_lang(const struct i18n *t, int lang, struct buf *report)
{
	size_t missing = 0;
	const char *first = NULL;
	bool ok = true;

	for (size_t i = 0; i < t->entries_count; i++) {
		const struct i18n_entry *entry = &t->entries[i];
		const struct i18n_text *text = entry->texts[lang];

		if (text && !check_forms(&t->langs[lang], entry, text, report))
			ok = false;
		if (text && !entry->texts[0])
			buf_printf(report, "%s: %s: note: no such key in English, never shown\n", text->file, entry->key);
		else if (text && !check_against_english(entry, text, report))
			ok = false;
		if (text || !entry->texts[0])
			continue;
		first = missing++ ? first : entry->key;
	}
	if (missing)
		buf_printf(report, "%s: %s: note: missing, shown in English, and %zu more\n", t->langs[lang].file, first, missing - 1);
	return ok;
}

enum err i18n_check(const struct i18n *t, struct buf *report)
{
	bool ok = t->langs_count > 0;

	for (int lang = 0; lang < t->langs_count; lang++)
		if (!check_lang(t, lang, report))
			ok = false;
	return ok ? OK : E_INVALID;
}

/* --- opening --- */

struct i18n *i18n_new(void)
{
	struct i18n *t = xcalloc(1, sizeof *t);

	t->slots = xcalloc(I18N_SLOTS, sizeof *t->slots);
	return t;
}

void i18n_close(struct i18n *t)
{
	if (!t)
		return;
	arena_release(&t->memory);
	free(t->entries);
	free(t->slots);
	free(t);
}

static enum err file_read(struct buf *to, const char *dir, const char *name)
{
	struct buf path;
	char piece[8192];
	size_t n;
	FILE *f;
	enum err e = OK;

	buf_init(&path, 4096);
	buf_printf(&path, "%s/%s", dir, name);
	f = path.over ? NULL : fopen(buf_cstr(&path), "rbe");
	buf_release(&path);
	if (!f)
		return E_IO;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0 && !to->over)
		buf_add(to, str_n(piece, n));
	if (ferror(f))
		e = E_IO;
	if (to->over)
		e = E_TOOBIG;
	fclose(f);
	return e;
}

static enum err add_from_dir(struct i18n *t, const char *dir, const char *name, struct buf *report)
{
	struct buf text;
	enum err e;

	buf_init(&text, I18N_FILE_BYTES_MAX);
	e = file_read(&text, dir, name);
	if (e)
		buf_printf(report, "%s: -: cannot be read (%s)\n", name, err_name(e));
	else
		e = i18n_add_file(t, str_n(name, strlen(name) - strlen(".json")), name, buf_str(&text), report);
	buf_release(&text);
	return e;
}

static int is_locale_file(const struct dirent *d)
{
	return d->d_name[0] != '.' && str_ends(str_of(d->d_name), ".json");
}

/* Sorted, so that languages get the same numbers at every start. */
static enum err add_dir(struct i18n *t, const char *dir, struct buf *report)
{
	struct dirent **found = NULL;
	int count = scandir(dir, &found, is_locale_file, alphasort);
	enum err e = OK;

	if (count < 0) {
		buf_printf(report, "%s: -: cannot be opened\n", dir);
		return E_IO;
	}
	for (int i = 0; i < count; i++) {
		enum err one = add_from_dir(t, dir, found[i]->d_name, report);

		if (!e)
			e = one;
		free(found[i]);
	}
	free(found);
	return e;
}

enum err i18n_open(struct i18n **out, const char *dir, struct buf *report)
{
	struct i18n *t = i18n_new();
	enum err e = OK, checked;

	*out = NULL;
	for (size_t i = 0; i < i18n_builtins_count && !e; i++) {
		const struct i18n_builtin *b = &i18n_builtins[i];

		e = i18n_add_file(t, str_of(b->language), b->file, str_n((const char *)b->bytes, b->len), report);
	}
	if (!e && dir)
		e = add_dir(t, dir, report);
	checked = i18n_check(t, report); /* also after an error: all problems in one go */
	if (!e)
		e = checked;
	if (e)
		i18n_close(t);
	else
		*out = t;
	return e;
}
