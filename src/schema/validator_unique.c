/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uniqueItems. A short list is compared pair by pair. The items of a longer one are hashed, so that equal values have equal hashes
 * (1 and 1.0; objects in any order), and only neighbours in the order of hashes are compared. Hashes are seeded per process.
 */
#include <stdlib.h>

#include "schema/validator_internal.h"

#define SHORT_LIST 16

typedef struct hashed {
  uint64_t hash;
  size_t index;
} hashed;

static uint64_t hash_of(const json_t *value);

static uint64_t hash_integer(int64_t value) {
  return rem_hash_bytes(&value, sizeof value);
}

/* A real that is a whole number hashes as that number. */
static uint64_t hash_real(double value) {
  if (value >= -0x1p63 && value < 0x1p63 && value == (double)(int64_t)value) return hash_integer((int64_t)value);
  return rem_hash_bytes(&value, sizeof value) + 1;
}

static uint64_t hash_array(const json_t *value) {
  uint64_t hash = 3;
  for (size_t i = 0; i < json_array_size(value); i++) {
    uint64_t pair[] = {hash, hash_of(json_array_get(value, i))};
    hash = rem_hash_bytes(pair, sizeof pair);
  }
  return hash;
}

static uint64_t hash_object(const json_t *value) {
  uint64_t hash = 5;
  json_t *members = (json_t *)value;
  for (void *i = json_object_iter(members); i != NULL; i = json_object_iter_next(members, i)) {
    uint64_t pair[] = {rem_hash_bytes(json_object_iter_key(i), json_object_iter_key_len(i)),
                       hash_of(json_object_iter_value(i))};
    hash += rem_hash_bytes(pair, sizeof pair);
  }
  return hash;
}

static uint64_t hash_of(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_INTEGER: return hash_integer(json_integer_value(value));
  case JSON_REAL: return hash_real(json_real_value(value));
  case JSON_STRING: return rem_hash_bytes(json_string_value(value), json_string_length(value)) + 2;
  case JSON_ARRAY: return hash_array(value);
  case JSON_OBJECT: return hash_object(value);
  default: return 11 + (uint64_t)json_typeof(value);
  }
}

static bool duplicate_of_short(const json_t *array, size_t *ret_first, size_t *ret_second) {
  for (size_t j = 1; j < json_array_size(array); j++) {
    for (size_t i = 0; i < j; i++) {
      if (!rem_json_equal(json_array_get(array, i), json_array_get(array, j))) continue;
      *ret_first = i;
      *ret_second = j;
      return true;
    }
  }
  return false;
}

static int compare_hashed(const void *a, const void *b) {
  const hashed *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static bool duplicate_of_sorted(const json_t *array, const hashed *items, size_t count, size_t *ret_first,
                                size_t *ret_second) {
  for (size_t j = 1; j < count; j++) {
    for (size_t i = j; i > 0 && items[i - 1].hash == items[j].hash; i--) {
      if (!rem_json_equal(json_array_get(array, items[i - 1].index), json_array_get(array, items[j].index))) continue;
      *ret_first = items[i - 1].index;
      *ret_second = items[j].index;
      return true;
    }
  }
  return false;
}

bool rem_array__duplicate(rem_run *run, const json_t *array, size_t *ret_first, size_t *ret_second) {
  size_t count = json_array_size(array);
  if (count <= SHORT_LIST) return duplicate_of_short(array, ret_first, ret_second);
  hashed *items REM_AUTO_FREE = rem_calloc(count, sizeof *items);
  if (items == NULL) return rem_run__trouble(run, rem_error_nomem(run->err));
  for (size_t i = 0; i < count; i++)
    items[i] = (hashed){hash_of(json_array_get(array, i)), i};
  qsort(items, count, sizeof *items, compare_hashed);
  run->work += count;
  return duplicate_of_sorted(array, items, count, ret_first, ret_second);
}
