/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each piece of a packed model lies. `E` is the operand type of the layout (float32 or bfloat16); every piece
 * starts at a multiple of 64 bytes.
 *
 *   word table        E    vocab x hidden
 *   position table    f32  positions x hidden, row 0 of the token types added
 *   embedding norm    f32  gamma, beta
 *   layer 0 .. layers - 1, all of one size:
 *     small           f32  query/key/value bias (per head: q, k, v), output bias, norm gamma, beta, ff bias, ff output bias, norm gamma, beta
 *     attention       E    for each head the panels of q, k, v; then the panels of the output projection
 *     feed forward    E    for each chunk of 384 ff units: the panels into the chunk, then those out of it
 *
 * The panels of a layer are thus one linear stream in the order of use. Cutting the feed forward in chunks
 * keeps the activations between its two products in the second-level cache and gives all panels nearly one
 * size. Query weights and biases carry the softmax scale, log2(e) / sqrt(head size): attention works in base 2.
 */
#ifndef REM_EMBED_ENCODER_LAYOUT_H
#define REM_EMBED_ENCODER_LAYOUT_H

#include "embed/encoder.h"

#define REM_ENCODER_FF_CHUNK 384

/* Byte offsets in the packed model. */
typedef struct rem_encoder_places {
  size_t element_size; /* of E */
  size_t word;
  size_t position;
  size_t norm;  /* gamma, then beta */
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

static inline size_t rem_encoder__ff_chunk(const rem_encoder_shape *shape, size_t first) {
  size_t left = shape->ff - first;
  return left < REM_ENCODER_FF_CHUNK ? left : REM_ENCODER_FF_CHUNK;
}

#endif
