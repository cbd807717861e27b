/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/* A handler has no argument of ours: these two are the program's only mutable globals. */
static _Atomic(rem_db *) watched;
static atomic_int received;

static void on_signal(int number) {
  atomic_store(&received, number);
  rem_db *db = atomic_load(&watched);
  if (db) rem_interrupt(db);
}

void cli_signals_install(void) {
  /* No SA_RESTART: a read from a terminal or pipe must return. */
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigemptyset(&ignore.sa_mask);
  sigaction(SIGPIPE, &ignore, NULL);
}

void cli_signals_watch(rem_db *db) {
  atomic_store(&watched, db);
  /* One that came while the database was being opened. */
  if (db && atomic_load(&received)) rem_interrupt(db);
}

void cli_signals_reset(void) {
  rem_db *db = atomic_load(&watched);
  atomic_store(&received, 0);
  if (db) rem_interrupt_clear(db);
  cli_signals_install();
}

int cli_signal_received(void) {
  return atomic_load(&received);
}
