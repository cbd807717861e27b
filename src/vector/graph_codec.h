/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codec: how a vector becomes the codes that a walk and a link compare. All work on the vector's direction (length 1).
 *
 *   walk code   4 bits a component (8 below 193 dimensions), less the mean, one scale for all, clipped at 2.8 standard deviations;
 *               of the direction itself, or of its fewer components in a basis (graph_basis.h)
 *   link code   8 bits a component of the direction, less the mean, one scale; during a build
 *
 * The similarity that a key stands for: base + (BIAS - key) / scale, with the query's own base and scale; its error for near vectors has
 * the standard deviation `error`, measured on vectors kept out when the codec is trained.
 */
#ifndef REM_VECTOR_GRAPH_CODEC_H
#define REM_VECTOR_GRAPH_CODEC_H

#include "base/error.h"
#include "vector/graph_kernel.h"

typedef struct rem_graph_codec {
  size_t dimension;
  size_t code_dimension; /* components of the walk code: the dimension, or fewer in a basis */
  unsigned bits;     /* of the walk code: 4 or 8 */
  size_t lines;      /* of the walk code */
  size_t link_bytes; /* of the link code: the dimension in whole lines */
  float scale;       /* levels of the walk code a unit */
  float link_scale;
  float error;       /* of a walk code's similarity, standard deviation */
  float bias;        /* its mean */
  float basis_scale; /* of the basis's bytes */
  float *mean;       /* owned: of directions, then (code_dimension) of components */
  float *code_mean;  /* in `mean` */
  uint8_t *basis;    /* code_dimension rows of link_bytes, int8 + 128, at a cache line; NULL: none */
  void *basis_allocation; /* owned */
} rem_graph_codec;

/* A query made ready for walks. */
typedef struct rem_graph_query {
  int8_t *values; /* at a cache line, rem_graph_codec_query_bytes() of them; the caller's */
  double base, scale;
} rem_graph_query;

/*
 * Chooses basis, mean and scales from a sample of directions, `count` x dimension. A basis is taken when a code in it finds the neighbours of
 * vectors kept out of the sample as well as the full one does. Owned: rem_graph_codec_deinit().
 */
REM_CHECKED rem_status rem_graph_codec_train(rem_graph_codec *codec, size_t dimension, const float *sample, size_t count, rem_error *err);
void rem_graph_codec_deinit(rem_graph_codec *codec);
/* Sets bits, lines and link_bytes from the dimensions. */
void rem_graph_codec_shape(rem_graph_codec *codec, size_t dimension, size_t code_dimension);
/* Memory for mean and code_mean; sets both. */
REM_CHECKED rem_status rem_graph_codec_make_means(rem_graph_codec *codec, rem_error *err);
/* Memory for basis; sets it. */
REM_CHECKED rem_status rem_graph_codec_make_basis(rem_graph_codec *codec, rem_error *err);
size_t rem_graph_codec_query_bytes(const rem_graph_codec *codec);

/* `vector` at length 1; zeros stay zeros. */
void rem_graph_direction(const float *vector, size_t dimension, float *ret_direction);
void rem_graph_codec_encode(const rem_graph_codec *codec, const float *direction, uint8_t *ret_code);
/* Returns the sum of squares of the link code. */
int32_t rem_graph_codec_encode_link(const rem_graph_codec *codec, const float *direction, uint8_t *ret_code);
void rem_graph_codec_query(const rem_graph_codec *codec, const float *direction, rem_graph_query *query);
static inline double rem_graph_query_similarity(const rem_graph_query *query, uint32_t key) {
  return query->base + ((double)REM_GRAPH_BIAS - (double)key) / query->scale;
}
/* The largest key whose similarity is at least `similarity`. */
uint32_t rem_graph_query_key(const rem_graph_query *query, double similarity);

#endif
