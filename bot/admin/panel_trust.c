/* A panel whose certificate no public authority stands for: shown, and trusted only on an admin's insistence (R018).
 *
 * What the panel showed may be somebody else's who stands between us: the admin compares it on the panel's own server. So
 * the button leads to a question, and both carry the very key that was shown: what is trusted is what the admin saw, not
 * what the panel may show by then. After every change a trial login decides. */
#include "bot/admin/admin_private.h"

#include <string.h>

#include "lib/base/enc.h"
#include "lib/http/trust.h"

#define PIN_MARK "sha256//"
#define CA_BYTES_MAX ((size_t)64 * 1024)

/* --- what it showed --- */

/* The key as a button carries it: 43 characters. */
static const char *pin_code(struct act *a, const char *pin)
{
	unsigned char digest[32];
	const char *code = "";
	struct buf b;
	size_t n;

	buf_init(&b, 64);
	if (!dec_base64(digest, sizeof digest, &n, str_of(pin + strlen(PIN_MARK)))) {
		enc_base64url(&b, digest, n);
		code = str_dup(a->arena, buf_str(&b));
	}
	buf_release(&b);
	return code;
}

void admin_untrusted_text(struct screen *s, const struct panel *p, const struct panel_answer *answer)
{
	const char *id = word_number(s->a, p->id);

	if (!answer->peer_pin)
		screen_text(s, "admin.panel_trust.unseen");
	else
		screen_text(s, p->pin || p->has_ca ? "admin.panel_trust.changed" : "admin.panel_trust.unknown");
	screen_row(s);
	if (answer->peer_pin) {
		screen_text(s, "admin.panel_trust.seen", T_STR("fingerprint", answer->peer_fingerprint), T_STR("pin", answer->peer_pin));
		screen_button(s, "a_pin", id, pin_code(s->a, answer->peer_pin), "button.trust");
	} else {
		screen_button(s, "a_pset", id, "pin", "button.pin");
	}
	screen_row(s);
	screen_button(s, "a_pset", id, "ca", "button.ca");
}

/* --- a pin --- */

static enum err set_pin(struct talk *t, int64_t panel_id, const char *pin)
{
	enum err e = panel_set(t->a, panel_id, &(struct panel_given){ .pin = pin });

	if (e)
		return e == E_NOTFOUND ? admin_panel_gone(t) : e;
	return admin_try_panel(t, panel_id, *pin ? "panel.pin" : "panel.pin_off", *pin ? pin : NULL);
}

/* The consequences, before the key that was shown is believed. */
static enum err ask_to_trust(struct talk *t, const struct panel *p, const char *pin)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.panel_trust.ask", T_STR("name", p->name), T_STR("pin", pin));
	return confirm_show(&s, "panel_pin", arena_printf(t->a->arena, "%s:%s", word_number(t->a, p->id), pin_code(t->a, pin)), NULL);
}

enum err admin_on_pin(struct talk *t, struct str id, struct str arg)
{
	char pin[HTTP_PIN_CHARS + 1];
	struct panel p;
	int64_t n;
	enum err e = http_pin_read(pin, arg) || str_to_i64(&n, id) ? E_NOTFOUND : panel_get(&p, t->a, n);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return ask_to_trust(t, &p, pin);
}

enum err admin_do_panel_pin(struct talk *t, struct str subject, const char *reason)
{
	char pin[HTTP_PIN_CHARS + 1];
	int64_t id;

	(void)reason;
	if (str_to_i64(&id, str_cut(&subject, ':')) || http_pin_read(pin, subject))
		return admin_panel_gone(t);
	return set_pin(t, id, pin);
}

enum err admin_ask_pin(struct talk *t, const struct panel *p)
{
	struct screen s;
	enum err e = talk_expect(t, "a_pin", word_number(t->a, p->id));

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_trust.ask_pin", T_STR("value", p->pin ? p->pin : "–"));
	return screen_show(&s);
}

/* "-": none. Who types a pin has it from the panel's server and needs no second question. */
enum err admin_typed_pin(struct talk *t, struct str state, struct str text)
{
	char pin[HTTP_PIN_CHARS + 1] = "";
	int64_t id;

	if (str_to_i64(&id, state))
		return admin_panel_gone(t);
	if (!str_is(str_trim(text), "-") && http_pin_read(pin, text))
		return admin_say(t, "admin.panel_trust.pin_wrong");
	return set_pin(t, id, pin);
}

/* --- a CA --- */

enum err admin_ask_ca(struct talk *t, const struct panel *p)
{
	return admin_ask(t, "admin.panel_trust.ask_ca", "a_ca", word_number(t->a, p->id));
}

/* A pin would decide alone and is given up for it. */
static enum err set_ca(struct talk *t, int64_t panel_id, const char *pem)
{
	enum err e = panel_set(t->a, panel_id, &(struct panel_given){ .ca_pem = pem, .pin = *pem ? "" : NULL });

	if (e)
		return e == E_NOTFOUND ? admin_panel_gone(t) : e;
	return admin_try_panel(t, panel_id, *pem ? "panel.ca" : "panel.ca_off", NULL);
}

enum err admin_typed_ca(struct talk *t, struct str state, struct str text)
{
	const char *pem = "";
	struct buf b;
	int64_t id;
	enum err e = OK;

	if (str_to_i64(&id, state))
		return admin_panel_gone(t);
	if (!str_is(str_trim(text), "-")) {
		buf_init(&b, CA_BYTES_MAX);
		e = http_pem_read(&b, text);
		pem = str_dup(t->a->arena, buf_str(&b));
		buf_release(&b);
	}
	return e ? admin_say(t, "admin.panel_trust.ca_wrong") : set_ca(t, id, pem);
}
