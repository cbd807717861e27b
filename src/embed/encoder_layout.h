/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each piece of a packed model lies. `E` is the element type of the layout (float32, bfloat16 or int8), `W` the same
 * but bfloat16 for int8; every piece starts at a multiple of 64 bytes.
 *
 *   word table        W    vocab x hidden
 *   position table    f32  first_position + positions rows of hidden, row 0 of the token types added
 *   embedding norm    f32  gamma, beta
 *   distances         f32  with relative buckets: for each head what is added to the score of a key `d` tokens after the
 *                          query, for d from -(positions - 1) on; rows of 2 x positions + 32, zeros at the end
 *   layer 0 .. layers - 1, all of one size:
 *     small           f32  query/key/value bias (per head: q, k, v), output bias, norm gamma, beta, ff bias, ff output bias, norm gamma, beta
 *     attention       E    for each head the panels of q, k, v; then the panels of the output projection
 *     feed forward    E    for each chunk of 384 ff units: the panels into the chunk, then those out of it
 *
 * The panels of a layer are thus one linear stream in the order of use. Cutting the feed forward in chunks
 * keeps the activations between its two products in the second-level cache and gives all panels nearly one
 * size. Query weights and biases carry the softmax scale, log2(e) / sqrt(head size), and distances log2(e): attention works
 * in base 2. A panel in int8 begins with a head of 256 bytes (encoder_kernels.h).
 */
#ifndef REM_EMBED_ENCODER_LAYOUT_H
#define REM_EMBED_ENCODER_LAYOUT_H

#include "embed/encoder.h"

#define REM_ENCODER_FF_CHUNK 384

/* Byte offsets in the packed model. */
typedef struct rem_encoder_places {
  size_t element_size; /* of E */
  size_t word_size;    /* of W */
  size_t panel_head;   /* bytes before the weights of a panel */
  size_t word;
  size_t position;
  size_t norm;  /* gamma, then beta */
  size_t distances;
  size_t distance_stride; /* floats for each head; 0: there are none */
  size_t first_layer;
  size_t layer_size;
  size_t total_size;
  /* Within a layer. Small pieces are `hidden` floats unless noted. */
  size_t qkv_bias; /* 3 x hidden */
  size_t output_bias;
  size_t attention_gamma;
  size_t attention_beta;
  size_t ff_bias; /* ff */
  size_t ff_output_bias;
  size_t ff_gamma;
  size_t ff_beta;
  size_t qkv_panels;
  size_t output_panels;
  size_t ff_panels;
} rem_encoder_places;

/* The shape has passed rem_encoder_shape_check(); sizes then stay below 2^42. REM_UNSUPPORTED for an unknown layout. */
REM_CHECKED rem_status rem_encoder__places(const rem_encoder_shape *shape, rem_encoder_layout layout,
                                           rem_encoder_places *ret_places, rem_error *err);

/* Bytes of a panel for `inner` inputs. */
static inline size_t rem_encoder__panel_size(const rem_encoder_places *places, size_t inner) {
  return places->panel_head + inner * 32 * places->element_size;
}

static inline size_t rem_encoder__ff_chunk(const rem_encoder_shape *shape, size_t first) {
  size_t left = shape->ff - first;
  return left < REM_ENCODER_FF_CHUNK ? left : REM_ENCODER_FF_CHUNK;
}

/* Bytes of the panels into a chunk, and of all panels of the chunk that begins at unit `first`. */
static inline size_t rem_encoder__ff_into_size(const rem_encoder_shape *shape, const rem_encoder_places *places,
                                               size_t first) {
  return rem_encoder__ff_chunk(shape, first) / 32 * rem_encoder__panel_size(places, shape->hidden);
}

static inline size_t rem_encoder__ff_chunk_size(const rem_encoder_shape *shape, const rem_encoder_places *places,
                                                size_t first) {
  return rem_encoder__ff_into_size(shape, places, first) +
         shape->hidden / 32 * rem_encoder__panel_size(places, rem_encoder__ff_chunk(shape, first));
}

#endif
