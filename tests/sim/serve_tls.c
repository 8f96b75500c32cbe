/* The simulators' certificate: made anew in each run, so that no key lies in the repository. */
#include "tests/sim/serve_private.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/enc.h"

#define VALID_S (24L * 3600)

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert(extension);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

/* Its own authority, so that a test can trust it by name too. */
static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	int ok;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -VALID_S);
	X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"simulator", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
	ok = X509_sign(cert, key, EVP_sha256());
	assert(ok);
	return cert;
}

static void write_pem(struct buf *to, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *at;
	long n;

	PEM_write_bio_X509(bio, cert);
	n = BIO_get_mem_data(bio, &at);
	buf_add(to, str_n(at, (size_t)n));
	BIO_free(bio);
}

static void write_pin(struct buf *to, X509 *cert)
{
	unsigned char *der = NULL, digest[32];
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	assert(n > 0);
	EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL);
	buf_adds(to, "sha256//");
	enc_base64(to, digest, sizeof digest);
	OPENSSL_free(der);
}

SSL_CTX *serve_tls_make(struct buf *pem, struct buf *pin)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *cert;
	int ok;

	assert(key && ctx);
	cert = make_certificate(key);
	ok = SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
	assert(ok);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	write_pem(pem, cert);
	write_pin(pin, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}
