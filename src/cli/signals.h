/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT and SIGTERM end the program between two steps: the handler notes the signal and interrupts the
 * database's running call; whoever loops asks cli_signal_received(). A second one kills. SIGPIPE is
 * ignored, so that a closed pipe is an error of write() and the database is closed in order.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <rem.h>

void cli_signals_install(void);
/* The database whose calls a signal interrupts; NULL: none. Borrowed until it is set again. */
void cli_signals_watch(rem_db *db);
/* 0, or the signal that came. */
int cli_signal_received(void);

/* Forgets the signal that came and its interruption, and is ready for the next. For the shell. */
void cli_signals_reset(void);

#endif
