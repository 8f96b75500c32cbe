/* Writing texts: look the key up, choose the form, append the pieces. Loading is in load.c. */
#include "lib/i18n/i18n_private.h"

#include <assert.h>
#include <string.h>

#include "lib/base/enc.h"
#include "lib/base/log.h"

static uint64_t faults;

uint64_t i18n_faults(void)
{
	return faults;
}

/* --- arguments --- */

struct str i18n_same(struct str s)
{
	return s;
}

struct i18n_arg i18n_arg_text(const char *name, int kind, struct str text)
{
	return (struct i18n_arg){ .name = name, .kind = kind, .text = text };
}

struct i18n_arg i18n_arg_number(const char *name, int kind, int64_t number)
{
	return (struct i18n_arg){ .name = name, .kind = kind, .number = number };
}

struct i18n_arg i18n_arg_money(const char *name, int64_t amount_minor, const struct currency *currency)
{
	assert(currency);
	return (struct i18n_arg){ .name = name, .kind = I18N_MONEY, .number = amount_minor, .currency = currency };
}

static const struct i18n_arg *arg_find(const struct i18n_arg *args, const char *name)
{
	for (; args->name; args++)
		if (strcmp(args->name, name) == 0)
			return args;
	return NULL;
}

/* --- languages --- */

int i18n_langs(const struct i18n *t)
{
	return t->langs_count;
}

const char *i18n_lang_code(const struct i18n *t, int lang)
{
	assert(lang >= 0 && lang < t->langs_count);
	return t->langs[lang].code;
}

static int lang_exact(const struct i18n *t, struct str code)
{
	for (int i = 0; i < t->langs_count; i++)
		if (str_is_nocase(code, t->langs[i].code))
			return i;
	return -1;
}

int i18n_lang_of(const struct i18n *t, struct str language_code)
{
	int lang = lang_exact(t, language_code);

	if (lang < 0)
		lang = lang_exact(t, str_cut(&language_code, '-'));
	return lang < 0 ? 0 : lang;
}

/* --- writing --- */

static void write_text(struct buf *to, const struct i18n_to *who, const struct i18n_entry *entry,
	const struct i18n_arg *args);

static const struct i18n_entry *find_or_fault(struct buf *to, const struct i18n_to *who, struct str key)
{
	const struct i18n_entry *entry = i18n_find(who->texts, key);

	if (entry && (entry->texts[who->lang] || entry->texts[0]))
		return entry;
	faults++;
	log_error("i18n.no_key", KV("text", key));
	buf_add(to, key);
	return NULL;
}

static void add_escaped(struct buf *to, struct str s, bool is_html)
{
	if (is_html)
		enc_html(to, s);
	else
		buf_add(to, s);
}

/* A text within a text: its own markup stays when both are messages, a plain one is escaped like any value. */
static void add_key(struct buf *to, const struct i18n_to *who, struct str key, bool is_html)
{
	static const struct i18n_arg no_args[] = { { 0 } };
	const struct i18n_entry *entry = find_or_fault(to, who, key);
	struct buf inner;

	if (!entry)
		return;
	if (entry->is_html == is_html) {
		write_text(to, who, entry, no_args);
		return;
	}
	buf_init(&inner, I18N_TEXT_BYTES_MAX);
	write_text(&inner, who, entry, no_args);
	add_escaped(to, buf_str(&inner), is_html);
	buf_release(&inner);
}

static void add_arg(struct buf *to, const struct i18n_to *who, const struct i18n_arg *arg, bool is_html)
{
	switch (arg->kind) {
	case I18N_STR:
		add_escaped(to, arg->text, is_html);
		break;
	case I18N_HTML:
		buf_add(to, arg->text);
		break;
	case I18N_KEY:
		add_key(to, who, arg->text, is_html);
		break;
	case I18N_INT:
		format_number(to, who->texts->langs[who->lang].format, arg->number);
		break;
	case I18N_ID:
		buf_addi(to, arg->number);
		break;
	case I18N_DATE:
		format_date(to, who, arg->number);
		break;
	case I18N_MOMENT:
		format_moment(to, who, arg->number);
		break;
	case I18N_BYTES:
		format_bytes(to, who, arg->number);
		break;
	case I18N_SPAN:
		format_span(to, who, arg->number);
		break;
	case I18N_MONEY:
		format_money(to, who, arg->number, arg->currency);
		break;
	}
}

static void add_missing(struct buf *to, const char *key, const char *name)
{
	faults++;
	log_error("i18n.no_argument", KV("text", key), KV("name", name));
	buf_adds(to, "…");
}

/* A text without forms, or the form for count. English rules choose among English texts. */
static const struct i18n_template *choose(const struct i18n_to *who, const struct i18n_entry *entry, const struct i18n_arg *args)
{
	int lang = entry->texts[who->lang] ? who->lang : 0;
	const struct i18n_text *text = entry->texts[lang];
	const struct i18n_arg *count;
	enum plural form;

	if (!text->is_plural)
		return text->plain;
	count = arg_find(args, "count");
	if (!count)
		return text->forms[PLURAL_OTHER];
	if (count->number == 0 && text->forms[PLURAL_ZERO])
		return text->forms[PLURAL_ZERO];
	form = plural_of(who->texts->langs[lang].plural, count->number);
	return text->forms[text->forms[form] ? form : PLURAL_OTHER];
}

static void write_text(struct buf *to, const struct i18n_to *who, const struct i18n_entry *entry,
	const struct i18n_arg *args)
{
	const struct i18n_template *template = choose(who, entry, args);

	for (size_t i = 0; i < template->count; i++) {
		const struct i18n_piece *piece = &template->pieces[i];
		const struct i18n_arg *arg;

		buf_add(to, piece->text);
		if (!piece->name)
			continue;
		arg = arg_find(args, piece->name);
		if (arg)
			add_arg(to, who, arg, entry->is_html);
		else
			add_missing(to, entry->key, piece->name);
	}
}

void i18n_text(struct buf *to, const struct i18n_to *who, const char *key, const struct i18n_arg *args)
{
	const struct i18n_entry *entry;

	assert(who->lang >= 0 && who->lang < who->texts->langs_count);
	entry = find_or_fault(to, who, str_of(key));
	if (entry)
		write_text(to, who, entry, args);
}

struct str i18n_text_new(struct arena *a, const struct i18n_to *who, const char *key, const struct i18n_arg *args)
{
	struct str result;
	struct buf b;

	buf_init(&b, (size_t)16 * I18N_TEXT_BYTES_MAX); /* arguments may be lists; Telegram's border cuts messages */
	i18n_text(&b, who, key, args);
	result = str_n(str_dup(a, buf_str(&b)), b.len);
	buf_release(&b);
	return result;
}

/* --- looking around --- */

bool i18n_has(const struct i18n *t, const char *key)
{
	const struct i18n_entry *entry = i18n_find(t, str_of(key));

	return entry && entry->texts[0];
}

size_t i18n_keys(const struct i18n *t)
{
	return t->entries_count;
}

const char *i18n_key_at(const struct i18n *t, size_t i)
{
	assert(i < t->entries_count);
	return t->entries[i].key;
}
