/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator's door, and the arena behind it. */
#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "fault_sweep.h"

static void counters_return_to_where_they_were(void **state) {
  (void)state;
  size_t count = rem_alloc_live_count(), bytes = rem_alloc_live_bytes();
  char *a = rem_alloc(100), *b = rem_calloc(10, 10);
  assert_int_equal(rem_alloc_live_count(), count + 2);
  assert_true(rem_alloc_live_bytes() >= bytes + 200);
  a = rem_realloc(a, 100000);
  assert_non_null(a);
  assert_true(rem_alloc_live_bytes() >= bytes + 100100);
  rem_free(a);
  rem_free(b);
  rem_free(NULL);
  assert_int_equal(rem_alloc_live_count(), count);
  assert_int_equal(rem_alloc_live_bytes(), bytes);
}

static void the_cap_holds(void **state) {
  (void)state;
  rem_alloc_set_cap(rem_alloc_live_bytes() + 1000);
  assert_null(rem_alloc(2000));
  char *small = rem_alloc(500);
  assert_non_null(small);
  assert_null(rem_realloc(small, 5000));
  rem_alloc_set_cap(0);
  rem_free(small);
}

static void a_product_that_overflows_is_refused(void **state) {
  (void)state;
  rem_arena arena REM_AUTO_ARENA = {0};
  assert_null(rem_calloc(SIZE_MAX / 2, 3));
  assert_null(rem_arena_calloc(&arena, SIZE_MAX / 2, 3));
  assert_null(rem_arena_alloc(&arena, SIZE_MAX - 1));
}

static void a_planned_failure_comes_when_planned(void **state) {
  (void)state;
  rem_alloc_fail_at(2, 0);
  char *first = rem_alloc(1), *second = rem_alloc(1), *third = rem_alloc(1);
  assert_non_null(first);
  assert_null(second);
  assert_non_null(third);
  rem_free(first);
  rem_free(third);
  rem_alloc_fail_at(1, 1);
  assert_null(rem_alloc(1));
  assert_null(rem_strdup("x"));
  rem_alloc_fail_at(0, 0);
}

static void arena_pieces_are_aligned_apart_and_survive_growth(void **state) {
  (void)state;
  rem_arena arena REM_AUTO_ARENA = {0};
  char *pieces[3000];
  for (int i = 0; i < 3000; i++) {
    pieces[i] = rem_arena_alloc(&arena, (size_t)(i % 97) + 1);
    assert_non_null(pieces[i]);
    assert_int_equal((uintptr_t)pieces[i] % 16, 0);
    memset(pieces[i], i % 251, (size_t)(i % 97) + 1);
  }
  for (int i = 0; i < 3000; i++)
    for (int j = 0; j <= i % 97; j++)
      if ((unsigned char)pieces[i][j] != i % 251)
        fail_msg("piece %d", i);
  assert_string_equal(rem_arena_strndup(&arena, "abcd", 2), "ab");
}

static void arena_keeps_its_maximum_and_can_be_used_again(void **state) {
  (void)state;
  rem_arena arena REM_AUTO_ARENA = {0};
  rem_arena_init(&arena, 10000);
  assert_non_null(rem_arena_alloc(&arena, 4000));
  assert_non_null(rem_arena_alloc(&arena, 5000));
  assert_null(rem_arena_alloc(&arena, 5000));
  rem_arena_reset(&arena);
  assert_non_null(rem_arena_alloc(&arena, 5000));
}

static rem_status use_arena(void *context, rem_error *err) {
  rem_arena arena REM_AUTO_ARENA = {0};
  (void)context;
  for (int i = 0; i < 100; i++)
    if (!rem_arena_alloc(&arena, 1000))
      return rem_error_nomem(err);
  return REM_OK;
}

static void arena_survives_every_allocation_failure(void **state) {
  (void)state;
  assert_true(fault_sweep(use_arena, NULL) >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counters_return_to_where_they_were),
      cmocka_unit_test(the_cap_holds),
      cmocka_unit_test(a_product_that_overflows_is_refused),
      cmocka_unit_test(a_planned_failure_comes_when_planned),
      cmocka_unit_test(arena_pieces_are_aligned_apart_and_survive_growth),
      cmocka_unit_test(arena_keeps_its_maximum_and_can_be_used_again),
      cmocka_unit_test(arena_survives_every_allocation_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
