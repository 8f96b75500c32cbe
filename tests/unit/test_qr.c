/* QR pictures, read by a decoder that is not ours. */
#include "tests/unit/proves.h"

#include <pthread.h>
#include <string.h>

#include "lib/qr/qr.h"
#include "tests/story/scan.h"

static void check_text(struct str text)
{
	struct buf png, back;

	buf_init(&png, QR_PNG_BYTES_MAX);
	buf_init(&back, 64 * 1024);
	assert_int_equal(qr_png(&png, text), OK);
	scan_qr(&back, buf_str(&png));
	if (!str_eq(buf_str(&back), text))
		fail_msg("%zu bytes came back as %zu: %s", text.len, back.len, buf_cstr(&back));
	buf_release(&png);
	buf_release(&back);
}

/* A link of n bytes as links are: mixed case, digits, percent signs. */
static struct str long_link(char *out, size_t n)
{
	static const char head[] = "vless://8c14d6f7-2e3b-4a91-9d24-3f7a6b8c1e02@h.example:443?pbk=";
	static uint32_t seed = 1; /* a fixed sequence: each text differs, each run is the same */
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_%&=#";

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		out[i] = i < sizeof head - 1 ? head[i] : letters[(seed >> 16) % (sizeof letters - 1)];
	}
	return str_n(out, n);
}

static void test_every_size_decodes(void **state)
{
	static const size_t sizes[] = { 1, 2, 17, 64, 100, 255, 256, 300, 512, 777, 1000, QR_TEXT_BYTES_MAX - 1, QR_TEXT_BYTES_MAX };
	char text[QR_TEXT_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < countof(sizes); i++)
		check_text(long_link(text, sizes[i]));
}

static void test_utf8_decodes(void **state)
{
	char text[QR_TEXT_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof text; i += 2)
		memcpy(text + i, "\xD0\xAF", 2);
	check_text(str_n(text, sizeof text));
	check_text(STR("vless://id@h.example:443?type=tcp#Сервер №1"));
	check_text(STR("https://h.example/سرور/日本"));
	check_text(STR("tg://proxy?server=h.example&port=443&secret=ee00 \"<>&' \\"));
}

static uint32_t be32(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Telegram: a photo's sides add up to at most 10,000 and it has at most 10 MB; larger than 1,280 is scaled down. */
static void test_picture_fits_telegram(void **state)
{
	static const size_t sizes[] = { 1, 200, QR_TEXT_BYTES_MAX };
	char text[QR_TEXT_BYTES_MAX];
	struct buf png;

	(void)state;
	buf_init(&png, QR_PNG_BYTES_MAX);
	for (size_t i = 0; i < countof(sizes); i++) {
		assert_int_equal(qr_png(&png, long_link(text, sizes[i])), OK);
		assert_memory_equal(png.at, "\x89PNG\r\n\x1a\n", 8);
		assert_memory_equal(png.at + 12, "IHDR", 4);
		assert_int_equal(be32(png.at + 16), be32(png.at + 20));
		assert_in_range(be32(png.at + 16), 400, QR_SIDE_PX_MAX);
		assert_int_equal(png.at[24], 1); /* bit depth */
		assert_int_equal(png.at[25], 0); /* gray */
	}
	buf_release(&png);
}

static void test_refusals(void **state)
{
	char text[QR_TEXT_BYTES_MAX + 1];
	struct buf png;

	(void)state;
	buf_init(&png, QR_PNG_BYTES_MAX);
	assert_int_equal(qr_png(&png, STR("x")), OK);
	assert_int_equal(qr_png(&png, STR("")), E_INVALID);
	assert_int_equal(png.len, 0);
	assert_int_equal(qr_png(&png, STR("a\0b")), E_INVALID);
	assert_int_equal(qr_png(&png, long_link(text, sizeof text)), E_TOOBIG);
	assert_int_equal(png.len, 0);
	buf_release(&png);
}

struct job {
	char text[400];
	struct buf png;
};

static void *draw(void *job)
{
	struct job *j = job;

	for (int i = 0; i < 5; i++)
		if (qr_png(&j->png, str_n(j->text, sizeof j->text)))
			return NULL;
	return j;
}

static void test_threads_do_not_meet(void **state)
{
	static struct job jobs[4];
	pthread_t threads[countof(jobs)];
	struct buf alone;

	(void)state;
	for (size_t i = 0; i < countof(jobs); i++) {
		long_link(jobs[i].text, sizeof jobs[i].text);
		buf_init(&jobs[i].png, QR_PNG_BYTES_MAX);
		assert_int_equal(pthread_create(&threads[i], NULL, draw, &jobs[i]), 0);
	}
	buf_init(&alone, QR_PNG_BYTES_MAX);
	for (size_t i = 0; i < countof(jobs); i++) {
		void *done;

		assert_int_equal(pthread_join(threads[i], &done), 0);
		assert_non_null(done);
		assert_int_equal(qr_png(&alone, str_n(jobs[i].text, sizeof jobs[i].text)), OK);
		assert_true(str_eq(buf_str(&alone), buf_str(&jobs[i].png)));
		buf_release(&jobs[i].png);
	}
	buf_release(&alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_every_size_decodes, "R274"),
		proves(test_utf8_decodes, "R274"),
		proves(test_picture_fits_telegram, ""),
		proves(test_refusals, ""),
		proves(test_threads_do_not_meet, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
