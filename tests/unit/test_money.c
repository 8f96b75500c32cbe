/* Amounts, exactly. */
#include "tests/unit/proves.h"

#include <string.h>

#include "lib/base/money.h"

#define NBSP "\xC2\xA0"

static const struct money_style english = { ".", ",", 4, true }, russian = { ",", NBSP, 5, false };

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < currency_count(); i++) {
		const struct currency *c = currency_at(i);

		assert_ptr_equal(currency_find(str_of(c->code)), c); /* unique */
		assert_in_range(strlen(c->code), 3, 7);
		assert_in_range(c->exponent, 0, 9);
	}
	assert_int_equal(currency_find(STR("xtr"))->exponent, 0);
	assert_int_equal(currency_find(STR("RUB"))->exponent, 2);
	assert_int_equal(currency_find(STR("IRT"))->exponent, 0);
	assert_int_equal(currency_find(STR("USDT"))->exponent, 6);
	assert_int_equal(currency_find(STR("TON"))->exponent, 9);
	assert_null(currency_find(STR("RU")));
	assert_null(currency_find(STR("")));
}

static void test_display(void **state)
{
	static const struct { const char *code; int64_t minor; const char *en, *ru; } cases[] = {
		{ "XTR", 300, "300" NBSP "⭐", "300" NBSP "⭐" },
		{ "RUB", 29900, "₽299", "299" NBSP "₽" },
		{ "RUB", 129950, "₽1,299.50", "1299,50" NBSP "₽" },
		{ "RUB", 1234567805, "₽12,345,678.05", "12" NBSP "345" NBSP "678,05" NBSP "₽" },
		{ "USD", 499, "$4.99", "4,99" NBSP "$" },
		{ "USD", 5, "$0.05", "0,05" NBSP "$" },
		{ "USD", -499, "−$4.99", "−4,99" NBSP "$" },
		{ "USDT", 3710000, "3.71" NBSP "USDT", "3,71" NBSP "USDT" },
		{ "TON", 1, "0.000000001" NBSP "TON", "0,000000001" NBSP "TON" },
		{ "IRT", 1500000, "1,500,000" NBSP "IRT", "1" NBSP "500" NBSP "000" NBSP "IRT" },
		{ "XTR", INT64_MIN, "−9,223,372,036,854,775,808" NBSP "⭐",
			"−9" NBSP "223" NBSP "372" NBSP "036" NBSP "854" NBSP "775" NBSP "808" NBSP "⭐" },
		{ "RUB", 0, "₽0", "0" NBSP "₽" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 200);
	for (size_t i = 0; i < countof(cases); i++) {
		const struct currency *c = currency_find(str_of(cases[i].code));

		buf_clear(&b);
		money_write(&b, cases[i].minor, c, &english);
		assert_string_equal(buf_cstr(&b), cases[i].en);
		buf_clear(&b);
		money_write(&b, cases[i].minor, c, &russian);
		assert_string_equal(buf_cstr(&b), cases[i].ru);
	}
	buf_release(&b);
}

static void test_plain(void **state)
{
	static const struct { const char *text; int exponent; enum err e; int64_t minor; const char *back; } cases[] = {
		{ "299", 2, OK, 29900, "299.00" }, { "299.5", 2, OK, 29950, "299.50" }, { "299.50000000", 2, OK, 29950, "299.50" },
		{ "0.07", 2, OK, 7, "0.07" }, { "-0.07", 2, OK, -7, "-0.07" }, { "300", 0, OK, 300, "300" }, { "300.0", 0, OK, 300, "300" },
		{ "92233720368547758.07", 2, OK, INT64_MAX, "92233720368547758.07" },
		{ "-92233720368547758.08", 2, OK, INT64_MIN, "-92233720368547758.08" },
		{ "92233720368547758.08", 2, E_TOOBIG, 0, NULL }, { "99999999999999999999", 0, E_TOOBIG, 0, NULL },
		{ "10", 18, E_TOOBIG, 0, NULL }, { "299.501", 2, E_INVALID, 0, NULL }, { "300.5", 0, E_INVALID, 0, NULL },
		{ "", 2, E_INVALID, 0, NULL }, { "-", 2, E_INVALID, 0, NULL }, { ".5", 2, E_INVALID, 0, NULL }, { "5.", 2, E_INVALID, 0, NULL },
		{ "1.2.3", 2, E_INVALID, 0, NULL }, { "1e3", 2, E_INVALID, 0, NULL }, { "+1", 2, E_INVALID, 0, NULL }, { "1,5", 2, E_INVALID, 0, NULL },
		{ " 1", 2, E_INVALID, 0, NULL }, { "NaN", 2, E_INVALID, 0, NULL },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t minor = 0;

		if (money_read_plain(&minor, str_of(cases[i].text), cases[i].exponent) != cases[i].e || minor != cases[i].minor)
			fail_msg("%s", cases[i].text);
		if (cases[i].e)
			continue;
		buf_clear(&b);
		money_write_plain(&b, minor, cases[i].exponent);
		assert_string_equal(buf_cstr(&b), cases[i].back);
	}
	buf_release(&b);
}

static void test_typed(void **state)
{
	int64_t minor = 0;

	(void)state;
	assert_int_equal(money_read_typed(&minor, STR(" 1 299,50 "), 2), OK);
	assert_int_equal(minor, 129950);
	assert_int_equal(money_read_typed(&minor, STR("1" NBSP "299"), 2), OK);
	assert_int_equal(minor, 129900);
	assert_int_equal(money_read_typed(&minor, STR("1,299.50"), 2), E_INVALID); /* which is the mark? ask again */
	assert_int_equal(money_read_typed(&minor, STR("1,300"), 2), E_INVALID);
	assert_int_equal(money_read_typed(&minor, STR("1.300"), 0), E_INVALID);
	assert_int_equal(money_read_typed(&minor, STR("1.300"), 6), OK);
	assert_int_equal(money_read_typed(&minor, STR("free"), 2), E_INVALID);
	assert_int_equal(money_read_typed(&minor, STR("1111111111111111111111111111111111"), 2), E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_table, ""),
		proves(test_display, ""),
		proves(test_plain, ""),
		proves(test_typed, ""),
	};

	return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
