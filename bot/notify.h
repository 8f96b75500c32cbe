/* sd_notify(3) without its library: one datagram to the socket named in NOTIFY_SOCKET. Nothing happens without it. */
#ifndef OBOL_NOTIFY_H
#define OBOL_NOTIFY_H

void notify_ready(void);
void notify_alive(void);    /* WATCHDOG=1, not more often than needed */
void notify_stopping(void);
int notify_interval_ms(int otherwise); /* how long a turn may wait so that the watchdog is fed in time */

#endif
