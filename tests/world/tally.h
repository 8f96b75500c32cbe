/* What has happened in all worlds together: faults that were injected and edges of the state machines that were taken.
 * A proof that never met a fault has proven nothing about it. */
#ifndef OBOL_WORLD_TALLY_H
#define OBOL_WORLD_TALLY_H

#include <stddef.h>
#include <stdint.h>

#define TALLY_FAULTS(X) \
	X(REQUEST_LOST, "a request lost before its effect") \
	X(ANSWER_LOST, "an answer lost after the effect") \
	X(ANSWER_LATE, "an answer after the time limit") \
	X(ANSWER_SLOW, "an answer delayed, others overtake it") \
	X(ANSWER_CUT, "a connection cut inside a body") \
	X(REQUEST_TWICE, "a request arriving twice") \
	X(NOT_CONNECTED, "no connection") \
	X(PANEL_DOWN, "a panel down for a while") \
	X(PANEL_FALLS, "a panel going down with a client just added") \
	X(PANEL_SLOW, "a panel slow for a while") \
	X(PANEL_REFUSES, "a panel answering success:false") \
	X(PANEL_CANNOT_READ, "a panel that cannot read what it is sent") \
	X(PANEL_LOCKED, "a panel's database is locked") \
	X(PANEL_HTML, "HTML instead of a panel's answer") \
	X(PANEL_BROKEN, "a panel's answer empty or broken") \
	X(PANEL_LOGOUT, "a panel forgetting its sessions") \
	X(PANEL_FULL, "a panel's disk is full") \
	X(PANEL_OLD_BACKUP, "a panel restored from an old backup") \
	X(PANEL_CLIENT_EDITED, "a client changed by hand") \
	X(PANEL_CLIENT_DELETED, "a client deleted by hand") \
	X(PANEL_RESTART, "a panel restarted") \
	X(PANEL_NAME_TAKEN, "a name of ours given to somebody else") \
	X(PANEL_REMOVED, "a panel removed from the shop, and added again") \
	X(PLAN_CHANGED, "a plan changed or withdrawn under open orders") \
	X(TELEGRAM_429, "Telegram telling to wait") \
	X(TELEGRAM_5XX, "Telegram answering 5xx") \
	X(TELEGRAM_GONE, "hours or a day without Telegram") \
	X(TELEGRAM_REPEATS, "an update delivered again or in another order") \
	X(USER_BLOCKS, "a user blocking the bot") \
	X(PAY_SICK, "Crypto Pay failing") \
	X(PAY_SILENT, "Stars paid and no update sent") \
	X(PAY_FRIEND, "an invoice paid by somebody else") \
	X(STARS_GIVEN_BACK, "Stars given back past the bot") \
	X(STARS_WITHDRAWN, "Stars withdrawn, too few left to pay back") \
	X(CALLBACK_FORGED, "a forged callback") \
	X(CALLBACK_DOUBLE, "a callback twice") \
	X(CALLBACK_LATE, "a callback late") \
	X(CALLBACK_UNHEARD, "the answer to a callback lost") \
	X(CALLBACK_REFUSED, "a callback answered 5xx") \
	X(CALLBACK_GONE, "a callback whose process ended before it answered") \
	X(CALLBACK_AMOUNT, "a callback with another amount") \
	X(PAID_TWICE, "an invoice paid once more") \
	X(DOUBLE_TAP, "a button tapped twice") \
	X(OLD_TAP, "a button of an old message tapped") \
	X(FORGED_TAP, "a forged button") \
	X(CLOCK_FORWARD, "the clock an hour forward") \
	X(CLOCK_BACK, "the clock an hour back") \
	X(KILL, "SIGKILL") \
	X(KILL_IN_COMMIT, "the end inside a commit") \
	X(KILL_IN_START, "killed again within a start") \
	X(POWER_CUT, "power cut: all unsynced lost") \
	X(POWER_TORN, "power cut: any part of the unsynced kept") \
	X(DISK_FULL, "a full disk") \
	X(DISK_ERROR, "a disk that fails to write or sync") \
	X(DISK_UNREAD, "a disk that fails to read") \
	X(STORE_CALL, "one call of the store failing") \
	X(POISON, "an update that kills whoever handles it") \
	X(UPDATE_FAILS, "an update that cannot be handled") \
	X(DEADLY_ANSWER, "a panel's answer that kills whoever reads it") \
	X(DEADLY_MESSAGE, "a message that kills whoever sends it") \
	X(STOPPED, "stopped in an orderly way for a while")

enum fault {
#define X(name, text) FAULT_##name,
	TALLY_FAULTS(X)
#undef X
	FAULTS
};

void tally_open(void);             /* before the first fork: the counters are shared by all processes */
void tally_fault(enum fault f);

/* The number of an edge, "machine from>to"; -1: there is none such. */
int tally_edge_of(const char *edge);
void tally_edge(size_t number);

/* Prints the list. Returns how many kinds of fault and edge stand below least. */
int tally_print(uint64_t least);

#endif
