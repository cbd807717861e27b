/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation fault sweep: runs an operation with its 1st, 2nd, … allocation failing until it passes. Each
 * failure must be REM_NOMEM and leave nothing allocated. The operation frees what it made before it returns.
 */
#ifndef REM_TESTS_FAULT_SWEEP_H
#define REM_TESTS_FAULT_SWEEP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/error.h"

#define FAULT_SWEEP_LIMIT 100000

/* Returns how many allocations were made to fail; at least one, or the sweep proved nothing. */
static inline int64_t fault_sweep(rem_status (*operation)(void *context, rem_error *err), void *context) {
  size_t live = rem_alloc_live_count();
  for (int64_t n = 1; n < FAULT_SWEEP_LIMIT; n++) {
    rem_error err = {0};
    rem_alloc_fail_at(n, n % 2); /* now and then everything after it fails too */
    rem_status status = operation(context, &err);
    rem_alloc_fail_at(0, 0);
    assert_int_equal(rem_alloc_live_count(), live);
    if (status == REM_OK) {
      assert_true(n > 1);
      return n - 1;
    }
    assert_int_equal(status, REM_NOMEM);
    assert_int_equal(err.code, REM_NOMEM);
  }
  fail_msg("the operation never passed");
  return 0;
}

#endif
