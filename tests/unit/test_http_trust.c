/* Pins and pasted certificates as people give them. */
#include "tests/unit/proves.h"

#include <string.h>

#include "lib/base/enc.h"
#include "lib/http/trust.h"
#include "tests/sim/serve.h"

#define PIN "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HEX "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f"

static const struct { const char *typed, *pin; } pins[] = {
	{ PIN, PIN },
	{ " \n" PIN " ", PIN },
	{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", PIN },
	{ HEX, PIN },
	{ "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F", PIN },
	{ "", NULL },
	{ "sha256//", NULL },
	{ "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", NULL }, /* 31 bytes */
	{ HEX "20", NULL },
	{ "sha1//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", NULL },
	{ "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=;" PIN, NULL }, /* curl would take two */
};

static void test_pins(void **state)
{
	char out[HTTP_PIN_CHARS + 1];

	(void)state;
	for (size_t i = 0; i < countof(pins); i++) {
		enum err e = http_pin_read(out, str_of(pins[i].typed));

		if ((e == OK) != (pins[i].pin != NULL) || (!e && strcmp(out, pins[i].pin) != 0))
			fail_msg("%s", pins[i].typed);
	}
}

static void no_model(void *model, const struct sim_request *request, struct sim_response *response)
{
	(void)model;
	(void)request;
	response->status = 404;
}

/* The text of a certificate as a chat may spoil it: dashes joined, lines run together. */
static void spoil(struct buf *to, const char *pem)
{
	for (const char *p = pem; *p; p++) {
		if (*p == '-' && p[1] == '-') {
			buf_adds(to, "\xe2\x80\x94");
			p++;
		} else {
			buf_addc(to, *p == '\n' ? ' ' : *p);
		}
	}
}

static void test_pem(void **state)
{
	static const char *const wrong[] = { "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n" };
	struct serve *serve = serve_new();
	struct buf typed, out;
	const char *pem;

	(void)state;
	serve_add(serve, no_model, NULL, 0, true);
	pem = serve_pem(serve);
	buf_init(&typed, 65536);
	buf_init(&out, 65536);
	assert_int_equal(http_pem_read(&out, str_of(pem)), OK);
	assert_string_equal(buf_cstr(&out), pem);
	buf_clear(&out);
	spoil(&typed, pem);
	assert_int_equal(http_pem_read(&out, buf_str(&typed)), OK);
	assert_string_equal(buf_cstr(&out), pem);
	buf_clear(&out);
	buf_adds(&typed, pem); /* two of them */
	assert_int_equal(http_pem_read(&out, buf_str(&typed)), OK);
	assert_int_equal(out.len, 2 * strlen(pem));
	buf_clear(&out);
	for (size_t i = 0; i < countof(wrong); i++) {
		assert_int_equal(http_pem_read(&out, str_of(wrong[i])), E_INVALID);
		assert_int_equal(out.len, 0);
	}
	buf_cut(&typed, typed.len - 30); /* a text that was cut off is not half believed */
	assert_int_equal(http_pem_read(&out, buf_str(&typed)), E_INVALID);
	assert_int_equal(out.len, 0);
	for (size_t i = 0; i <= HTTP_CERTIFICATES_MAX; i++)
		buf_adds(&typed, pem);
	assert_int_equal(http_pem_read(&out, buf_str(&typed)), E_INVALID);
	buf_release(&typed);
	buf_release(&out);
	serve_free(serve);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_pins, ""),
		proves(test_pem, ""),
	};

	return cmocka_run_group_tests_name("http_trust", tests, NULL, NULL);
}
