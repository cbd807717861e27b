/* SPDX-License-Identifier: Apache-2.0 */
/* The hash map against a plain array, with removals, growth and failing memory. */
#include "base/hash_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fault_sweep.h"

static rem_slice key_of(int number, char room[24]) {
  snprintf(room, 24, "key %d", number);
  return rem_slice_text(room);
}

static void put(rem_hash_map *map, rem_slice key, void *value) {
  rem_error err = {0};
  assert_int_equal(rem_hash_map_put(map, key, value, NULL, &err), REM_OK);
}

static void an_empty_map_has_nothing(void **state) {
  (void)state;
  rem_hash_map map = {0};
  size_t cursor = 0;
  assert_null(rem_hash_map_get(&map, rem_slice_text("a")));
  assert_null(rem_hash_map_remove(&map, rem_slice_text("a")));
  assert_null(rem_hash_map_next(&map, &cursor));
  rem_hash_map_clear(&map);
  rem_hash_map_deinit(&map);
}

static void put_replaces_and_gives_the_old_value(void **state) {
  (void)state;
  rem_hash_map map = {0};
  rem_error err = {0};
  int a, b;
  void *old = &b;
  assert_int_equal(rem_hash_map_put(&map, rem_slice_text("k"), &a, &old, &err), REM_OK);
  assert_null(old);
  assert_int_equal(rem_hash_map_put(&map, rem_slice_text("k"), &b, &old, &err), REM_OK);
  assert_ptr_equal(old, &a);
  assert_ptr_equal(rem_hash_map_get(&map, rem_slice_text("k")), &b);
  assert_int_equal(map.count, 1);
  rem_hash_map_deinit(&map);
}

static void keys_are_bytes_of_any_length(void **state) {
  (void)state;
  rem_hash_map map = {0};
  int values[4];
  put(&map, rem_slice_of(NULL, 0), &values[0]);
  put(&map, rem_slice_of("\0", 1), &values[1]);
  put(&map, rem_slice_of("\0\0", 2), &values[2]);
  put(&map, rem_slice_of("0123456789abcdef0123456789abcdef!", 33), &values[3]);
  assert_ptr_equal(rem_hash_map_get(&map, rem_slice_of("", 0)), &values[0]);
  assert_ptr_equal(rem_hash_map_get(&map, rem_slice_of("\0", 1)), &values[1]);
  assert_ptr_equal(rem_hash_map_get(&map, rem_slice_of("\0\0", 2)), &values[2]);
  assert_ptr_equal(rem_hash_map_get(&map, rem_slice_of("0123456789abcdef0123456789abcdef!", 33)), &values[3]);
  assert_null(rem_hash_map_get(&map, rem_slice_of("\0\0\0", 3)));
  rem_hash_map_deinit(&map);
}

#define KEYS 500

static size_t count_entries(const rem_hash_map *map) {
  size_t cursor = 0, count = 0;
  while (rem_hash_map_next(map, &cursor))
    count++;
  return count;
}

static void random_changes_agree_with_a_plain_array(void **state) {
  (void)state;
  unsigned seed = (unsigned)time(NULL);
  print_message("seed %u\n", seed);
  rem_hash_map map = {0};
  char names[KEYS][24], *present[KEYS] = {0};
  size_t count = 0;
  for (int step = 0; step < 200000; step++) {
    int i = rand_r(&seed) % KEYS;
    rem_slice key = key_of(i, names[i]);
    assert_ptr_equal(rem_hash_map_get(&map, key), present[i]);
    if (rand_r(&seed) % 2) {
      put(&map, key, names[i]);
      count += !present[i];
      present[i] = names[i];
    } else {
      assert_ptr_equal(rem_hash_map_remove(&map, key), present[i]);
      count -= present[i] != NULL;
      present[i] = NULL;
    }
    assert_int_equal(map.count, count);
  }
  assert_int_equal(count_entries(&map), count);
  assert_true(map.capacity <= 2048); /* removed entries do not make it grow for ever */
  rem_hash_map_clear(&map);
  assert_int_equal(count_entries(&map), 0);
  rem_hash_map_deinit(&map);
}

static void hashes_of_near_keys_spread_over_the_low_bits(void **state) {
  (void)state;
  unsigned buckets[256] = {0}, fullest = 0;
  for (uint64_t i = 0; i < 25600; i++)
    buckets[rem_hash_bytes(&i, sizeof i) & 255]++;
  for (int i = 0; i < 256; i++)
    fullest = buckets[i] > fullest ? buckets[i] : fullest;
  assert_true(fullest < 170); /* 100 expected; seven standard deviations */
}

static rem_status fill(void *context, rem_error *err) {
  rem_hash_map map = {0};
  rem_status status = REM_OK;
  char room[24];
  (void)context;
  for (int i = 0; i < 40 && status == REM_OK; i++) {
    size_t before = map.count;
    status = rem_hash_map_put(&map, key_of(i, room), &map, NULL, err);
    assert_int_equal(map.count, before + (status == REM_OK));
  }
  for (int i = 0; i < (int)map.count; i++)
    assert_ptr_equal(rem_hash_map_get(&map, key_of(i, room)), &map);
  rem_hash_map_deinit(&map);
  return status;
}

static void put_survives_every_allocation_failure(void **state) {
  (void)state;
  assert_true(fault_sweep(fill, NULL) > 40);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_map_has_nothing),
      cmocka_unit_test(put_replaces_and_gives_the_old_value),
      cmocka_unit_test(keys_are_bytes_of_any_length),
      cmocka_unit_test(random_changes_agree_with_a_plain_array),
      cmocka_unit_test(hashes_of_near_keys_spread_over_the_low_bits),
      cmocka_unit_test(put_survives_every_allocation_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
