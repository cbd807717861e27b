/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops of the encoder behind one table of functions: one table for each pair of instruction set and layout.
 *
 * All matrix products have one shape, "rows times panels". A panel holds the weights of 32 outputs for `inner`
 * inputs in the order in which the loop reads them:
 *
 *   f32    [input][32 outputs]                float32, 128 bytes a step
 *   bf16   [input pair][32 outputs][2]        bfloat16, 128 bytes a step: a lane is two inputs of one output
 *
 * The left side ("operand") is row-major in the element type of the layout: float32 or bfloat16. Sums are
 * float32 always. Attention uses the same products: keys and values are rearranged into panels for each head of
 * each sequence.
 *
 * The loops are written once, in encoder_kernels_template.h, over a vector type and a few primitives that each
 * instruction set's file defines. A later tile unit (AMX) needs panels of another order, hence a layout and a
 * table of its own beside these.
 */
#ifndef REM_EMBED_ENCODER_KERNELS_H
#define REM_EMBED_ENCODER_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "embed/encoder.h"

#define REM_ENCODER_PANEL 32
/* No tile has more rows at a time; bounds the scratch of attention. */
#define REM_ENCODER_MAX_TILE_ROWS 16

/* rows x panels. Strides in elements. */
typedef struct rem_encoder_product {
  const void *input; /* operands, `row_count` rows of `inner` */
  size_t input_stride;
  size_t row_count;
  size_t inner; /* even */
  const void *panels;
  size_t panel_count;
  const float *bias; /* 32 for each panel; NULL: none */
  void *output;      /* operands, or float32 for `add`: `row_count` rows of 32 * panel_count */
  size_t output_stride;
} rem_encoder_product;

/* One head of one sequence. Strides in elements. */
typedef struct rem_encoder_attention {
  const void *qkv; /* operands: rows of query, key, value of `head_size` each; queries are scaled for base-2 softmax */
  size_t qkv_stride;
  size_t length;
  size_t head_size; /* a multiple of 32 */
  void *context;    /* operands: rows of head_size */
  size_t context_stride;
  /* Workspace for `length` rounded up to 32. */
  void *keys;          /* operands: padded x head_size */
  void *values;        /* operands: padded x head_size */
  float *scores;       /* REM_ENCODER_MAX_TILE_ROWS x padded */
  void *probabilities; /* operands: REM_ENCODER_MAX_TILE_ROWS x padded */
} rem_encoder_attention;

/* What a tile prefetches on the side, a step at a time. */
typedef struct rem_encoder_ahead {
  uintptr_t address;
  size_t step; /* bytes */
} rem_encoder_ahead;

typedef struct rem_encoder_kernels {
  const char *name;
  rem_encoder_layout layout;
  size_t block_tokens; /* default size of a block */
  /* output = input x panels + bias */
  void (*store)(const rem_encoder_product *product);
  /* output = gelu(input x panels + bias) */
  void (*store_gelu)(const rem_encoder_product *product);
  /* float32 output += input x panels + bias */
  void (*add)(const rem_encoder_product *product);
  void (*attention)(const rem_encoder_attention *attention);
  /* ret_row = word row + position row */
  void (*embed)(const void *word, const float *position, size_t width, float *ret_row);
  /* Normalises `row_count` rows in place and writes them as operands too. */
  void (*layer_norm)(float *rows, size_t row_count, size_t width, const float *gamma, const float *beta, float epsilon,
                     void *ret_operands);
} rem_encoder_kernels;

extern const rem_encoder_kernels rem_encoder__kernels_generic_f32;
extern const rem_encoder_kernels rem_encoder__kernels_generic_bf16;
extern const rem_encoder_kernels rem_encoder__kernels_avx2_f32;
extern const rem_encoder_kernels rem_encoder__kernels_avx2_bf16;
extern const rem_encoder_kernels rem_encoder__kernels_avx512_f32;
extern const rem_encoder_kernels rem_encoder__kernels_avx512_bf16;
extern const rem_encoder_kernels rem_encoder__kernels_avx512bf16_bf16;

/* The fastest table for the layout on this CPU; NULL for an unknown layout. */
const rem_encoder_kernels *rem_encoder__kernels_choose(rem_encoder_layout layout);

#endif
