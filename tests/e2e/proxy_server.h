/* The server's side of a proxy, from what a simulated panel holds: what the panel would hand to its Xray. */
#ifndef OBOL_E2E_PROXY_SERVER_H
#define OBOL_E2E_PROXY_SERVER_H

#include "lib/base/buf.h"
#include "tests/sim/panel.h"

/* The configuration as JSON: the inbound with the clients that are let in now, as the panel's own API shows it, without
 * what the panel keeps there for itself. It listens on 127.0.0.1 whatever the panel says: nobody else is meant.
 * for_v2ray: V2Ray's Shadowsocks knows one user, who stands where Xray has the server's own password; with no client
 * left there is no inbound. */
void proxy_server_config(struct buf *to, struct panel_sim *sim, int64_t inbound_id, bool for_v2ray);

#endif
