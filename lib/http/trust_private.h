/* What the client notes of a certificate that it was shown. */
#ifndef OBOL_HTTP_TRUST_PRIVATE_H
#define OBOL_HTTP_TRUST_PRIVATE_H

#include <openssl/x509.h>

#include "lib/http/trust.h"

struct trust_seen {
	char pin[HTTP_PIN_CHARS + 1], fingerprint[HTTP_FINGERPRINT_CHARS + 1]; /* "": none seen */
};

void trust_describe(struct trust_seen *out, X509 *cert);

#endif
