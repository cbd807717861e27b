/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands in int8 where the CPU has a dot product of bytes (VNNI): unsigned operands times signed weights, four of each to a lane.
 * Included after encoder_vector.h; INT8_SPLAT(x) fills the lanes with a 32-bit number, VNNI_DOT is the instruction's text. It is
 * given in assembly, since the intrinsic makes gcc 12 spill the sums.
 */
#ifndef REM_EMBED_ENCODER_OPERAND_VNNI_H
#define REM_EMBED_ENCODER_OPERAND_VNNI_H

typedef uint8_t int8_operand;
typedef ivec int8_panel;
#define int8_STEP 4
#define INT8_SHIFT 128

INLINE ivec int8_broadcast(const uint8_t *a) {
  int32_t quad;
  memcpy(&quad, a, sizeof quad);
  return (ivec)INT8_SPLAT(quad);
}

INLINE ivec int8_load_panel(const uint8_t *b) {
  ivec quads;
  memcpy(&quads, b, sizeof quads);
  return quads;
}

INLINE vec int8_dot(vec sum, ivec a, ivec b) {
  __asm__(VNNI_DOT : "+" VNNI_REGISTER(sum) : VNNI_REGISTER(a), VNNI_REGISTER(b));
  return sum;
}

#endif
