/* SPDX-License-Identifier: Apache-2.0 */
/* A team: every unit of every stage runs once, in its stage, whoever helps, comes late or leaves early. */
#include "embed/encoder_team.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STAGES 2000
#define UNITS_MAX 40

typedef struct job {
  rem_encoder__team team;
  size_t stage; /* written by the leader between stages only */
  atomic_uchar runs[STAGES][UNITS_MAX];
  atomic_size_t strays; /* units that saw another stage than the one they were handed out in */
  atomic_size_t by_helpers;
} job;

/* What a unit is told: its stage must still be open when it ends. */
typedef struct stage {
  job *owner;
  size_t number;
} stage;

static void unit(void *context, size_t index, size_t member) {
  const stage *own = context;
  atomic_fetch_add(&own->owner->runs[own->number][index], 1);
  if (own->owner->stage != own->number)
    atomic_fetch_add(&own->owner->strays, 1);
  if (member > 0)
    atomic_fetch_add(&own->owner->by_helpers, 1);
}

static void *help(void *context) {
  job *shared = context;
  rem_encoder__team_help(&shared->team, 1);
  return NULL;
}

static size_t units_of(size_t number) {
  return number % (UNITS_MAX + 1);
}

static void lead(job *shared) {
  for (size_t number = 0; number < STAGES; number++) {
    stage own = {shared, number};
    shared->stage = number;
    rem_encoder__team_for(&shared->team, 0, units_of(number), unit, &own);
  }
  rem_encoder__team_end(&shared->team);
}

static void check(job *shared) {
  for (size_t number = 0; number < STAGES; number++)
    for (size_t i = 0; i < UNITS_MAX; i++)
      assert_int_equal(shared->runs[number][i], i < units_of(number));
  assert_int_equal(shared->strays, 0);
}

static void test_a_leader_alone_does_everything(void **state) {
  (void)state;
  job *shared = calloc(1, sizeof *shared);
  assert_non_null(shared);
  lead(shared);
  check(shared);
  free(shared);
}

static void test_helpers_run_each_unit_once(void **state) {
  (void)state;
  enum { HELPERS = 3 };
  job *shared = calloc(1, sizeof *shared);
  pthread_t helpers[HELPERS];
  assert_non_null(shared);
  for (size_t i = 0; i < HELPERS; i++)
    assert_int_equal(pthread_create(&helpers[i], NULL, help, shared), 0);
  lead(shared);
  for (size_t i = 0; i < HELPERS; i++)
    pthread_join(helpers[i], NULL);
  check(shared);
  print_message("units by helpers: %zu\n", (size_t)shared->by_helpers);
  free(shared);
}

/* A helper that finds nothing goes home by itself; one that comes after the end does nothing. */
static void test_helpers_leave(void **state) {
  (void)state;
  job *shared = calloc(1, sizeof *shared);
  pthread_t helper;
  assert_non_null(shared);
  assert_int_equal(pthread_create(&helper, NULL, help, shared), 0);
  pthread_join(helper, NULL);
  lead(shared);
  rem_encoder__team_help(&shared->team, 1);
  check(shared);
  assert_int_equal(shared->by_helpers, 0);
  free(shared);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_leader_alone_does_everything),
      cmocka_unit_test(test_helpers_run_each_unit_once),
      cmocka_unit_test(test_helpers_leave),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
