/* Time zones: IANA names, read from the system's TZif files (RFC 8536, versions 1 to 4), not from libc's TZ.
 *
 * A zone never changes after it was loaded. Beyond the last transition of the file its POSIX rule continues. */
#ifndef OBOL_BASE_ZONE_H
#define OBOL_BASE_ZONE_H

#include "lib/base/date.h"

#define ZONE_NAME_MAX 64
#define ZONE_FILE_BYTES_MAX ((size_t)256 * 1024)
#define ZONE_TRANSITIONS_MAX 4096

struct zone;

const struct zone *zone_utc(void); /* always there, needs no file, never freed */

/* Loads "Europe/Moscow" from the system's zoneinfo; "UTC" needs no file. The caller frees *out.
 * E_NOTFOUND: no such zone here; E_INVALID: not the form of a zone name, or a damaged file. */
enum err zone_load(struct zone **out, const char *name);
/* The same from a directory of the caller's. */
enum err zone_load_from(struct zone **out, const char *dir, const char *name);
/* From the bytes of a TZif file. E_INVALID: no TZif or damaged; E_TOOBIG: past a maximum. */
enum err zone_read(struct zone **out, const char *name, struct str tzif);
void zone_free(struct zone *z); /* NULL and zone_utc() are fine */

/* Letters, digits, + - _ in parts divided by single slashes; no part begins with a dot, no absolute path. */
bool zone_name_is_valid(const char *name);

const char *zone_name(const struct zone *z);
int zone_offset_s(const struct zone *z, int64_t at_ms); /* seconds east of Greenwich at that moment */

struct civil zone_local(const struct zone *z, int64_t at_ms);
/* The moment when the wall clock shows that. Shown twice (clocks go back): the first time. Never shown (clocks go
 * forward): as far behind the jump as the wished time lies in the gap, 02:30 becoming 03:30. */
int64_t zone_moment(const struct zone *z, const struct civil *local);

/* The first moment after after_ms at which the wall clock shows hour:minute, for daily schedules: once per local day
 * whatever the clocks do. In a gap: see zone_moment. INT64_MAX at the end of the calendar. */
int64_t zone_next_daily(const struct zone *z, int64_t after_ms, int hour, int minute);

/* The local day of a moment, for "today" and per-day figures, and the moment at which a local day begins. */
struct date zone_day(const struct zone *z, int64_t at_ms);
int64_t zone_day_start(const struct zone *z, struct date d);

#endif
