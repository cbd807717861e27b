/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels: the inner loops over vectors, one table of functions per instruction set, chosen once by rem_cpu_features().
 *
 * `a` is a float array, `b` the bytes of one at any address: stored vectors are read in place. Any dimension will do. The sums
 * are in float32, so vectors of extreme length overflow or underflow: similarity.h sees that and repeats them in double.
 */
#ifndef REM_VECTOR_KERNEL_H
#define REM_VECTOR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

typedef struct rem_kernel {
  const char *name; /* "generic", "avx2", "avx512" */
  /* Sum of a[i] * b[i]. */
  float (*dot)(const float *a, const void *b, size_t dimension);
  /* Sum of (a[i] - b[i])^2. */
  float (*l2)(const float *a, const void *b, size_t dimension);
  /* In one pass: the dot product of a and b, and of b with itself. */
  void (*dot_norm)(const float *a, const void *b, size_t dimension, float *ret_dot, float *ret_norm);
  /* The largest magnitude; infinite or not a number when one of them is. */
  float (*largest)(const float *a, size_t dimension);
  /* a[i] * factor; `ret` may be `a`. */
  void (*scale)(const float *a, float factor, size_t dimension, float *ret);
  /* The integers nearest to a[i] * factor, which are within int8, and their sum. */
  int32_t (*levels)(const float *a, float factor, size_t dimension, int8_t *ret);
} rem_kernel;

/* The best this CPU offers, under REM_CPU_LEVEL. Static. */
const rem_kernel *rem_kernel_get(void);
/* By name, for tests: NULL when this CPU cannot run it. */
const rem_kernel *rem_kernel_by_name(const char *name);

extern const rem_kernel rem_kernel__generic;
extern const rem_kernel rem_kernel__avx2;
extern const rem_kernel rem_kernel__avx512;

#endif
