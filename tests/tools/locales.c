/* Do the texts fit the code? Reads the literals of bot/ and lib/ (literals.awk) on standard input.
 *
 * Fails for: a problem or note of the built-in locales; a key used in C that no locale has; a call that does not give
 * a text all the arguments it names; a key that nobody uses, unless --part says that the literals are not all there are.
 * A literal "pay.way.%s" uses every key of its beginning.
 * Last line: N passed, N failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/i18n/i18n_private.h"

#define ARGS_MAX 64
#define KEYS_MAX 64

/* Literals of one call, as they come. */
struct group {
	int64_t id;
	size_t keys_count, args_count;
	const struct i18n_entry *keys[KEYS_MAX];
	char args[ARGS_MAX][64];
	char where[300];
};

struct tally {
	const struct i18n *t;
	bool *used;
	long passed, failed;
	struct group groups[512]; /* by id, newest wins: calls do not last long */
};

static void fail(struct tally *y, const char *where, const char *key, const char *problem)
{
	printf("%s: %s: %s\n", where, key, problem);
	y->failed++;
}

/* --- arguments --- */

static bool is_given(const struct group *g, const char *name)
{
	for (size_t i = 0; i < g->args_count; i++)
		if (strcmp(g->args[i], name) == 0)
			return true;
	return false;
}

static void check_template(struct tally *y, const struct group *g, const struct i18n_entry *entry, const struct i18n_template *template)
{
	for (size_t i = 0; template && i < template->count; i++) {
		const char *name = template->pieces[i].name;
		char problem[128];

		if (!name || is_given(g, name)) {
			y->passed++;
			continue;
		}
		snprintf(problem, sizeof problem, "{{%s}} is not given", name);
		fail(y, g->where, entry->key, problem);
	}
}

static void close_group(struct tally *y, struct group *g)
{
	for (size_t i = 0; g->id && i < g->keys_count; i++) {
		const struct i18n_text *text = g->keys[i]->texts[0];

		check_template(y, g, g->keys[i], text->plain);
		for (int form = 0; form < PLURAL_COUNT; form++)
			check_template(y, g, g->keys[i], text->forms[form]);
		if (text->is_plural && !is_given(g, "count"))
			fail(y, g->where, g->keys[i]->key, "count is not given");
	}
	*g = (struct group){ 0 };
}

static struct group *group_of(struct tally *y, int64_t id, const char *where)
{
	struct group *g = &y->groups[id % (int64_t)countof(y->groups)];

	if (g->id == id)
		return g;
	close_group(y, g);
	g->id = id;
	snprintf(g->where, sizeof g->where, "%s", where);
	return g;
}

/* --- literals --- */

/* Looks like family.name with a family we have. */
static bool is_key(const struct i18n *t, struct str s)
{
	struct str rest = s, family = str_cut(&rest, '.');

	if (!rest.len || !family.len)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_.%", s.at[i]))
			return false;
	for (size_t i = 0; i < i18n_keys(t); i++) {
		struct str key = str_of(i18n_key_at(t, i));

		if (str_eq(str_cut(&key, '.'), family))
			return true;
	}
	return false;
}

/* Marks all keys of that beginning; false when there is none. */
static bool use_beginning(struct tally *y, struct str beginning)
{
	bool any = false;

	for (size_t i = 0; i < i18n_keys(y->t); i++) {
		if (strncmp(i18n_key_at(y->t, i), beginning.at, beginning.len) != 0)
			continue;
		y->used[i] = any = true;
	}
	return any;
}

static void take_key(struct tally *y, const char *where, int64_t id, bool checks_args, struct str text)
{
	const char *format = memchr(text.at, '%', text.len);
	const struct i18n_entry *entry;
	struct group *g;

	if (format || str_ends(text, ".")) {
		if (use_beginning(y, format ? str_n(text.at, (size_t)(format - text.at)) : text))
			y->passed++;
		else
			fail(y, where, text.at, "no key begins so");
		return;
	}
	entry = i18n_find(y->t, text);
	if (!entry || !entry->texts[0]) {
		fail(y, where, text.at, "no such key");
		return;
	}
	y->passed++;
	y->used[entry - y->t->entries] = true;
	if (!checks_args)
		return;
	g = group_of(y, id, where);
	if (g->keys_count < KEYS_MAX)
		g->keys[g->keys_count++] = entry;
}

static bool ends_with_call(struct str calls, const char *name)
{
	size_t n = strlen(name);

	return str_is(calls, name) || (str_ends(calls, name) && calls.at[calls.len - n - 1] == '/');
}

/* Calls that take a key and right there all its arguments. */
static bool takes_arguments(struct str calls)
{
	static const char *const names[] = { "i18n_add", "i18n_new_text", "screen_text", "screen_button" };

	for (size_t i = 0; i < countof(names); i++)
		if (ends_with_call(calls, names[i]))
			return true;
	return false;
}

/* The innermost call is one of T_STR, T_INT … */
static bool in_argument(struct str calls)
{
	size_t n = calls.len;

	while (n && calls.at[n - 1] != '/')
		n--;
	return str_starts(str_n(calls.at + n, calls.len - n), "T_");
}

/* Names of events and paths in JSON look like keys too. */
static bool is_elsewhere(struct str calls)
{
	static const char *const others[] = { "log_", "KV", "json_" };

	for (size_t i = 0; i < countof(others); i++)
		if (str_has(calls, others[i]))
			return true;
	return false;
}

static void take_literal(struct tally *y, char *line)
{
	struct str rest = str_of(line), file = str_cut(&rest, '\t'), number = str_cut(&rest, '\t'), id_text = str_cut(&rest, '\t');
	struct str calls = str_cut(&rest, '\t');
	char where[300];
	int64_t id = 0;

	snprintf(where, sizeof where, "%.*s:%.*s", STR_ARG(file), STR_ARG(number));
	if (!rest.at || str_to_i64(&id, id_text) || is_elsewhere(calls))
		return;
	if (is_key(y->t, rest)) {
		take_key(y, where, id, takes_arguments(calls), rest);
	} else if (id && in_argument(calls)) {
		struct group *g = group_of(y, id, where);

		if (g->args_count < ARGS_MAX)
			snprintf(g->args[g->args_count++], sizeof g->args[0], "%.*s", STR_ARG(rest));
	}
}

static void check_unused(struct tally *y)
{
	for (size_t i = 0; i < i18n_keys(y->t); i++)
		if (!y->used[i])
			fail(y, "locales", i18n_key_at(y->t, i), "used by nobody");
}

int main(int count, char **words)
{
	bool is_part = count > 1 && strcmp(words[1], "--part") == 0;
	static struct tally y;
	static char line[16384];
	struct i18n *t;
	struct buf report;

	buf_init(&report, 1 << 20);
	if (i18n_open(&t, NULL, &report)) {
		printf("%s0 passed, 1 failed\n", buf_cstr(&report));
		buf_release(&report); /* the sanitizer ends a program that leaks before its output is written */
		return 1;
	}
	printf("%s", buf_cstr(&report));
	y.t = t;
	y.used = xcalloc(i18n_keys(t), sizeof *y.used);
	y.failed = report.len > 0;
	y.passed = (long)i18n_keys(t);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		take_literal(&y, line);
	}
	for (size_t i = 0; i < countof(y.groups); i++)
		close_group(&y, &y.groups[i]);
	if (!is_part)
		check_unused(&y);
	printf("%ld passed, %ld failed\n", y.passed, y.failed);
	free(y.used);
	i18n_close(t);
	buf_release(&report);
	return y.failed > 0;
}
