/* Shared by serve.c (sockets, loop, answers), serve_read.c (requests out of bytes) and serve_tls.c (the certificate). */
#ifndef OBOL_SIM_SERVE_PRIVATE_H
#define OBOL_SIM_SERVE_PRIVATE_H

#include <openssl/ssl.h>

#include "lib/base/buf.h"
#include "tests/sim/serve.h"

/* A complete request; all in arena. */
struct serve_request {
	struct sim_request sim;
	bool keep_alive;
};

enum serve_read { SERVE_READ_MORE, SERVE_READ_DONE, SERVE_READ_BAD };

/* Tries to take one request off the beginning of in. *need is a hint between calls: no use to try below so many bytes. */
enum serve_read serve_read(struct serve_request *out, struct arena *arena, struct buf *in, size_t *need);

/* A fresh key and self-signed certificate for 127.0.0.1 and localhost; pem and pin are appended. */
SSL_CTX *serve_tls_make(struct buf *pem, struct buf *pin);

#endif
