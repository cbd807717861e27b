/* SPDX-License-Identifier: Apache-2.0 */
/* A store of its own for each test: its folder, its kv, and a committer for those that commit. */
#ifndef REM_TESTS_STORAGE_STORE_H
#define REM_TESTS_STORAGE_STORE_H

#include "storage_test.h"

#include "storage/commit.h"

static char *folder;
static rem_kv *kv; /* NULL: a test has closed it itself */
static rem_committer *committer;

static inline int store_setup(void **state) {
  (void)state;
  folder = folder_new();
  kv = kv_open(folder, REM_KV_CREATE);
  return 0;
}

static inline int store_teardown(void **state) {
  (void)state;
  rem_committer_free(REM_TAKE(committer));
  assert_ok(rem_kv_close(REM_TAKE(kv), &err));
  folder_free(REM_TAKE(folder));
  return 0;
}

static inline int store_setup_committing(void **state) {
  store_setup(state);
  assert_ok(rem_committer_new(kv, 0, &committer, &err));
  return 0;
}

#define with_store(function) cmocka_unit_test_setup_teardown(function, store_setup, store_teardown)
#define with_committer(function) cmocka_unit_test_setup_teardown(function, store_setup_committing, store_teardown)

#endif
