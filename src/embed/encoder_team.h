/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A team: a few threads that go through the stages of one short computation together, tens of them a millisecond.
 *
 * One member leads: it calls rem_encoder__team_for() for one stage after the other. The others help: they take units of the stage that
 * is open, and look for the next one when there is none left. The leader never depends on them: it takes units too, and waits only
 * for units that a helper has begun. A helper that finds nothing for a while goes home, so a team costs a busy machine
 * little. Waiting is spinning, then yielding: waking a thread takes longer than a stage.
 *
 * All that a member must agree on to take a unit is in one word, [stage 32][units 16][next unit 16]: taking is one
 * compare-and-swap, which fails when the stage has changed. The leader opens a stage only when all units of the last are done, so who
 * has taken a unit may read what the stage is.
 */
#ifndef REM_EMBED_ENCODER_TEAM_H
#define REM_EMBED_ENCODER_TEAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REM_ENCODER__TEAM_UNITS_MAX 65535

typedef void rem_encoder__team_fn(void *context, size_t unit, size_t member);

/* Zero-initialised: before the first stage. */
typedef struct rem_encoder__team {
  _Atomic uint64_t ticket;
  rem_encoder__team_fn *run; /* of the open stage */
  void *context;
  _Alignas(64) atomic_size_t done; /* units */
  atomic_bool ended;
} rem_encoder__team;

/* The leader's: runs `count` units (at most REM_ENCODER__TEAM_UNITS_MAX) and returns when all are done. */
void rem_encoder__team_for(rem_encoder__team *team, size_t member, size_t count, rem_encoder__team_fn *run, void *context);
/* The leader's last word. */
void rem_encoder__team_end(rem_encoder__team *team);
/* A helper's: takes units until the end, or until there has been nothing to do for long. */
void rem_encoder__team_help(rem_encoder__team *team, size_t member);

#endif
