/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Training a codec: means and scales from a sample, and the choice of a basis. Every sixteenth vector of the sample is kept out of the fit and
 * asks for its 10 nearest among the others; a code's worth is the share of them among the best 12 by code, and its error is measured on those pairs.
 */
#include "vector/graph_codec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "vector/graph_basis.h"
#include "vector/kernel.h"

#define CLIP_DEVIATIONS 2.8
#define LINK_DEVIATIONS 32.0
#define FEW      32 /* vectors, from which on a mean says something */
#define NEAREST  10
#define LOOKED_AT 12
#define QUERY_EVERY 16
#define MOST_QUERIES 256
#define BASIS_LEAST 193  /* dimensions: below, codes have 8 bits and need none */
#define BASIS_MOST  2048 /* above, finding it takes too long */
#define BASIS_SAMPLE 2048
#define BASIS_LOSS  0.03 /* of worth, against the full code; as much gain makes a turned one worth its cost */

typedef struct trial {
  const float *sample;
  size_t dimension, count;
  size_t query_count;
  uint32_t *nearest;   /* query_count x NEAREST, numbers of the sample */
  float *similarities; /* the same */
  uint64_t *keys;      /* count */
  uint8_t *codes;      /* count x lines, at a cache line */
  void *allocation;
  uint32_t *numbers, *some_keys;
} trial;

static void trial_deinit(trial *t) {
  rem_free(t->nearest);
  rem_free(t->similarities);
  rem_free(t->keys);
  rem_free(t->allocation);
  rem_free(t->numbers);
  rem_free(t->some_keys);
}

static bool is_query(const trial *t, size_t i) {
  return i % QUERY_EVERY == 0 && i / QUERY_EVERY < t->query_count;
}

static const float *vector_at(const trial *t, size_t i) {
  return t->sample + i * t->dimension;
}

static int compare_keys(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* The exact neighbours of all queries. */
static void find_nearest(trial *t) {
  const rem_kernel *kernel = rem_kernel_get();
  for (size_t q = 0; q < t->query_count; q++) {
    size_t found = 0;
    uint32_t *nearest = t->nearest + q * NEAREST;
    float *similarities = t->similarities + q * NEAREST;
    for (size_t i = 0; i < t->count; i++) {
      if (is_query(t, i)) continue;
      float similarity = kernel->dot(vector_at(t, q * QUERY_EVERY), vector_at(t, i), t->dimension);
      if (found == NEAREST && similarity <= similarities[NEAREST - 1]) continue;
      size_t at = found < NEAREST ? found++ : NEAREST - 1;
      for (; at > 0 && similarities[at - 1] < similarity; at--) {
        similarities[at] = similarities[at - 1];
        nearest[at] = nearest[at - 1];
      }
      similarities[at] = similarity;
      nearest[at] = (uint32_t)i;
    }
  }
}

static rem_status trial_init(trial *t, rem_error *err) {
  size_t lines = (t->dimension + 63) / 64;
  t->query_count = t->count / QUERY_EVERY < MOST_QUERIES ? t->count / QUERY_EVERY : MOST_QUERIES;
  t->nearest = rem_alloc((t->query_count * NEAREST + 1) * sizeof *t->nearest);
  t->similarities = rem_alloc((t->query_count * NEAREST + 1) * sizeof *t->similarities);
  t->keys = rem_alloc((t->count + 1) * sizeof *t->keys);
  t->numbers = rem_alloc((t->count + 1) * sizeof *t->numbers);
  t->some_keys = rem_alloc((t->count + 1) * sizeof *t->some_keys);
  t->allocation = rem_alloc(t->count * lines * REM_GRAPH_LINE + REM_GRAPH_LINE);
  if (!t->nearest || !t->similarities || !t->keys || !t->numbers || !t->some_keys || !t->allocation) return rem_error_nomem(err);
  t->codes = (uint8_t *)(((uintptr_t)t->allocation + REM_GRAPH_LINE - 1) & ~(uintptr_t)(REM_GRAPH_LINE - 1));
  for (size_t i = 0; i < t->count; i++)
    t->numbers[i] = (uint32_t)i;
  if (t->count > QUERY_EVERY * NEAREST) find_nearest(t);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Worth                                                                                        */

typedef struct error_sums {
  double sum, squares;
  size_t count;
} error_sums;

static size_t worth_of_query(const rem_graph_codec *codec, trial *t, size_t q, rem_graph_query *query, error_sums *errors) {
  const uint32_t *nearest = t->nearest + q * NEAREST;
  size_t code_bytes = codec->lines * REM_GRAPH_LINE, others = 0, found = 0;
  rem_graph_codec_query(codec, vector_at(t, q * QUERY_EVERY), query);
  rem_graph_kernel_get()->keys[codec->bits == 8](query->values, codec->lines, t->codes, code_bytes, t->numbers, t->count, t->some_keys);
  for (size_t i = 0; i < NEAREST; i++) {
    double error = rem_graph_query_similarity(query, t->some_keys[nearest[i]]) - (double)t->similarities[q * NEAREST + i];
    errors->sum += error;
    errors->squares += error * error;
    errors->count++;
  }
  for (size_t i = 0; i < t->count; i++) {
    if (!is_query(t, i)) t->keys[others++] = (uint64_t)t->some_keys[i] << 32 | (uint32_t)i;
  }
  qsort(t->keys, others, sizeof *t->keys, compare_keys);
  for (size_t i = 0; i < LOOKED_AT && i < others; i++) {
    for (size_t j = 0; j < NEAREST; j++)
      found += (uint32_t)t->keys[i] == nearest[j];
  }
  return found;
}

/* Sets error and bias; returns the worth. */
static double judge(rem_graph_codec *codec, trial *t) {
  int8_t values[2 * 4096] __attribute__((aligned(64)));
  rem_graph_query query = {.values = values};
  error_sums errors = {0};
  size_t found = 0;
  for (size_t i = 0; i < t->count; i++)
    rem_graph_codec_encode(codec, vector_at(t, i), t->codes + i * codec->lines * REM_GRAPH_LINE);
  codec->bias = 0;
  for (size_t q = 0; q < t->query_count && t->count > QUERY_EVERY * NEAREST; q++)
    found += worth_of_query(codec, t, q, &query, &errors);
  if (errors.count == 0) {
    codec->error = 0.01f;
    return 1;
  }
  double mean = errors.sum / (double)errors.count;
  codec->bias = (float)mean;
  codec->error = (float)sqrt(fmax(errors.squares / (double)errors.count - mean * mean, 1e-12));
  return (double)found / (double)errors.count;
}

/* ------------------------------------------------------------------------------------------- */
/* Fit                                                                                          */

static void find_mean(const trial *t, float *ret_mean) {
  for (size_t i = 0; i < t->dimension; i++) {
    double sum = 0;
    for (size_t row = 0; row < t->count; row++)
      sum += (double)vector_at(t, row)[i];
    ret_mean[i] = t->count >= FEW ? (float)(sum / (double)t->count) : 0;
  }
}

/* Of the sample's components less their mean: the standard deviation over all, the largest. */
static double spread(const trial *t, const float *mean, double *ret_largest) {
  double squares = 0, largest = 0;
  for (size_t row = 0; row < t->count; row++) {
    for (size_t i = 0; i < t->dimension; i++) {
      double deviation = fabs((double)vector_at(t, row)[i] - (double)mean[i]);
      squares += deviation * deviation;
      largest = deviation > largest ? deviation : largest;
    }
  }
  *ret_largest = largest;
  double standard = t->count > 0 ? sqrt(squares / (double)(t->count * t->dimension)) : 0;
  double usual = 1 / sqrt((double)t->dimension);
  /* Of few vectors, or of equal ones, nothing is known about those to come. */
  return t->count < FEW || standard < usual / 1000 ? usual : standard;
}

static void fit_scales(rem_graph_codec *codec, const trial *t) {
  double largest, standard = spread(t, codec->mean, &largest);
  double reach = largest < LINK_DEVIATIONS * standard ? largest : LINK_DEVIATIONS * standard;
  if (t->count < FEW) reach = 1;
  codec->link_scale = (float)(127 / (reach > standard ? reach : standard));
  codec->scale = codec->bits == 8 ? codec->link_scale : (float)(8 / (CLIP_DEVIATIONS * standard));
}

static rem_status fit_plain(rem_graph_codec *codec, const trial *t, rem_error *err) {
  rem_graph_codec_shape(codec, t->dimension, t->dimension);
  REM_TRY(rem_graph_codec_make_means(codec, err));
  find_mean(t, codec->mean);
  memcpy(codec->code_mean, codec->mean, t->dimension * sizeof(float));
  fit_scales(codec, t);
  return REM_OK;
}

/* The basis in bytes. */
static rem_status set_basis(rem_graph_codec *codec, const float *basis, rem_error *err) {
  size_t rows = codec->code_dimension, bytes = rows * codec->link_bytes;
  REM_TRY(rem_graph_codec_make_basis(codec, err));
  float largest = 1e-30f;
  for (size_t i = 0; i < rows * codec->dimension; i++)
    largest = fabsf(basis[i]) > largest ? fabsf(basis[i]) : largest;
  codec->basis_scale = 127 / largest;
  memset(codec->basis, 128, bytes);
  for (size_t row = 0; row < rows; row++) {
    for (size_t i = 0; i < codec->dimension; i++)
      codec->basis[row * codec->link_bytes + i] = (uint8_t)((int)lrintf(basis[row * codec->dimension + i] * codec->basis_scale) + 128);
  }
  return REM_OK;
}

/* Components keep the part of the variance that the basis holds; a random rotation spread it evenly. */
static void fit_components(rem_graph_codec *codec, const trial *t, const float *basis) {
  const rem_kernel *kernel = rem_kernel_get();
  double squares = 0;
  for (size_t i = 0; i < codec->code_dimension; i++)
    codec->code_mean[i] = kernel->dot(codec->mean, basis + i * t->dimension, t->dimension);
  size_t step = t->count / 512 > 0 ? t->count / 512 : 1, rows = 0;
  for (size_t row = 0; row < t->count; row += step, rows++) {
    for (size_t i = 0; i < codec->code_dimension; i++) {
      double deviation = (double)kernel->dot(vector_at(t, row), basis + i * t->dimension, t->dimension) - (double)codec->code_mean[i];
      squares += deviation * deviation;
    }
  }
  double standard = sqrt(squares / (double)(rows * codec->code_dimension));
  codec->scale = (float)(8 / (CLIP_DEVIATIONS * (standard > 1e-9 ? standard : 1e-9)));
}

static rem_status fit_basis(rem_graph_codec *codec, const trial *t, size_t kept, const rem_graph_codec *plain, rem_error *err) {
  rem_graph_codec_shape(codec, t->dimension, kept);
  REM_TRY(rem_graph_codec_make_means(codec, err));
  memcpy(codec->mean, plain->mean, t->dimension * sizeof(float));
  codec->link_scale = plain->link_scale;
  size_t fitted = t->count < BASIS_SAMPLE ? t->count : BASIS_SAMPLE, row = 0;
  float *basis REM_AUTO_FREE = rem_alloc(kept * t->dimension * sizeof *basis);
  float *fit REM_AUTO_FREE = rem_alloc((fitted + 1) * t->dimension * sizeof *fit);
  if (basis == NULL || fit == NULL) return rem_error_nomem(err);
  for (size_t i = 0; i < t->count && row < fitted; i++) {
    if (!is_query(t, i)) memcpy(fit + row++ * t->dimension, vector_at(t, i), t->dimension * sizeof *fit);
  }
  REM_TRY(rem_graph_basis_find(fit, row, codec->mean, t->dimension, kept, basis, err));
  fit_components(codec, t, basis);
  return set_basis(codec, basis, err);
}

/*
 * Half of the dimensions, then two thirds, in whole lines of 128: the first that is as good as all of them, or nearly. Then all of them, turned: right where
 * a few components outweigh the others, so that one scale does not serve.
 */
static rem_status try_bases(rem_graph_codec *codec, trial *t, rem_error *err) {
  double plain_worth = judge(codec, t);
  const size_t wanted[] = {(t->dimension / 2 + 127) / 128 * 128, (t->dimension * 2 / 3 + 127) / 128 * 128, t->dimension};
  for (size_t i = 0; i < 3; i++) {
    if (wanted[i] > t->dimension || (i > 0 && wanted[i] == wanted[i - 1])) continue;
    rem_graph_codec fewer REM_CLEANUP(rem_graph_codec_deinit) = {0};
    REM_TRY(fit_basis(&fewer, t, wanted[i], codec, err));
    double worth = judge(&fewer, t);
    if (worth < plain_worth + (wanted[i] < t->dimension ? -BASIS_LOSS : BASIS_LOSS)) continue;
    rem_graph_codec_deinit(codec);
    *codec = fewer;
    fewer = (rem_graph_codec){0};
    return REM_OK;
  }
  return REM_OK;
}

rem_status rem_graph_codec_train(rem_graph_codec *codec, size_t dimension, const float *sample, size_t count, rem_error *err) {
  trial t REM_CLEANUP(trial_deinit) = {.sample = sample, .dimension = dimension, .count = count};
  rem_graph_codec made REM_CLEANUP(rem_graph_codec_deinit) = {0};
  REM_TRY(trial_init(&t, err));
  REM_TRY(fit_plain(&made, &t, err));
  if (dimension >= BASIS_LEAST && dimension <= BASIS_MOST && count >= BASIS_SAMPLE)
    REM_TRY(try_bases(&made, &t, err));
  else
    (void)judge(&made, &t);
  *codec = made;
  made = (rem_graph_codec){0};
  return REM_OK;
}
