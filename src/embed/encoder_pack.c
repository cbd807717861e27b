/* SPDX-License-Identifier: Apache-2.0 */
/* Packing: source tensors, one at a time, into the places of encoder_layout.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "embed/encoder_kernels.h"
#include "embed/encoder_layout.h"

/* What the library calls the tensors of a layer; "%u" is its number. */
typedef struct layer_names {
  const char *layer;
  const char *query, *key, *value, *output, *attention_norm;
  const char *ff, *ff_output, *ff_norm;
} layer_names;

static const layer_names names_of[] = {
    [REM_ENCODER_BERT] = {"encoder.layer.%u.", "attention.self.query", "attention.self.key", "attention.self.value",
                          "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense",
                          "output.LayerNorm"},
    [REM_ENCODER_MPNET] = {"encoder.layer.%u.", "attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o",
                           "attention.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"},
    [REM_ENCODER_DISTILBERT] = {"transformer.layer.%u.", "attention.q_lin", "attention.k_lin", "attention.v_lin",
                                "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"},
};

#define LOG2_E 1.4426950408889634

typedef struct packing {
  const rem_encoder_shape *shape;
  const layer_names *names;
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

/* `end` is ".weight" or ".bias". */
static rem_status fetch_layer(const packing *pk, const char *tensor, const char *end, size_t rows, size_t columns,
                              const float **ret_values) {
  char layer[64], name[192];
  snprintf(layer, sizeof layer, pk->names->layer, (unsigned)pk->layer_index);
  snprintf(name, sizeof name, "%s%s%s", layer, tensor, end);
  return fetch(pk, name, rows, columns, ret_values);
}

/* One vector of the current layer. */
static rem_status pack_vector(const packing *pk, const char *tensor, const char *end, size_t count, size_t place) {
  const float *values;
  REM_TRY(fetch_layer(pk, tensor, end, 1, count, &values));
  memcpy(pk->layer + place, values, count * sizeof *values);
  return REM_OK;
}

static rem_status pack_norm(const packing *pk, const char *tensor, size_t gamma, size_t beta) {
  REM_TRY(pack_vector(pk, tensor, ".weight", pk->shape->hidden, gamma));
  return pack_vector(pk, tensor, ".bias", pk->shape->hidden, beta);
}

static float weight_at(const region *part, size_t output, size_t input) {
  return part->scale * part->matrix[(part->first_output + output) * part->columns + part->first_input + input];
}

/* One output's weights in int8, as steps of 32 bits in a panel: the largest becomes 127. */
static void pack_int8_output(const region *part, size_t output, size_t lane, uint8_t *ret_panel) {
  float most = 0;
  int32_t sum = 0;
  for (size_t k = 0; k < part->inputs; k++)
    most = fmaxf(most, fabsf(weight_at(part, output, k)));
  float scale = most > 0 ? most / 127.0F : 1.0F;
  for (size_t k = 0; k < part->inputs; k++) {
    int8_t quantised = (int8_t)lrintf(weight_at(part, output, k) / scale);
    sum += quantised;
    ret_panel[REM_ENCODER_INT8_HEAD + k / 4 * 4 * REM_ENCODER_PANEL + lane * 4 + k % 4] = (uint8_t)quantised;
  }
  sum *= 128;
  memcpy(ret_panel + lane * sizeof scale, &scale, sizeof scale);
  memcpy(ret_panel + (REM_ENCODER_PANEL + lane) * sizeof sum, &sum, sizeof sum);
}

/* One panel: 32 outputs; inputs in steps of one (f32), a pair (bf16) or four (int8). Returns the address after it. */
static uint8_t *pack_panel(const packing *pk, const region *part, size_t output, uint8_t *ret_panel) {
  size_t step = pk->layout == REM_ENCODER_LAYOUT_F32 ? 1 : 2, index = 0;
  if (pk->layout == REM_ENCODER_LAYOUT_INT8) {
    for (size_t n = 0; n < REM_ENCODER_PANEL; n++)
      pack_int8_output(part, output + n, n, ret_panel);
    return ret_panel + rem_encoder__panel_size(&pk->places, part->inputs);
  }
  for (size_t k = 0; k < part->inputs; k += step)
    for (size_t n = 0; n < REM_ENCODER_PANEL; n++)
      for (size_t e = 0; e < step; e++)
        store_operand(pk, ret_panel, index++, weight_at(part, output + n, k + e));
  return ret_panel + rem_encoder__panel_size(&pk->places, part->inputs);
}

static uint8_t *pack_region(const packing *pk, const region *part, uint8_t *ret_panels) {
  for (size_t output = 0; output < part->outputs; output += REM_ENCODER_PANEL)
    ret_panels = pack_panel(pk, part, output, ret_panels);
  return ret_panels;
}

/* `which`: 0 query, 1 key, 2 value; they alternate head by head. */
static rem_status pack_projection(const packing *pk, size_t which, const char *tensor) {
  size_t hidden = pk->shape->hidden, head_size = hidden / pk->shape->heads;
  float scale = which == 0 ? (float)(LOG2_E / sqrt((double)head_size)) : 1.0F;
  const float *values;
  REM_TRY(fetch_layer(pk, tensor, ".weight", hidden, hidden, &values));
  for (size_t head = 0; head < pk->shape->heads; head++) {
    region part = {values, hidden, head * head_size, head_size, 0, hidden, scale};
    size_t panel = (3 * head + which) * head_size / REM_ENCODER_PANEL;
    size_t place = pk->places.qkv_panels + panel * rem_encoder__panel_size(&pk->places, hidden);
    pack_region(pk, &part, pk->layer + place);
  }
  REM_TRY(fetch_layer(pk, tensor, ".bias", 1, hidden, &values));
  float *biases = (float *)(pk->layer + pk->places.qkv_bias);
  for (size_t i = 0; i < hidden; i++)
    biases[(3 * (i / head_size) + which) * head_size + i % head_size] = values[i] * scale;
  return REM_OK;
}

static rem_status pack_attention(const packing *pk) {
  size_t hidden = pk->shape->hidden;
  const float *values;
  REM_TRY(pack_projection(pk, 0, pk->names->query));
  REM_TRY(pack_projection(pk, 1, pk->names->key));
  REM_TRY(pack_projection(pk, 2, pk->names->value));
  REM_TRY(fetch_layer(pk, pk->names->output, ".weight", hidden, hidden, &values));
  region part = {values, hidden, 0, hidden, 0, hidden, 1.0F};
  pack_region(pk, &part, pk->layer + pk->places.output_panels);
  REM_TRY(pack_vector(pk, pk->names->output, ".bias", hidden, pk->places.output_bias));
  return pack_norm(pk, pk->names->attention_norm, pk->places.attention_gamma, pk->places.attention_beta);
}

static rem_status pack_ff(const packing *pk) {
  const rem_encoder_shape *shape = pk->shape;
  size_t hidden = shape->hidden;
  const float *values;
  uint8_t *panels = pk->layer + pk->places.ff_panels;
  REM_TRY(fetch_layer(pk, pk->names->ff, ".weight", shape->ff, hidden, &values));
  for (size_t first = 0; first < shape->ff; first += REM_ENCODER_FF_CHUNK) {
    region into = {values, hidden, first, rem_encoder__ff_chunk(shape, first), 0, hidden, 1.0F};
    pack_region(pk, &into, panels);
    panels += rem_encoder__ff_chunk_size(shape, &pk->places, first);
  }
  panels = pk->layer + pk->places.ff_panels;
  REM_TRY(fetch_layer(pk, pk->names->ff_output, ".weight", hidden, shape->ff, &values));
  for (size_t first = 0; first < shape->ff; first += REM_ENCODER_FF_CHUNK) {
    region out = {values, shape->ff, 0, hidden, first, rem_encoder__ff_chunk(shape, first), 1.0F};
    pack_region(pk, &out, panels + rem_encoder__ff_into_size(shape, &pk->places, first));
    panels += rem_encoder__ff_chunk_size(shape, &pk->places, first);
  }
  REM_TRY(pack_vector(pk, pk->names->ff, ".bias", shape->ff, pk->places.ff_bias));
  REM_TRY(pack_vector(pk, pk->names->ff_output, ".bias", hidden, pk->places.ff_output_bias));
  return pack_norm(pk, pk->names->ff_norm, pk->places.ff_gamma, pk->places.ff_beta);
}

/* The bucket of a distance of `d` tokens (key - query): each up to 7, then eight to a factor of 16, then one for all beyond; keys
 * after the query have buckets of their own. The bound of bucket 8 + i is 8 x 16^(i / 8), here squared to stay in whole numbers. */
static size_t bucket_of(int64_t d) {
  const int64_t half = REM_ENCODER_RELATIVE_BUCKETS / 2, exact = half / 2;
  int64_t n = d < 0 ? -d : d, bucket = n;
  if (n >= exact) {
    bucket = exact;
    for (int64_t bound = exact * exact * 2; bucket + 1 < half && n * n >= bound; bound *= 2)
      bucket++;
  }
  return (size_t)(bucket + (d > 0 ? half : 0));
}

static rem_status pack_distances(const packing *pk) {
  const rem_encoder_shape *shape = pk->shape;
  int64_t reach = (int64_t)shape->positions - 1;
  const float *values;
  if (shape->relative_buckets == 0)
    return REM_OK;
  REM_TRY(fetch(pk, "encoder.relative_attention_bias.weight", shape->relative_buckets, shape->heads, &values));
  for (size_t head = 0; head < shape->heads; head++) {
    float *row = (float *)(pk->packed + pk->places.distances) + head * pk->places.distance_stride;
    for (int64_t d = -reach; d <= reach; d++)
      row[d + reach] = (float)(LOG2_E * (double)values[bucket_of(d) * shape->heads + head]);
  }
  return REM_OK;
}

static rem_status pack_positions(const packing *pk) {
  size_t hidden = pk->shape->hidden, positions = (size_t)pk->shape->first_position + pk->shape->positions;
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
    store_operand(pk, pk->packed + pk->places.word, i, values[i]); /* bfloat16 also with int8 */
  REM_TRY(pack_positions(pk));
  REM_TRY(fetch(pk, "embeddings.LayerNorm.weight", 1, hidden, &values));
  memcpy(norm, values, hidden * sizeof *values);
  REM_TRY(fetch(pk, "embeddings.LayerNorm.bias", 1, hidden, &values));
  memcpy(norm + hidden, values, hidden * sizeof *values);
  return REM_OK;
}

rem_status rem_encoder_pack(const rem_encoder_shape *shape, rem_encoder_layout layout, rem_encoder_tensor_fn tensor,
                            void *context, void *ret_packed, rem_error *err) {
  REM_TRY(rem_encoder_shape_check(shape, err));
  packing pk = {shape, &names_of[shape->family], layout, {0}, tensor, context, ret_packed, NULL, 0, err};
  REM_TRY(rem_encoder__places(shape, layout, &pk.places, err));
  /* Gaps of alignment are zero, so that packed bytes depend on the model alone. */
  memset(ret_packed, 0, pk.places.total_size);
  REM_TRY(pack_embeddings(&pk));
  REM_TRY(pack_distances(&pk));
  for (uint32_t i = 0; i < shape->layers; i++) {
    pk.layer_index = i;
    pk.layer = pk.packed + pk.places.first_layer + i * pk.places.layer_size;
    REM_TRY(pack_attention(&pk));
    REM_TRY(pack_ff(&pk));
  }
  return REM_OK;
}
