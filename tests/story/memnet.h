/* A network in memory on a virtual clock: the core's struct net on one side, simulators' models on the other.
 *
 * Time moves only inside poll, to the next thing that happens. A request reaches its model LATENCY_US after its start
 * and the answer comes LATENCY_US later, with whatever trouble the model's answer asks for; what outlasts the request's
 * own limit is a time-out. Names nobody serves fail to resolve; served ones that are "down" refuse. */
#ifndef OBOL_STORY_MEMNET_H
#define OBOL_STORY_MEMNET_H

#include "bot/core/net.h"
#include "tests/sim/sim.h"

struct memnet;

struct memnet *memnet_new(int64_t now_ms); /* and its clock becomes the program's (clock_set_source) */
void memnet_free(struct memnet *n);        /* the system's clock is back */
struct net memnet_net(struct memnet *n);

/* origin: "http://panel-a.test:2053". latency_us 0: 1 ms each way. Once more: another model in its place. */
void memnet_serve(struct memnet *n, const char *origin, int listener, sim_handler *handler, void *model);
void memnet_set_down(struct memnet *n, const char *origin, bool down);
void memnet_set_latency_us(struct memnet *n, const char *origin, int64_t latency_us);

/* What becomes of a request on its way, decided when it would reach its model. The trouble, if any is set, happens to the
 * answer instead of the model's own. NULL: all of them pass. */
enum memnet_fate { MEMNET_PASS, MEMNET_REFUSE /* no connection */, MEMNET_LOSE /* never arrives, no answer */, MEMNET_TWICE /* arrives twice */ };
void memnet_set_weather(struct memnet *n, enum memnet_fate (*fate)(void *ctx, const char *origin, const struct sim_request *request, struct sim_trouble *trouble), void *ctx);
/* From here on the program's requests go nowhere: it is dead and does not know it yet. memnet_kill ends that. */
void memnet_set_dead(struct memnet *n);
/* The wall clock is wrong by so much; the monotonic one and the models' time are not. */
void memnet_set_skew_ms(struct memnet *n, int64_t skew_ms);

int64_t memnet_now_ms(const struct memnet *n);        /* the true time */
void memnet_advance_ms(struct memnet *n, int64_t ms); /* without letting anything happen: the clock jumps */

/* The same, and nobody notices: who waits for a long poll goes on waiting. */
void memnet_skip_ms(struct memnet *n, int64_t ms);

/* The process dies: nothing is delivered to it any more. Requests on their way reach their model or not, by lost. */
void memnet_kill(struct memnet *n, bool lost);
size_t memnet_under_way(const struct memnet *n);      /* exchanges without an answer; long polls not counted */

#endif
