/* Log lines: built, blanked, buffered, written without waiting. */
#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"

#define LINE_BYTES_MAX ((size_t)4096)
#define BUFFER_BYTES_MAX ((size_t)256 * 1024)
#define SECRETS_MAX 256
#define SECRET_BYTES_MIN 6
#define STARS "***"

static enum log_level level_max = LOG_INFO;
static bool as_json;
static void (*sink)(void *ctx, struct str line);
static void *sink_ctx;

static char *secrets[SECRETS_MAX];
static size_t secrets_count, secrets_next;

static struct buf waiting = { .max = BUFFER_BYTES_MAX };
static uint64_t dropped, dropped_told;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* Keys whose value is never written, whatever it looks like. */
static const char *const secret_keys[] = { "password", "token", "cookie", "secret", "key", "link", "uuid", "authorization" };

struct log_pair log_pair_cstr(const char *key, const char *value)
{
	return (struct log_pair){ .key = key, .kind = LOG_TEXT, .text = str_of(value) };
}

struct log_pair log_pair_str(const char *key, struct str value)
{
	return (struct log_pair){ .key = key, .kind = LOG_TEXT, .text = value };
}

struct log_pair log_pair_i64(const char *key, int64_t value)
{
	return (struct log_pair){ .key = key, .kind = LOG_NUMBER, .number = value };
}

bool log_is_on(enum log_level level)
{
	return level <= level_max;
}

enum err log_set_level(const char *name)
{
	for (size_t i = 0; i < countof(level_names); i++)
		if (strcmp(level_names[i], name) == 0) {
			level_max = (enum log_level)i;
			return OK;
		}
	return E_INVALID;
}

enum err log_set_format(const char *name)
{
	if (strcmp(name, "json") != 0 && strcmp(name, "text") != 0)
		return E_INVALID;
	as_json = name[0] == 'j';
	return OK;
}

void log_add_secret(struct str secret)
{
	if (secret.len < SECRET_BYTES_MIN)
		return;
	for (size_t i = 0; i < secrets_count; i++)
		if (str_is(secret, secrets[i]))
			return;
	if (secrets_count == SECRETS_MAX)
		free(secrets[secrets_next]); /* the oldest gives way */
	else
		secrets_count++;
	secrets[secrets_next] = xstrndup(secret.at, secret.len);
	secrets_next = (secrets_next + 1) % SECRETS_MAX;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/* 8-4-4-4-12 hex digits */
static size_t uuid_length(struct str s)
{
	static const size_t dashes[] = { 8, 13, 18, 23 };
	size_t next = 0;

	if (s.len < 36)
		return 0;
	for (size_t i = 0; i < 36; i++) {
		if (next < countof(dashes) && i == dashes[next]) {
			if (s.at[i] != '-')
				return 0;
			next++;
		} else if (!is_hex(s.at[i])) {
			return 0;
		}
	}
	return 36;
}

/* A share link up to the next white space or quote */
static size_t share_link_length(struct str s)
{
	static const char *const schemes[] = { "vless://", "vmess://", "trojan://", "ss://", "hysteria2://", "hy2://", "wireguard://" };
	size_t n = 0;

	for (size_t i = 0; i < countof(schemes) && !n; i++)
		if (str_starts(s, schemes[i]))
			n = strlen(schemes[i]);
	if (!n)
		return 0;
	while (n < s.len && (unsigned char)s.at[n] > ' ' && s.at[n] != '"' && s.at[n] != '\'')
		n++;
	return n;
}

/* digits:35 or so word characters, as BotFather gives them */
static size_t bot_token_length(struct str s)
{
	size_t digits = 0, n;

	while (digits < s.len && s.at[digits] >= '0' && s.at[digits] <= '9')
		digits++;
	if (digits < 5 || digits == s.len || s.at[digits] != ':')
		return 0;
	for (n = digits + 1; n < s.len && is_word(s.at[n]);)
		n++;
	return n - digits > 25 ? n : 0;
}

static size_t secret_length(struct str s)
{
	size_t longest = 0;

	for (size_t i = 0; i < secrets_count; i++)
		if (str_starts(s, secrets[i]) && strlen(secrets[i]) > longest)
			longest = strlen(secrets[i]);
	return longest;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Until so much is blanked; what is looked at is always the whole text, so that a secret is known across the limit. */
static void blank(struct buf *to, struct str text, size_t bytes_max)
{
	for (size_t i = 0; i < text.len && to->len < bytes_max;) {
		struct str rest = str_n(text.at + i, text.len - i);
		size_t n = secret_length(rest);

		if (!n)
			n = uuid_length(rest); /* whatever stands before it: "id_…", "%22…" */
		if (!n && (i == 0 || !is_letter(text.at[i - 1]))) /* "ss://" also ends "wss://" */
			n = share_link_length(rest);
		if (!n && (i == 0 || text.at[i - 1] < '0' || text.at[i - 1] > '9')) /* "/bot123:…" begins inside a word */
			n = bot_token_length(rest);
		if (n)
			buf_adds(to, STARS);
		else
			buf_addc(to, text.at[i]);
		i += n ? n : 1;
	}
}

void log_blank(struct buf *to, struct str text)
{
	blank(to, text, SIZE_MAX);
}

char *log_blanked(struct arena *arena, const char *text, size_t bytes_max)
{
	struct buf raw;
	struct str clean;

	if (!text)
		return NULL;
	buf_init(&raw, bytes_max + sizeof STARS);
	blank(&raw, str_of(text), bytes_max + 1);
	clean = utf8_clean(arena, utf8_head_bytes(buf_str(&raw), bytes_max));
	buf_release(&raw);
	return str_dup(arena, utf8_head_bytes(clean, bytes_max));
}

static bool is_secret_key(const char *key)
{
	for (size_t i = 0; i < countof(secret_keys); i++)
		if (strcmp(key, secret_keys[i]) == 0)
			return true;
	return false;
}

static struct str shown(struct buf *clean, const struct log_pair *p)
{
	buf_clear(clean);
	if (is_secret_key(p->key))
		buf_adds(clean, STARS);
	else
		log_blank(clean, p->text);
	return buf_str(clean);
}

static void line_json(struct buf *line, const char *when, enum log_level level, const char *event, const struct log_pair *pairs)
{
	struct buf clean;
	struct json_out j;

	buf_init(&clean, LINE_BYTES_MAX / 2);
	json_out_init(&j, line);
	json_open(&j, '{');
	json_put_cstr(&j, "time", when);
	json_put_cstr(&j, "level", level_names[level]);
	json_put_cstr(&j, "event", event);
	for (; pairs->key; pairs++) {
		if (pairs->kind == LOG_NUMBER)
			json_put_i64(&j, pairs->key, pairs->number);
		else
			json_put_str(&j, pairs->key, shown(&clean, pairs));
	}
	json_close(&j, '}');
	buf_release(&clean);
}

static void line_text(struct buf *line, const char *when, enum log_level level, const char *event, const struct log_pair *pairs)
{
	struct buf clean;

	buf_init(&clean, LINE_BYTES_MAX / 2);
	buf_printf(line, "%s %-5s %s", when, level_names[level], event);
	for (; pairs->key; pairs++) {
		struct str v;
		struct json_out j;

		buf_printf(line, " %s=", pairs->key);
		if (pairs->kind == LOG_NUMBER) {
			buf_addi(line, pairs->number);
			continue;
		}
		v = shown(&clean, pairs);
		json_out_init(&j, line);
		if (v.len && !memchr(v.at, ' ', v.len) && !memchr(v.at, '"', v.len) && !memchr(v.at, '\n', v.len))
			buf_add(line, v);
		else
			json_add_str(&j, v); /* quoted and on one line */
	}
	buf_release(&clean);
}

void log_flush(void)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

	/* poll before each write: the descriptor may be shared with a shell, so it is not set to O_NONBLOCK */
	while (waiting.len && poll(&room, 1, 0) == 1 && (room.revents & POLLOUT)) {
		size_t piece = waiting.len < 4096 ? waiting.len : 4096; /* PIPE_BUF: a writable pipe takes this much at once */
		ssize_t n = write(STDERR_FILENO, waiting.at, piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		buf_drop(&waiting, (size_t)n);
	}
}

static void emit(struct str line)
{
	if (sink) {
		sink(sink_ctx, line);
		return;
	}
	if (line.len + 1 > waiting.max - waiting.len) {
		dropped++;
	} else {
		buf_add(&waiting, line);
		buf_addc(&waiting, '\n');
	}
	log_flush();
}

void log_write(enum log_level level, const char *event, const struct log_pair *pairs)
{
	int64_t now_ms = clock_now_ms();
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm utc;
	char day[32], when[48];
	struct buf line;

	gmtime_r(&seconds, &utc);
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(when, sizeof when, "%s.%03dZ", day, (int)(now_ms % 1000));
	buf_init(&line, LINE_BYTES_MAX);
	(as_json ? line_json : line_text)(&line, when, level, event, pairs);
	if (line.over) { /* too long: the event itself is still worth its line */
		const struct log_pair cut[] = { KV("cut", "too long"), { 0 } };

		buf_clear(&line);
		(as_json ? line_json : line_text)(&line, when, level, event, cut);
	}
	emit(buf_str(&line));
	buf_release(&line);
	if (dropped > dropped_told && waiting.len < waiting.max / 2) {
		uint64_t lost = dropped - dropped_told;

		dropped_told = dropped;
		log_warn("log.dropped", KV("lines", (int64_t)lost));
	}
}

void log_set_sink(void (*to)(void *ctx, struct str line), void *ctx)
{
	sink = to;
	sink_ctx = ctx;
}

uint64_t log_dropped(void)
{
	return dropped;
}
