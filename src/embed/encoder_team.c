/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets and waiting. */
#include "embed/encoder_team.h"

#include <sched.h>

#include "base/clock.h"

#define SPINS 2000 /* some tens of microseconds; then others get a chance to run */
#define IDLE_US 2000

/* Tells the CPU that the thread only waits. */
#if defined(__x86_64__)
#define PAUSE_CPU() __builtin_ia32_pause()
#else
#define PAUSE_CPU() ((void)0)
#endif

/* Takes a unit of the open stage; false: there is none left. */
static bool take_unit(rem_encoder__team *team, size_t *ret_unit) {
  uint64_t ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);
  for (;;) {
    size_t next = ticket & 0xffff, count = ticket >> 16 & 0xffff;
    if (next >= count)
      return false;
    if (atomic_compare_exchange_weak_explicit(&team->ticket, &ticket, ticket + 1, memory_order_acq_rel, memory_order_acquire)) {
      *ret_unit = next;
      return true;
    }
  }
}

/* Runs units while there are any; whether there was one. */
static bool run_units(rem_encoder__team *team, size_t member) {
  size_t unit;
  bool any = false;
  for (; take_unit(team, &unit); any = true) {
    team->run(team->context, unit, member);
    atomic_fetch_add_explicit(&team->done, 1, memory_order_release);
  }
  return any;
}

void rem_encoder__team_for(rem_encoder__team *team, size_t member, size_t count, rem_encoder__team_fn *run, void *context) {
  uint64_t stage = atomic_load_explicit(&team->ticket, memory_order_relaxed) >> 32;
  team->run = run;
  team->context = context;
  atomic_store_explicit(&team->done, 0, memory_order_relaxed);
  atomic_store_explicit(&team->ticket, (stage + 1) << 32 | (uint64_t)count << 16, memory_order_release);
  run_units(team, member);
  for (int spins = 0; atomic_load_explicit(&team->done, memory_order_acquire) < count; spins++) {
    if (spins < SPINS)
      PAUSE_CPU();
    else
      sched_yield();
  }
}

void rem_encoder__team_end(rem_encoder__team *team) {
  atomic_store_explicit(&team->ended, true, memory_order_release);
}

void rem_encoder__team_help(rem_encoder__team *team, size_t member) {
  int spins = 0;
  int64_t idle_since = rem_clock_monotonic_us();
  while (!atomic_load_explicit(&team->ended, memory_order_acquire)) {
    if (run_units(team, member)) {
      spins = 0;
      idle_since = rem_clock_monotonic_us();
      continue;
    }
    if (++spins < SPINS) {
      PAUSE_CPU();
      continue;
    }
    if (rem_clock_monotonic_us() - idle_since > IDLE_US)
      return;
    sched_yield();
  }
}
