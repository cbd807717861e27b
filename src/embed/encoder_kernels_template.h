/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels, written once. Included once for each table by the instruction-set files, which define before
 *
 *   ISA, LAYOUT, LAYOUT_ID      parts of the table's name (avx2, f32, REM_ENCODER_LAYOUT_F32)
 *   TILE_ROWS, TILE_VECS        the register tile: rows x vectors of sums held in registers; rows at most 14
 *   BLOCK_TOKENS                default block
 *   TILE_FILE                   where the tile is; not defined: encoder_kernels_tile.h
 *   <LAYOUT>_*                  primitives of the operand type (encoder_operand_f32.h, encoder_operand_bf16.h)
 */
#ifndef TILE_FILE
#define TILE_FILE "embed/encoder_kernels_tile.h"
#endif
#include TILE_FILE
#include "embed/encoder_kernels_attention.h"

INLINE vec K(bias_at)(const float *bias, size_t index) {
  return bias != NULL ? vec_load(bias + index) : VEC_SPLAT(0.0F);
}

INLINE void K(finish)(enum encoder_epilogue epilogue, const float *tile, const float *bias, void *output) {
  UNROLL for (size_t v = 0; v < PANEL_VECS; v++) {
    vec x = vec_load(tile + v * VEC_LANES) + K(bias_at)(bias, v * VEC_LANES);
    if (epilogue == EPILOGUE_ADD) {
      float *sum = (float *)output + v * VEC_LANES;
      vec_store(sum, vec_load(sum) + x);
      continue;
    }
    K(narrow)((OPERAND *)output + v * VEC_LANES, vec_activate(epilogue, x));
  }
}

INLINE void K(product)(const rem_encoder_product *product, enum encoder_epilogue epilogue, size_t output_size) {
  float tile[TILE_ROWS * PANEL] __attribute__((aligned(64)));
  for (size_t p = 0; p < product->panel_count; p++) {
    const OPERAND *panel = (const OPERAND *)product->panels + p * PANEL * product->inner;
    const float *bias = product->bias != NULL ? product->bias + p * PANEL : NULL;
    rem_encoder_ahead ahead = K(ahead_of)(panel, product->inner, product->row_count);
    for (size_t row = 0, rows; row < product->row_count; row += rows) {
      rows = K(tile_height)(row, product->row_count);
      K(panel_tile)(rows, (const OPERAND *)product->input + row * product->input_stride, product->input_stride, panel,
                    product->inner, tile, PANEL, &ahead);
      char *output = (char *)product->output + (row * product->output_stride + p * PANEL) * output_size;
      for (size_t r = 0; r < rows; r++)
        K(finish)(epilogue, tile + r * PANEL, bias, output + r * product->output_stride * output_size);
    }
  }
}

static void K(store)(const rem_encoder_product *product) {
  K(product)(product, EPILOGUE_STORE, sizeof(OPERAND));
}

static void K(store_gelu)(const rem_encoder_product *product) {
  K(product)(product, EPILOGUE_GELU, sizeof(OPERAND));
}

static void K(store_gelu_tanh)(const rem_encoder_product *product) {
  K(product)(product, EPILOGUE_GELU_TANH, sizeof(OPERAND));
}

static void K(add)(const rem_encoder_product *product) {
  K(product)(product, EPILOGUE_ADD, sizeof(float));
}

static void K(embed)(const void *word, const float *position, size_t width, float *ret_row) {
  for (size_t i = 0; i < width; i += VEC_LANES)
    vec_store(ret_row + i, K(widen)((const OPERAND *)word + i) + vec_load(position + i));
}

static void K(layer_norm)(float *rows, size_t row_count, size_t width, const float *gamma, const float *beta,
                          float epsilon, void *ret_operands, float *ret_scales) {
  (void)ret_scales;
  for (size_t r = 0; r < row_count; r++) {
    float *row = rows + r * width;
    vec_layer_norm(row, width, gamma, beta, epsilon);
    for (size_t i = 0; i < width; i += VEC_LANES)
      K(narrow)((OPERAND *)ret_operands + r * width + i, vec_load(row + i));
  }
}

const rem_encoder_kernels EXPAND3(rem_encoder__kernels, ISA, LAYOUT) = {
    .name = TEXT(ISA) "/" TEXT(LAYOUT),
    .layout = LAYOUT_ID,
    .block_tokens = BLOCK_TOKENS,
    .enter = KERNEL_ENTER,
    .leave = KERNEL_LEAVE,
    .store = K(store),
    .value_size = sizeof(OPERAND),
    .store_gelu = {K(store_gelu), K(store_gelu_tanh)},
    .add = K(add),
    .attention = K(attention),
    .embed = K(embed),
    .layer_norm = K(layer_norm),
};

#include "embed/encoder_kernels_end.h"
