/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With x the direction, m the mean and s the scale, a 4-bit level is floor(s (x - m)) + 8 in 0..15 and stands for the middle of
 * its interval, so
 *
 *   q.x  ~  q.m + (dot(level, Q) - 7.5 sum(Q)) / (s t)        Q = round(t q), t = 127 / max|q|
 *
 * and an 8-bit one is round(s (x - m)) + 128, with 128 for 7.5. One scale for all components lets one integer product compare; 2.8 standard
 * deviations lose least between clipping and coarseness.
 */
#include "vector/graph_codec.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "vector/kernel.h"

#define CLIP_DEVIATIONS 2.8
#define LINK_DEVIATIONS 8.0
#define EIGHT_BITS_BELOW 193 /* dimensions: of fewer, 4 bits say too little */

void rem_graph_codec_shape(rem_graph_codec *codec, size_t dimension) {
  codec->dimension = dimension;
  codec->bits = dimension < EIGHT_BITS_BELOW ? 8 : 4;
  size_t a_line = codec->bits == 4 ? 128 : 64;
  codec->lines = (dimension + a_line - 1) / a_line;
  codec->link_bytes = (dimension + 63) / 64 * 64;
}

size_t rem_graph_codec_query_bytes(const rem_graph_codec *codec) {
  return codec->lines * (codec->bits == 4 ? 128 : 64);
}

void rem_graph_codec_deinit(rem_graph_codec *codec) {
  rem_free(codec->mean);
  *codec = (rem_graph_codec){0};
}

void rem_graph_direction(const float *vector, size_t dimension, float *ret_direction) {
  double squares = 0;
  for (size_t i = 0; i < dimension; i++)
    squares += (double)vector[i] * (double)vector[i];
  double factor = squares > 0 ? 1 / sqrt(squares) : 0;
  for (size_t i = 0; i < dimension; i++)
    ret_direction[i] = (float)((double)vector[i] * factor);
}

/* The middle of a level's interval is so far from level 0. */
static double middle(const rem_graph_codec *codec) {
  return codec->bits == 4 ? 7.5 : 128;
}

static uint8_t clamp(int level, int least, int most) {
  return (uint8_t)(level < least ? least : level > most ? most : level);
}

void rem_graph_codec_encode(const rem_graph_codec *codec, const float *direction, uint8_t *ret_code) {
  memset(ret_code, 0, codec->lines * REM_GRAPH_LINE);
  for (size_t i = 0; i < codec->dimension; i++) {
    float level = (direction[i] - codec->mean[i]) * codec->scale;
    if (codec->bits == 8) {
      ret_code[i] = clamp((int)lrintf(level) + 128, 1, 255);
      continue;
    }
    uint8_t half = clamp((int)floorf(level) + 8, 0, 15);
    ret_code[i / 128 * 64 + i % 64] |= (uint8_t)(i % 128 < 64 ? half : half << 4);
  }
}

int32_t rem_graph_codec_encode_link(const rem_graph_codec *codec, const float *direction, uint8_t *ret_code) {
  int32_t squares = 0;
  memset(ret_code, 128, codec->link_bytes);
  for (size_t i = 0; i < codec->dimension; i++) {
    int level = (int)lrintf((direction[i] - codec->mean[i]) * codec->link_scale);
    level = level < -127 ? -127 : level > 127 ? 127 : level;
    ret_code[i] = (uint8_t)(level + 128);
    squares += level * level;
  }
  return squares;
}

void rem_graph_codec_query(const rem_graph_codec *codec, const float *direction, rem_graph_query *query) {
  float largest = 0;
  for (size_t i = 0; i < codec->dimension; i++)
    largest = fabsf(direction[i]) > largest ? fabsf(direction[i]) : largest;
  float factor = largest > 0 ? 127 / largest : 0;
  int64_t sum = 0;
  memset(query->values, 0, rem_graph_codec_query_bytes(codec));
  for (size_t i = 0; i < codec->dimension; i++) {
    int value = (int)lrintf(direction[i] * factor);
    query->values[i] = (int8_t)value;
    sum += value;
  }
  float mean_part = rem_kernel_get()->dot(direction, codec->mean, codec->dimension);
  query->scale = factor > 0 ? (double)factor * (double)codec->scale : 1;
  query->base = (double)mean_part - middle(codec) * (double)sum / query->scale;
}

uint32_t rem_graph_query_key(const rem_graph_query *query, double similarity) {
  double key = (double)REM_GRAPH_BIAS - (similarity - query->base) * query->scale;
  return key <= 0 ? 0 : key >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)key;
}

/* ------------------------------------------------------------------------------------------- */
/* Training                                                                                     */

static void find_mean(rem_graph_codec *codec, const float *sample, size_t count) {
  for (size_t i = 0; i < codec->dimension; i++) {
    double sum = 0;
    for (size_t row = 0; row < count; row++)
      sum += (double)sample[row * codec->dimension + i];
    codec->mean[i] = (float)(sum / (double)count);
  }
}

static void find_scales(rem_graph_codec *codec, const float *sample, size_t count) {
  double squares = 0, largest = 0;
  for (size_t i = 0; i < count * codec->dimension; i++) {
    double deviation = fabs((double)sample[i] - (double)codec->mean[i % codec->dimension]);
    squares += deviation * deviation;
    largest = deviation > largest ? deviation : largest;
  }
  double standard = sqrt(squares / (double)(count * codec->dimension));
  if (!(standard > 1e-9)) standard = 1e-9; /* one vector, or equal ones: any scale will do */
  double reach = largest < LINK_DEVIATIONS * standard ? largest : LINK_DEVIATIONS * standard;
  codec->link_scale = (float)(127 / (reach > standard ? reach : standard));
  codec->scale = codec->bits == 8 ? codec->link_scale : (float)(8 / (CLIP_DEVIATIONS * standard));
}

/* The deviation of estimated similarities of neighbours in the sample from the exact ones, around their mean. */
static rem_status measure_error(rem_graph_codec *codec, const float *sample, size_t count, rem_error *err) {
  const rem_graph_kernel *kernel = rem_graph_kernel_get();
  size_t query_bytes = rem_graph_codec_query_bytes(codec), code_bytes = codec->lines * REM_GRAPH_LINE;
  uint8_t *room REM_AUTO_FREE = rem_alloc(query_bytes + code_bytes + 2 * REM_GRAPH_LINE);
  if (room == NULL) return rem_error_nomem(err);
  int8_t *values = (int8_t *)(((uintptr_t)room + 63) & ~(uintptr_t)63);
  uint8_t *code = (uint8_t *)values + (query_bytes + 63) / 64 * 64;
  rem_graph_query query = {.values = values};
  double sum = 0, squares = 0;
  size_t pairs = 0;
  for (size_t i = 0; i + 1 < count && pairs < 4000; i++, pairs++) {
    const float *a = sample + i * codec->dimension, *b = a + codec->dimension;
    const uint32_t node = 0;
    uint32_t key;
    rem_graph_codec_query(codec, a, &query);
    rem_graph_codec_encode(codec, b, code);
    kernel->keys[codec->bits == 8](values, codec->lines, code, code_bytes, &node, 1, &key);
    double error = rem_graph_query_similarity(&query, key) - (double)rem_kernel_get()->dot(a, b, codec->dimension);
    sum += error;
    squares += error * error;
  }
  double mean = pairs > 0 ? sum / (double)pairs : 0;
  codec->error = pairs > 0 ? (float)sqrt(fmax(squares / (double)pairs - mean * mean, 0)) : 0;
  return REM_OK;
}

rem_status rem_graph_codec_train(rem_graph_codec *codec, size_t dimension, const float *sample, size_t count, rem_error *err) {
  *codec = (rem_graph_codec){0};
  rem_graph_codec_shape(codec, dimension);
  codec->mean = rem_calloc(dimension, sizeof *codec->mean);
  if (codec->mean == NULL) return rem_error_nomem(err);
  if (count > 0) {
    find_mean(codec, sample, count);
    find_scales(codec, sample, count);
  } else {
    codec->scale = codec->link_scale = 127;
  }
  rem_status status = measure_error(codec, sample, count, err);
  if (status < 0) rem_graph_codec_deinit(codec);
  return status;
}
