/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels of the int8 layout, written once. Included by the instruction-set files after encoder_kernels_attention.h for VALUE and
 * the primitives of bfloat16, with the macros of encoder_kernels_template.h and
 *
 *   VALUE            f32 or bf16: the type products yield and attention works in
 *   INT8_SHIFT       128 where the unit wants unsigned operands, else 0
 *   int8_*           primitives: broadcast, load_panel and dot as of the float types, on lanes of four bytes
 *
 * A row of operands is quantised by its own largest value, a column of a panel by its own, so an outlier spoils one row and not the
 * block. Sums are exact in 32 bits: 16,384 inputs of 255 x 127 are 2^29.
 */
#ifndef TILE_FILE
#define TILE_FILE "embed/encoder_kernels_tile.h"
#endif
#include TILE_FILE

#define V(name) EXPAND2(VALUE, name)

/* The smallest scale of a row: one of zeros would divide by zero. */
#define INT8_LEAST 1e-20F

#ifndef INT8_COMMON
#define INT8_COMMON
typedef int8_t int8_lanes __attribute__((vector_size(VEC_LANES)));

INLINE vec int8_as_float(ivec v) {
  return __builtin_convertvector(v, vec);
}

INLINE vec vec_absolute(vec v) {
  return (vec)((ivec)v & 0x7fffffff);
}
#endif

/* One row of the tile, 32 sums, to what they stand for. `head` is the panel's. */
INLINE void K(finish)(enum encoder_epilogue epilogue, const float *tile, float row_scale, const uint8_t *head,
                      const float *bias, void *output) {
  UNROLL for (size_t v = 0; v < PANEL_VECS; v++) {
    ivec sums = (ivec)vec_load(tile + v * VEC_LANES);
    if (INT8_SHIFT != 0)
      sums -= (ivec)vec_load((const float *)(head + PANEL * sizeof(float)) + v * VEC_LANES);
    vec scale = vec_load((const float *)head + v * VEC_LANES) * VEC_SPLAT(row_scale);
    vec x = int8_as_float(sums) * scale + (bias != NULL ? vec_load(bias + v * VEC_LANES) : VEC_SPLAT(0.0F));
    if (epilogue == EPILOGUE_ADD) {
      float *sum = (float *)output + v * VEC_LANES;
      vec_store(sum, vec_load(sum) + x);
      continue;
    }
    V(narrow)((V(operand) *)output + v * VEC_LANES, vec_activate(epilogue, x));
  }
}

INLINE void K(product)(const rem_encoder_product *product, enum encoder_epilogue epilogue, size_t output_size) {
  float tile[TILE_ROWS * PANEL] __attribute__((aligned(64)));
  size_t panel_size = REM_ENCODER_INT8_HEAD + product->inner * PANEL;
  for (size_t p = 0; p < product->panel_count; p++) {
    const uint8_t *head = (const uint8_t *)product->panels + p * panel_size;
    const OPERAND *panel = head + REM_ENCODER_INT8_HEAD;
    const float *bias = product->bias != NULL ? product->bias + p * PANEL : NULL;
    rem_encoder_ahead ahead = K(ahead_of)(panel, product->inner, product->row_count);
    for (size_t row = 0, rows; row < product->row_count; row += rows) {
      rows = K(tile_height)(row, product->row_count);
      K(panel_tile)(rows, (const OPERAND *)product->input + row * product->input_stride, product->input_stride, panel,
                    product->inner, tile, PANEL, &ahead);
      char *output = (char *)product->output + (row * product->output_stride + p * PANEL) * output_size;
      for (size_t r = 0; r < rows; r++)
        K(finish)(epilogue, tile + r * PANEL, product->input_scales[row + r], head, bias,
                  output + r * product->output_stride * output_size);
    }
  }
}

static void K(store)(const rem_encoder_product *product) {
  K(product)(product, EPILOGUE_STORE, sizeof(V(operand)));
}

static void K(store_gelu)(const rem_encoder_product *product) {
  K(product)(product, EPILOGUE_GELU, sizeof(V(operand)));
}

static void K(store_gelu_tanh)(const rem_encoder_product *product) {
  K(product)(product, EPILOGUE_GELU_TANH, sizeof(V(operand)));
}

static void K(add)(const rem_encoder_product *product) {
  K(product)(product, EPILOGUE_ADD, sizeof(float));
}

/* Rounds to the nearest: adding 1.5 * 2^23 leaves the integer in the low bits of the sum. Returns the row's scale. */
#define INT8_ROW(load)                                                                             \
  vec largest = VEC_SPLAT(INT8_LEAST);                                                             \
  for (size_t i = 0; i < width; i += VEC_LANES)                                                    \
    largest = VEC_MAX(largest, vec_absolute(load));                                                \
  float most = vec_largest(largest);                                                               \
  const vec inverse = VEC_SPLAT(127.0F / most), rounder = VEC_SPLAT(12582912.0F);                  \
  for (size_t i = 0; i < width; i += VEC_LANES) {                                                  \
    ivec rounded = (ivec)VEC_FMA(load, inverse, rounder) + INT8_SHIFT;                             \
    int8_lanes bytes = __builtin_convertvector(rounded, int8_lanes);                               \
    memcpy(ret_operands + i, &bytes, sizeof bytes);                                                \
  }                                                                                                \
  return most * (1.0F / 127.0F);

INLINE float K(quantise_values)(const V(operand) *row, size_t width, OPERAND *ret_operands) {
  INT8_ROW(V(widen)(row + i))
}

INLINE float K(quantise_floats)(const float *row, size_t width, OPERAND *ret_operands) {
  INT8_ROW(vec_load(row + i))
}
#undef INT8_ROW

static void K(quantise)(const void *rows, size_t row_count, size_t width, void *ret_operands, float *ret_scales) {
  for (size_t r = 0; r < row_count; r++)
    ret_scales[r] = K(quantise_values)((const V(operand) *)rows + r * width, width, (OPERAND *)ret_operands + r * width);
}

/* As of float32, whose operands are the rows themselves; then quantised while the row is in the first-level cache. */
static void K(layer_norm)(float *rows, size_t row_count, size_t width, const float *gamma, const float *beta,
                          float epsilon, void *ret_operands, float *ret_scales) {
  for (size_t r = 0; r < row_count; r++) {
    float *row = rows + r * width;
    vec_layer_norm(row, width, gamma, beta, epsilon);
    ret_scales[r] = K(quantise_floats)(row, width, (OPERAND *)ret_operands + r * width);
  }
}

static void K(embed)(const void *word, const float *position, size_t width, float *ret_row) {
  for (size_t i = 0; i < width; i += VEC_LANES)
    vec_store(ret_row + i, bf16_widen((const uint16_t *)word + i) + vec_load(position + i));
}

const rem_encoder_kernels EXPAND3(rem_encoder__kernels, ISA, LAYOUT) = {
    .name = TEXT(ISA) "/" TEXT(LAYOUT),
    .layout = LAYOUT_ID,
    .block_tokens = BLOCK_TOKENS,
    .value_size = sizeof(V(operand)),
    .enter = KERNEL_ENTER,
    .leave = KERNEL_LEAVE,
    .store = K(store),
    .store_gelu = {K(store_gelu), K(store_gelu_tanh)},
    .add = K(add),
    .attention = V(attention),
    .embed = K(embed),
    .layer_norm = K(layer_norm),
    .quantise = K(quantise),
};

#undef V
#undef VALUE
#include "embed/encoder_kernels_end.h"
