/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector arithmetic of the kernels: what can be said in lanes of any width. Included by the
 * instruction-set files after they have defined
 *
 *   vec, ivec            vectors of VEC_LANES float and int32_t
 *   VEC_SPLAT(x)         x in every lane
 *   VEC_FMA(a, b, c)     a * b + c
 *   VEC_MAX, VEC_MIN     of two vectors
 */
#ifndef REM_EMBED_ENCODER_VECTOR_H
#define REM_EMBED_ENCODER_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define INLINE static inline __attribute__((always_inline))

INLINE vec vec_load(const float *values) {
  vec v;
  memcpy(&v, values, sizeof v);
  return v;
}

INLINE void vec_store(float *ret_values, vec v) {
  memcpy(ret_values, &v, sizeof v);
}

INLINE float vec_sum(vec v) {
  float lanes[VEC_LANES], sum = 0;
  vec_store(lanes, v);
  for (size_t i = 0; i < VEC_LANES; i++)
    sum += lanes[i];
  return sum;
}

INLINE float vec_largest(vec v) {
  float lanes[VEC_LANES];
  vec_store(lanes, v);
  float largest = lanes[0];
  for (size_t i = 1; i < VEC_LANES; i++)
    largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}

/*
 * 2^x for x <= 127, relative error below 2e-7; x below -126 counts as -126. Adding 1.5 * 2^23 rounds x to an
 * integer n in the low bits of the sum; the polynomial (least squares reweighted to minimax on [-0.5, 0.5])
 * takes the fraction, and n goes into the exponent.
 */
INLINE vec vec_exp2(vec x) {
  const vec rounder = VEC_SPLAT(12582912.0F);
  x = VEC_MAX(x, VEC_SPLAT(-126.0F));
  vec shifted = x + rounder;
  vec f = x - (shifted - rounder);
  vec p = VEC_FMA(VEC_SPLAT(1.327647129e-3F), f, VEC_SPLAT(9.675540961e-3F));
  p = VEC_FMA(p, f, VEC_SPLAT(5.550713092e-2F));
  p = VEC_FMA(p, f, VEC_SPLAT(2.402212024e-1F));
  p = VEC_FMA(p, f, VEC_SPLAT(6.931469440e-1F));
  p = VEC_FMA(p, f, VEC_SPLAT(1.000000119F));
  return (vec)((ivec)p + ((ivec)shifted << 23));
}

/*
 * x * Phi(x), absolute error below 5e-6. Phi - 1/2 is odd: t * P(z) with t = x clamped to +-4.8 and z = 2 (t /
 * 4.8)^2 - 1, so that the coefficients are those of a polynomial on [-1, 1] and lose nothing in float32. P is a
 * minimax fit weighted by x under the condition that Phi is exactly 0 and 1 at the clamp.
 */
INLINE vec vec_gelu(vec x) {
  const vec bound = VEC_SPLAT(4.8F);
  vec t = VEC_MAX(VEC_MIN(x, bound), -bound);
  vec z = VEC_FMA(t * t, VEC_SPLAT(2.0F / (4.8F * 4.8F)), VEC_SPLAT(-1.0F));
  vec p = VEC_FMA(VEC_SPLAT(1.443540561e-3F), z, VEC_SPLAT(-4.194547422e-3F));
  p = VEC_FMA(p, z, VEC_SPLAT(5.392754450e-3F));
  p = VEC_FMA(p, z, VEC_SPLAT(-7.443503011e-3F));
  p = VEC_FMA(p, z, VEC_SPLAT(1.386381034e-2F));
  p = VEC_FMA(p, z, VEC_SPLAT(-2.218746394e-2F));
  p = VEC_FMA(p, z, VEC_SPLAT(3.072090261e-2F));
  p = VEC_FMA(p, z, VEC_SPLAT(-4.056594148e-2F));
  p = VEC_FMA(p, z, VEC_SPLAT(5.290409178e-2F));
  p = VEC_FMA(p, z, VEC_SPLAT(-7.297975570e-2F));
  p = VEC_FMA(p, z, VEC_SPLAT(1.472127885e-1F));
  return x * VEC_FMA(t, p, VEC_SPLAT(0.5F));
}

/*
 * x / (1 + e^(-2u)) with u = sqrt(2 / pi) (x + 0.044715 x^3): the tanh form, rearranged. The power of two is clamped above, where
 * the quotient is x or nothing.
 */
INLINE vec vec_gelu_tanh(vec x) {
  const vec cubic = VEC_SPLAT(-2.0F * 0.7978845608F * 0.044715F * 1.4426950409F);
  const vec linear = VEC_SPLAT(-2.0F * 0.7978845608F * 1.4426950409F);
  vec exponent = x * VEC_FMA(cubic, x * x, linear);
  return x / (VEC_SPLAT(1.0F) + vec_exp2(VEC_MIN(exponent, VEC_SPLAT(126.0F))));
}

/* Normalises a row in place. The mean first, then the squares of what is left: the row is in the first-level cache, and nothing
 * cancels. */
INLINE void vec_layer_norm(float *row, size_t width, const float *gamma, const float *beta, float epsilon) {
  vec sum = VEC_SPLAT(0.0F), squares = VEC_SPLAT(0.0F);
  for (size_t i = 0; i < width; i += VEC_LANES)
    sum += vec_load(row + i);
  const vec mean = VEC_SPLAT(vec_sum(sum) / (float)width);
  for (size_t i = 0; i < width; i += VEC_LANES) {
    vec x = vec_load(row + i) - mean;
    squares = VEC_FMA(x, x, squares);
  }
  const vec scale = VEC_SPLAT(1.0F / sqrtf(vec_sum(squares) / (float)width + epsilon));
  for (size_t i = 0; i < width; i += VEC_LANES)
    vec_store(row + i, VEC_FMA((vec_load(row + i) - mean) * scale, vec_load(gamma + i), vec_load(beta + i)));
}

/* What a product does with its sums before it stores them. */
enum encoder_epilogue { EPILOGUE_STORE, EPILOGUE_GELU, EPILOGUE_GELU_TANH, EPILOGUE_ADD };

INLINE vec vec_activate(enum encoder_epilogue epilogue, vec x) {
  if (epilogue == EPILOGUE_GELU)
    return vec_gelu(x);
  return epilogue == EPILOGUE_GELU_TANH ? vec_gelu_tanh(x) : x;
}

#endif
