/* Numbered migrations. A landed one is never edited: the next change is the next number.
 *
 * Conventions: *_ms is Unix milliseconds UTC, 0 = never; *_minor is money in the currency's smallest unit; *_bytes is
 * bytes, quota 0 = unlimited; *_sealed is a blob of lib/crypto/seal with AAD "table.column.id"; id never leaves the
 * program, public_id is what people and programs see. Booleans are 0 and 1. */
#include "bot/schema.h"

static const char first[] =
	/* --- core: events in --- */
	"CREATE TABLE process(" /* one row: how the last run ended */
	"	id INTEGER PRIMARY KEY CHECK(id=1),"
	"	running INTEGER NOT NULL,"            /* 1 at start: the last run was killed */
	"	started_ms INTEGER NOT NULL) STRICT;"
	"INSERT INTO process VALUES(1, 0, 0);"

	"CREATE TABLE inbox(" /* every update for 48 h by its id; raw only while it is not decided */
	"	update_id INTEGER PRIMARY KEY,"
	"	received_ms INTEGER NOT NULL,"
	"	state INTEGER NOT NULL DEFAULT 0,"    /* inbox.h: 0 decided, 1 waiting, 2 parked */
	"	chat_id INTEGER NOT NULL DEFAULT 0,"
	"	money INTEGER NOT NULL DEFAULT 0,"    /* leaves only by success */
	"	raw TEXT,"
	"	attempts INTEGER NOT NULL DEFAULT 0,"
	"	next_ms INTEGER NOT NULL DEFAULT 0,"
	"	crashes INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX inbox_waiting ON inbox(next_ms) WHERE state=1;"
	"CREATE INDEX inbox_chat ON inbox(chat_id) WHERE state=1;"
	"CREATE INDEX inbox_received ON inbox(received_ms);"

	/* --- core: effects out --- */
	"CREATE TABLE outbox(" /* calls to Telegram; gone when settled */
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	chat_id INTEGER NOT NULL,"
	"	lane INTEGER NOT NULL,"               /* outbox.h */
	"	method TEXT NOT NULL,"
	"	payload TEXT NOT NULL,"
	"	qr TEXT,"                             /* drawn as PNG and sent as the photo */
	"	again INTEGER NOT NULL,"              /* after an unknown outcome: 1 send again, 0 skip */
	"	edits INTEGER NOT NULL DEFAULT 0,"    /* message id that is edited */
	"	about TEXT,"                          /* the fact it states: outbox_retract */
	"	then_name TEXT, then_id INTEGER NOT NULL DEFAULT 0,"
	"	created_ms INTEGER NOT NULL,"
	"	expires_ms INTEGER NOT NULL,"
	"	not_before_ms INTEGER NOT NULL DEFAULT 0,"
	"	attempts INTEGER NOT NULL DEFAULT 0,"
	"	crashes INTEGER NOT NULL DEFAULT 0,"
	"	state INTEGER NOT NULL) STRICT;"      /* outbox.h: 0 queued, 1 claimed, 2 parked */
	"CREATE INDEX outbox_about ON outbox(about) WHERE about IS NOT NULL;"

	"CREATE TABLE jobs(" /* work with retry; gone when done */
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	kind TEXT NOT NULL,"
	"	subject TEXT NOT NULL,"
	"	lane INTEGER NOT NULL,"               /* one under way per lane; a panel's id, 0: no limit */
	"	prio INTEGER NOT NULL,"               /* lower first */
	"	state INTEGER NOT NULL DEFAULT 0,"    /* jobs.h: 0 queued, 1 claimed, 2 parked */
	"	again INTEGER NOT NULL DEFAULT 0,"    /* asked for while it was under way: run once more */
	"	attempts INTEGER NOT NULL DEFAULT 0,"
	"	crashes INTEGER NOT NULL DEFAULT 0,"
	"	next_ms INTEGER NOT NULL,"
	"	created_ms INTEGER NOT NULL,"
	"	reason TEXT,"                         /* why the last attempt failed; no secrets */
	"	UNIQUE(kind, subject)) STRICT;"
	"CREATE INDEX jobs_due ON jobs(lane, prio, next_ms) WHERE state=0;"
	"CREATE INDEX jobs_next ON jobs(next_ms) WHERE state=0;"

	"CREATE TABLE schedules(name TEXT PRIMARY KEY, next_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
	"CREATE TABLE secrets(name TEXT PRIMARY KEY, value_sealed BLOB NOT NULL) STRICT;" /* provider keys; AAD "secrets.value_sealed.NAME" */

	"CREATE TABLE alerts(" /* one row per cause while it lasts: folding */
	"	cause TEXT PRIMARY KEY,"
	"	level INTEGER NOT NULL,"
	"	text_key TEXT NOT NULL,"
	"	detail TEXT,"
	"	count INTEGER NOT NULL,"
	"	first_ms INTEGER NOT NULL,"
	"	last_ms INTEGER NOT NULL) STRICT;"

	"CREATE TABLE audit(" /* who did what to whom; never deleted */
	"	id INTEGER PRIMARY KEY,"
	"	at_ms INTEGER NOT NULL,"
	"	actor_id INTEGER,"                    /* users.id; NULL: the program */
	"	action TEXT NOT NULL,"
	"	subject TEXT NOT NULL,"
	"	reason TEXT,"
	"	detail TEXT) STRICT;"

	"CREATE TABLE confirms(" /* questions before dangerous acts: pressed once, in time, by who was asked */
	"	code TEXT PRIMARY KEY,"
	"	user_id INTEGER NOT NULL,"
	"	act TEXT NOT NULL,"                   /* a row of the table of dangerous acts */
	"	subject TEXT NOT NULL,"
	"	reason TEXT,"
	"	expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

	/* --- fleet --- */
	"CREATE TABLE panels("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	name TEXT NOT NULL,"
	"	url TEXT NOT NULL,"                   /* with the panel's base path, no trailing slash */
	"	username_sealed BLOB, password_sealed BLOB, token_sealed BLOB, totp_sealed BLOB,"
	"	allow_http INTEGER NOT NULL DEFAULT 0,"
	"	ca_pem TEXT, pin TEXT,"
	"	host TEXT,"                           /* where customers connect, when the panel does not tell */
	"	dialect TEXT,"                        /* A B C; NULL: not probed yet */
	"	version TEXT,"
	"	sub_url TEXT,"                        /* prefix before the sub id, ends with '/'; NULL: none */
	"	priority INTEGER NOT NULL DEFAULT 0," /* lower is asked first */
	"	weight INTEGER NOT NULL DEFAULT 1,"
	"	capacity INTEGER NOT NULL DEFAULT 0," /* clients; 0: no limit */
	"	region TEXT NOT NULL DEFAULT '',"
	"	drain INTEGER NOT NULL DEFAULT 0,"    /* 1: nothing new is sold here */
	"	state TEXT NOT NULL DEFAULT 'new',"   /* new ok down failing */
	"	state_since_ms INTEGER NOT NULL DEFAULT 0,"
	"	failures INTEGER NOT NULL DEFAULT 0," /* in a row */
	"	latency_ms INTEGER NOT NULL DEFAULT 0,"
	"	session_ms INTEGER NOT NULL DEFAULT 3600000," /* R006: how long a login is used */
	"	login_refused_ms INTEGER NOT NULL DEFAULT 0," /* the panel refused our login then: it is left alone for a while */
	"	clients INTEGER NOT NULL DEFAULT 0,"  /* on the panel at the last count, ours and others */
	"	online INTEGER NOT NULL DEFAULT 0,"
	"	checked_ms INTEGER NOT NULL DEFAULT 0,"
	"	refreshed_ms INTEGER NOT NULL DEFAULT 0," /* inbounds, counts and addresses were read */
	"	health TEXT,"                         /* last health result as JSON, R092 */
	"	created_ms INTEGER NOT NULL,"
	"	deleted_ms INTEGER NOT NULL DEFAULT 0) STRICT;"

	"CREATE TABLE panel_sessions(" /* R005, R007: one per panel */
	"	panel_id INTEGER PRIMARY KEY REFERENCES panels(id) ON DELETE CASCADE,"
	"	url TEXT NOT NULL,"
	"	cookie_sealed BLOB, csrf_sealed BLOB,"
	"	created_ms INTEGER NOT NULL,"
	"	expires_ms INTEGER NOT NULL) STRICT;"

	"CREATE TABLE inbounds(" /* as the panel showed them last */
	"	panel_id INTEGER NOT NULL REFERENCES panels(id) ON DELETE CASCADE,"
	"	inbound_id INTEGER NOT NULL,"         /* the panel's number */
	"	remark TEXT NOT NULL, protocol TEXT NOT NULL, port INTEGER NOT NULL, listen TEXT NOT NULL,"
	"	enabled INTEGER NOT NULL,"
	"	clients INTEGER NOT NULL DEFAULT 0,"
	"	for_sale INTEGER NOT NULL DEFAULT 0,"
	"	capacity INTEGER NOT NULL DEFAULT 0,"
	"	host TEXT,"                           /* overrides panels.host */
	"	body TEXT NOT NULL,"                  /* the inbound's JSON without its clients: what links are built from */
	"	seen_ms INTEGER NOT NULL,"
	"	gone INTEGER NOT NULL DEFAULT 0,"     /* the panel no longer lists it */
	"	PRIMARY KEY(panel_id, inbound_id)) STRICT;"

	"CREATE TABLE panel_log(" /* last calls, 1,000 a panel; secrets blanked */
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	panel_id INTEGER NOT NULL REFERENCES panels(id) ON DELETE CASCADE,"
	"	at_ms INTEGER NOT NULL, call TEXT NOT NULL, status INTEGER NOT NULL, duration_ms INTEGER NOT NULL, note TEXT) STRICT;"
	"CREATE INDEX panel_log_panel ON panel_log(panel_id, id);"

	/* --- people --- */
	"CREATE TABLE users("
	"	id INTEGER PRIMARY KEY,"
	"	public_id TEXT NOT NULL UNIQUE,"
	"	telegram_id INTEGER UNIQUE,"
	"	username TEXT, first_name TEXT NOT NULL DEFAULT '', last_name TEXT NOT NULL DEFAULT '',"
	"	lang TEXT NOT NULL,"                  /* a locale's name */
	"	lang_chosen INTEGER NOT NULL DEFAULT 0,"
	"	is_admin INTEGER NOT NULL DEFAULT 0," /* by claim link; BOT_ADMINS are admins whatever this says */
	"	banned INTEGER NOT NULL DEFAULT 0,"
	"	reachable INTEGER NOT NULL DEFAULT 1," /* 0: blocked the bot or is gone */
	"	referral_code TEXT NOT NULL UNIQUE,"
	"	referred_by INTEGER REFERENCES users(id),"
	"	live_message_id INTEGER NOT NULL DEFAULT 0," /* the one message that is edited in place */
	"	dialogue TEXT,"                       /* what the next typed text answers: bot/screens/dialogue.h */
	"	created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX users_referred ON users(referred_by) WHERE referred_by IS NOT NULL;"
	"CREATE INDEX users_username ON users(username COLLATE NOCASE) WHERE username IS NOT NULL;"

	"CREATE TABLE trials(telegram_hash TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;" /* once for ever, also after deletion */

	/* --- what is sold --- */
	"CREATE TABLE plans("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	name TEXT NOT NULL,"
	"	days INTEGER NOT NULL,"               /* 0: without end */
	"	quota_bytes INTEGER NOT NULL,"
	"	limit_ip INTEGER NOT NULL DEFAULT 0,"
	"	reset_days INTEGER NOT NULL DEFAULT 0," /* the panel's auto-renew period, R052 */
	"	protocol TEXT,"                       /* vless vmess trojan shadowsocks hysteria2 wireguard; NULL: any */
	"	region TEXT,"                         /* NULL: any */
	"	panel_id INTEGER, inbound_id INTEGER," /* a fixed place instead of a rule; NULL: by rule */
	"	early TEXT NOT NULL DEFAULT 'keep',"  /* early renewal: keep restart */
	"	trial INTEGER NOT NULL DEFAULT 0,"    /* 1: given once, never sold */
	"	on_sale INTEGER NOT NULL DEFAULT 1,"
	"	position INTEGER NOT NULL DEFAULT 0,"
	"	created_ms INTEGER NOT NULL, deleted_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE plan_prices("
	"	plan_id INTEGER NOT NULL REFERENCES plans(id),"
	"	currency TEXT NOT NULL,"
	"	amount_minor INTEGER NOT NULL CHECK(amount_minor>0),"
	"	PRIMARY KEY(plan_id, currency)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE subscriptions(" /* the thing sold: what the customer owns, as wanted */
	"	id INTEGER PRIMARY KEY,"
	"	public_id TEXT NOT NULL UNIQUE,"
	"	user_id INTEGER NOT NULL REFERENCES users(id),"
	"	plan_id INTEGER NOT NULL REFERENCES plans(id),"
	"	sub_id TEXT NOT NULL UNIQUE, uuid TEXT NOT NULL UNIQUE, password TEXT NOT NULL," /* drawn before the first call, never change by themselves */
	"	trial INTEGER NOT NULL DEFAULT 0,"
	"	expires_ms INTEGER NOT NULL,"         /* 0: without end */
	"	quota_bytes INTEGER NOT NULL, limit_ip INTEGER NOT NULL, reset_days INTEGER NOT NULL,"
	"	enabled INTEGER NOT NULL DEFAULT 1,"  /* 0: stopped by us (ban, refund, hold) */
	"	gone INTEGER NOT NULL DEFAULT 0,"     /* 1: to be deleted from the panel (refund, expiry after grace, revoked) */
	"	reset_rev INTEGER NOT NULL DEFAULT 0," /* traffic resets asked for so far */
	"	revision INTEGER NOT NULL DEFAULT 1," /* raised by every change of what is wanted */
	"	period INTEGER NOT NULL DEFAULT 1,"   /* counts purchases and renewals: reminders and grace are once per period */
	"	grace_until_ms INTEGER NOT NULL DEFAULT 0," /* given shortly before the end; the panel is told the later of this and expires_ms */
	"	remind_ms INTEGER NOT NULL DEFAULT 0," /* when reminders_run looks at it again; 0: nothing to come */
	"	step_ms INTEGER NOT NULL DEFAULT 0,"  /* the same for expiry_run: grace, stop, deletion */
	"	used_bytes INTEGER NOT NULL DEFAULT 0, used_seen_ms INTEGER NOT NULL DEFAULT 0," /* in this period, from the last look; 0 seen: no data yet */
	"	lifetime_bytes INTEGER NOT NULL DEFAULT 0,"
	"	created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, deleted_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX subscriptions_user ON subscriptions(user_id);"
	"CREATE INDEX subscriptions_password ON subscriptions(password);" /* claiming by a pasted link */
	"CREATE INDEX subscriptions_remind ON subscriptions(remind_ms) WHERE remind_ms>0;"
	"CREATE INDEX subscriptions_step ON subscriptions(step_ms) WHERE step_ms>0;"
	"CREATE INDEX subscriptions_expiry ON subscriptions(expires_ms) WHERE deleted_ms=0 AND expires_ms>0;"

	"CREATE TABLE accesses(" /* subscription × panel × inbound: where it stands and what was seen there */
	"	id INTEGER PRIMARY KEY,"
	"	subscription_id INTEGER NOT NULL REFERENCES subscriptions(id),"
	"	panel_id INTEGER NOT NULL REFERENCES panels(id),"
	"	inbound_id INTEGER NOT NULL,"
	"	email TEXT NOT NULL,"                 /* the client's key on the panel */
	"	seen_exists INTEGER NOT NULL DEFAULT 0, seen_enabled INTEGER NOT NULL DEFAULT 0,"
	"	seen_expires_ms INTEGER NOT NULL DEFAULT 0, seen_quota_bytes INTEGER NOT NULL DEFAULT 0,"
	"	seen_limit_ip INTEGER NOT NULL DEFAULT 0,"
	"	seen_up_bytes INTEGER NOT NULL DEFAULT 0, seen_down_bytes INTEGER NOT NULL DEFAULT 0,"
	"	seen_ms INTEGER NOT NULL DEFAULT 0,"  /* 0: never looked */
	"	written_rev INTEGER NOT NULL DEFAULT 0," /* subscription revision we last wrote; 0: the panel was never sent this client */
	/* the values on the panel that we know of: written by us or decided about; what differs from them is drift */
	"	wrote_enabled INTEGER NOT NULL DEFAULT 0, wrote_expires_ms INTEGER NOT NULL DEFAULT 0, wrote_quota_bytes INTEGER NOT NULL DEFAULT 0, wrote_limit_ip INTEGER NOT NULL DEFAULT 0,"
	"	writing INTEGER NOT NULL DEFAULT 0,"  /* 1: a write was begun and no look has followed: what is seen may be before or after it */
	"	update_due INTEGER NOT NULL DEFAULT 0," /* 1: an update must follow whatever is seen (after a reset, after a cut-off) */
	"	panel_uuid TEXT, panel_sub_id TEXT,"  /* the keys the panel had at the last look; other than wanted while keys change */
	"	done_rev INTEGER NOT NULL DEFAULT 0,"  /* revision at which wanted and seen agreed */
	"	done_reset_rev INTEGER NOT NULL DEFAULT 0,"
	"	link TEXT,"                           /* share links, one a line; NULL: not built yet */
	"	created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, deleted_ms INTEGER NOT NULL DEFAULT 0," /* deleted: no longer wanted at this place */
	"	UNIQUE(panel_id, email)) STRICT;"
	"CREATE INDEX accesses_email ON accesses(email);"
	"CREATE INDEX accesses_subscription ON accesses(subscription_id);"
	"CREATE INDEX accesses_panel ON accesses(panel_id, inbound_id) WHERE deleted_ms=0;" /* load: counted without reading rows */
	"CREATE INDEX accesses_unseen ON accesses(panel_id, inbound_id) WHERE deleted_ms=0 AND seen_exists=0;"

	"CREATE TABLE drifts(" /* made by hand on the panel and not ours to overwrite silently */
	"	id INTEGER PRIMARY KEY,"
	"	access_id INTEGER NOT NULL REFERENCES accesses(id),"
	"	field TEXT NOT NULL, wanted TEXT NOT NULL, seen TEXT NOT NULL,"
	"	state TEXT NOT NULL,"                 /* open adopted repaired gone */
	"	found_ms INTEGER NOT NULL, decided_ms INTEGER NOT NULL DEFAULT 0, decided_by INTEGER) STRICT;"
	"CREATE UNIQUE INDEX drifts_open ON drifts(access_id, field) WHERE state='open';"

	/* --- money --- */
	"CREATE TABLE orders(" /* what is to be delivered, with its price quote */
	"	id INTEGER PRIMARY KEY,"
	"	public_id TEXT NOT NULL UNIQUE,"
	"	user_id INTEGER NOT NULL REFERENCES users(id),"
	"	kind TEXT NOT NULL,"                  /* new renew trial grant */
	"	plan_id INTEGER NOT NULL REFERENCES plans(id),"
	"	subscription_id INTEGER REFERENCES subscriptions(id)," /* renewals: from the start; new: once paid */
	"	state TEXT NOT NULL,"                 /* open paid delivered canceled refunded */
	"	plan_name TEXT NOT NULL, days INTEGER NOT NULL, quota_bytes INTEGER NOT NULL, limit_ip INTEGER NOT NULL, reset_days INTEGER NOT NULL, early TEXT NOT NULL," /* the quote: copied, so that later edits of the plan change nothing */
	"	bonus_days INTEGER NOT NULL DEFAULT 0,"
	"	panel_id INTEGER, inbound_id INTEGER," /* the place reserved */
	"	reserved_until_ms INTEGER NOT NULL DEFAULT 0,"
	"	target_rev INTEGER NOT NULL DEFAULT 0," /* delivered when the access's done_rev reaches it */
	"	waiting_told INTEGER NOT NULL DEFAULT 0," /* 1: the customer knows that the panel is slow */
	"	created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
	"	paid_ms INTEGER NOT NULL DEFAULT 0, delivered_ms INTEGER NOT NULL DEFAULT 0, closed_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX orders_user ON orders(user_id, id);"
	"CREATE INDEX orders_state ON orders(state, id) WHERE state IN ('open', 'paid');"
	"CREATE INDEX orders_reserved ON orders(panel_id, reserved_until_ms) WHERE reserved_until_ms>0;"
	"CREATE INDEX orders_subscription ON orders(subscription_id) WHERE subscription_id IS NOT NULL;"
	"CREATE TABLE order_prices(" /* the quote's prices */
	"	order_id INTEGER NOT NULL REFERENCES orders(id), currency TEXT NOT NULL, amount_minor INTEGER NOT NULL CHECK(amount_minor>0),"
	"	PRIMARY KEY(order_id, currency)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE invoices(" /* one attempt to pay an order with one provider */
	"	id INTEGER PRIMARY KEY,"
	"	public_id TEXT NOT NULL UNIQUE,"      /* inv_ and 26 characters */
	"	order_id INTEGER NOT NULL REFERENCES orders(id),"
	"	provider TEXT NOT NULL,"
	"	amount_minor INTEGER NOT NULL CHECK(amount_minor>0), currency TEXT NOT NULL,"
	"	state TEXT NOT NULL,"                 /* created pending paid expired canceled failed */
	"	provider_ref TEXT, url TEXT,"
	"	external_id TEXT, metadata TEXT NOT NULL DEFAULT '{}',"
	"	message_id INTEGER NOT NULL DEFAULT 0," /* the Telegram message that asks for the money */
	"	polls INTEGER NOT NULL DEFAULT 0,"
	"	asked_ms INTEGER NOT NULL DEFAULT 0," /* the provider was asked to make it then, outcome unknown; 0: not */
	"	told INTEGER NOT NULL DEFAULT 0,"     /* 1: the customer knows that this way does not answer */
	"	created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX invoices_open ON invoices(order_id, provider) WHERE state IN ('created', 'pending');"
	"CREATE INDEX invoices_state ON invoices(state, id) WHERE state IN ('created', 'pending');"
	"CREATE UNIQUE INDEX invoices_ref ON invoices(provider, provider_ref) WHERE provider_ref IS NOT NULL;"

	"CREATE TABLE payments(" /* money that arrived, whatever became of it */
	"	id INTEGER PRIMARY KEY,"
	"	provider TEXT NOT NULL, provider_payment_id TEXT NOT NULL,"
	"	invoice_id INTEGER REFERENCES invoices(id), order_id INTEGER REFERENCES orders(id), user_id INTEGER REFERENCES users(id),"
	"	payer_telegram_id INTEGER NOT NULL DEFAULT 0," /* who really paid, where the provider tells; 0: unknown */
	"	amount_minor INTEGER NOT NULL CHECK(amount_minor>=0), currency TEXT NOT NULL," /* 0: no exact amount of a currency we know, see raw_payload */
	"	state TEXT NOT NULL,"                 /* applied suspense kept refunding refunded */
	"	external_id TEXT,"
	"	raw_payload TEXT,"                    /* blanked; dropped after 90 days */
	"	paid_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, refunded_ms INTEGER NOT NULL DEFAULT 0,"
	"	UNIQUE(provider, provider_payment_id)) STRICT;"
	"CREATE INDEX payments_created ON payments(created_ms) WHERE raw_payload IS NOT NULL;"
	"CREATE INDEX payments_order ON payments(order_id) WHERE order_id IS NOT NULL;"

	"CREATE TABLE suspense(" /* money that a person decides about */
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	payment_id INTEGER NOT NULL UNIQUE REFERENCES payments(id),"
	"	reason TEXT NOT NULL,"                /* amount currency paid_already plan_gone no_place unknown_invoice other_payer recurring banned */
	"	state TEXT NOT NULL,"                 /* open delivered applied refunded kept */
	"	created_ms INTEGER NOT NULL, decided_ms INTEGER NOT NULL DEFAULT 0, decided_by INTEGER REFERENCES users(id)) STRICT;"

	"CREATE TABLE ledger(" /* append-only double entry; the triggers below see to it */
	"	id INTEGER PRIMARY KEY,"
	"	at_ms INTEGER NOT NULL,"
	"	debit TEXT NOT NULL, credit TEXT NOT NULL CHECK(debit<>credit),"
	"	amount_minor INTEGER NOT NULL CHECK(amount_minor>0), currency TEXT NOT NULL,"
	"	kind TEXT NOT NULL, external_key TEXT NOT NULL,"
	"	payment_id INTEGER REFERENCES payments(id), order_id INTEGER REFERENCES orders(id), user_id INTEGER REFERENCES users(id),"
	"	actor_id INTEGER, note TEXT,"
	"	UNIQUE(kind, external_key)) STRICT;"
	"CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;"
	"CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;"

	"CREATE TABLE callbacks(" /* as they came, 90 days */
	"	id INTEGER PRIMARY KEY,"
	"	provider TEXT NOT NULL, received_ms INTEGER NOT NULL, verdict TEXT NOT NULL, body TEXT) STRICT;"
	"CREATE INDEX callbacks_received ON callbacks(received_ms);"

	"CREATE TABLE bonuses(" /* referral rewards, in days */
	"	id INTEGER PRIMARY KEY,"
	"	user_id INTEGER NOT NULL REFERENCES users(id),"
	"	days INTEGER NOT NULL,"
	"	source_order_id INTEGER NOT NULL UNIQUE REFERENCES orders(id),"
	"	state TEXT NOT NULL,"                 /* pending usable used canceled */
	"	usable_ms INTEGER NOT NULL,"
	"	used_subscription_id INTEGER REFERENCES subscriptions(id), used_order_id INTEGER REFERENCES orders(id),"
	"	created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX bonuses_user ON bonuses(user_id);"
	"CREATE INDEX bonuses_waiting ON bonuses(state, usable_ms) WHERE state IN ('pending', 'usable');"

	"CREATE TABLE reminders(" /* each due one is decided once */
	"	subscription_id INTEGER NOT NULL REFERENCES subscriptions(id),"
	"	period INTEGER NOT NULL,"
	"	kind TEXT NOT NULL,"                  /* 3d 1d end grace 80 90 100 */
	"	decided_ms INTEGER NOT NULL,"
	"	sent INTEGER NOT NULL,"               /* 0: too late or superseded, decided against */
	"	PRIMARY KEY(subscription_id, period, kind)) STRICT, WITHOUT ROWID;";

/* Ids that few people ever see are drawn when they are first needed: two random keys in two indexes were half of what
 * a new user cost. The trial plan is found without sorting; an outbox row gets its id from the core, not from a counter
 * table. */
static const char drawn_when_needed[] =
	"CREATE TABLE users_new("
	"	id INTEGER PRIMARY KEY,"
	"	public_id TEXT,"                      /* NULL: nobody has looked yet */
	"	telegram_id INTEGER UNIQUE,"
	"	username TEXT, first_name TEXT NOT NULL DEFAULT '', last_name TEXT NOT NULL DEFAULT '',"
	"	lang TEXT NOT NULL,"
	"	lang_chosen INTEGER NOT NULL DEFAULT 0,"
	"	is_admin INTEGER NOT NULL DEFAULT 0,"
	"	banned INTEGER NOT NULL DEFAULT 0,"
	"	reachable INTEGER NOT NULL DEFAULT 1,"
	"	referral_code TEXT,"                  /* NULL: nobody has looked yet */
	"	referred_by INTEGER REFERENCES users(id),"
	"	live_message_id INTEGER NOT NULL DEFAULT 0,"
	"	dialogue TEXT,"
	"	created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
	"INSERT INTO users_new SELECT id, public_id, telegram_id, username, first_name, last_name, lang, lang_chosen, is_admin,"
	"	banned, reachable, referral_code, referred_by, live_message_id, dialogue, created_ms, updated_ms, seen_ms FROM users;"
	"DROP TABLE users;"
	"ALTER TABLE users_new RENAME TO users;"
	"CREATE UNIQUE INDEX users_public ON users(public_id) WHERE public_id IS NOT NULL;"
	"CREATE UNIQUE INDEX users_referral ON users(referral_code) WHERE referral_code IS NOT NULL;"
	"CREATE INDEX users_referred ON users(referred_by) WHERE referred_by IS NOT NULL;"
	"CREATE INDEX users_username ON users(username COLLATE NOCASE) WHERE username IS NOT NULL;"

	"CREATE INDEX plans_trial ON plans(position, id) WHERE trial=1 AND on_sale=1 AND deleted_ms=0;"

	"CREATE TABLE outbox_new("
	"	id INTEGER PRIMARY KEY,"              /* given by the core, never twice in a run */
	"	chat_id INTEGER NOT NULL,"
	"	lane INTEGER NOT NULL,"
	"	method TEXT NOT NULL,"
	"	payload TEXT NOT NULL,"
	"	qr TEXT,"
	"	again INTEGER NOT NULL,"
	"	edits INTEGER NOT NULL DEFAULT 0,"
	"	about TEXT,"
	"	then_name TEXT, then_id INTEGER NOT NULL DEFAULT 0,"
	"	created_ms INTEGER NOT NULL,"
	"	expires_ms INTEGER NOT NULL,"
	"	not_before_ms INTEGER NOT NULL DEFAULT 0,"
	"	attempts INTEGER NOT NULL DEFAULT 0,"
	"	crashes INTEGER NOT NULL DEFAULT 0,"
	"	state INTEGER NOT NULL) STRICT;"
	"INSERT INTO outbox_new SELECT id, chat_id, lane, method, payload, qr, again, edits, about, then_name, then_id, created_ms,"
	"	expires_ms, not_before_ms, attempts, crashes, state FROM outbox;"
	"DROP TABLE outbox;"
	"ALTER TABLE outbox_new RENAME TO outbox;"
	"CREATE INDEX outbox_about ON outbox(about) WHERE about IS NOT NULL;";

static const char stuck_money[] = /* found without reading the ids of two days */
	"CREATE INDEX inbox_stuck ON inbox(received_ms) WHERE state=2 AND money=1;";

static const char web_accounts[] =
	"ALTER TABLE users ADD COLUMN merged_into INTEGER REFERENCES users(id);" /* another row of the same person; this one's code still counts for it */
	"CREATE TABLE accounts(" /* people with an e-mail and a password */
	"	user_id INTEGER PRIMARY KEY REFERENCES users(id),"
	"	email TEXT NOT NULL UNIQUE,"          /* lower case */
	"	password TEXT NOT NULL,"              /* slow salted hash, lib/crypto/password.h */
	"	created_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE sessions(" /* one per login; its tokens are made from seed and generation with our key, the table knows their hashes */
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	user_id INTEGER NOT NULL REFERENCES users(id),"
	"	seed TEXT NOT NULL,"
	"	generation INTEGER NOT NULL,"
	"	access_hash TEXT NOT NULL UNIQUE, access_until_ms INTEGER NOT NULL,"
	"	refresh_hash TEXT NOT NULL UNIQUE, refresh_until_ms INTEGER NOT NULL,"
	"	ends_ms INTEGER NOT NULL,"            /* however often it is refreshed */
	"	repeat_hash TEXT,"                    /* Idempotency-Key of the last refresh */
	"	refreshed_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX sessions_user ON sessions(user_id, id);"
	"CREATE INDEX sessions_until ON sessions(refresh_until_ms);"
	"CREATE TABLE session_past(" /* refresh tokens that were exchanged: whoever shows one again has stolen it, or was stolen from (K19) */
	"	refresh_hash TEXT PRIMARY KEY,"
	"	session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,"
	"	generation INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX session_past_session ON session_past(session_id);"
	"CREATE TABLE link_codes(" /* shown in the bot, typed on the web; once */
	"	user_id INTEGER PRIMARY KEY REFERENCES users(id), code_hash TEXT NOT NULL UNIQUE, until_ms INTEGER NOT NULL) STRICT;";

/* A subscription changes its server, or its keys: the new access stands before the old one goes. A purchase may name where. */
static const char places_chosen[] =
	"ALTER TABLE accesses ADD COLUMN replaces_id INTEGER REFERENCES accesses(id);" /* until the panel has agreed with this one: then that one goes */
	"ALTER TABLE orders ADD COLUMN region TEXT;"; /* of the quote: the plan's, else the one the customer chose; NULL: any */

/* A plan is given to several people at once; a list goes with its report. */
static const char grants_in_lists[] =
	"CREATE TABLE grant_lists("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	admin_id INTEGER NOT NULL REFERENCES users(id),"
	"	chat_id INTEGER NOT NULL,"            /* where the report goes */
	"	plan_id INTEGER REFERENCES plans(id),"
	"	started_ms INTEGER NOT NULL DEFAULT 0," /* when it was confirmed; 0: not yet */
	"	created_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE grants(" /* one name of a list: without order and error it has not had its turn */
	"	list_id INTEGER NOT NULL REFERENCES grant_lists(id) ON DELETE CASCADE,"
	"	place INTEGER NOT NULL,"
	"	who TEXT NOT NULL,"                   /* as the admin typed it */
	"	user_id INTEGER REFERENCES users(id),"
	"	order_id INTEGER REFERENCES orders(id),"
	"	error TEXT,"                          /* nobody, several, twice, full, failed */
	"	PRIMARY KEY(list_id, place)) STRICT, WITHOUT ROWID;";

/* Panels of 3.4.0 and later may have other public addresses before an inbound: links name those. */
static const char panel_hosts[] =
	"ALTER TABLE inbounds ADD COLUMN hosts TEXT;"; /* JSON array of the panel's rows for it, in order of links; NULL: none */

static const char names_chosen[] = /* a client gets another e-mail on its panel */
	"ALTER TABLE accesses ADD COLUMN rename TEXT;"; /* the e-mail it is to get; NULL: it keeps its own. Until a look has seen it there, email is the old one */

/* The end of a ban switches on what the ban had switched off, and nothing else. Of those banned before nobody knows what
 * that was: there it is all that has not ended, as it used to be. */
static const char bans_remembered[] =
	"ALTER TABLE subscriptions ADD COLUMN ban_stopped INTEGER NOT NULL DEFAULT 0;" /* 1: its owner's ban keeps it off, no matter what time would have it */
	"UPDATE subscriptions SET ban_stopped=1 WHERE enabled=0 AND gone=0 AND deleted_ms=0 AND user_id IN (SELECT id FROM users WHERE banned=1);";

static const char ids_in_order[] = /* the oldest ids are the lowest: inbox_forget */
	"DROP INDEX inbox_received;";

static const char looks_marked[] = /* who is as the last look has left them is not looked at alone: sweep.c */
	"ALTER TABLE accesses ADD COLUMN seen_mark INTEGER NOT NULL DEFAULT 0;"; /* of all that the look depended on when its panel agreed; 0: none */

static const char beginnings_kept[] = /* what is used up is not taken back from what came after it */
	"ALTER TABLE subscriptions ADD COLUMN begun_rev INTEGER NOT NULL DEFAULT 0;"; /* revision from which on its time counts without a gap; what was given before is used up */

static const char stops_by_time[] = /* what time has stopped goes on with more of it, also where the clock had been ahead */
	"ALTER TABLE subscriptions ADD COLUMN time_stopped INTEGER NOT NULL DEFAULT 0;" /* 1: off because its time was over, by the clock of that moment */
	"UPDATE subscriptions SET time_stopped=1 WHERE enabled=0 AND gone=0 AND ban_stopped=0 AND expires_ms>0 AND step_ms>max(expires_ms, grace_until_ms);"
	"CREATE INDEX subscriptions_stopped ON subscriptions(max(expires_ms, grace_until_ms)) WHERE time_stopped=1;";

static const char ends_otherwise[] = /* what else was sold and given is not lost where the purchase without end is given back */
	"ALTER TABLE subscriptions ADD COLUMN ends_otherwise_ms INTEGER NOT NULL DEFAULT 0;" /* of one without end: the end it has by all else that was sold and given; 1: there was none */
	"UPDATE subscriptions SET ends_otherwise_ms=coalesce((SELECT max(o.paid_ms+86400000*(SELECT sum(p.days+p.bonus_days) FROM orders p WHERE p.subscription_id=o.subscription_id"
	"	AND p.paid_ms>=o.paid_ms AND p.days>0 AND p.target_rev>0 AND p.state IN ('paid', 'delivered'))) FROM orders o WHERE o.subscription_id=subscriptions.id AND o.days>0"
	"	AND o.target_rev>0 AND o.state IN ('paid', 'delivered') AND o.kind<>'trial'), 1) WHERE expires_ms=0;";

static const char accounts_changed[] = /* another account's key is switched on while invoices of the old one can be paid */
	"ALTER TABLE invoices ADD COLUMN account TEXT;" /* the earlier account it was made with, its key is kept under this name; NULL: the one in use */
	"CREATE INDEX invoices_account ON invoices(provider, account) WHERE account IS NOT NULL;";

const struct db_migration schema_migrations[] = {
	{ first },
	{ drawn_when_needed },
	{ stuck_money },
	{ web_accounts },
	{ places_chosen },
	{ grants_in_lists },
	{ panel_hosts },
	{ names_chosen },
	{ bans_remembered },
	{ ids_in_order },
	{ looks_marked },
	{ beginnings_kept },
	{ stops_by_time },
	{ ends_otherwise },
	{ accounts_changed },
};
const size_t schema_migrations_count = countof(schema_migrations);
