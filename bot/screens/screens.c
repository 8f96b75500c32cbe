/* The customer's tables, and the command menus made from all tables. */
#include "bot/screens/screens.h"

#include <string.h>

#include "bot/core/config.h"
#include "bot/screens/screens_hooks.h"
#include "bot/screens/screens_private.h"

#define MENU_ENTRIES_MAX 100 /* Telegram's limit */

static const struct command_row commands[] = {
	/* name        who         in the menu       what               in groups */
	{ "start",      WHO_ANYONE, "cmd.start",      said_start,          false },
	{ "plans",      WHO_ANYONE, "cmd.plans",      said_plans,         false },
	{ "my",         WHO_ANYONE, "cmd.my",         said_my,            false },
	{ "renew",      WHO_ANYONE, "cmd.renew",      said_renew,         false },
	{ "invite",     WHO_ANYONE, "cmd.invite",     said_invite,        false },
	{ "language",   WHO_ANYONE, "cmd.language",   said_language,      false },
	{ "help",       WHO_ANYONE, "cmd.help",       said_help,          false },
	{ "support",    WHO_ANYONE, "cmd.support",    said_support,       false },
	{ "paysupport", WHO_ANYONE, "cmd.paysupport", said_paysupport,    false },
	{ "terms",      WHO_ANYONE, "cmd.terms",      said_terms,         false },
	{ "id",         WHO_ANYONE, "cmd.id",         said_id,            true },
};

static const struct verb_row verbs[] = {
	{ "home",     WHO_ANYONE, tap_home },      /* home                           first screen */
	{ "plans",    WHO_ANYONE, tap_plans },     /* plans[:page]                   the list */
	{ "plan",     WHO_ANYONE, tap_plan },      /* plan:plan[:panel]              where, as far as there is a choice; its card with ways to pay */
	{ "buy",      WHO_ANYONE, tap_buy },       /* buy:plan:[panel.]provider      makes the order, begins to pay */
	{ "order",    WHO_ANYONE, tap_order },     /* order:order                    as it stands now */
	{ "pay",      WHO_ANYONE, tap_pay },       /* pay:order:provider             begins to pay */
	{ "cancel",   WHO_ANYONE, tap_cancel },    /* cancel:order                   an unpaid one */
	{ "my",       WHO_ANYONE, tap_my },        /* my[:all]                       subscriptions; the only one at once */
	{ "sub",      WHO_ANYONE, tap_sub },       /* sub:sub                        one subscription */
	{ "link",     WHO_ANYONE, tap_link },      /* link:sub                       links once more, as messages */
	{ "qr",       WHO_ANYONE, tap_qr },        /* qr:sub                         the picture once more */
	{ "newlink",  WHO_ANYONE, tap_new_link },  /* newlink:sub[:stamp.revision]   asks, then new keys */
	{ "revoke",   WHO_ANYONE, tap_revoke },    /* revoke:sub[:stamp.revision]    asks, then gives it up */
	{ "move",     WHO_ANYONE, tap_move },      /* move:sub[:panel.stamp.revision|stay] where to, then goes there */
	{ "renew",    WHO_ANYONE, tap_renew },     /* renew[:sub[:plan|other]]       before and after, ways to pay */
	{ "renewpay", WHO_ANYONE, tap_renew_pay }, /* renewpay:sub:plan.provider     makes the order, begins to pay */
	{ "connect",  WHO_ANYONE, tap_connect },   /* connect[:sub[:platform]]       apps, link */
	{ "trial",    WHO_ANYONE, tap_trial },     /* trial                          once ever */
	{ "invite",   WHO_ANYONE, tap_invite },    /* invite                         link and totals */
	{ "claim",    WHO_ANYONE, tap_claim },     /* claim                          asks for a link bought elsewhere */
	{ "lang",     WHO_ANYONE, tap_language },  /* lang[:code]                    choose, set */
	{ "help",     WHO_ANYONE, tap_help },      /* help                           what there is */
	{ "web",      WHO_ANYONE, tap_web },       /* web                            a code that joins a web account */
	{ "support",  WHO_ANYONE, tap_support },   /* support                        asks for the question */
	{ "answer",   WHO_ADMIN,  tap_answer },    /* answer:user                    asks for the answer */
};

static const struct dialogue_row dialogues[] = {
	{ "",        WHO_ANYONE, typed_anything },
	{ "claim",   WHO_ANYONE, typed_claim },   /* claim        a link */
	{ "support", WHO_ANYONE, typed_support }, /* support      a question */
	{ "answer",  WHO_ADMIN,  typed_answer },  /* answer:user  the answer to one */
};

static const struct router_tables tables = {
	.commands = commands, .commands_count = countof(commands),
	.verbs = verbs, .verbs_count = countof(verbs),
	.dialogues = dialogues, .dialogues_count = countof(dialogues),
};

static enum err plain_home(struct talk *t)
{
	return home_show(t, NULL);
}

void screens_register(void)
{
	router_add(&tables);
	router_set_home(plain_home);
	order_set_hooks(&screens_order_hooks);
	pay_set_hooks(&screens_pay_hooks);
	reminder_set_hook(screens_remind);
}

/* --- command menus --- */

struct menu {
	struct tg_menu_entry entries[MENU_ENTRIES_MAX];
	size_t count;
};

static void menu_add(struct menu *m, struct act *a, const struct router_tables *t, enum who who, const struct i18n_to *to)
{
	for (size_t i = 0; i < t->commands_count && m->count < MENU_ENTRIES_MAX; i++) {
		const struct command_row *row = &t->commands[i];

		if (row->who != who || !row->menu_key)
			continue;
		m->entries[m->count++] = (struct tg_menu_entry){ str_of(row->name), i18n_text_new(a->arena, to, row->menu_key, (const struct i18n_arg[]){ { 0 } }) };
	}
}

static void menu_fill(struct menu *m, struct act *a, enum who who, const struct i18n_to *to)
{
	const struct router_tables *all[ROUTER_TABLES_MAX];
	size_t count = router_tables(all);

	for (size_t i = 0; i < count; i++)
		menu_add(m, a, all[i], who, to);
}

/* Not to a chat, so past the pacer; made again at the next start when it is lost. */
static void menu_send(struct act *a, const struct menu *m, int64_t chat_id, const char *language)
{
	struct outgoing o = { .method = TG_SET_MY_COMMANDS, .lane = LANE_ANSWER, .expires_ms = a->now_ms + MINUTE_MS };
	struct buf payload;

	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_set_commands(&payload, m->entries, m->count, chat_id, str_of(language));
	o.payload = str_n(arena_strndup(a->arena, payload.at, payload.len), payload.len);
	buf_release(&payload);
	outbox_add(a, &o);
}

static void menu_of_language(struct act *a, int lang, const char *code)
{
	struct i18n_to to = { .texts = a->shared->i18n, .lang = lang };
	struct menu m = { 0 };

	menu_fill(&m, a, WHO_ANYONE, &to);
	menu_send(a, &m, 0, code);
}

enum err menu_refresh(struct act *a, const struct user *admin)
{
	struct i18n_to to = user_reader(a, admin);
	struct menu m = { 0 };

	menu_fill(&m, a, WHO_ANYONE, &to);
	menu_fill(&m, a, WHO_ADMIN, &to);
	menu_send(a, &m, admin->telegram_id, "");
	return OK;
}

static enum err menu_of_admin(struct act *a, const struct user *admin, void *ctx)
{
	(void)ctx;
	return menu_refresh(a, admin);
}

enum err screens_ready(struct act *a)
{
	const struct i18n *texts = a->shared->i18n;

	menu_of_language(a, 0, ""); /* whose language we do not speak */
	for (int lang = 1; lang < i18n_langs(texts); lang++)
		menu_of_language(a, lang, i18n_lang_code(texts, lang));
	return user_each_admin(a, menu_of_admin, NULL);
}
