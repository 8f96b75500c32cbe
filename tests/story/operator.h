/* A panel's own operator, by hand in its pages: changes and deletes clients, in every dialect. */
#ifndef OBOL_STORY_OPERATOR_H
#define OBOL_STORY_OPERATOR_H

#include "tests/sim/panel.h"

/* Everything stays as it is but for these. */
struct operator_edit {
	int64_t expiry_ms, total_bytes, reset_days;
	bool enable;
	const char *comment;
	const char *email, *id; /* NULL: as it is called; the key that it has */
};

/* A client of the operator's own; c says all but what it used. */
bool operator_adds_client(struct panel_sim *sim, const char *version, const struct panel_client_view *c, const char *comment);
/* The client as the panel shows it; what the panel says must be success, else false. */
struct operator_edit operator_sees(const struct panel_client_view *c);
bool operator_saves(struct panel_sim *sim, const char *version, const struct panel_client_view *c, const struct operator_edit *e);
bool operator_deletes(struct panel_sim *sim, const char *version, const struct panel_client_view *c);
/* The id of the inbound with values that make working links; 0: the panel refuses it. settings and stream as the panel
 * stores them; NULL: no clients and what the protocol needs, a WebSocket without TLS. */
int64_t operator_adds_inbound(struct panel_sim *sim, const char *protocol, int port, const char *settings, const char *stream);

#endif
