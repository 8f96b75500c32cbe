/* A real proxy (Xray or V2Ray): as a client that is given nothing but a share link, and as whatever a configuration says. */
#ifndef OBOL_PANEL_STORY_PROXY_H
#define OBOL_PANEL_STORY_PROXY_H

#include <sys/types.h>

#include "lib/base/buf.h"

#define PROXY_CONFIG_BYTES_MAX ((size_t)64 * 1024)

/* The program's configuration, as JSON, for the link: SOCKS on 127.0.0.1:port in, the link's server out.
 * E_INVALID: no link we can read. E_VERSION: a protocol or transport this has no words for (Hysteria, WireGuard,
 * MTProto, mKCP). */
enum err proxy_config(struct buf *to, struct str link, int port);

/* Starts program with the link, fetches url through it, ends the program. *bytes is the length of what came.
 * E_IO: nothing came through; E_REFUSED: the program does not start; others as proxy_config. */
enum err proxy_fetch(int64_t *bytes, const char *program, struct str link, const char *url);

/* The program with a configuration that listens on 127.0.0.1:port; returns once it answers there. E_REFUSED: it cannot be
 * started, ends by itself, or does not listen in time; nothing is left then. */
enum err proxy_start(pid_t *pid, const char *program, struct str config, int port);
void proxy_stop(pid_t pid);

int proxy_free_port(void); /* on 127.0.0.1, free a moment ago; 0: none */

#endif
