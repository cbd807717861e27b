/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target implements: runs one input; a broken property aborts. Returns 0. */
#ifndef REM_TESTS_FUZZ_H
#define REM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
