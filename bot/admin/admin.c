/* The admins' tables. All rows are WHO_ADMIN; a test walks them. */
#include "bot/admin/admin_private.h"

static const struct command_row commands[] = {
	/* panels */
	{ .name = "panels",      .who = WHO_ADMIN, .menu_key = "cmd.panels",      .run = admin_cmd_panels },
	{ .name = "panel",       .who = WHO_ADMIN, .menu_key = "cmd.panel",       .run = admin_cmd_panel },
	{ .name = "panel_add",   .who = WHO_ADMIN, .menu_key = "cmd.panel_add",   .run = admin_cmd_panel_add },
	{ .name = "panel_test",  .who = WHO_ADMIN, .menu_key = "cmd.panel_test",  .run = admin_cmd_panel_test },
	{ .name = "panel_set",   .who = WHO_ADMIN, .menu_key = "cmd.panel_set",   .run = admin_cmd_panel_set },
	{ .name = "panel_log",   .who = WHO_ADMIN, .menu_key = "cmd.panel_log",   .run = admin_cmd_panel_log },
	{ .name = "panel_del",   .who = WHO_ADMIN, .menu_key = "cmd.panel_del",   .run = admin_cmd_panel_del },
	{ .name = "inbounds",    .who = WHO_ADMIN, .menu_key = "cmd.inbounds",    .run = admin_cmd_inbounds },
	{ .name = "online",      .who = WHO_ADMIN, .menu_key = "cmd.online",      .run = admin_cmd_online },
	{ .name = "health",      .who = WHO_ADMIN, .menu_key = "cmd.health",      .run = admin_cmd_health },
	/* shop */
	{ .name = "plan_add",    .who = WHO_ADMIN, .menu_key = "cmd.plan_add",    .run = admin_cmd_plan_add },
	{ .name = "plans_edit",  .who = WHO_ADMIN, .menu_key = "cmd.plans_edit",  .run = admin_cmd_plans_edit },
	{ .name = "orders",      .who = WHO_ADMIN, .menu_key = "cmd.orders",      .run = admin_cmd_orders },
	{ .name = "order",       .who = WHO_ADMIN, .menu_key = "cmd.order",       .run = admin_cmd_order },
	{ .name = "user",        .who = WHO_ADMIN, .menu_key = "cmd.user",        .run = admin_cmd_user },
	{ .name = "grant",       .who = WHO_ADMIN, .menu_key = "cmd.grant",       .run = admin_cmd_grant },
	{ .name = "extend",      .who = WHO_ADMIN, .menu_key = "cmd.extend",      .run = admin_cmd_extend },
	{ .name = "limit",       .who = WHO_ADMIN, .menu_key = "cmd.limit",       .run = admin_cmd_limit },
	{ .name = "reset",       .who = WHO_ADMIN, .menu_key = "cmd.reset",       .run = admin_cmd_reset },
	{ .name = "ban",         .who = WHO_ADMIN, .menu_key = "cmd.ban",         .run = admin_cmd_ban },
	{ .name = "unban",       .who = WHO_ADMIN, .menu_key = "cmd.unban",       .run = admin_cmd_unban },
	{ .name = "payments",    .who = WHO_ADMIN, .menu_key = "cmd.payments",    .run = admin_cmd_payments },
	{ .name = "refund",      .who = WHO_ADMIN, .menu_key = "cmd.refund",      .run = admin_cmd_refund },
	{ .name = "settings",    .who = WHO_ADMIN, .menu_key = "cmd.settings",    .run = admin_cmd_settings },
	{ .name = "maintenance", .who = WHO_ADMIN, .menu_key = "cmd.maintenance", .run = admin_cmd_maintenance },
	{ .name = "audit",       .who = WHO_ADMIN, .menu_key = "cmd.audit",       .run = admin_cmd_audit },
};

static const struct verb_row verbs[] = {
	/*  verb        who         what it does */
	{ "yes",        WHO_ADMIN, confirm_yes },             /* yes:CODE */
	{ "no",         WHO_ADMIN, confirm_no },
	{ "a_panel",    WHO_ADMIN, admin_on_panel },          /* a_panel:PANEL, as all of these */
	{ "a_test",     WHO_ADMIN, admin_on_panel_test },
	{ "a_log",      WHO_ADMIN, admin_on_panel_log },
	{ "a_online",   WHO_ADMIN, admin_on_online },
	{ "a_health",   WHO_ADMIN, admin_on_health },
	{ "a_drift",    WHO_ADMIN, admin_on_drift },          /* a_drift:DRIFT:adopt|repair */
	{ "a_pdel",     WHO_ADMIN, admin_on_panel_del },
	{ "a_pset",     WHO_ADMIN, admin_on_panel_set },      /* a_pset:PANEL:FIELD */
	{ "a_plogin",   WHO_ADMIN, admin_on_panel_login },
	{ "a_pin",      WHO_ADMIN, admin_on_pin },            /* a_pin:PANEL:PIN, base64url without its mark */
	{ "a_drain",    WHO_ADMIN, admin_on_panel_drain },    /* a_drain:PANEL:0|1 */
	{ "a_http",     WHO_ADMIN, admin_on_plain_http },     /* the address stands in the dialogue */
	{ "a_inbounds", WHO_ADMIN, admin_on_inbounds },       /* a_inbounds:PANEL[:ask] */
	{ "a_ib",       WHO_ADMIN, admin_on_inbound },        /* a_ib:PANEL:INBOUND */
	{ "a_ibdone",   WHO_ADMIN, admin_on_inbounds_done },
	{ "a_hostok",   WHO_ADMIN, admin_on_host_right },
	{ "a_insist",   WHO_ADMIN, admin_on_host_insist },    /* the address stands in the dialogue */
	{ "a_plans",    WHO_ADMIN, admin_on_plans },
	{ "a_plan",     WHO_ADMIN, admin_on_plan },           /* a_plan:PLAN */
	{ "a_plset",    WHO_ADMIN, admin_on_plan_set },       /* a_plset:PLAN:FIELD */
	{ "a_place",    WHO_ADMIN, admin_on_plan_place },     /* a_place:PLAN[:PANEL.INBOUND] */
	{ "a_trial",    WHO_ADMIN, admin_on_plan_trial },     /* the answers so far stand in the dialogue */
	{ "a_order",    WHO_ADMIN, admin_on_order },          /* a_order:ORDER */
	{ "a_retry",    WHO_ADMIN, admin_on_order_retry },
	{ "a_stuck",    WHO_ADMIN, admin_on_stuck_money },    /* a_stuck:UPDATE[:retry|close] */
	{ "a_user",     WHO_ADMIN, admin_on_user },           /* a_user:USER */
	{ "a_ban",      WHO_ADMIN, admin_on_ban },
	{ "a_unban",    WHO_ADMIN, admin_on_unban },
	{ "a_grant",    WHO_ADMIN, admin_on_grant },          /* a_grant:USER[:PLAN] */
	{ "a_grants",   WHO_ADMIN, admin_on_grants },         /* a_grants:LIST:PLAN */
	{ "a_sub",      WHO_ADMIN, admin_on_sub },            /* a_sub:SUB */
	{ "a_subdo",    WHO_ADMIN, admin_on_sub_act },        /* a_subdo:SUB:FIELD[:VALUE] */
	{ "a_client",   WHO_ADMIN, admin_on_client },         /* a_client:SUB:client|ips|ips_clear */
	{ "a_pay",      WHO_ADMIN, admin_on_payment },        /* a_pay:PAYMENT */
	{ "a_sus",      WHO_ADMIN, admin_on_suspense },       /* a_sus:PAYMENT:WHAT */
	{ "a_refund",   WHO_ADMIN, admin_on_refund },
	{ "a_set",      WHO_ADMIN, admin_on_setting },        /* a_set:KEY */
	{ "a_prov",     WHO_ADMIN, admin_on_provider },       /* a_prov:PROVIDER[:key|on|off] */
};

static const struct dialogue_row dialogues[] = {
	/*  name      who        what is typed                    state */
	{ "a_purl",   WHO_ADMIN, admin_typed_panel_url },     /* a plain http address that waits for a word */
	{ "a_pname",  WHO_ADMIN, admin_typed_panel_name },    /* URL */
	{ "a_pkey",   WHO_ADMIN, admin_typed_panel_login },   /* URL, name */
	{ "a_prekey", WHO_ADMIN, admin_typed_panel_relogin }, /* PANEL */
	{ "a_pset",   WHO_ADMIN, admin_typed_panel_set },     /* PANEL:FIELD */
	{ "a_host",   WHO_ADMIN, admin_typed_host },          /* PANEL:INBOUND:HOST */
	{ "a_pin",    WHO_ADMIN, admin_typed_pin },           /* PANEL */
	{ "a_ca",     WHO_ADMIN, admin_typed_ca },            /* PANEL */
	{ "a_plan",   WHO_ADMIN, admin_typed_plan_add },      /* answers so far */
	{ "a_plset",  WHO_ADMIN, admin_typed_plan_set },      /* PLAN:FIELD */
	{ "a_who",    WHO_ADMIN, admin_typed_user },
	{ "a_sub",    WHO_ADMIN, admin_typed_sub },           /* SUB:FIELD */
	{ "a_apply",  WHO_ADMIN, admin_typed_apply },         /* PAYMENT */
	{ "a_refund", WHO_ADMIN, admin_typed_refund },        /* PAYMENT */
	{ "a_set",    WHO_ADMIN, admin_typed_setting },       /* KEY */
	{ "a_prov",   WHO_ADMIN, admin_typed_provider },      /* PROVIDER: its key */
};

/* What is done only after a second press. */
static const struct dangerous_act dangerous[] = {
	{ "panel_del",  admin_do_panel_del },  /* PANEL */
	{ "panel_keep", admin_do_panel_keep }, /* PANEL: its clients stay there */
	{ "panel_pin",  admin_do_panel_pin },  /* PANEL:PIN */
	{ "plan_hide",  admin_do_plan_hide },  /* PLAN */
	{ "plan_del",   admin_do_plan_del },
	{ "ban",        admin_do_ban },        /* USER */
	{ "grant",      admin_do_grant },      /* USER:PLAN */
	{ "grants",     admin_do_grants },     /* LIST:PLAN */
	{ "extend",     admin_do_extend },     /* SUB:FIELD:VALUE */
	{ "limit",      admin_do_limit },
	{ "rename",     admin_do_rename },
	{ "reset",      admin_do_reset },
	{ "ips_clear",  admin_do_ips_clear },  /* SUB */
	{ "suspense",   admin_do_suspense },   /* PAYMENT:WHAT[:ORDER] */
	{ "refund",     admin_do_refund },     /* PAYMENT */
	{ "money_close", admin_do_money_close }, /* UPDATE */
};

void admin_register(void)
{
	static const struct router_tables tables = {
		.commands = commands, .commands_count = countof(commands),
		.verbs = verbs, .verbs_count = countof(verbs),
		.dialogues = dialogues, .dialogues_count = countof(dialogues),
	};

	confirm_set_acts(dangerous, countof(dangerous));
	router_add(&tables);
}
