/* A new plan: five questions, then its card (plans.c), where the rest is chosen and it is put on sale.
 *
 * The dialogue's state is what has been answered so far, one answer a line; how many there are is the step. */
#include "bot/admin/admin_private.h"

#include <string.h>

#define QUOTA_GB_MAX 1000000
#define DEVICES_MAX 1000

struct step {
	const char *ask;
	bool is_number;
	int64_t max;
};

static const struct step steps[] = {
	{ "admin.plan_add.name",    false, 0             },
	{ "admin.plan_add.days",    true,  PLAN_DAYS_MAX },
	{ "admin.plan_add.quota",   true,  QUOTA_GB_MAX  },
	{ "admin.plan_add.devices", true,  DEVICES_MAX   },
	{ "admin.plan_add.price",   false, 0             },
};

#define STEP_NAME 0
#define STEP_PRICE 4

static size_t answers_in(struct str state)
{
	size_t n = 0;

	while (state.at && state.len) {
		str_cut(&state, '\n');
		n++;
	}
	return n;
}

static enum err ask_step(struct talk *t, size_t step, const char *state)
{
	struct screen s;
	enum err e = talk_expect(t, "a_plan", state);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text_list(&s, steps[step].ask, (const struct i18n_arg[]){ { 0 } });
	if (step == STEP_PRICE)
		screen_button(&s, "a_trial", NULL, NULL, "button.trial_plan");
	return screen_show(&s);
}

enum err admin_cmd_plan_add(struct talk *t, struct str args)
{
	(void)args;
	return ask_step(t, STEP_NAME, NULL);
}

/* --- prices --- */

static bool is_code(struct str word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", word.at[i]))
			return false;
	return word.len > 0;
}

/* "300 XTR", "XTR 300", "1 299,50 rub": the word of letters is the currency, the rest the amount. */
static bool split_price(struct str *amount, struct str *code, struct str line)
{
	struct str rest = line, first = admin_cut_word(&rest);

	if (is_code(first)) {
		*code = first;
		*amount = rest;
		return amount->len > 0;
	}
	line = str_trim(line);
	for (size_t n = line.len; n > 0; n--)
		if (line.at[n - 1] == ' ') {
			*amount = str_trim(str_n(line.at, n));
			*code = str_n(line.at + n, line.len - n);
			return is_code(*code);
		}
	return false;
}

static enum err wrong_price(struct talk *t, struct str line)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.plan_add.price_wrong", T_STR("text", utf8_head(utf8_clean(t->a->arena, line), NAME_POINTS_MAX)));
	return screen_show(&s);
}

static enum err wrong_currency(struct talk *t, struct str code)
{
	struct screen s;
	struct buf known;

	buf_init(&known, 512);
	for (size_t i = 0; i < currency_count(); i++)
		buf_printf(&known, "%s%s", i ? ", " : "", currency_at(i)->code);
	screen_begin(&s, t);
	screen_text(&s, "admin.plan_add.currency_wrong", T_STR("currency", utf8_head(code, NAME_POINTS_MAX)), T_STR("list", buf_str(&known)));
	buf_release(&known);
	return screen_show(&s);
}

/* One line. *told: the screen says what is wrong. */
static enum err price_read(struct plan *p, struct talk *t, struct str line, bool *told)
{
	struct str amount, code;
	const struct currency *currency;
	struct price *price;
	int64_t minor;

	*told = true;
	if (!split_price(&amount, &code, line))
		return wrong_price(t, line);
	currency = currency_find(code);
	if (!currency)
		return wrong_currency(t, code);
	if (money_read_typed(&minor, amount, currency->exponent))
		return wrong_price(t, line);
	if (minor <= 0)
		return admin_say(t, "admin.plan_add.price_positive");
	if (plan_price(&(int64_t){ 0 }, p, currency->code) == OK || p->prices_count == PLAN_PRICES_MAX)
		return admin_say(t, "admin.plan_add.price_twice");
	price = &p->prices[p->prices_count++];
	snprintf(price->currency, sizeof price->currency, "%s", currency->code);
	price->amount_minor = minor;
	*told = false;
	return OK;
}

enum err admin_prices_read(struct plan *p, struct talk *t, struct str text)
{
	struct str rest = str_trim(text);
	bool told = false;

	p->prices_count = 0;
	while (rest.at) {
		struct str line = str_trim(str_cut(&rest, '\n'));
		enum err e = line.len ? price_read(p, t, line, &told) : OK;

		if (e || told)
			return e ? e : E_INVALID;
	}
	if (p->prices_count)
		return OK;
	wrong_price(t, text);
	return E_INVALID;
}

/* --- the end: stored, not yet on sale --- */

static void read_answers(struct plan *p, struct act *a, struct str state)
{
	int64_t numbers[3] = { 0 };
	struct str name = str_cut(&state, '\n');

	for (size_t i = 0; i < countof(numbers); i++)
		str_to_i64(&numbers[i], str_cut(&state, '\n')); /* checked when they were typed */
	p->name = arena_strndup(a->arena, name.at, name.len);
	p->days = (int)numbers[0];
	p->quota_bytes = numbers[1] * GIB_BYTES;
	p->limit_ip = (int)numbers[2];
}

static enum err store(struct talk *t, struct plan *p, struct str state)
{
	enum err e;

	read_answers(p, t->a, state);
	e = plan_add(&p->id, t->a, p);
	if (e == E_INVALID)
		return admin_say(t, "admin.too_late");
	if (!e)
		e = admin_note(t, "plan.add", "plan", word_number(t->a, p->id), NULL, p->name);
	if (!e)
		e = talk_expect_nothing(t);
	if (!e)
		e = plan_get(p, t->a, p->id);
	return e ? e : admin_plan_card(t, p);
}

enum err admin_on_plan_trial(struct talk *t, struct str id, struct str arg)
{
	struct str state = str_of(t->user.dialogue);
	struct plan p = { .trial = true };

	(void)id;
	(void)arg;
	if (!str_is(str_cut(&state, ':'), "a_plan") || answers_in(state) != STEP_PRICE)
		return admin_say(t, "admin.too_late");
	return store(t, &p, state);
}

/* --- an answer --- */

static enum err wrong_name(struct talk *t)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.plan_add.name_wrong", T_INT("max", NAME_POINTS_MAX));
	return screen_show(&s);
}

enum err admin_typed_plan_add(struct talk *t, struct str state, struct str text)
{
	size_t step = answers_in(state);
	struct plan p = { 0 };
	const char *answer;
	int64_t n;
	enum err e;

	if (step >= STEP_PRICE) {
		e = admin_prices_read(&p, t, text);
		return e == E_INVALID ? OK : e ? e : store(t, &p, state);
	}
	if (steps[step].is_number && !admin_read_number(&n, text, 0, steps[step].max))
		return admin_wrong_number(t, 0, steps[step].max);
	answer = steps[step].is_number ? word_number(t->a, n) : admin_read_name(t->a, text);
	if (!answer)
		return wrong_name(t);
	return ask_step(t, step + 1, arena_printf(t->a->arena, "%.*s%s%s", STR_ARG(state), step ? "\n" : "", answer));
}
