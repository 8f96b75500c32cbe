/* The way in, in memory: the core's struct net_server on one side, whoever asks on the other. Who asks is told the status
 * when it was answered, and that nobody will answer any more when the process has ended before.
 *
 * As strict as the core is meant to be: answering or releasing anything twice, or what was never handed out, fails an
 * assertion. As the real one does, it answers 503 by itself after MEMSERVER_ANSWER_MS and drops what comes later. */
#ifndef OBOL_STORY_MEMSERVER_H
#define OBOL_STORY_MEMSERVER_H

#include "bot/core/net.h"

#define MEMSERVER_ANSWER_MS 5000
#define MEMSERVER_GONE (-1)

struct memserver;

struct memserver *memserver_new(void);
void memserver_free(struct memserver *s); /* NULL is fine; the core is closed */
struct net_server memserver_net(struct memserver *s);

/* Hands in a request: of it listener, method, path, headers and body count, and are copied; header names as they are written.
 * Returns its number. */
uint64_t memserver_ask(struct memserver *s, const struct http_inbound *request);
/* What has become of it. 0: not answered yet. MEMSERVER_GONE: the process ended first. Anything else is the status; it is told
 * once: with this call the number is forgotten. */
int memserver_hear(struct memserver *s, uint64_t number);
size_t memserver_waiting(const struct memserver *s); /* requests that were neither answered nor are gone */

/* From here on nobody hears what the program answers: it is dead and does not know it yet. memserver_kill ends that. */
void memserver_set_dead(struct memserver *s);
/* The process has ended, and its core is closed: what was not answered is gone. */
void memserver_kill(struct memserver *s);

#endif
