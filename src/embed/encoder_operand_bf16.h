/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands in bfloat16 on CPUs without a bfloat16 unit: two inputs a step, widened to float32 by a shift and a
 * mask, so that a model file packed on another machine runs everywhere. Included after encoder_vector.h.
 */
#ifndef REM_EMBED_ENCODER_OPERAND_BF16_H
#define REM_EMBED_ENCODER_OPERAND_BF16_H

typedef uint16_t bf16_operand;
typedef ivec bf16_panel;
#define bf16_STEP 2

typedef uint32_t bf16_bits __attribute__((vector_size(VEC_LANES * 4)));
typedef uint16_t bf16_half __attribute__((vector_size(VEC_LANES * 2)));

INLINE ivec bf16_broadcast(const uint16_t *a) {
  float pair;
  memcpy(&pair, a, sizeof pair);
  return (ivec)VEC_SPLAT(pair);
}

INLINE ivec bf16_load_panel(const uint16_t *b) {
  ivec pairs;
  memcpy(&pairs, b, sizeof pairs);
  return pairs;
}

INLINE vec bf16_even(ivec pairs) {
  return (vec)(pairs << 16);
}

INLINE vec bf16_odd(ivec pairs) {
  return (vec)((bf16_bits)pairs & 0xffff0000U);
}

INLINE vec bf16_dot(vec sum, ivec a, ivec b) {
  sum = VEC_FMA(bf16_even(a), bf16_even(b), sum);
  return VEC_FMA(bf16_odd(a), bf16_odd(b), sum);
}

INLINE vec bf16_widen(const uint16_t *values) {
  bf16_half half;
  memcpy(&half, values, sizeof half);
  return (vec)(__builtin_convertvector(half, bf16_bits) << 16);
}

/* Round to nearest, ties to even. Values are finite. */
INLINE void bf16_narrow(uint16_t *ret_values, vec v) {
  bf16_bits bits = (bf16_bits)v;
  bits += 0x7fffU + ((bits >> 16) & 1U);
  bf16_half half = __builtin_convertvector(bits >> 16, bf16_half);
  memcpy(ret_values, &half, sizeof half);
}

#endif
