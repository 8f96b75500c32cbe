/* Locale files (R289): a file is refused with a reason or every text of it can be written, with any arguments, in
 * bounds, as text that Telegram takes: known tags closed in order, nothing of an argument taken for markup. Parts: the
 * file, then the text that arguments bring. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/i18n/i18n_private.h"

#define REPORT_MAX ((size_t)1 << 20)
#define WRITTEN_MAX ((size_t)1 << 22)

static void check_text(const struct i18n *t, const struct i18n_entry *entry, struct str brought)
{
	static const int64_t counts[] = { 0, 1, 2, 5, 21, -1, INT64_MAX };
	struct i18n_arg args[I18N_PLACEHOLDERS_MAX * 4 + 2];
	const struct i18n_to who = { .texts = t };
	const struct i18n_text *text = entry->texts[0];
	struct buf out;

	if (!text)
		return;
	for (size_t i = 0; i < countof(counts); i++) {
		size_t n = 0;

		args[n++] = i18n_arg_number("count", I18N_INT, counts[i]);
		for (int form = -1; form < PLURAL_COUNT; form++) {
			const struct i18n_template *template = form < 0 ? text->plain : text->forms[form];

			for (size_t p = 0; template && p < template->count && n < countof(args) - 1; p++)
				if (template->pieces[p].name && strcmp(template->pieces[p].name, "count") != 0)
					args[n++] = i18n_arg_text(template->pieces[p].name, I18N_STR, brought);
		}
		args[n] = (struct i18n_arg){ 0 };
		buf_init(&out, WRITTEN_MAX);
		i18n_text(&out, &who, entry->key, args);
		must(!out.over && utf8_valid(buf_str(&out)));
		must(!entry->is_html || !i18n_markup_problem(buf_str(&out)));
		buf_release(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n((const char *)data, size), file = fuzz_part(&rest);
	struct arena a = { 0 };
	struct i18n *t = i18n_new();
	struct buf report;
	enum err e;

	log_set_level("error");
	buf_init(&report, REPORT_MAX);
	e = i18n_add_file(t, STR("en"), "en.json", file, &report);
	must(!e || report.len);
	if (!e)
		e = i18n_check(t, &report);
	must(!e || report.len);
	must(utf8_valid(buf_str(&report)) || !utf8_valid(file));
	must(t->entries_count <= I18N_KEYS_MAX);
	for (size_t i = 0; !e && i < t->entries_count; i++)
		check_text(t, &t->entries[i], utf8_clean(&a, rest));
	buf_release(&report);
	i18n_close(t);
	arena_release(&a);
	return 0;
}
