/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: how a reader that never finds the manifest at rest asks the writer to hold its breath.
 *
 * `rem.gate` holds one number, 8 bytes little endian: until when (milliseconds of CLOCK_MONOTONIC, the same in all processes) the writer
 * should start no write, flush or compaction. A reader raises it after some failed tries, first for a quarter of a second, then for longer (a
 * reader that gets little of the machine needs seconds for an open), and lowers it when it is through. The writer looks at it before each write (one
 * pread, a quarter of a microsecond) and waits ten seconds at most; background compactions run dry meanwhile.
 *
 * Who raises it holds a shared flock on it, so the last of several readers lowers it, and the writer does not wait for one that died: it could lock the file
 * alone. A time from before a reboot is recognised by being too far off. The file is made by writers; a reader without the right
 * to write to it goes without.
 *
 * Read and written with pread and pwrite, not mapped: a file cut short by somebody must not kill the process.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "storage/kv_internal.h"

#define GATE_NAME "rem.gate"
#define RAISE_LEAST_MS 250
#define RAISE_MOST_MS 10000
#define STEP_NS 500000
#define RAISE_TRIES 8

static int64_t now_ms(void) {
  return rem_clock_monotonic_us() / 1000;
}

int rem_kv__gate_open(const char *path, bool create) {
  char *name REM_AUTO_FREE = rem_path_join(path, GATE_NAME);
  return name ? open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600) : -1;
}

void rem_kv__gate_close(int gate) {
  if (gate >= 0)
    close(gate);
}

static void pause_a_step(void) {
  struct timespec step = {.tv_nsec = STEP_NS};
  nanosleep(&step, NULL);
}

static int64_t read_gate(int gate) {
  uint8_t bytes[8];
  return pread(gate, bytes, sizeof bytes, 0) == sizeof bytes ? (int64_t)rem_load_u64le(bytes) : 0;
}

static void write_gate(int gate, int64_t until_ms) {
  uint8_t bytes[8];
  rem_store_u64le(bytes, (uint64_t)until_ms);
  (void)!pwrite(gate, bytes, sizeof bytes, 0);
}

void rem_kv__gate_raise(int gate, unsigned times) {
  int64_t raise_ms = times < 6 ? (int64_t)RAISE_LEAST_MS << times : RAISE_MOST_MS;
  if (gate < 0)
    return;
  /* The writer locks it for the moment that it looks; one that was stopped right then must not hold this reader too. */
  for (unsigned tries = 0; flock(gate, LOCK_SH | LOCK_NB) != 0 && tries < RAISE_TRIES; tries++)
    pause_a_step();
  write_gate(gate, now_ms() + raise_ms);
}

/* Nobody holds the gate up but, perhaps, the caller. Leaves it unlocked. */
static bool let_go(int gate) {
  bool alone = flock(gate, LOCK_EX | LOCK_NB) == 0;
  if (alone)
    write_gate(gate, 0);
  (void)!flock(gate, LOCK_UN);
  return alone;
}

void rem_kv__gate_lower(int gate) {
  if (gate >= 0)
    let_go(gate);
}

static bool is_raised(int gate) {
  int64_t until_ms = read_gate(gate), now = now_ms();
  return until_ms > now && until_ms - now <= RAISE_MOST_MS;
}

void rem_kv__gate_pass(int gate) {
  if (gate < 0 || !is_raised(gate))
    return;
  int64_t deadline_ms = now_ms() + RAISE_MOST_MS;
  while (!let_go(gate) && is_raised(gate) && now_ms() < deadline_ms)
    pause_a_step();
}
