/* CLDR's cardinal rules, reduced to whole numbers.
 *
 * A rule is a list of ranges over n modulo something, first match wins, what matches nothing is "other". A range may
 * exclude others by a second modulus: "ends in 2-4 but not in 12-14" is { 10, 2, 4, 100, 12, 14 }. */
#include "lib/i18n/plural.h"

#include <assert.h>

#define CASES_MAX 6

struct plural_case {
	enum plural form;
	unsigned mod, from, to;             /* mod 0: n itself */
	unsigned but_mod, but_from, but_to; /* but_mod 0: no exclusion */
};

struct plural_rule {
	size_t count;
	struct plural_case cases[CASES_MAX];
};

static const struct plural_rule rules[] = {
#define RULE_NONE 0
	{ 0, { { 0 } } },
#define RULE_ONE 1 /* en, de, … */
	{ 1, { { PLURAL_ONE, 0, 1, 1, 0, 0, 0 } } },
#define RULE_ZERO_ONE 2 /* fa, hi, fr's first half */
	{ 1, { { PLURAL_ONE, 0, 0, 1, 0, 0, 0 } } },
#define RULE_RU 3 /* ru, uk, be: what is left is "many"; "other" is for fractions */
	{ 3, {
		{ PLURAL_ONE, 10, 1, 1, 100, 11, 11 },
		{ PLURAL_FEW, 10, 2, 4, 100, 12, 14 },
		{ PLURAL_MANY, 1, 0, 0, 0, 0, 0 },
	} },
#define RULE_PL 4
	{ 3, {
		{ PLURAL_ONE, 0, 1, 1, 0, 0, 0 },
		{ PLURAL_FEW, 10, 2, 4, 100, 12, 14 },
		{ PLURAL_MANY, 1, 0, 0, 0, 0, 0 },
	} },
#define RULE_CS 5
	{ 2, {
		{ PLURAL_ONE, 0, 1, 1, 0, 0, 0 },
		{ PLURAL_FEW, 0, 2, 4, 0, 0, 0 },
	} },
#define RULE_AR 6
	{ 5, {
		{ PLURAL_ZERO, 0, 0, 0, 0, 0, 0 },
		{ PLURAL_ONE, 0, 1, 1, 0, 0, 0 },
		{ PLURAL_TWO, 0, 2, 2, 0, 0, 0 },
		{ PLURAL_FEW, 100, 3, 10, 0, 0, 0 },
		{ PLURAL_MANY, 100, 11, 99, 0, 0, 0 },
	} },
#define RULE_LT 7
	{ 2, {
		{ PLURAL_ONE, 10, 1, 1, 100, 11, 19 },
		{ PLURAL_FEW, 10, 2, 9, 100, 11, 19 },
	} },
#define RULE_LV 8
	{ 3, {
		{ PLURAL_ZERO, 10, 0, 0, 0, 0, 0 },
		{ PLURAL_ZERO, 100, 11, 19, 0, 0, 0 },
		{ PLURAL_ONE, 10, 1, 1, 100, 11, 11 },
	} },
#define RULE_RO 9
	{ 3, {
		{ PLURAL_ONE, 0, 1, 1, 0, 0, 0 },
		{ PLURAL_FEW, 0, 0, 0, 0, 0, 0 },
		{ PLURAL_FEW, 100, 1, 19, 0, 0, 0 },
	} },
#define RULE_SR 10
	{ 2, {
		{ PLURAL_ONE, 10, 1, 1, 100, 11, 11 },
		{ PLURAL_FEW, 10, 2, 4, 100, 12, 14 },
	} },
#define RULE_HE 11
	{ 2, {
		{ PLURAL_ONE, 0, 1, 1, 0, 0, 0 },
		{ PLURAL_TWO, 0, 2, 2, 0, 0, 0 },
	} },
#define RULE_MILLIONS 12 /* es, it, ca: "de millones" for whole millions */
	{ 3, {
		{ PLURAL_ONE, 0, 1, 1, 0, 0, 0 },
		{ PLURAL_OTHER, 0, 0, 0, 0, 0, 0 },
		{ PLURAL_MANY, 1000000, 0, 0, 0, 0, 0 },
	} },
#define RULE_FR 13 /* fr, pt: 0 and 1 together, then as above */
	{ 2, {
		{ PLURAL_ONE, 0, 0, 1, 0, 0, 0 },
		{ PLURAL_MANY, 1000000, 0, 0, 0, 0, 0 },
	} },
};

static const struct {
	const char *language;
	unsigned char rule;
} languages[] = {
	{ "en", RULE_ONE },      { "ru", RULE_RU },       { "fa", RULE_ZERO_ONE }, { "uk", RULE_RU },   { "be", RULE_RU },
	{ "ar", RULE_AR },       { "pl", RULE_PL },       { "cs", RULE_CS },       { "sk", RULE_CS },   { "lt", RULE_LT },
	{ "lv", RULE_LV },       { "ro", RULE_RO },       { "sr", RULE_SR },       { "hr", RULE_SR },   { "bs", RULE_SR },
	{ "he", RULE_HE },       { "es", RULE_MILLIONS }, { "it", RULE_MILLIONS }, { "ca", RULE_MILLIONS },
	{ "fr", RULE_FR },       { "pt", RULE_FR },       { "hi", RULE_ZERO_ONE }, { "hy", RULE_ZERO_ONE },
	{ "zh", RULE_NONE },     { "ja", RULE_NONE },     { "ko", RULE_NONE },     { "vi", RULE_NONE }, { "id", RULE_NONE },
	{ "th", RULE_NONE },     { "ms", RULE_NONE },     { "my", RULE_NONE },     { "de", RULE_ONE },  { "nl", RULE_ONE },
	{ "tr", RULE_ONE },      { "az", RULE_ONE },      { "uz", RULE_ONE },      { "kk", RULE_ONE },  { "ky", RULE_ONE },
	{ "tk", RULE_ONE },      { "ka", RULE_ONE },      { "bg", RULE_ONE },      { "el", RULE_ONE },  { "fi", RULE_ONE },
	{ "hu", RULE_ONE },      { "sv", RULE_ONE },      { "et", RULE_ONE },      { "ur", RULE_ONE },
};

const struct plural_rule *plural_rule_find(struct str language)
{
	for (size_t i = 0; i < countof(languages); i++)
		if (str_is_nocase(language, languages[i].language))
			return &rules[languages[i].rule];
	return &rules[RULE_ONE];
}

static bool in_range(uint64_t n, unsigned mod, unsigned from, unsigned to)
{
	uint64_t rest = mod ? n % mod : n;

	return rest >= from && rest <= to;
}

enum plural plural_of(const struct plural_rule *rule, int64_t n)
{
	uint64_t size = n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;

	for (size_t i = 0; i < rule->count; i++) {
		const struct plural_case *c = &rule->cases[i];

		if (in_range(size, c->mod, c->from, c->to) && !(c->but_mod && in_range(size, c->but_mod, c->but_from, c->but_to)))
			return c->form;
	}
	return PLURAL_OTHER;
}

bool plural_needs(const struct plural_rule *rule, enum plural form)
{
	if (form == PLURAL_OTHER)
		return true; /* CLDR has it in every language, and it is what we fall back to */
	for (size_t i = 0; i < rule->count; i++)
		if (rule->cases[i].form == form)
			return true;
	return false;
}

const char *plural_name(enum plural form)
{
	static const char *const names[PLURAL_COUNT] = { "zero", "one", "two", "few", "many", "other" };

	assert(form < PLURAL_COUNT);
	return names[form];
}
