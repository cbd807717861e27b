/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that measure: monotonic wall time and CPU time of the process, in microseconds. */
#ifndef REM_BASE_CLOCK_H
#define REM_BASE_CLOCK_H

#include <stdint.h>

int64_t rem_clock_monotonic_us(void);
int64_t rem_clock_cpu_us(void);

#endif
