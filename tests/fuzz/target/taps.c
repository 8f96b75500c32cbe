/* Start parameters, callback data, commands and typed text of a stranger (R194, R276, R281, R289, B27): whatever is sent, nothing
 * that belongs to somebody else changes, no admin's act is done, nobody else is written to, no secret of another customer shows, and
 * no handler fails. Each line is one step: 't' and callback data, 'm' and text, 'g' text in a group, 'p' and the payload of a
 * pre-checkout, 'c' a contact card, 'f' a forwarded text. Words of shop.h stand for ids. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shop.h"

#include "bot/chat/callback.h"

#define STEPS_MAX 12

static struct tg_update from_mallory(enum tg_update_kind kind)
{
	return (struct tg_update){ .kind = kind, .from = { .id = FUZZ_MALLORY, .first_name = STR("Mallory"), .last_name = STR(""), .username = STR("mal"), .language_code = STR("ru") },
		.chat = { .id = FUZZ_MALLORY, .type = TG_CHAT_PRIVATE }, .message = { .id = 9, .text = STR("") } };
}

/* As tg_update_read would give it: clean and within its length. */
static struct str as_read(struct str text, size_t bytes_max)
{
	return utf8_clean(fuzz_shop_arena(), utf8_head_bytes(fuzz_shop_words(text), bytes_max));
}

static void step(char kind, struct str rest)
{
	struct tg_update u = from_mallory(TG_UPDATE_MESSAGE);

	switch (kind) {
	case 't':
		u.kind = TG_UPDATE_CALLBACK;
		u.callback = (struct tg_callback){ .id = STR("q1"), .data = as_read(rest, TG_DATA_BYTES_MAX), .message_id = 9 };
		break;
	case 'p':
		u.kind = TG_UPDATE_PRE_CHECKOUT;
		u.pre_checkout = (struct tg_pre_checkout){ .id = STR("q2"), .currency = STR("XTR"), .payload = as_read(rest, TG_PAYLOAD_BYTES_MAX), .amount_minor = 300 };
		break;
	case 'g':
		u.chat = (struct tg_chat){ .id = FUZZ_GROUP, .type = TG_CHAT_SUPERGROUP };
		u.message.text = as_read(rest, TG_TEXT_BYTES_MAX);
		u.message.reply_to_id = 3;
		break;
	case 'c':
		u.message.contact_phone = as_read(rest, TG_USERNAME_BYTES_MAX);
		u.message.contact_user_id = FUZZ_ANNA;
		break;
	case 'f':
		u.message.forwarded = true;
		u.message.forward_user_id = FUZZ_ANNA;
		u.message.text = as_read(rest, TG_TEXT_BYTES_MAX);
		break;
	default:
		u.message.text = as_read(rest, TG_TEXT_BYTES_MAX);
	}
	fuzz_shop_update(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n((const char *)data, size);

	fuzz_shop_begin();
	for (int i = 0; i < STEPS_MAX && rest.at && rest.len; i++) {
		struct str line = str_cut(&rest, '\n');
		char kind = (char)fuzz_byte(&line);

		step(kind, line);
	}
	fuzz_shop_end();
	return 0;
}
