#include "tests/demo/cast.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/enc.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "tests/sim/botapi.h"

static const struct { const char *name, *username; } people[] = {
	{ "Anna", "anna" }, { "Boris", "boris" }, { "Chloe", "chloe" }, { "Darius", "darius" }, { "Elif", "elif" },
	{ "Farid", "farid" }, { "Grace", "grace" }, { "Hugo", "hugo" }, { "Irina", "irina" }, { "Jonas", "jonas" },
};

/* the documentation's addresses (RFC 5737): no names, so that nobody is asked for one when the bot tries the address */
static const struct { const char *place, *address; } places[] = {
	{ "Amsterdam", "192.0.2.11" }, { "Frankfurt", "203.0.113.24" }, { "Helsinki", "192.0.2.201" },
	{ "Vienna", "198.51.100.7" }, { "Warsaw", "203.0.113.77" }, { "Stockholm", "198.51.100.130" },
};

static const char *const versions[CAST_PANELS] = { "2.8.5", "3.0.2", "3.6.0" }; /* dialects A, B, C */

static const struct { const char *name; int days; } plans[] = {
	{ "Week", 7 }, { "Fortnight", 14 }, { "Month", 30 }, { "Six weeks", 42 }, { "Season", 90 },
};

static uint64_t state;

/* splitmix64: every seed, 0 included, gives a good stream */
static uint64_t next(void)
{
	uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static void fill(void *ctx, void *out, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t word = next();

		memcpy((char *)out + i, &word, n - i < sizeof word ? n - i : sizeof word);
	}
}

/* The numbers 0 … count-1 in some order. */
static void shuffle(size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count; i > 1; i--) {
		size_t other = rand_below(i), kept = order[i - 1];

		order[i - 1] = order[other];
		order[other] = kept;
	}
}

static int between(int low, int high)
{
	return low + (int)rand_below((uint64_t)(high - low) + 1);
}

static void draw_people(struct cast *c)
{
	size_t order[countof(people)];

	shuffle(order, countof(people));
	c->admin = (struct cast_person){ between(100000000, 499999999), people[order[0]].name, people[order[0]].username };
	c->customer = (struct cast_person){ between(500000000, 999999999), people[order[1]].name, people[order[1]].username };
}

static void draw_panels(struct cast *c)
{
	size_t version[CAST_PANELS], place[countof(places)], speed[CAST_PANELS];

	shuffle(version, CAST_PANELS);
	shuffle(place, countof(places));
	shuffle(speed, CAST_PANELS);
	for (size_t i = 0; i < CAST_PANELS; i++) {
		struct cast_panel *p = &c->panels[i];
		char word[17];

		p->version = versions[version[i]];
		p->place = places[place[i]].place;
		snprintf(p->address, sizeof p->address, "%s", places[place[i]].address);
		enc_random_base32(word, 10);
		snprintf(p->base_path, sizeof p->base_path, "/%s/", word);
		snprintf(p->user, sizeof p->user, "owner%d", between(10, 99));
		enc_random_base32(word, 16);
		snprintf(p->password, sizeof p->password, "%s", word);
		p->port = between(10000, 60000);
		p->delay_ms = 20 + 60 * (int64_t)speed[i];
	}
}

static void draw_plan(struct cast *c)
{
	size_t i = rand_below(countof(plans));

	c->plan = (struct cast_plan){
		.name = plans[i].name, .days = plans[i].days, .quota_gb = 10 * between(2, 30), .devices = between(1, 5),
		.stars = 10 * between(5, 80), .cents = 10 * between(10, 150),
	};
}

void cast_draw(struct cast *c, uint64_t seed)
{
	char word[25];

	state = seed;
	rand_set_source(fill, NULL);
	*c = (struct cast){ .seed = seed, .shop_token = BOTAPI_TOKEN };
	draw_people(c);
	draw_panels(c);
	draw_plan(c);
	enc_random_base32(word, 24);
	snprintf(c->pay_token, sizeof c->pay_token, "%d:AA%s", between(10000, 99999), word);
}
