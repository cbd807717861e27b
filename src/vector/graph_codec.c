/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With x the direction (or its components in the basis), m the mean and s the scale, a 4-bit level is floor(s (x - m)) + 8 in 0..15 and stands for the
 * middle of its interval, so
 *
 *   q.x  ~  q.m + (dot(level, Q) - 7.5 sum(Q)) / (s t)        Q = round(t q), t = 127 / max|q|
 *
 * and an 8-bit one is round(s (x - m)) + 128, with 128 for 7.5. One scale for all components lets one integer product compare; 2.8 standard
 * deviations lose least between clipping and coarseness. The basis is applied in 8 bits by the kernel that compares link codes: its rounding
 * is a tenth of the code's own.
 */
#include "vector/graph_codec.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "vector/kernel.h"
#include "vector/similarity.h"

#define EIGHT_BITS_BELOW 193 /* dimensions: of fewer, 4 bits say too little */

void rem_graph_codec_shape(rem_graph_codec *codec, size_t dimension, size_t code_dimension) {
  codec->dimension = dimension;
  codec->code_dimension = code_dimension;
  codec->bits = dimension < EIGHT_BITS_BELOW ? 8 : 4;
  size_t a_line = codec->bits == 4 ? 128 : 64;
  codec->lines = (code_dimension + a_line - 1) / a_line;
  codec->link_bytes = (dimension + 63) / 64 * 64;
}

rem_status rem_graph_codec_make_means(rem_graph_codec *codec, rem_error *err) {
  codec->mean = rem_calloc(codec->dimension + codec->code_dimension, sizeof *codec->mean);
  if (codec->mean == NULL) return rem_error_nomem(err);
  codec->code_mean = codec->mean + codec->dimension;
  return REM_OK;
}

rem_status rem_graph_codec_make_basis(rem_graph_codec *codec, rem_error *err) {
  codec->basis_allocation = rem_alloc(codec->code_dimension * codec->link_bytes + REM_GRAPH_LINE);
  if (codec->basis_allocation == NULL) return rem_error_nomem(err);
  codec->basis = (uint8_t *)(((uintptr_t)codec->basis_allocation + REM_GRAPH_LINE - 1) & ~(uintptr_t)(REM_GRAPH_LINE - 1));
  return REM_OK;
}

size_t rem_graph_codec_query_bytes(const rem_graph_codec *codec) {
  return codec->lines * (codec->bits == 4 ? 128 : 64);
}

void rem_graph_codec_deinit(rem_graph_codec *codec) {
  rem_free(codec->mean);
  rem_free(codec->basis_allocation);
  *codec = (rem_graph_codec){0};
}

/* The sum in float32 will do, unless it overflows or is so small that terms were lost. */
void rem_graph_direction(const float *vector, size_t dimension, float *ret_direction) {
  double squares = (double)rem_kernel_get()->dot(vector, vector, dimension);
  if (!(squares > 1e-30 && squares < 1e38)) {
    squares = 0;
    for (size_t i = 0; i < dimension; i++)
      squares += (double)vector[i] * (double)vector[i];
  }
  double factor = squares > 0 ? 1 / sqrt(squares) : 0;
  if (factor > 1e-30 && factor < 1e30) {
    rem_kernel_get()->scale(vector, (float)factor, dimension, ret_direction);
    return;
  }
  for (size_t i = 0; i < dimension; i++)
    ret_direction[i] = (float)((double)vector[i] * factor);
}

/* ------------------------------------------------------------------------------------------- */
/* Rounding, without a call: |value| stays far below 2^22.                                      */

static inline float nearest(float value) {
  const float shift = 12582912.0f; /* 1.5 x 2^23: the sum has no bits left of the point's right */
  return (value + shift) - shift;
}

static inline float bounded(float value, float least, float most) {
  value = value > least ? value : least;
  return value < most ? value : most;
}

/* The factor that makes the largest magnitude 127; 0 when all are zero. */
static float fill_factor(const float *values, size_t count) {
  float largest = rem_kernel_get()->largest(values, count);
  return largest > 1e-30f ? 127 / largest : 0;
}

/* The middle of a level's interval is so far from level 0. */
static double middle(const rem_graph_codec *codec) {
  return codec->bits == 4 ? 7.5 : 128;
}

/* ------------------------------------------------------------------------------------------- */
/* Basis                                                                                        */

/* int8 as value + 128; `bytes` in whole lines. */
static void flip_signs(uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i += 8) {
    uint64_t eight;
    memcpy(&eight, bytes + i, sizeof eight);
    eight ^= UINT64_C(0x8080808080808080);
    memcpy(bytes + i, &eight, sizeof eight);
  }
}

/* The components of a direction, into `room` (code_dimension); the direction itself when there is no basis. */
static const float *components(const rem_graph_codec *codec, const float *direction, float *room) {
  if (codec->basis == NULL) return direction;
  uint8_t bytes[REM_VECTOR_MAX_DIMENSION] __attribute__((aligned(64)));
  int32_t dots[REM_VECTOR_MAX_DIMENSION];
  float factor = fill_factor(direction, codec->dimension);
  memset(bytes + codec->dimension, 0, codec->link_bytes - codec->dimension);
  (void)rem_kernel_get()->levels(direction, factor, codec->dimension, (int8_t *)bytes);
  flip_signs(bytes, codec->link_bytes);
  float unit = factor > 0 ? 1 / (factor * codec->basis_scale) : 0;
  rem_graph_kernel_get()->project(bytes, codec->basis, codec->link_bytes, codec->code_dimension, dots);
  for (size_t i = 0; i < codec->code_dimension; i++)
    room[i] = (float)dots[i] * unit;
  return room;
}

/* ------------------------------------------------------------------------------------------- */
/* Codes                                                                                        */

void rem_graph_codec_encode(const rem_graph_codec *codec, const float *direction, uint8_t *ret_code) {
  float room[REM_VECTOR_MAX_DIMENSION];
  const float *values = components(codec, direction, room);
  memset(ret_code, 0, codec->lines * REM_GRAPH_LINE);
  for (size_t i = 0; i < codec->code_dimension; i++) {
    float level = (values[i] - codec->code_mean[i]) * codec->scale;
    if (codec->bits == 8) {
      ret_code[i] = (uint8_t)((int)nearest(bounded(level, -127, 127)) + 128);
      continue;
    }
    uint8_t half = (uint8_t)bounded(level + 8, 0, 15);
    ret_code[i / 128 * 64 + i % 64] |= (uint8_t)(i % 128 < 64 ? half : half << 4);
  }
}

int32_t rem_graph_codec_encode_link(const rem_graph_codec *codec, const float *direction, uint8_t *ret_code) {
  int32_t squares = 0;
  memset(ret_code + codec->dimension, 128, codec->link_bytes - codec->dimension);
  for (size_t i = 0; i < codec->dimension; i++) {
    int level = (int)nearest(bounded((direction[i] - codec->mean[i]) * codec->link_scale, -127, 127));
    ret_code[i] = (uint8_t)(level + 128);
    squares += level * level;
  }
  return squares;
}

void rem_graph_codec_query(const rem_graph_codec *codec, const float *direction, rem_graph_query *query) {
  float room[REM_VECTOR_MAX_DIMENSION];
  const float *values = components(codec, direction, room);
  float factor = fill_factor(values, codec->code_dimension);
  int32_t sum = rem_kernel_get()->levels(values, factor, codec->code_dimension, query->values);
  memset(query->values + codec->code_dimension, 0, rem_graph_codec_query_bytes(codec) - codec->code_dimension);
  float mean_part = rem_kernel_get()->dot(direction, codec->mean, codec->dimension);
  query->scale = factor > 0 ? (double)factor * (double)codec->scale : 1;
  query->base = (double)mean_part - (double)codec->bias - middle(codec) * (double)sum / query->scale;
}

uint32_t rem_graph_query_key(const rem_graph_query *query, double similarity) {
  double key = (double)REM_GRAPH_BIAS - (similarity - query->base) * query->scale;
  if (key <= 0) return 0;
  return key < (double)UINT32_MAX ? (uint32_t)key : UINT32_MAX; /* what is not a number holds everything */
}
