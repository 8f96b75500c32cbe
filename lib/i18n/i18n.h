/* Texts for people: locale files in memory, one call to write a text in somebody's language.
 *
 * A locale file is JSON, nested objects with texts as leaves; a key is the path with dots: "plans.title". In a text
 * {{name}} stands for an argument. A text that counts has plural forms: "days_one", "days_few", … are forms of the key
 * "days" and are chosen by the argument count (T_INT); "_zero" is taken for 0 wherever it is given.
 *
 * Two kinds of texts, told apart by the first part of the key (a test walks both locales):
 *  - messages: Telegram's HTML. Arguments are escaped here, never by the caller; T_HTML alone is taken as it is.
 *  - plain: families button, cmd, toast, invoice, format (labels, menus, pop-ups, words for numbers). No markup, nothing escaped.
 *
 * Texts are precompiled when they are loaded; writing one is one hash look-up and appending pieces. After i18n_open
 * nothing changes any more. A key that a language lacks is taken from English; one that nobody has is written as
 * itself, logged, and counted by i18n_faults. */
#ifndef OBOL_I18N_I18N_H
#define OBOL_I18N_I18N_H

#include "lib/base/buf.h"
#include "lib/base/money.h"
#include "lib/base/zone.h"

#define I18N_LANGS_MAX 16
#define I18N_KEYS_MAX 8192
#define I18N_FILE_BYTES_MAX ((size_t)1024 * 1024)
#define I18N_TEXT_BYTES_MAX 4096    /* Telegram's limit is 4096 characters after parsing */
#define I18N_PLACEHOLDERS_MAX 24    /* different names in one text */

struct i18n;

/* Reads the built-in locales and, when dir is not NULL, lays the files *.json of dir over them: their texts replace
 * ours, a file of a language we do not have adds it. Lines about what is wrong go to report, each naming file, key and
 * problem; report may hold notes (a language is incomplete and falls back) when the result is OK.
 * E_INVALID: some text cannot be used; E_IO: dir or a file of it cannot be read; E_TOOBIG: past a maximum. */
enum err i18n_open(struct i18n **out, const char *dir, struct buf *report);
void i18n_close(struct i18n *t); /* NULL is fine */

/* The steps of i18n_open, for tests and tools: start empty, add files (English first), check the whole. file is the
 * name for the report. */
struct i18n *i18n_new(void);
enum err i18n_add_file(struct i18n *t, struct str language, const char *file, struct str json, struct buf *report);
enum err i18n_check(const struct i18n *t, struct buf *report);

/* --- languages: small numbers, 0 is English --- */

int i18n_langs(const struct i18n *t);
const char *i18n_lang_code(const struct i18n *t, int lang);  /* "ru" */
/* From Telegram's language_code or what we stored: "ru", "pt-br" (then "pt"), unknown or empty: 0. */
int i18n_lang_of(const struct i18n *t, struct str language_code);

/* --- writing --- */

/* For whom a text is written. */
struct i18n_to {
	const struct i18n *texts;
	int lang;
	const struct zone *zone; /* NULL: UTC */
};

struct i18n_arg {
	const char *name;
	enum {
		I18N_STR, I18N_HTML, I18N_KEY, I18N_INT, I18N_ID, I18N_DATE, I18N_MOMENT, I18N_BYTES, I18N_SPAN, I18N_MONEY
	} kind;
	struct str text;
	int64_t number;
	const struct currency *currency;
};

/* value is a C string or a struct str; escaped in messages */
#define T_STR(name, value) i18n_arg_text((name), I18N_STR, _Generic((value), struct str: i18n_same, default: str_of)(value))
/* safe HTML already: something that i18n itself wrote */
#define T_HTML(name, value) i18n_arg_text((name), I18N_HTML, _Generic((value), struct str: i18n_same, default: str_of)(value))
/* another text without arguments, such as the word for a state */
#define T_KEY(name, key) i18n_arg_text((name), I18N_KEY, str_of(key))
#define T_INT(name, n) i18n_arg_number((name), I18N_INT, (n))        /* grouped: 1,234 */
#define T_ID(name, n) i18n_arg_number((name), I18N_ID, (n))          /* digits only */
#define T_DATE(name, ms) i18n_arg_number((name), I18N_DATE, (ms))    /* "2 November 2026"; 0: "never" */
#define T_MOMENT(name, ms) i18n_arg_number((name), I18N_MOMENT, (ms)) /* date and time with zone; 0: "never" */
#define T_BYTES(name, n) i18n_arg_number((name), I18N_BYTES, (n))    /* "1.5 GB", 1024-based */
#define T_SPAN(name, ms) i18n_arg_number((name), I18N_SPAN, (ms))    /* "3 days", "5 minutes" */
#define T_MONEY(name, minor, currency) i18n_arg_money((name), (minor), (currency))
struct i18n_arg i18n_arg_text(const char *name, int kind, struct str text);
struct i18n_arg i18n_arg_number(const char *name, int kind, int64_t number);
/* currency is not NULL */
struct i18n_arg i18n_arg_money(const char *name, int64_t amount_minor, const struct currency *currency);
struct str i18n_same(struct str s);

/* i18n_add(&buf, who, "plans.title") or i18n_add(&buf, who, "sub.until", T_DATE("date", ms), …) */
#define i18n_add(to, who, ...) I18N_PICK((to), (who), __VA_ARGS__, (struct i18n_arg){ 0 })
#define I18N_PICK(to, who, key, ...) i18n_text((to), (who), (key), (const struct i18n_arg[]){ __VA_ARGS__ })
/* The same as text in an arena, terminated. */
#define i18n_new_text(arena, who, ...) I18N_PICK_NEW((arena), (who), __VA_ARGS__, (struct i18n_arg){ 0 })
#define I18N_PICK_NEW(arena, who, key, ...) i18n_text_new((arena), (who), (key), (const struct i18n_arg[]){ __VA_ARGS__ })

/* args ends with one whose name is NULL. */
void i18n_text(struct buf *to, const struct i18n_to *who, const char *key, const struct i18n_arg *args);
struct str i18n_text_new(struct arena *a, const struct i18n_to *who, const char *key, const struct i18n_arg *args);

bool i18n_has(const struct i18n *t, const char *key); /* in English, as text or as counted text */
size_t i18n_keys(const struct i18n *t);
const char *i18n_key_at(const struct i18n *t, size_t i); /* for walks; without plural suffix */

/* Keys asked for that nobody has, and arguments a text wanted and did not get, since the start. Tests expect 0. */
uint64_t i18n_faults(void);

#endif
