/* Who plays, where and for how much: everything that SEED changes, drawn once before anything starts. */
#ifndef OBOL_DEMO_CAST_H
#define OBOL_DEMO_CAST_H

#include <stdint.h>

#define CAST_PANELS 3
#define CAST_SEED_DEFAULT 1

struct cast_person {
	int64_t id;
	const char *name, *username;
};

struct cast_panel {
	const char *version, *place;
	char address[48];            /* what customers connect to */
	char base_path[24], user[24], password[24];
	int port;                    /* of its inbound */
	int64_t delay_ms;            /* of every answer */
};

struct cast_plan {
	const char *name;
	int days, quota_gb, devices, stars, cents; /* cents of USDT */
};

struct cast {
	uint64_t seed;
	struct cast_person admin, customer;
	struct cast_panel panels[CAST_PANELS]; /* in the order they are added */
	struct cast_plan plan;
	const char *shop_token;      /* Telegram's for the bot */
	char pay_token[48];          /* Crypto Pay's */
};

/* Randomness (lib/base/rand.h) comes from the seed from now on: the simulators draw from it too. */
void cast_draw(struct cast *c, uint64_t seed);

#endif
