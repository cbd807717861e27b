/* SPDX-License-Identifier: Apache-2.0 */
/* Operands in float32: one input a step. Included after encoder_vector.h; gives the template its primitives. */
#ifndef REM_EMBED_ENCODER_OPERAND_F32_H
#define REM_EMBED_ENCODER_OPERAND_F32_H

typedef float f32_operand;
typedef vec f32_panel;
#define f32_STEP 1

INLINE vec f32_broadcast(const float *a) {
  return VEC_SPLAT(*a);
}

INLINE vec f32_load_panel(const float *b) {
  return vec_load(b);
}

INLINE vec f32_dot(vec sum, vec a, vec b) {
  return VEC_FMA(a, b, sum);
}

INLINE vec f32_widen(const float *values) {
  return vec_load(values);
}

INLINE void f32_narrow(float *ret_values, vec v) {
  vec_store(ret_values, v);
}

#endif
