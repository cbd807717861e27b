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

/* One block on its way through the layers. */
typedef struct rem_encoder__block {
  const rem_encoder *encoder;
  rem_encoder_scratch *scratch;
  const uint32_t *ids;
  const uint32_t *lengths;
  size_t count;       /* of sequences */
  size_t token_count;
  const uint8_t *layer;
} rem_encoder__block;

/* The pieces of the forward pass that encoder_run.c does in order and encoder_split.c hands out. */
void rem_encoder__embed_tokens(const rem_encoder__block *block);
/* One head: its part of the context. `own` has the buffers that are written besides (those of the block, or a helper's). */
void rem_encoder__run_head(const rem_encoder__block *block, size_t head, rem_encoder_scratch *own);
/* stream = norm(stream), by the places of the weights. */
void rem_encoder__run_norm(const rem_encoder__block *block, size_t gamma, size_t beta);
void rem_encoder__pool(const rem_encoder__block *block, float *ret_vectors);
REM_CHECKED rem_status rem_encoder__check_input(const rem_encoder_shape *shape, const uint32_t *ids, const uint32_t *lengths,
                                                size_t count, rem_error *err);

static inline const float *rem_encoder__floats(const rem_encoder__block *block, size_t place) {
  return (const float *)(block->layer + place);
}

/* A thread calls these around its use of the kernels. */
static inline void rem_encoder__enter(const rem_encoder *encoder) {
  if (encoder->kernels->enter != NULL)
    encoder->kernels->enter();
}

static inline void rem_encoder__leave(const rem_encoder *encoder) {
  if (encoder->kernels->leave != NULL)
    encoder->kernels->leave();
}

/* Operands of a product: the values, or with int8 what they were quantised to. */
typedef struct rem_encoder__operands {
  const void *rows;
  const float *scales;
} rem_encoder__operands;

/* Quantises `rows` x `width` values into `ret_operands` and `ret_scales` where the kernels want that. */
static inline rem_encoder__operands rem_encoder__to_operands(const rem_encoder *encoder, const void *values, size_t rows, size_t width,
                                                             void *ret_operands, float *ret_scales) {
  if (encoder->kernels->quantise == NULL)
    return (rem_encoder__operands){values, NULL};
  encoder->kernels->quantise(values, rows, width, ret_operands, ret_scales);
  return (rem_encoder__operands){ret_operands, ret_scales};
}

#endif
