/* See trust.h. */
#include "lib/http/trust_private.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "lib/base/enc.h"

#define DIGEST_BYTES 32
#define DER_BYTES_MAX 8192 /* of one certificate; a large RSA one has 2,000 */
#define PIN_MARK "sha256//"

/* --- pins --- */

static void write_pin(char out[HTTP_PIN_CHARS + 1], const unsigned char digest[DIGEST_BYTES])
{
	struct buf b;

	buf_init(&b, HTTP_PIN_CHARS);
	buf_adds(&b, PIN_MARK);
	enc_base64(&b, digest, DIGEST_BYTES);
	assert(b.len == HTTP_PIN_CHARS && !b.over);
	memcpy(out, buf_cstr(&b), HTTP_PIN_CHARS + 1);
	buf_release(&b);
}

static bool read_hex(unsigned char out[DIGEST_BYTES], struct str s)
{
	char digits[2 * DIGEST_BYTES];
	size_t count = 0, n;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == ':')
			continue;
		if (count == sizeof digits)
			return false;
		digits[count++] = s.at[i];
	}
	return !dec_hex(out, DIGEST_BYTES, &n, str_n(digits, count)) && n == DIGEST_BYTES;
}

enum err http_pin_read(char out[HTTP_PIN_CHARS + 1], struct str typed)
{
	unsigned char digest[DIGEST_BYTES];
	struct str s = str_trim(typed);
	size_t n;

	if (str_starts(s, PIN_MARK))
		s = str_n(s.at + strlen(PIN_MARK), s.len - strlen(PIN_MARK));
	if (!read_hex(digest, s) && (dec_base64(digest, sizeof digest, &n, s) || n != DIGEST_BYTES))
		return E_INVALID;
	write_pin(out, digest);
	return OK;
}

/* --- of a certificate --- */

void trust_describe(struct trust_seen *out, X509 *cert)
{
	unsigned char digest[DIGEST_BYTES], *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	out->pin[0] = out->fingerprint[0] = '\0';
	if (n <= 0)
		return;
	EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	write_pin(out->pin, digest);
	if (X509_digest(cert, EVP_sha256(), digest, NULL) != 1)
		return;
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(out->fingerprint + 3 * i, 4, "%02X%s", digest[i], i + 1 < DIGEST_BYTES ? ":" : "");
}

/* --- PEM --- */

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

/* One certificate out of what stands between its two marks. */
static enum err read_one(struct buf *to, struct str inside)
{
	unsigned char der[DER_BYTES_MAX];
	const unsigned char *at = der;
	struct buf plain;
	X509 *cert;
	BIO *bio;
	char *text;
	size_t n;
	enum err e;

	buf_init(&plain, 2 * (size_t)DER_BYTES_MAX);
	for (size_t i = 0; i < inside.len; i++)
		if (is_base64(inside.at[i]))
			buf_addc(&plain, inside.at[i]);
	e = plain.over ? E_INVALID : dec_base64(der, sizeof der, &n, buf_str(&plain));
	buf_release(&plain);
	cert = e ? NULL : d2i_X509(NULL, &at, (long)n);
	if (!cert || at != der + n) {
		X509_free(cert);
		return E_INVALID;
	}
	bio = BIO_new(BIO_s_mem());
	assert(bio);
	PEM_write_bio_X509(bio, cert);
	n = (size_t)BIO_get_mem_data(bio, &text);
	buf_add(to, str_n(text, n));
	BIO_free(bio);
	X509_free(cert);
	return OK;
}

/* What comes before the mark; *rest begins after it. False: it is not there. */
static bool cut_at(struct str *before, struct str *rest, const char *mark)
{
	const char *at = rest->len ? memmem(rest->at, rest->len, mark, strlen(mark)) : NULL;

	if (!at)
		return false;
	*before = str_n(rest->at, (size_t)(at - rest->at));
	*rest = str_n(at + strlen(mark), rest->len - before->len - strlen(mark));
	return true;
}

enum err http_pem_read(struct buf *to, struct str typed)
{
	size_t began = to->len, count = 0;
	struct str part;
	enum err e = OK;

	while (!e && cut_at(&part, &typed, "BEGIN CERTIFICATE"))
		e = count++ == HTTP_CERTIFICATES_MAX || !cut_at(&part, &typed, "END CERTIFICATE") ? E_INVALID : read_one(to, part);
	if (!e && count && !to->over)
		return OK;
	buf_cut(to, began);
	return E_INVALID;
}
