/* The log: one line per event on standard error, "text" or "json" (LOG_FORMAT).
 *
 * An event is a dotted name and key/value pairs; sentences for people are elsewhere (locales/). Two nets keep secrets
 * out (R002, R288): the value of a key that names a secret is never written, and every registered secret, and
 * everything that looks like a UUID, a share link or a bot token, is blanked wherever it stands.
 *
 * Lines go through a bounded buffer and a non-blocking write: a full pipe never stops the loop. What does not fit is
 * counted and the count is logged when there is room. Only the thread of decisions logs. */
#ifndef OBOL_BASE_LOG_H
#define OBOL_BASE_LOG_H

#include "lib/base/buf.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_pair {
	const char *key;
	enum { LOG_TEXT, LOG_NUMBER } kind;
	struct str text;
	int64_t number;
};

/* One pair; value is a C string, a struct str or an integer. */
#define KV(key, value) _Generic((value), \
	char *: log_pair_cstr, const char *: log_pair_cstr, \
	struct str: log_pair_str, default: log_pair_i64)((key), (value))
struct log_pair log_pair_cstr(const char *key, const char *value);
struct log_pair log_pair_str(const char *key, struct str value);
struct log_pair log_pair_i64(const char *key, int64_t value);

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
/* log_info("panel.login", KV("panel", id), …): the event alone is fine too */
#define log_at(level, ...) LOG_PICK(level, __VA_ARGS__, (struct log_pair){ 0 })
#define LOG_PICK(level, event, ...) \
	do { \
		if (log_is_on(level)) \
			log_write((level), (event), (const struct log_pair[]){ __VA_ARGS__ }); \
	} while (0)

bool log_is_on(enum log_level level);
/* pairs ends with one whose key is NULL */
void log_write(enum log_level level, const char *event, const struct log_pair *pairs);

/* E_INVALID leaves things as they are. Default: info, text. */
enum err log_set_level(const char *name);
enum err log_set_format(const char *name);

void log_add_secret(struct str secret); /* copied; blanked from now on wherever it appears; shorter than 6 bytes: ignored */
void log_blank(struct buf *to, struct str text); /* appends text with everything confidential replaced by *** */
/* The same for what is kept and shown to people: of text its first bytes_max bytes, as valid UTF-8. NULL stays NULL. */
char *log_blanked(struct arena *arena, const char *text, size_t bytes_max);

/* Tests read the lines here instead of standard error; NULL restores it. */
void log_set_sink(void (*sink)(void *ctx, struct str line), void *ctx);
void log_flush(void);   /* tries to write what is buffered */
uint64_t log_dropped(void); /* lines lost to a full buffer since the start */

#endif
