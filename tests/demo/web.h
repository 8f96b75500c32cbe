/* The sandbox's page and what it asks for: chats as Telegram shows them, the panels, the knobs. A model like the
 * simulators (sim.h), behind a socket of the same server, so it sees them without a lock of its own.
 *
 *	GET  /                      page, page.css, page.js (from files)
 *	GET  /state?since=TAG       all there is to see; with the newest TAG: later, when something has changed
 *	GET  /toast?chat=ID         the answer to the last tap, when it comes
 *	GET  /checkout?number=N     how a payment with Stars ended, when it has
 *	GET  /picture?chat=ID&message=ID
 *	POST /say {chat,text}  /tap {chat,message,data}  /pay {chat,message} → {number}
 *	POST /crypto {url,confirm} → the invoice; paid when confirm is set
 *	POST /person {name,language} → {chat}
 *	POST /panel {panel,down,delay_ms}  /traffic {panel,email,bytes}
 *
 * Bodies are JSON. Only this machine can reach it, and only a page of its own may use it (Host and Origin are checked). */
#ifndef OBOL_DEMO_WEB_H
#define OBOL_DEMO_WEB_H

#include "tests/demo/stage.h"

struct web;

struct web *web_new(struct stage *s, const char *page_dir); /* before the bot starts */
void web_free(struct web *w);                              /* after stage_close */
const char *web_url(const struct web *w);

#endif
