/* How loaded texts lie in memory; shared by loading, checking and writing. */
#ifndef OBOL_I18N_PRIVATE_H
#define OBOL_I18N_PRIVATE_H

#include "lib/i18n/format.h"
#include "lib/i18n/i18n.h"
#include "lib/i18n/plural.h"

/* A piece is text and then, unless name is NULL, the value of an argument. */
struct i18n_piece {
	struct str text;
	const char *name;
};

struct i18n_template {
	size_t count;
	struct i18n_piece *pieces;
};

/* One key in one language: either the plain template or plural forms. */
struct i18n_text {
	const struct i18n_template *plain;
	const struct i18n_template *forms[PLURAL_COUNT];
	bool is_plural;
	const char *file; /* where it was read from last, for reports */
};

struct i18n_entry {
	const char *key;
	bool is_html;
	struct i18n_text *texts[I18N_LANGS_MAX]; /* NULL: this language lacks it */
};

struct i18n_lang {
	const char *code;
	const struct plural_rule *plural;
	const struct locale_format *format;
	const char *file;
};

struct i18n {
	struct arena memory;
	int langs_count;
	struct i18n_lang langs[I18N_LANGS_MAX];
	size_t entries_count, entries_cap;
	struct i18n_entry *entries;   /* in order of appearance */
	uint32_t *slots;              /* open addressing: index + 1, 0 empty */
};

/* A power of two at least twice the keys, so that a probe ends soon. */
#define I18N_SLOTS ((size_t)2 * I18N_KEYS_MAX)

struct i18n_entry *i18n_find(const struct i18n *t, struct str key); /* NULL: nobody has it */

/* Splits text at its placeholders. On E_INVALID *problem says what is wrong. */
enum err i18n_compile(struct i18n_template *out, struct arena *a, struct str text, const char **problem);
/* Telegram's HTML: known tags, closed in order, no bare < or &. NULL: fine, else what is wrong. */
const char *i18n_markup_problem(struct str text);

/* The locale files as bytes; made by the build from locales/ (lib/i18n/embed.sh). English first. */
struct i18n_builtin {
	const char *language, *file;
	const unsigned char *bytes;
	size_t len;
};
extern const struct i18n_builtin i18n_builtins[];
extern const size_t i18n_builtins_count;

#endif
