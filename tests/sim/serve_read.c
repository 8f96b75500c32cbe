/* HTTP/1.1 requests out of bytes. Strict where a client of ours could be wrong, no more. */
#include "tests/sim/serve_private.h"

#include <string.h>

#define HEAD_BYTES_MAX ((size_t)64 * 1024)

struct framing {
	bool chunked, bad;
	size_t length;
};

static char *lower(struct arena *arena, struct str s)
{
	char *copy = str_dup(arena, s);

	for (char *p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	return copy;
}

static struct str next_line(struct str *rest)
{
	struct str line = str_cut(rest, '\n');

	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static void note_framing(struct framing *f, struct serve_request *out, struct str name, struct str value)
{
	int64_t n;

	if (str_is_nocase(name, "content-length")) {
		f->bad |= str_to_i64(&n, value) != OK || n < 0;
		f->length = f->bad ? 0 : (size_t)n;
	} else if (str_is_nocase(name, "transfer-encoding")) {
		f->chunked = str_is_nocase(value, "chunked");
		f->bad |= !f->chunked;
	} else if (str_is_nocase(name, "connection")) {
		out->keep_alive = !str_has_nocase(value, "close");
	}
}

static bool read_head(struct serve_request *out, struct framing *f, struct arena *arena, struct str head)
{
	struct str line = next_line(&head), method = str_cut(&line, ' '), path = str_cut(&line, ' ');

	*out = (struct serve_request){ .keep_alive = str_is(line, "HTTP/1.1") };
	if (!str_starts(line, "HTTP/1.") || !path.len)
		return false;
	out->sim.method = http_method_of(method);
	out->sim.path = str_n(str_dup(arena, path), path.len);
	while (head.at) {
		struct str value = next_line(&head), name = str_cut(&value, ':');

		if (!name.len)
			continue;
		if (!value.at)
			return false;
		value = str_trim(value);
		note_framing(f, out, name, value);
		if (out->sim.headers_count < SIM_HEADERS_MAX)
			out->sim.headers[out->sim.headers_count++] = (struct http_header){ lower(arena, name), str_dup(arena, value) };
	}
	return !f->bad;
}

/* The body of chunks into to; *used: how many bytes of in it took. */
static enum serve_read read_chunks(struct buf *to, struct str in, size_t *used)
{
	struct str rest = in;

	for (;;) {
		struct str line = str_n(rest.at, 0);
		const char *end = rest.len ? memchr(rest.at, '\n', rest.len) : NULL;
		size_t n = 0, digits;

		if (!end)
			return rest.len > 64 ? SERVE_READ_BAD : SERVE_READ_MORE;
		line.len = (size_t)(end - rest.at);
		for (digits = 0; digits < line.len && digits < 8; digits++) {
			const char *hex = "0123456789abcdef", *at = memchr(hex, line.at[digits] | 0x20, 16);

			if (!at)
				break;
			n = n * 16 + (size_t)(at - hex);
		}
		if (!digits)
			return SERVE_READ_BAD;
		rest = str_n(end + 1, rest.len - line.len - 1);
		if (rest.len < n + 2)
			return SERVE_READ_MORE;
		buf_add(to, str_n(rest.at, n));
		if (to->over || memcmp(rest.at + n, "\r\n", 2) != 0) /* trailers: no client of ours sends any */
			return SERVE_READ_BAD;
		rest = str_n(rest.at + n + 2, rest.len - n - 2);
		if (!n)
			break;
	}
	*used = in.len - rest.len;
	return SERVE_READ_DONE;
}

enum serve_read serve_read(struct serve_request *out, struct arena *arena, struct buf *in, size_t *need)
{
	const char *end = in->len >= 4 && in->len >= *need ? memmem(in->at, in->len, "\r\n\r\n", 4) : NULL;
	struct framing f = { 0 };
	struct buf chunks;
	struct str after;
	size_t head_len, used;
	enum serve_read r = SERVE_READ_DONE;

	if (!end)
		return in->len > HEAD_BYTES_MAX && in->len >= *need ? SERVE_READ_BAD : SERVE_READ_MORE;
	head_len = (size_t)(end - in->at) + 4;
	if (!read_head(out, &f, arena, str_n(in->at, head_len - 4)))
		return SERVE_READ_BAD;
	after = str_n(in->at + head_len, in->len - head_len);
	used = f.length;
	buf_init(&chunks, SERVE_REQUEST_BYTES_MAX);
	if (f.length > SERVE_REQUEST_BYTES_MAX) {
		r = SERVE_READ_BAD;
	} else if (f.chunked) {
		r = read_chunks(&chunks, after, &used);
		out->sim.body = buf_str(&chunks);
	} else if (after.len < f.length) {
		*need = head_len + f.length;
		r = SERVE_READ_MORE;
	} else {
		out->sim.body = str_n(after.at, f.length);
	}
	if (r == SERVE_READ_DONE) {
		out->sim.body.at = str_dup(arena, out->sim.body);
		buf_drop(in, head_len + used);
		*need = 0;
	}
	buf_release(&chunks);
	return r;
}
