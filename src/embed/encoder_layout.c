/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes that can be run and the places of their packed pieces. */
#include "embed/encoder_layout.h"

#include "embed/encoder_kernels.h"

const char *rem_encoder_layout_name(rem_encoder_layout layout) {
  switch (layout) {
  case REM_ENCODER_LAYOUT_F32:
    return "f32";
  case REM_ENCODER_LAYOUT_BF16:
    return "bf16";
  case REM_ENCODER_LAYOUT_INT8:
    return "int8";
  }
  return NULL;
}

static rem_status refuse(rem_error *err, const char *what, uint64_t value) {
  rem_status status =
      rem_error_set(err, REM_UNSUPPORTED, "the encoder cannot run a model with %s %llu", what, (unsigned long long)value);
  rem_error_hint(err, "Use a BERT-like model such as all-MiniLM-L6-v2, or an embedding provider over HTTP.");
  return status;
}

static bool within(uint32_t value, uint32_t step, uint32_t max) {
  return value > 0 && value <= max && value % step == 0;
}

static rem_status check_sizes(const rem_encoder_shape *shape, rem_error *err) {
  if (!within(shape->layers, 1, 96))
    return refuse(err, "a layer count of", shape->layers);
  if (!within(shape->hidden, REM_ENCODER_PANEL, 4096))
    return refuse(err, "a hidden size of", shape->hidden);
  if (!within(shape->ff, REM_ENCODER_PANEL, 16384))
    return refuse(err, "an intermediate size of", shape->ff);
  if (!within(shape->vocab, 1, 1U << 20))
    return refuse(err, "a vocabulary of", shape->vocab);
  if (!within(shape->positions, 1, 8192))
    return refuse(err, "a position count of", shape->positions);
  if (shape->types > 1024)
    return refuse(err, "a token type count of", shape->types);
  if (shape->first_position > 16)
    return refuse(err, "a first position of", shape->first_position);
  return REM_OK;
}

static rem_status check_kinds(const rem_encoder_shape *shape, rem_error *err) {
  if (shape->family < REM_ENCODER_BERT || shape->family > REM_ENCODER_DISTILBERT)
    return refuse(err, "architecture number", (uint64_t)shape->family);
  if (shape->activation != REM_ENCODER_GELU && shape->activation != REM_ENCODER_GELU_TANH)
    return refuse(err, "activation number", (uint64_t)shape->activation);
  if (shape->relative_buckets != 0 && shape->relative_buckets != REM_ENCODER_RELATIVE_BUCKETS)
    return refuse(err, "a relative bucket count of", shape->relative_buckets);
  if (shape->pooling != REM_ENCODER_POOL_MEAN && shape->pooling != REM_ENCODER_POOL_CLS)
    return refuse(err, "pooling kind", (uint64_t)shape->pooling);
  return REM_OK;
}

rem_status rem_encoder_shape_check(const rem_encoder_shape *shape, rem_error *err) {
  REM_TRY(check_sizes(shape, err));
  REM_TRY(check_kinds(shape, err));
  if (shape->heads == 0 || shape->hidden % shape->heads != 0)
    return refuse(err, "a head count of", shape->heads);
  if (!within(shape->hidden / shape->heads, REM_ENCODER_PANEL, 128))
    return refuse(err, "a head size of", shape->hidden / shape->heads);
  if (!(shape->layer_norm_epsilon > 0.0F && shape->layer_norm_epsilon < 1.0F))
    return rem_error_set(err, REM_UNSUPPORTED, "the encoder cannot run a model with a layer norm epsilon of %g",
                         (double)shape->layer_norm_epsilon);
  return REM_OK;
}

/* Takes `count` elements from the running offset; the next piece starts aligned. */
static size_t take(size_t *offset, size_t count, size_t element_size) {
  size_t place = *offset;
  *offset = (place + count * element_size + REM_ENCODER_ALIGNMENT - 1) / REM_ENCODER_ALIGNMENT * REM_ENCODER_ALIGNMENT;
  return place;
}

static void place_layer(const rem_encoder_shape *shape, rem_encoder_places *places) {
  size_t hidden = shape->hidden, ff = shape->ff, offset = 0, columns = hidden / REM_ENCODER_PANEL;
  places->qkv_bias = take(&offset, 3 * hidden, sizeof(float));
  places->output_bias = take(&offset, hidden, sizeof(float));
  places->attention_gamma = take(&offset, hidden, sizeof(float));
  places->attention_beta = take(&offset, hidden, sizeof(float));
  places->ff_bias = take(&offset, ff, sizeof(float));
  places->ff_output_bias = take(&offset, hidden, sizeof(float));
  places->ff_gamma = take(&offset, hidden, sizeof(float));
  places->ff_beta = take(&offset, hidden, sizeof(float));
  places->qkv_panels = take(&offset, 3 * columns, rem_encoder__panel_size(places, hidden));
  places->output_panels = take(&offset, columns, rem_encoder__panel_size(places, hidden));
  places->ff_panels = offset;
  for (size_t first = 0; first < ff; first += REM_ENCODER_FF_CHUNK)
    offset += rem_encoder__ff_chunk_size(shape, places, first);
  places->layer_size = offset;
}

rem_status rem_encoder__places(const rem_encoder_shape *shape, rem_encoder_layout layout, rem_encoder_places *ret_places,
                               rem_error *err) {
  static const size_t element_sizes[] = {[REM_ENCODER_LAYOUT_F32] = 4, [REM_ENCODER_LAYOUT_BF16] = 2, [REM_ENCODER_LAYOUT_INT8] = 1};
  if (rem_encoder_layout_name(layout) == NULL)
    return rem_error_set(err, REM_UNSUPPORTED, "unknown layout %d of packed weights", (int)layout);
  rem_encoder_places places = {
      .element_size = element_sizes[layout],
      .word_size = layout == REM_ENCODER_LAYOUT_F32 ? sizeof(float) : sizeof(uint16_t),
      .panel_head = layout == REM_ENCODER_LAYOUT_INT8 ? REM_ENCODER_INT8_HEAD : 0,
      .distance_stride = shape->relative_buckets != 0 ? 2 * (size_t)shape->positions + REM_ENCODER_PANEL : 0,
  };
  size_t offset = 0;
  places.word = take(&offset, (size_t)shape->vocab * shape->hidden, places.word_size);
  places.position = take(&offset, ((size_t)shape->first_position + shape->positions) * shape->hidden, sizeof(float));
  places.norm = take(&offset, 2 * (size_t)shape->hidden, sizeof(float));
  places.distances = take(&offset, shape->heads * places.distance_stride, sizeof(float));
  places.first_layer = offset;
  place_layer(shape, &places);
  places.total_size = offset + shape->layers * places.layer_size;
  *ret_places = places;
  return REM_OK;
}

rem_status rem_encoder_packed_size(const rem_encoder_shape *shape, rem_encoder_layout layout, size_t *ret_size_bytes,
                                   rem_error *err) {
  rem_encoder_places places;
  REM_TRY(rem_encoder_shape_check(shape, err));
  REM_TRY(rem_encoder__places(shape, layout, &places, err));
  *ret_size_bytes = places.total_size;
  return REM_OK;
}
