/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of storage share: cmocka, a fresh folder, a seeded generator, and checks that show the error. */
#ifndef REM_TESTS_STORAGE_H
#define REM_TESTS_STORAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "storage/kv.h"

#define assert_ok(expression)                                                                                          \
  do {                                                                                                                 \
    rem_error err = {0};                                                                                               \
    rem_status got_status = (expression);                                                                              \
    if (got_status != REM_OK)                                                                                          \
      fail_msg("%s: %s (%s)", #expression, rem_status_name(got_status), err.message);                                  \
  } while (0)

#define assert_status(expression, wanted)                                                                              \
  do {                                                                                                                 \
    rem_status got_status = (expression);                                                                              \
    if (got_status != (wanted))                                                                                        \
      fail_msg("%s: %s instead of %s", #expression, rem_status_name(got_status), rem_status_name(wanted));             \
  } while (0)

static inline rem_slice text(const char *s) {
  return rem_slice_text(s);
}

/* A new folder under $TMPDIR; removed by folder_free(). */
static inline char *folder_new(void) {
  const char *base = getenv("TMPDIR");
  char *path = malloc(256);
  snprintf(path, 256, "%s/rem_storage_XXXXXX", base && *base ? base : "/tmp");
  assert_non_null(mkdtemp(path));
  return path;
}

static inline void folder_free(char *path) {
  rem_error err = {0};
  assert_int_equal(rem_file_remove_tree(path, &err), REM_OK);
  free(path);
}

static inline rem_kv *kv_open(const char *path, rem_kv_mode mode) {
  rem_kv_options options;
  rem_kv *kv = NULL;
  rem_kv_options_init(&options);
  options.mode = mode;
  assert_ok(rem_kv_open(path, &options, &kv, &err));
  return kv;
}

static inline void kv_put(rem_kv *kv, rem_kv_family family, const char *key, const char *value) {
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_put(batch, family, text(key), text(value));
  assert_ok(rem_kv_write(kv, batch, false, &err));
  rem_kv_batch_free(batch);
}

/* Does the key hold this text (NULL: is it absent)? */
static inline void kv_expect(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, const char *key,
                             const char *value) {
  rem_kv_pin pin = {0};
  rem_error err = {0};
  rem_status status = rem_kv_get(kv, snapshot, family, text(key), &pin, &err);
  if (status != (value ? REM_OK : REM_NOT_FOUND))
    fail_msg("get '%s': %s (%s)", key, rem_status_name(status), err.message);
  if (value) {
    assert_int_equal(pin.size, strlen(value));
    assert_memory_equal(pin.data, value, pin.size);
  }
  rem_kv_pin_release(&pin);
}

/* splitmix64; the seed is printed so that a failure can be repeated with REM_SEED. */
static uint64_t random_state;

static inline void random_start(const char *name) {
  const char *given = getenv("REM_SEED");
  random_state = given ? strtoull(given, NULL, 10) : 20240607;
  print_message("%s: REM_SEED=%llu\n", name, (unsigned long long)random_state);
}

static inline uint64_t random_next(void) {
  uint64_t z = random_state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t limit) {
  return random_next() % limit;
}

static inline bool is_soak(void) {
  const char *soak = getenv("REM_SOAK");
  return soak && *soak == '1';
}

#endif
