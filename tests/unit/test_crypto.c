/* Digests and AES-GCM against published vectors, sealing, the key file. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/enc.h"
#include "lib/base/rand.h"
#include "lib/crypto/keyfile.h"

static struct str unhex(struct arena *a, const char *hex)
{
	size_t n = 0, max = strlen(hex) / 2 + 1;
	unsigned char *out = arena_alloc(a, max);

	assert_int_equal(dec_hex(out, max, &n, str_of(hex)), OK);
	return str_n((const char *)out, n);
}

/* FIPS 180-4 examples */
static void test_sha256(void **state)
{
	char hex[SHA256_HEX_CHARS + 1];

	(void)state;
	crypto_sha256_hex(hex, STR("abc"));
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256_hex(hex, str_of(NULL));
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	crypto_sha256_hex(hex, STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
	assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 4231, cases 1, 2, 3, 4, 6, 7 (5 is about truncation) */
static void test_hmac(void **state)
{
	static const struct { const char *key, *data, *mac; int key_times, data_times; } cases[] = {
		{ "0b", "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 20, 1 },
		{ "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 1, 1 },
		{ "aa", "dd", "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", 20, 50 },
		{ "0102030405060708090a0b0c0d0e0f10111213141516171819", "cd",
		  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", 1, 50 },
		{ "aa", "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
		  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 131, 1 },
		{ "aa", "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b657920616e642061"
		  "206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565647320746f20626520686173686564"
		  "206265666f7265206265696e6720757365642062792074686520484d414320616c676f726974686d2e",
		  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", 131, 1 },
	};
	struct arena a;

	(void)state;
	arena_init(&a);
	for (size_t i = 0; i < countof(cases); i++) {
		char hex[SHA256_HEX_CHARS + 1];
		struct str key_once = unhex(&a, cases[i].key), data_once = unhex(&a, cases[i].data);
		struct buf key, data;

		buf_init(&key, 1024);
		buf_init(&data, 1024);
		for (int k = 0; k < cases[i].key_times; k++)
			buf_add(&key, key_once);
		for (int k = 0; k < cases[i].data_times; k++)
			buf_add(&data, data_once);
		crypto_hmac_sha256_hex(hex, buf_str(&key), buf_str(&data));
		assert_string_equal(hex, cases[i].mac);
		buf_release(&key);
		buf_release(&data);
	}
	arena_release(&a);
}

/* An empty key is a key, not "the one before". */
static void test_hmac_empty_key(void **state)
{
	char hex[SHA256_HEX_CHARS + 1];

	(void)state;
	crypto_hmac_sha256_hex(hex, STR("other"), STR("x"));
	crypto_hmac_sha256_hex(hex, str_of(NULL), str_of(NULL));
	assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_equal(void **state)
{
	unsigned char bytes[3] = { 0xAB, 0x00, 0xFF };

	(void)state;
	assert_true(crypto_equal(STR("same"), STR("same")));
	assert_false(crypto_equal(STR("same"), STR("samf")));
	assert_false(crypto_equal(STR("same"), STR("sam")));
	assert_true(crypto_equal(str_of(NULL), STR("")));
	assert_true(crypto_equal_hex(bytes, 3, STR("ab00ff")));
	assert_true(crypto_equal_hex(bytes, 3, STR("AB00Ff")));
	assert_false(crypto_equal_hex(bytes, 3, STR("ab00fe")));
	assert_false(crypto_equal_hex(bytes, 3, STR("ab00ff00")));
	assert_false(crypto_equal_hex(bytes, 3, STR("ab00")));
	assert_false(crypto_equal_hex(bytes, 3, STR("ab00fg")));
	assert_false(crypto_equal_hex(bytes, 3, STR(" ab00ff")));
	assert_false(crypto_equal_hex(bytes, 3, STR("")));
}

/* The test cases 13, 14 and 16 of McGrew and Viega's GCM submission to NIST (256-bit keys) */
static void test_gcm(void **state)
{
#define ZERO32 "0000000000000000000000000000000000000000000000000000000000000000"
#define KEY16 "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
	static const struct { const char *key, *nonce, *also, *plain, *sealed; } cases[] = {
		{ ZERO32, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
		{ ZERO32, "000000000000000000000000", "", "00000000000000000000000000000000",
		  "cea7403d4d606b6e074ec5d3baf39d18" "d0d1c8a799996bf0265b98b5d48ab919" },
		{ KEY16, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" "76fc6ece0f4e1768cddf8853bb2d551b" },
	};
	struct arena a;

	(void)state;
	arena_init(&a);
	for (size_t i = 0; i < countof(cases); i++) {
		const unsigned char *key = (const unsigned char *)unhex(&a, cases[i].key).at;
		const unsigned char *nonce = (const unsigned char *)unhex(&a, cases[i].nonce).at;
		struct str also = unhex(&a, cases[i].also), plain = unhex(&a, cases[i].plain);
		struct str sealed = unhex(&a, cases[i].sealed);
		unsigned char out[128];
		size_t n = 99;

		crypto_gcm_seal(out, key, nonce, also, plain);
		assert_memory_equal(out, sealed.at, sealed.len);
		assert_int_equal(crypto_gcm_open(out, &n, key, nonce, also, sealed), OK);
		assert_int_equal(n, plain.len);
		if (n)
			assert_memory_equal(out, plain.at, n);
		assert_int_equal(crypto_gcm_open(out, &n, key, nonce, STR("?"), sealed), E_AUTH);
	}
	arena_release(&a);
}

static void known_key(struct seal_key *key, unsigned char first)
{
	unsigned char bytes[SEAL_KEY_BYTES];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(first + i);
	seal_key_init(key, bytes);
}

static void test_key_text(void **state)
{
	struct seal_key key, again;
	char text[SEAL_KEY_CHARS + 1], typed[2 * SEAL_KEY_CHARS + 3], *to = typed;

	(void)state;
	seal_key_draw(&key);
	seal_key_write(text, &key);
	assert_int_equal(strlen(text), SEAL_KEY_CHARS);
	assert_int_equal(strlen(key.id), SEAL_ID_CHARS);
	assert_int_equal(seal_key_read(&again, str_of(text)), OK);
	assert_memory_equal(&key, &again, sizeof key);

	/* as a person types it: small letters, groups of four, look-alikes, a newline at the end */
	for (size_t i = 0; i < SEAL_KEY_CHARS; i++) {
		char c = text[i];

		if (i && i % 4 == 0)
			*to++ = i % 8 ? '-' : ' ';
		*to++ = c == '1' ? 'l' : c == '0' ? 'o' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	*to++ = '\n';
	assert_int_equal(seal_key_read(&again, str_n(typed, (size_t)(to - typed))), OK);
	assert_memory_equal(&key, &again, sizeof key);

	assert_int_equal(seal_key_read(&again, str_n(text, SEAL_KEY_CHARS - 1)), E_INVALID);
	assert_int_equal(seal_key_read(&again, STR("")), E_INVALID);
	text[7] = 'U'; /* not of the alphabet */
	assert_int_equal(seal_key_read(&again, str_of(text)), E_INVALID);
	for (size_t i = 0; i < sizeof again.bytes; i++)
		assert_int_equal(again.bytes[i], 0);
}

static void test_seal(void **state)
{
	struct seal_key key;
	struct buf blob, second, plain;
	char id[SEAL_ID_CHARS + 1];
	struct arena a;
	struct str place;

	(void)state;
	arena_init(&a);
	buf_init(&blob, 4096);
	buf_init(&second, 4096);
	buf_init(&plain, 4096);
	known_key(&key, 7);
	place = seal_place(&a, "panel", "password", 42);
	assert_true(str_is(place, "panel.password.42"));

	seal_text(&blob, &key, place, STR("MARKER-password"));
	seal_text(&second, &key, place, STR("MARKER-password"));
	assert_int_equal(blob.len, strlen("MARKER-password") + SEAL_OVERHEAD_BYTES);
	assert_false(str_eq(buf_str(&blob), buf_str(&second)));
	assert_false(str_has(buf_str(&blob), "MARKER"));
	assert_int_equal(seal_open(&plain, &key, place, buf_str(&blob)), OK);
	assert_string_equal(buf_cstr(&plain), "MARKER-password");
	assert_int_equal(seal_blob_id(id, buf_str(&blob)), OK);
	assert_string_equal(id, key.id);

	buf_clear(&blob);
	buf_clear(&plain);
	seal_text(&blob, &key, place, STR(""));
	assert_int_equal(seal_open(&plain, &key, place, buf_str(&blob)), OK);
	assert_int_equal(plain.len, 0);
	buf_release(&blob);
	buf_release(&second);
	buf_release(&plain);
	arena_release(&a);
}

static void test_seal_refuses(void **state)
{
	struct seal_key key, other;
	struct buf blob, plain;
	char id[SEAL_ID_CHARS + 1];

	(void)state;
	buf_init(&blob, 4096);
	buf_init(&plain, 4096);
	known_key(&key, 7);
	known_key(&other, 8);
	seal_text(&blob, &key, STR("panel.password.1"), STR("MARKER-password"));

	assert_int_equal(seal_open(&plain, &other, STR("panel.password.1"), buf_str(&blob)), E_AUTH);
	assert_int_equal(seal_open(&plain, &key, STR("panel.password.2"), buf_str(&blob)), E_AUTH);
	assert_int_equal(seal_open(&plain, &key, STR("panel.token.1"), buf_str(&blob)), E_AUTH);
	/* the wrong key stays wrong when it claims the right id */
	memcpy(other.id, key.id, sizeof key.id);
	assert_int_equal(seal_open(&plain, &other, STR("panel.password.1"), buf_str(&blob)), E_AUTH);

	for (size_t i = 0; i < blob.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			blob.at[i] ^= (char)(1 << bit);
			assert_int_equal(seal_open(&plain, &key, STR("panel.password.1"), buf_str(&blob)), i ? E_AUTH : E_VERSION);
			blob.at[i] ^= (char)(1 << bit);
		}
	}
	for (size_t n = 0; n < blob.len; n++)
		assert_int_equal(seal_open(&plain, &key, STR("panel.password.1"), str_n(blob.at, n)), E_AUTH);
	assert_int_equal(plain.len, 0);
	assert_int_equal(seal_blob_id(id, STR("\x01" "1234")), E_INVALID);
	assert_int_equal(seal_blob_id(id, STR("\x02" "12345")), E_VERSION);
	assert_int_equal(seal_open(&plain, &key, STR("panel.password.1"), buf_str(&blob)), OK);
	crypto_wipe_buf(&plain);
	assert_int_equal(plain.len, 0);
	for (size_t i = 0; i < plain.cap; i++)
		assert_int_equal(plain.at[i], 0);
	buf_release(&blob);
	buf_release(&plain);
}

static void count_up(void *ctx, void *out, size_t n)
{
	unsigned char *next = ctx, *to = out;

	for (size_t i = 0; i < n; i++)
		to[i] = (*next)++;
}

/* The format is kept in databases: this sealing was computed apart from this program. */
static void test_seal_format(void **state)
{
	struct seal_key key;
	struct buf blob, hex;
	unsigned char next = 0xA0;

	(void)state;
	buf_init(&blob, 4096);
	buf_init(&hex, 4096);
	known_key(&key, 0);
	rand_set_source(count_up, &next);
	seal_text(&blob, &key, STR("panel.password.1"), STR("hunter2"));
	rand_set_source(NULL, NULL);
	enc_hex(&hex, blob.at, blob.len);
	assert_string_equal(key.id, "029XCDMN");
	assert_string_equal(buf_cstr(&hex), "010093d63695a0a1a2a3a4a5a6a7a8a9aaab8e6d125920b930196a68381f3410804b2d8783a5a66037");
	buf_release(&blob);
	buf_release(&hex);
}

/* --- the key file, each test in a directory of its own --- */

struct place {
	struct arena a;
	char *directory;
	const char *path;
};

static int place_make(void **state)
{
	struct place *p = xcalloc(1, sizeof *p);

	p->directory = arena_strdup(&p->a, "/tmp/obol-keyfile-XXXXXX");
	if (!mkdtemp(p->directory))
		return -1;
	p->path = keyfile_path(&p->a, arena_printf(&p->a, "%s/obol.db", p->directory));
	*state = p;
	return 0;
}

static int place_remove(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	rmdir(p->path);
	if (rmdir(p->directory) != 0)
		return -1; /* something was left behind */
	arena_release(&p->a);
	free(p);
	return 0;
}

static void put_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

/* --- what is on the disk --- */

static struct {
	const char *path;        /* of the key: synced before it has its name, and its directory after */
	int calls, fails_at;
	bool good;
} syncs;

/* What the key file and its directory call. */
int fsync(int fd)
{
	struct stat st;
	bool named = syncs.path && access(syncs.path, F_OK) == 0;

	syncs.calls++;
	if (fstat(fd, &st) == 0 && (syncs.calls == 1 ? S_ISREG(st.st_mode) && st.st_size > SEAL_KEY_CHARS && !named : S_ISDIR(st.st_mode) && named))
		return syncs.calls == syncs.fails_at ? -1 : 0;
	syncs.good = false;
	return 0;
}

/* The power may go right after the first start: the key is on the disk before it has its name, and so is the name; where
 * either cannot be had, there is no key. Without it nothing that was sealed can be opened again. */
static void test_keyfile_is_on_the_disk(void **state)
{
	struct place *p = *state;

	syncs.path = p->path;
	for (syncs.fails_at = 0; syncs.fails_at <= 2; syncs.fails_at++) {
		struct seal_key key;

		seal_key_draw(&key);
		syncs.calls = 0;
		syncs.good = true;
		assert_int_equal(keyfile_create(p->path, &key), syncs.fails_at ? E_IO : OK);
		assert_true(syncs.good);
		assert_int_equal(syncs.calls, syncs.fails_at == 1 ? 1 : 2);
		assert_int_equal(access(p->path, F_OK), syncs.fails_at ? -1 : 0);
		unlink(p->path);
	}
	syncs.path = NULL;
}

static void test_keyfile(void **state)
{
	struct place *p = *state;
	struct seal_key key, other, got;
	struct stat st;
	mode_t old_mask;

	assert_true(str_ends(str_of(p->path), "/" KEYFILE_NAME));
	assert_string_equal(keyfile_path(&p->a, "shop.db"), KEYFILE_NAME);
	seal_key_draw(&key);
	seal_key_draw(&other);
	assert_int_equal(keyfile_read(&got, p->path), E_NOTFOUND);

	old_mask = umask(0);
	assert_int_equal(keyfile_create(p->path, &key), OK);
	umask(old_mask);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, SEAL_KEY_CHARS + 1);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(keyfile_read(&got, p->path), OK);
	assert_memory_equal(&got, &key, sizeof key);

	assert_int_equal(keyfile_create(p->path, &other), E_CONFLICT);
	assert_int_equal(keyfile_read(&got, p->path), OK);
	assert_memory_equal(&got, &key, sizeof key);
}

static void test_keyfile_after_crash(void **state)
{
	struct place *p = *state;
	struct seal_key key, got;

	put_file(arena_printf(&p->a, "%s.new", p->path), "half a k", 0600);
	seal_key_draw(&key);
	assert_int_equal(keyfile_create(p->path, &key), OK);
	assert_int_equal(keyfile_read(&got, p->path), OK);
	assert_memory_equal(&got, &key, sizeof key);
}

static void test_keyfile_refuses(void **state)
{
	static const mode_t open_modes[] = { 0640, 0604, 0660, 0610, 0644, 0666, 0601 };
	struct place *p = *state;
	struct seal_key key, got;
	char text[SEAL_KEY_CHARS + 1];

	seal_key_draw(&key);
	seal_key_write(text, &key);
	for (size_t i = 0; i < countof(open_modes); i++) {
		put_file(p->path, text, open_modes[i]);
		assert_int_equal(keyfile_read(&got, p->path), E_REFUSED);
	}
	put_file(p->path, text, 0400);
	assert_int_equal(keyfile_read(&got, p->path), OK);
	put_file(p->path, "", 0600);
	assert_int_equal(keyfile_read(&got, p->path), E_INVALID);
	put_file(p->path, "not a key\n", 0600);
	assert_int_equal(keyfile_read(&got, p->path), E_INVALID);
	put_file(p->path, arena_printf(&p->a, "%s%s", text, text), 0600);
	assert_int_equal(keyfile_read(&got, p->path), E_INVALID);
	put_file(p->path, arena_printf(&p->a, "%s%*s", text, 2 * KEYFILE_BYTES_MAX, ""), 0600);
	assert_int_equal(keyfile_read(&got, p->path), E_INVALID);
	unlink(p->path);
	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_int_equal(keyfile_read(&got, p->path), E_REFUSED);
	assert_int_equal(keyfile_create(p->path, &key), E_CONFLICT);
	assert_int_equal(rmdir(p->path), 0);
	assert_int_equal(mkfifo(p->path, 0600), 0);
	assert_int_equal(keyfile_read(&got, p->path), E_REFUSED);
	assert_int_equal(keyfile_create(arena_printf(&p->a, "%s/none/obol.key", p->directory), &key), E_IO);
}

#define in_directory(function, rows) { #function " [" rows "]", function, place_make, place_remove, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_sha256, ""),
		proves(test_hmac, ""),
		proves(test_hmac_empty_key, ""),
		proves(test_equal, ""),
		proves(test_gcm, ""),
		proves(test_key_text, ""),
		proves(test_seal, ""),
		proves(test_seal_refuses, ""),
		proves(test_seal_format, ""),
		in_directory(test_keyfile_is_on_the_disk, ""),
		in_directory(test_keyfile, ""),
		in_directory(test_keyfile_after_crash, ""),
		in_directory(test_keyfile_refuses, ""),
	};

	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
