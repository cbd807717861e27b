/* SPDX-License-Identifier: Apache-2.0 */
/* Chance for tests that make things up. REM_TEST_SEED repeats a run, REM_TEST_SCALE multiplies it. */
#ifndef REM_TESTS_QUERY_CHANCE_H
#define REM_TESTS_QUERY_CHANCE_H

#include <stdint.h>
#include <time.h>

static uint64_t chance_state;

static inline uint32_t chance(uint32_t below) {
  chance_state ^= chance_state << 13;
  chance_state ^= chance_state >> 7;
  chance_state ^= chance_state << 17;
  return (uint32_t)((chance_state >> 11) % below);
}

static inline void begin_chance(void) {
  const char *given = getenv("REM_TEST_SEED");
  chance_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
  print_message("REM_TEST_SEED=%llu\n", (unsigned long long)chance_state);
  chance_state |= 1;
}

static inline int scaled(int count) {
  const char *scale = getenv("REM_TEST_SCALE");
  int factor = scale ? atoi(scale) : 1;
  return count * (factor > 0 ? factor : 1);
}

#endif
