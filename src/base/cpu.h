/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU dispatch: which instruction sets this CPU and kernel offer, asked once.
 *
 * Levels are ordered; code that has a variant for a level picks the highest one not above rem_cpu_level().
 * REM_CPU_LEVEL in the environment (generic, avx2, avxvnni, avx512, avx512vnni, avx512bf16, amx) lowers
 * it, for tests and benchmarks.
 */
#ifndef REM_BASE_CPU_H
#define REM_BASE_CPU_H

#include <stdbool.h>

typedef enum rem_cpu_feature {
  REM_CPU_SSE42 = 1 << 0,
  REM_CPU_AVX2 = 1 << 1, /* with FMA, F16C, BMI2 */
  REM_CPU_AVX_VNNI = 1 << 2,
  REM_CPU_AVX512 = 1 << 3, /* F, BW, DQ, VL */
  REM_CPU_AVX512_VNNI = 1 << 4,
  REM_CPU_AVX512_BF16 = 1 << 5,
  REM_CPU_AMX_BF16 = 1 << 6,
  REM_CPU_AMX_INT8 = 1 << 7,
} rem_cpu_feature;

/* The features, after REM_CPU_LEVEL has taken away what lies above it. The operating system's support (XCR0) is
 * checked. */
unsigned rem_cpu_features(void);
static inline bool rem_cpu_has(rem_cpu_feature feature) {
  return (rem_cpu_features() & feature) != 0;
}
/* "AMD EPYC …"; static. */
const char *rem_cpu_name(void);
/* The highest level in use, as the environment names it; static. */
const char *rem_cpu_level(void);
/* For tests: behave as if REM_CPU_LEVEL were `level`; NULL: as at start. Not thread-safe. */
void rem_cpu_set_level(const char *level);

#endif
