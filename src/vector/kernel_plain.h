/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels that a compiler makes vectors of by itself: each file for an instruction set includes them. */
#ifndef REM_VECTOR_KERNEL_PLAIN_H
#define REM_VECTOR_KERNEL_PLAIN_H

#include <string.h>

#include "vector/kernel.h"

/* Magnitudes are ordered as their bits are, those of infinity and of what is no number above all others. */
static float largest(const float *a, size_t dimension) {
  int32_t most = 0;
  for (size_t i = 0; i < dimension; i++) {
    int32_t bits;
    memcpy(&bits, a + i, sizeof bits);
    bits &= INT32_MAX;
    most = bits > most ? bits : most;
  }
  float value;
  memcpy(&value, &most, sizeof value);
  return value;
}

static void scale(const float *a, float factor, size_t dimension, float *ret) {
  for (size_t i = 0; i < dimension; i++)
    ret[i] = a[i] * factor;
}

static int32_t levels(const float *a, float factor, size_t dimension, int8_t *ret) {
  const float shift = 12582912.0f; /* 1.5 x 2^23: the sum has no bits right of the point */
  int32_t sum = 0;
  for (size_t i = 0; i < dimension; i++) {
    int32_t level = (int32_t)((a[i] * factor + shift) - shift);
    ret[i] = (int8_t)level;
    sum += level;
  }
  return sum;
}

#endif
