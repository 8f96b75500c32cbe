/* See allow.h. */
#include "lib/http/allow.h"

#include <arpa/inet.h>
#include <string.h>

#define V4_PREFIX_BITS 96 /* of ::ffff:0:0/96, where IPv4 lives */

/* *own_bits: how many bits an address of this family has. */
static bool read_address(unsigned char out[16], int *own_bits, struct str text)
{
	static const unsigned char v4_prefix[12] = { [10] = 0xff, [11] = 0xff };
	char host[INET6_ADDRSTRLEN];

	if (!text.len || text.len >= sizeof host)
		return false;
	memcpy(host, text.at, text.len);
	host[text.len] = '\0';
	memcpy(out, v4_prefix, sizeof v4_prefix);
	*own_bits = 32;
	if (inet_pton(AF_INET, host, out + sizeof v4_prefix) == 1)
		return true;
	*own_bits = 128;
	return inet_pton(AF_INET6, host, out) == 1;
}

static enum err read_network(struct http_network *out, struct str text)
{
	struct str rest = text, address = str_cut(&rest, '/');
	int64_t bits;
	int own_bits;

	if (!read_address(out->address, &own_bits, str_trim(address)))
		return E_INVALID;
	bits = own_bits;
	if (rest.at && (str_to_i64(&bits, str_trim(rest)) || bits < 0 || bits > own_bits))
		return E_INVALID;
	out->bits = (int)bits + (own_bits == 32 ? V4_PREFIX_BITS : 0);
	return OK;
}

enum err http_allow_read(struct http_allow *out, struct str text)
{
	out->count = 0;
	while (text.at) {
		struct str entry = str_trim(str_cut(&text, ','));

		if (out->count == HTTP_ALLOW_MAX)
			return E_TOOBIG;
		if (read_network(&out->at[out->count], entry))
			return E_INVALID;
		out->count++;
	}
	return OK;
}

static bool agrees(const struct http_network *n, const unsigned char address[16])
{
	int bytes = n->bits / 8, rest = n->bits % 8;
	unsigned char mask = (unsigned char)(0xff << (8 - rest));

	if (memcmp(n->address, address, (size_t)bytes) != 0)
		return false;
	return !rest || ((n->address[bytes] ^ address[bytes]) & mask) == 0;
}

bool http_allow_has(const struct http_allow *list, struct str remote)
{
	static const struct http_allow loopback = { .count = 2, .at = {
		{ { [10] = 0xff, [11] = 0xff, [12] = 127 }, V4_PREFIX_BITS + 8 },
		{ { [15] = 1 }, 128 },
	} };
	unsigned char address[16];
	int own_bits;

	if (!read_address(address, &own_bits, remote))
		return false;
	if (!list->count)
		list = &loopback;
	for (size_t i = 0; i < list->count; i++)
		if (agrees(&list->at[i], address))
			return true;
	return false;
}

static const struct http_network v4_mapped = { { [10] = 0xff, [11] = 0xff }, V4_PREFIX_BITS };

void http_home_of(char out[HTTP_HOME_CHARS], struct str text)
{
	unsigned char address[16];
	int own_bits;

	if (read_address(address, &own_bits, text) && own_bits == 128 && !agrees(&v4_mapped, address)) {
		memset(address + 8, 0, 8);
		inet_ntop(AF_INET6, address, out, HTTP_HOME_CHARS);
		return;
	}
	text.len = text.len < HTTP_HOME_CHARS ? text.len : HTTP_HOME_CHARS - 1;
	memcpy(out, text.at, text.len);
	out[text.len] = '\0';
}

bool http_is_address(struct str text)
{
	unsigned char address[16];
	int own_bits;

	return read_address(address, &own_bits, text);
}
