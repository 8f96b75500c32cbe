/* Figures as text. */
#include "bot/http/health.h"

#include <inttypes.h>

#include "lib/base/json.h"

#define BODY_BYTES_MAX ((size_t)64 * 1024)

enum err health_answer(struct act *a, const struct http_inbound *in)
{
	struct core_figures f;
	struct json_out j;
	struct buf body;
	bool ok;

	core_figures(a->core, &f);
	ok = f.polling && !f.stalled;
	buf_init(&body, BODY_BYTES_MAX);
	json_out_init(&j, &body);
	json_open(&j, '{');
	json_put_bool(&j, "ok", ok);
	json_put_bool(&j, "polling", f.polling);
	json_put_bool(&j, "store", !f.stalled);
	json_put_i64(&j, "queued", f.queued);
	json_put_i64(&j, "largest_turn_ms", f.largest_turn_us / 1000);
	json_close(&j, '}');
	inbound_answer(a, in, ok ? 200 : 503, "application/json", str_of(str_dup(a->arena, buf_str(&body))));
	buf_release(&body);
	return OK;
}

static void metric(struct buf *to, const char *name, const char *type, int64_t value)
{
	buf_printf(to, "# TYPE obol_%s %s\nobol_%s %" PRId64 "\n", name, type, name, value);
}

/* Rows by a word of theirs: obol_orders{state="paid"} 3 */
static enum err counted(struct buf *to, struct act *a, const char *name, const char *label, const char *sql)
{
	struct db_rows r;

	buf_printf(to, "# TYPE obol_%s gauge\n", name);
	db_select(&r, a->tx, sql);
	while (db_next(&r))
		buf_printf(to, "obol_%s{%s=\"%.*s\"} %" PRId64 "\n", name, label, STR_ARG(db_str(&r, 0)), db_i64(&r, 1));
	return db_end(&r);
}

enum err metrics_answer(struct act *a, const struct http_inbound *in)
{
	struct core_figures f;
	struct buf body;
	enum err e;

	core_figures(a->core, &f);
	buf_init(&body, BODY_BYTES_MAX);
	metric(&body, "turns_total", "counter", f.turns);
	metric(&body, "updates_total", "counter", f.updates);
	metric(&body, "updates_repeated_total", "counter", f.duplicates);
	metric(&body, "messages_sent_total", "counter", f.sent);
	metric(&body, "commits_total", "counter", f.commits);
	metric(&body, "commits_written_total", "counter", f.commits_written);
	metric(&body, "checkpoints_total", "counter", f.checkpoints);
	metric(&body, "commits_failed_total", "counter", f.commits_failed);
	metric(&body, "largest_turn_us", "gauge", f.largest_turn_us);
	metric(&body, "largest_turn_cpu_us", "gauge", f.largest_turn_cpu_us);
	metric(&body, "largest_commit_us", "gauge", f.largest_commit_us);
	metric(&body, "largest_inbound_a_turn", "gauge", f.largest_inbound);
	metric(&body, "outbox_queued", "gauge", f.queued);
	metric(&body, "jobs_running", "gauge", f.jobs_running);
	metric(&body, "polling", "gauge", f.polling);
	metric(&body, "store_stalled", "gauge", f.stalled);
	e = counted(&body, a, "jobs", "kind", "SELECT kind, count(*) FROM jobs GROUP BY kind");
	if (!e)
		e = counted(&body, a, "jobs_parked", "kind", "SELECT kind, count(*) FROM jobs WHERE state=2 GROUP BY kind");
	if (!e)
		e = counted(&body, a, "orders", "state", "SELECT state, count(*) FROM orders WHERE state IN ('open', 'paid') GROUP BY state");
	if (!e)
		e = counted(&body, a, "panel_latency_ms", "panel", "SELECT CAST(id AS TEXT), latency_ms FROM panels WHERE deleted_ms=0");
	if (!e)
		e = counted(&body, a, "panel_up", "panel", "SELECT CAST(id AS TEXT), state='ok' FROM panels WHERE deleted_ms=0");
	if (!e)
		inbound_answer(a, in, 200, "text/plain; version=0.0.4", str_of(str_dup(a->arena, buf_str(&body))));
	buf_release(&body);
	return e;
}
