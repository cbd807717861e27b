/* SPDX-License-Identifier: Apache-2.0 */
/* Packing: source tensors, one at a time, into the places of encoder_layout.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "embed/encoder_kernels.h"
#include "embed/encoder_layout.h"

typedef struct packing {
  const rem_encoder_shape *shape;
  rem_encoder_layout layout;
  rem_encoder_places places;
  rem_encoder_tensor_fn tensor;
  void *context;
  uint8_t *packed;
  uint8_t *layer;       /* the current layer in `packed` */
  uint32_t layer_index;
  rem_error *err;
} packing;

/* A part of a matrix [outputs][inputs]: `outputs` x `inputs` weights from (first_output, first_input) on. */
typedef struct region {
  const float *matrix;
  size_t columns;
  size_t first_output;
  size_t outputs;
  size_t first_input;
  size_t inputs;
  float scale;
} region;

/* Round to nearest, ties to even; finite values only. */
static uint16_t bf16_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

static void store_operand(const packing *pk, void *ret_operands, size_t index, float value) {
  if (pk->layout == REM_ENCODER_LAYOUT_F32)
    ((float *)ret_operands)[index] = value;
  else
    ((uint16_t *)ret_operands)[index] = bf16_of(value);
}

/* Fetches a tensor and sees that its values are finite: one that is not would poison every vector in silence. */
static rem_status fetch(const packing *pk, const char *name, size_t rows, size_t columns, const float **ret_values) {
  const float *values = NULL;
  REM_TRY(pk->tensor(pk->context, name, rows, columns, &values, pk->err));
  for (size_t i = 0; i < rows * columns; i++)
    if (!isfinite(values[i]))
      return rem_error_set(pk->err, REM_MODEL, "the weights '%s' hold a value that is not a finite number", name);
  *ret_values = values;
  return REM_OK;
}

static rem_status fetch_layer(const packing *pk, const char *suffix, size_t rows, size_t columns,
                              const float **ret_values) {
  char name[128];
  snprintf(name, sizeof name, "encoder.layer.%u.%s", (unsigned)pk->layer_index, suffix);
  return fetch(pk, name, rows, columns, ret_values);
}

/* One vector of the current layer. */
static rem_status pack_vector(const packing *pk, const char *suffix, size_t count, size_t place) {
  const float *values;
  REM_TRY(fetch_layer(pk, suffix, 1, count, &values));
  memcpy(pk->layer + place, values, count * sizeof *values);
  return REM_OK;
}

/* One panel: 32 outputs; inputs in steps of one (f32) or of a pair (bf16). Returns the address after it. */
static uint8_t *pack_panel(const packing *pk, const region *part, size_t output, uint8_t *ret_panel) {
  size_t step = pk->layout == REM_ENCODER_LAYOUT_F32 ? 1 : 2, index = 0;
  for (size_t k = 0; k < part->inputs; k += step)
    for (size_t n = 0; n < REM_ENCODER_PANEL; n++)
      for (size_t e = 0; e < step; e++)
        store_operand(pk, ret_panel, index++,
                      part->scale * part->matrix[(part->first_output + output + n) * part->columns + part->first_input + k + e]);
  return ret_panel + index * pk->places.element_size;
}

static uint8_t *pack_region(const packing *pk, const region *part, uint8_t *ret_panels) {
  for (size_t output = 0; output < part->outputs; output += REM_ENCODER_PANEL)
    ret_panels = pack_panel(pk, part, output, ret_panels);
  return ret_panels;
}

/* `which`: 0 query, 1 key, 2 value; they alternate head by head. */
static rem_status pack_projection(const packing *pk, size_t which, const char *weight, const char *bias) {
  size_t hidden = pk->shape->hidden, head_size = hidden / pk->shape->heads;
  float scale = which == 0 ? (float)(1.4426950408889634 / sqrt((double)head_size)) : 1.0F;
  const float *values;
  REM_TRY(fetch_layer(pk, weight, hidden, hidden, &values));
  for (size_t head = 0; head < pk->shape->heads; head++) {
    region part = {values, hidden, head * head_size, head_size, 0, hidden, scale};
    size_t place = pk->places.qkv_panels + (3 * head + which) * head_size * hidden * pk->places.element_size;
    pack_region(pk, &part, pk->layer + place);
  }
  REM_TRY(fetch_layer(pk, bias, 1, hidden, &values));
  float *biases = (float *)(pk->layer + pk->places.qkv_bias);
  for (size_t i = 0; i < hidden; i++)
    biases[(3 * (i / head_size) + which) * head_size + i % head_size] = values[i] * scale;
  return REM_OK;
}

static rem_status pack_attention(const packing *pk) {
  size_t hidden = pk->shape->hidden;
  const float *values;
  REM_TRY(pack_projection(pk, 0, "attention.self.query.weight", "attention.self.query.bias"));
  REM_TRY(pack_projection(pk, 1, "attention.self.key.weight", "attention.self.key.bias"));
  REM_TRY(pack_projection(pk, 2, "attention.self.value.weight", "attention.self.value.bias"));
  REM_TRY(fetch_layer(pk, "attention.output.dense.weight", hidden, hidden, &values));
  region part = {values, hidden, 0, hidden, 0, hidden, 1.0F};
  pack_region(pk, &part, pk->layer + pk->places.output_panels);
  REM_TRY(pack_vector(pk, "attention.output.dense.bias", hidden, pk->places.output_bias));
  REM_TRY(pack_vector(pk, "attention.output.LayerNorm.weight", hidden, pk->places.attention_gamma));
  return pack_vector(pk, "attention.output.LayerNorm.bias", hidden, pk->places.attention_beta);
}

static rem_status pack_ff(const packing *pk) {
  const rem_encoder_shape *shape = pk->shape;
  size_t hidden = shape->hidden, element = pk->places.element_size;
  uint8_t *panels = pk->layer + pk->places.ff_panels;
  const float *values;
  REM_TRY(fetch_layer(pk, "intermediate.dense.weight", shape->ff, hidden, &values));
  for (size_t first = 0; first < shape->ff; first += REM_ENCODER_FF_CHUNK) {
    region into = {values, hidden, first, rem_encoder__ff_chunk(shape, first), 0, hidden, 1.0F};
    pack_region(pk, &into, panels + 2 * first * hidden * element);
  }
  REM_TRY(fetch_layer(pk, "output.dense.weight", hidden, shape->ff, &values));
  for (size_t first = 0; first < shape->ff; first += REM_ENCODER_FF_CHUNK) {
    size_t chunk = rem_encoder__ff_chunk(shape, first);
    region out = {values, shape->ff, 0, hidden, first, chunk, 1.0F};
    pack_region(pk, &out, panels + (2 * first + chunk) * hidden * element);
  }
  REM_TRY(pack_vector(pk, "intermediate.dense.bias", shape->ff, pk->places.ff_bias));
  REM_TRY(pack_vector(pk, "output.dense.bias", hidden, pk->places.ff_output_bias));
  REM_TRY(pack_vector(pk, "output.LayerNorm.weight", hidden, pk->places.ff_gamma));
  return pack_vector(pk, "output.LayerNorm.bias", hidden, pk->places.ff_beta);
}

static rem_status pack_positions(const packing *pk) {
  size_t hidden = pk->shape->hidden, positions = pk->shape->positions;
  float *table = (float *)(pk->packed + pk->places.position);
  const float *values;
  REM_TRY(fetch(pk, "embeddings.position_embeddings.weight", positions, hidden, &values));
  memcpy(table, values, positions * hidden * sizeof *values);
  if (pk->shape->types == 0)
    return REM_OK;
  REM_TRY(fetch(pk, "embeddings.token_type_embeddings.weight", pk->shape->types, hidden, &values));
  for (size_t i = 0; i < positions * hidden; i++)
    table[i] += values[i % hidden];
  return REM_OK;
}

static rem_status pack_embeddings(const packing *pk) {
  size_t hidden = pk->shape->hidden;
  float *norm = (float *)(pk->packed + pk->places.norm);
  const float *values;
  REM_TRY(fetch(pk, "embeddings.word_embeddings.weight", pk->shape->vocab, hidden, &values));
  for (size_t i = 0; i < pk->shape->vocab * hidden; i++)
    store_operand(pk, pk->packed + pk->places.word, i, values[i]);
  REM_TRY(pack_positions(pk));
  REM_TRY(fetch(pk, "embeddings.LayerNorm.weight", 1, hidden, &values));
  memcpy(norm, values, hidden * sizeof *values);
  REM_TRY(fetch(pk, "embeddings.LayerNorm.bias", 1, hidden, &values));
  memcpy(norm + hidden, values, hidden * sizeof *values);
  return REM_OK;
}

rem_status rem_encoder_pack(const rem_encoder_shape *shape, rem_encoder_layout layout, rem_encoder_tensor_fn tensor,
                            void *context, void *ret_packed, rem_error *err) {
  packing pk = {shape, layout, {0}, tensor, context, ret_packed, NULL, 0, err};
  REM_TRY(rem_encoder_shape_check(shape, err));
  REM_TRY(rem_encoder__places(shape, layout, &pk.places, err));
  /* Gaps of alignment are zero, so that packed bytes depend on the model alone. */
  memset(ret_packed, 0, pk.places.total_size);
  REM_TRY(pack_embeddings(&pk));
  for (uint32_t i = 0; i < shape->layers; i++) {
    pk.layer_index = i;
    pk.layer = pk.packed + pk.places.first_layer + i * pk.places.layer_size;
    REM_TRY(pack_attention(&pk));
    REM_TRY(pack_ff(&pk));
  }
  return REM_OK;
}
