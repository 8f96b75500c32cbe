/* The one error enum of the whole program.
 *
 * A function returns OK or one of these; its header names the two or three that mean something to its caller.
 * What the text for a person is, is decided where the error is met, once. Broken invariants are assert()s, which
 * stay on in release builds; running out of memory aborts (mem.h). */
#ifndef OBOL_BASE_ERR_H
#define OBOL_BASE_ERR_H

enum err {
	OK = 0,
	E_NOTFOUND = -1, /* what was asked for is not there */
	E_CONFLICT = -2, /* it is there already, or is in a state that forbids this */
	E_INVALID = -3,  /* the input is not what it must be */
	E_TOOBIG = -4,   /* a named maximum was met */
	E_BUSY = -5,     /* somebody else holds it now; later may work */
	E_IO = -6,       /* disk or network failed before anything happened */
	E_UNKNOWN = -7,  /* it may have happened or not: look before acting again */
	E_REFUSED = -8,  /* the peer understood and said no */
	E_AUTH = -9,     /* the peer does not accept who we are */
	E_FULL = -10,    /* the disk is full */
	E_VERSION = -11, /* made by a newer program, or speaks a dialect we do not know */
	E_NOROOM = -12   /* a panel has no place left: never the same word as for a disk, which undoes an event */
};

/* A short English word for logs and tests, never for people in the chat. */
const char *err_name(enum err e);

#endif
