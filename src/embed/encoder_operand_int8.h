/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands in int8 for any CPU: a lane is four signed bytes. Products of two bytes fit in 16 bits, and so does the sum of two of them
 * (2 x 127 x 127 < 2^15), so a step is two multiplications of 16-bit lanes and one widening addition, which SSE2 has.
 * Included after encoder_vector.h.
 */
#ifndef REM_EMBED_ENCODER_OPERAND_INT8_H
#define REM_EMBED_ENCODER_OPERAND_INT8_H

typedef uint8_t int8_operand;
typedef ivec int8_panel;
#define int8_STEP 4
#define INT8_SHIFT 0

typedef int16_t int8_halves __attribute__((vector_size(VEC_LANES * 4)));

INLINE ivec int8_broadcast(const uint8_t *a) {
  float quad;
  memcpy(&quad, a, sizeof quad);
  return (ivec)VEC_SPLAT(quad);
}

INLINE ivec int8_load_panel(const uint8_t *b) {
  ivec quads;
  memcpy(&quads, b, sizeof quads);
  return quads;
}

INLINE vec int8_dot(vec sum, ivec a, ivec b) {
  int8_halves even = (((int8_halves)a << 8) >> 8) * (((int8_halves)b << 8) >> 8);
  int8_halves odd = ((int8_halves)a >> 8) * ((int8_halves)b >> 8);
  ivec pairs = (ivec)(even + odd);
  return (vec)((ivec)sum + ((pairs << 16) >> 16) + (pairs >> 16));
}

#endif
