/* SPDX-License-Identifier: Apache-2.0 */
/* The two objects of the encoder, seen by its own files. */
#ifndef REM_EMBED_ENCODER_INTERNAL_H
#define REM_EMBED_ENCODER_INTERNAL_H

#include "embed/encoder.h"
#include "embed/encoder_kernels.h"
#include "embed/encoder_layout.h"

struct rem_encoder {
  rem_encoder_shape shape;
  rem_encoder_layout layout;
  rem_encoder_places places;
  const rem_encoder_kernels *kernels;
  const uint8_t *packed; /* borrowed */
};

/*
 * Buffers of one block of `row_capacity` tokens; all rows are `hidden` wide unless noted. One allocation, each
 * aligned to 64 bytes.
 */
struct rem_encoder_scratch {
  void *memory; /* owned */
  size_t block_tokens;
  size_t row_capacity;
  float *stream;   /* float32: the residual stream */
  void *operands;  /* the same rows as operands */
  float *operand_scales;
  void *context;   /* values: attention's result */
  void *middle;    /* values: a chunk of the feed forward, or q, k, v of one head; rows of max(384, 3 x head size) */
  void *quantised; /* int8: operands made of the context or the middle; rows of max(384, hidden). Else NULL */
  float *quantised_scales;
  void *keys;      /* values: padded positions x head size */
  void *values;    /* the same */
  float *scores;   /* REM_ENCODER_MAX_TILE_ROWS x padded positions */
  void *probabilities;
};

#endif
