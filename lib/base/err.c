/* Names of errors, for logs. */
#include "lib/base/err.h"

const char *err_name(enum err e)
{
	switch (e) {
	case OK: return "ok";
	case E_NOTFOUND: return "not_found";
	case E_CONFLICT: return "conflict";
	case E_INVALID: return "invalid";
	case E_TOOBIG: return "too_big";
	case E_BUSY: return "busy";
	case E_IO: return "io";
	case E_UNKNOWN: return "unknown_outcome";
	case E_REFUSED: return "refused";
	case E_AUTH: return "auth";
	case E_FULL: return "full";
	case E_VERSION: return "version";
	case E_NOROOM: return "no_room";
	}
	return "?";
}
