/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops of the encoder behind one table of functions: one table for each pair of instruction set and layout.
 *
 * All matrix products have one shape, "rows times panels". A panel holds the weights of 32 outputs for `inner`
 * inputs in the order in which the loop reads them:
 *
 *   f32    [input][32 outputs]                float32, 128 bytes a step
 *   bf16   [input pair][32 outputs][2]        bfloat16, 128 bytes a step: a lane is two inputs of one output
 *   int8   [32 scales f32][32 sums i32]       the head: what a unit of each output is worth; 128 times the sum of its weights
 *          [input quad][32 outputs][4]        signed bytes, 128 bytes a step
 *
 * The left side ("operand") is row-major in the element type of the layout. For int8 each row has a scale of its own
 * (dynamic quantisation: its largest value is 127); units that multiply unsigned by signed bytes store it with 128 added,
 * which the sums in the head take away again. What products yield is in the "value" type, float32 or bfloat16: that
 * of the operands where these are no bytes, else the one the CPU does attention fastest in. Sums are float32, or exact
 * in 32-bit integers. Attention uses the same products: keys and values are rearranged into panels for each head of
 * each sequence.
 *
 * The loops are written once, in encoder_kernels_tile.h, _template.h and _int8.h, over a vector type and a few
 * primitives that each instruction set's file defines.
 */
#ifndef REM_EMBED_ENCODER_KERNELS_H
#define REM_EMBED_ENCODER_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "embed/encoder.h"

#define REM_ENCODER_PANEL 32
#define REM_ENCODER_INT8_HEAD 256 /* bytes */
/* No tile has more rows at a time; bounds the scratch of attention. Tiles of the tile unit are always whole: they read (and drop) up to so
 * many rows behind the last one, for which scratch has room. */
#define REM_ENCODER_MAX_TILE_ROWS 32

/* rows x panels. Strides in elements. */
typedef struct rem_encoder_product {
  const void *input; /* operands, `row_count` rows of `inner` */
  size_t input_stride;
  const float *input_scales; /* int8: one for each row; else NULL */
  size_t row_count;
  size_t inner; /* a multiple of 32 */
  const void *panels;
  size_t panel_count;
  const float *bias; /* 32 for each panel; NULL: none */
  void *output;      /* values, or float32 for `add`: `row_count` rows of 32 * panel_count */
  size_t output_stride;
} rem_encoder_product;

/* One head of one sequence. Strides in elements. */
typedef struct rem_encoder_attention {
  const void *qkv; /* values: rows of query, key, value of `head_size` each; queries are scaled for base-2 softmax */
  size_t qkv_stride;
  size_t length;
  size_t head_size; /* a multiple of 32 */
  void *context;    /* values: rows of head_size */
  size_t context_stride;
  /* What is added to a score by how far the key is from the query: distances[key - query]. NULL: nothing. */
  const float *distances;
  /* Workspace for `length` rounded up to 32. */
  void *keys;          /* values: padded x head_size */
  void *values;        /* values: padded x head_size */
  float *scores;       /* REM_ENCODER_MAX_TILE_ROWS x padded */
  void *probabilities; /* values: REM_ENCODER_MAX_TILE_ROWS x padded */
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
  size_t value_size;   /* of an element: 4 or 2 bytes */
  /* Called by a thread before and after it uses the functions below: the state of a tile unit belongs to the thread. NULL: nothing to do. */
  void (*enter)(void);
  void (*leave)(void);
  /* output = input x panels + bias */
  void (*store)(const rem_encoder_product *product);
  /* output = gelu(input x panels + bias), by rem_encoder_activation */
  void (*store_gelu[2])(const rem_encoder_product *product);
  /* float32 output += input x panels + bias */
  void (*add)(const rem_encoder_product *product);
  void (*attention)(const rem_encoder_attention *attention);
  /* ret_row = word row + position row */
  void (*embed)(const void *word, const float *position, size_t width, float *ret_row);
  /* Normalises `row_count` rows in place and writes them as operands too; with int8, also their scales. */
  void (*layer_norm)(float *rows, size_t row_count, size_t width, const float *gamma, const float *beta, float epsilon,
                     void *ret_operands, float *ret_scales);
  /* Values to operands and scales. NULL where values are operands. */
  void (*quantise)(const void *rows, size_t row_count, size_t width, void *ret_operands, float *ret_scales);
} rem_encoder_kernels;

extern const rem_encoder_kernels rem_encoder__kernels_generic_f32;
extern const rem_encoder_kernels rem_encoder__kernels_generic_bf16;
extern const rem_encoder_kernels rem_encoder__kernels_avx2_f32;
extern const rem_encoder_kernels rem_encoder__kernels_avx2_bf16;
extern const rem_encoder_kernels rem_encoder__kernels_avx512_f32;
extern const rem_encoder_kernels rem_encoder__kernels_avx512_bf16;
extern const rem_encoder_kernels rem_encoder__kernels_avx512bf16_bf16;
extern const rem_encoder_kernels rem_encoder__kernels_generic_int8;
extern const rem_encoder_kernels rem_encoder__kernels_avx2_int8;
extern const rem_encoder_kernels rem_encoder__kernels_avxvnni_int8;
extern const rem_encoder_kernels rem_encoder__kernels_avx512vnni_int8;
extern const rem_encoder_kernels rem_encoder__kernels_avx512bf16_int8;
extern const rem_encoder_kernels rem_encoder__kernels_amx_bf16;
extern const rem_encoder_kernels rem_encoder__kernels_amx_int8;

/* Whether products on the tile unit come out right; the process must have its permission. */
bool rem_encoder__amx_check(void);

/* The fastest table for the layout on this CPU; NULL for an unknown layout. */
const rem_encoder_kernels *rem_encoder__kernels_choose(rem_encoder_layout layout);

#endif
