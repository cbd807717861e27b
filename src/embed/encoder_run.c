/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forward pass. Sequences are taken in blocks of whole ones; the tokens of a block are one tall matrix for
 * everything but attention, which goes sequence by sequence:
 *
 *   stream = norm(word + position)
 *   each layer:   for each head: q, k, v = operands x panels; context = attention(q, k, v)
 *                 stream = norm(stream + context x output)
 *                 for each chunk: middle = gelu(operands x into); stream += middle x out
 *                 stream = norm(stream)
 *   vector = pool(stream), normalised
 *
 * `operands` is what the last norm wrote in the layout's element type, so the feed forward may add into
 * `stream` while later chunks still read the normalised rows.
 */
#include <math.h>
#include <string.h>

#include "embed/encoder_internal.h"

/*
 * The row of the position table for each token of a sequence: counted from first_position on; where that is above 0, padding tokens
 * (a text may contain one) are not counted and have the row before it.
 */
static size_t position_row(const rem_encoder_shape *shape, uint32_t id, size_t *counted) {
  if (shape->first_position > 0 && id == shape->padding_id)
    return shape->first_position - 1;
  return shape->first_position + (*counted)++;
}

void rem_encoder__embed_tokens(const rem_encoder__block *bl) {
  const rem_encoder *enc = bl->encoder;
  size_t hidden = enc->shape.hidden, row = 0;
  const uint8_t *words = enc->packed + enc->places.word;
  const float *positions = (const float *)(enc->packed + enc->places.position);
  const float *norm = (const float *)(enc->packed + enc->places.norm);
  for (size_t s = 0; s < bl->count; s++)
    for (size_t i = 0, counted = 0; i < bl->lengths[s]; i++, row++)
      enc->kernels->embed(words + bl->ids[row] * hidden * enc->places.word_size,
                          positions + position_row(&enc->shape, bl->ids[row], &counted) * hidden, hidden,
                          bl->scratch->stream + row * hidden);
  enc->kernels->layer_norm(bl->scratch->stream, row, hidden, norm, norm + hidden, enc->shape.layer_norm_epsilon,
                           bl->scratch->operands, bl->scratch->operand_scales);
}

/* The distances of a head, counted from a key that is the query; NULL: the model has none. */
static const float *distances_of(const rem_encoder *enc, size_t head) {
  if (enc->places.distance_stride == 0)
    return NULL;
  const float *distances = (const float *)(enc->packed + enc->places.distances);
  return distances + head * enc->places.distance_stride + enc->shape.positions - 1;
}

static void attend_sequences(const rem_encoder__block *bl, size_t head, rem_encoder_scratch *own) {
  const rem_encoder *enc = bl->encoder;
  size_t hidden = enc->shape.hidden, head_size = hidden / enc->shape.heads, value = enc->kernels->value_size, row = 0;
  for (size_t s = 0; s < bl->count; s++) {
    rem_encoder_attention at = {
        .qkv = (uint8_t *)own->middle + row * 3 * head_size * value,
        .qkv_stride = 3 * head_size,
        .length = bl->lengths[s],
        .head_size = head_size,
        .context = (uint8_t *)bl->scratch->context + (row * hidden + head * head_size) * value,
        .context_stride = hidden,
        .distances = distances_of(enc, head),
        .keys = own->keys,
        .values = own->values,
        .scores = own->scores,
        .probabilities = own->probabilities,
    };
    enc->kernels->attention(&at);
    row += bl->lengths[s];
  }
}

void rem_encoder__run_head(const rem_encoder__block *bl, size_t head, rem_encoder_scratch *own) {
  const rem_encoder *enc = bl->encoder;
  size_t hidden = enc->shape.hidden, head_size = hidden / enc->shape.heads, panels = 3 * head_size / REM_ENCODER_PANEL;
  rem_encoder_product qkv = {
      .input = bl->scratch->operands,
      .input_stride = hidden,
      .input_scales = bl->scratch->operand_scales,
      .row_count = bl->token_count,
      .inner = hidden,
      .panels = bl->layer + enc->places.qkv_panels + head * panels * rem_encoder__panel_size(&enc->places, hidden),
      .panel_count = panels,
      .bias = rem_encoder__floats(bl, enc->places.qkv_bias) + head * 3 * head_size,
      .output = own->middle,
      .output_stride = 3 * head_size,
  };
  enc->kernels->store(&qkv);
  attend_sequences(bl, head, own);
}

void rem_encoder__run_norm(const rem_encoder__block *bl, size_t gamma, size_t beta) {
  const rem_encoder *enc = bl->encoder;
  enc->kernels->layer_norm(bl->scratch->stream, bl->token_count, enc->shape.hidden, rem_encoder__floats(bl, gamma),
                           rem_encoder__floats(bl, beta), enc->shape.layer_norm_epsilon, bl->scratch->operands,
                           bl->scratch->operand_scales);
}

/* stream += values x panels; the values are rows of `width`. */
static void add_product(const rem_encoder__block *bl, const void *values, size_t width, const uint8_t *panels, const float *bias) {
  const rem_encoder *enc = bl->encoder;
  rem_encoder__operands operands = rem_encoder__to_operands(enc, values, bl->token_count, width, bl->scratch->quantised,
                                                            bl->scratch->quantised_scales);
  rem_encoder_product product = {
      .input = operands.rows,
      .input_stride = width,
      .input_scales = operands.scales,
      .row_count = bl->token_count,
      .inner = width,
      .panels = panels,
      .panel_count = enc->shape.hidden / REM_ENCODER_PANEL,
      .bias = bias,
      .output = bl->scratch->stream,
      .output_stride = enc->shape.hidden,
  };
  enc->kernels->add(&product);
}

static void run_attention(const rem_encoder__block *bl) {
  const rem_encoder *enc = bl->encoder;
  for (size_t head = 0; head < enc->shape.heads; head++)
    rem_encoder__run_head(bl, head, bl->scratch);
  add_product(bl, bl->scratch->context, enc->shape.hidden, bl->layer + enc->places.output_panels,
              rem_encoder__floats(bl, enc->places.output_bias));
  rem_encoder__run_norm(bl, enc->places.attention_gamma, enc->places.attention_beta);
}

/* The ff units [first, first + chunk). */
static void run_ff_chunk(const rem_encoder__block *bl, size_t first, size_t chunk, const uint8_t *panels) {
  const rem_encoder *enc = bl->encoder;
  rem_encoder_product into = {
      .input = bl->scratch->operands,
      .input_stride = enc->shape.hidden,
      .input_scales = bl->scratch->operand_scales,
      .row_count = bl->token_count,
      .inner = enc->shape.hidden,
      .panels = panels,
      .panel_count = chunk / REM_ENCODER_PANEL,
      .bias = rem_encoder__floats(bl, enc->places.ff_bias) + first,
      .output = bl->scratch->middle,
      .output_stride = chunk,
  };
  enc->kernels->store_gelu[enc->shape.activation](&into);
  add_product(bl, bl->scratch->middle, chunk, panels + rem_encoder__ff_into_size(&enc->shape, &enc->places, first),
              first == 0 ? rem_encoder__floats(bl, enc->places.ff_output_bias) : NULL);
}

static void run_ff(const rem_encoder__block *bl) {
  const rem_encoder *enc = bl->encoder;
  const uint8_t *panels = bl->layer + enc->places.ff_panels;
  for (size_t first = 0; first < enc->shape.ff; first += REM_ENCODER_FF_CHUNK) {
    run_ff_chunk(bl, first, rem_encoder__ff_chunk(&enc->shape, first), panels);
    panels += rem_encoder__ff_chunk_size(&enc->shape, &enc->places, first);
  }
  rem_encoder__run_norm(bl, enc->places.ff_gamma, enc->places.ff_beta);
}

static void pool_sequence(const rem_encoder_shape *shape, const float *rows, size_t length, float *ret_vector) {
  size_t hidden = shape->hidden;
  memcpy(ret_vector, rows, hidden * sizeof *rows);
  if (shape->pooling == REM_ENCODER_POOL_CLS) return;
  for (size_t i = 1; i < length; i++)
    for (size_t j = 0; j < hidden; j++)
      ret_vector[j] += rows[i * hidden + j];
  for (size_t j = 0; j < hidden; j++)
    ret_vector[j] /= (float)length;
}

/* A vector of zeros stays one. */
static void normalise(float *vector, size_t count) {
  double squares = 0;
  for (size_t j = 0; j < count; j++)
    squares += (double)vector[j] * (double)vector[j];
  float scale = squares > 0 ? (float)(1.0 / sqrt(squares)) : 0.0F;
  for (size_t j = 0; j < count; j++)
    vector[j] *= scale;
}

void rem_encoder__pool(const rem_encoder__block *bl, float *ret_vectors) {
  const rem_encoder_shape *shape = &bl->encoder->shape;
  const float *rows = bl->scratch->stream;
  for (size_t s = 0; s < bl->count; s++) {
    float *vector = ret_vectors + s * shape->hidden;
    pool_sequence(shape, rows, bl->lengths[s], vector);
    if (shape->normalise) normalise(vector, shape->hidden);
    rows += bl->lengths[s] * (size_t)shape->hidden;
  }
}

static void run_block(rem_encoder__block *bl, float *ret_vectors) {
  const rem_encoder *enc = bl->encoder;
  rem_encoder__embed_tokens(bl);
  for (size_t i = 0; i < enc->shape.layers; i++) {
    bl->layer = enc->packed + enc->places.first_layer + i * enc->places.layer_size;
    run_attention(bl);
    run_ff(bl);
  }
  rem_encoder__pool(bl, ret_vectors);
}

rem_status rem_encoder__check_input(const rem_encoder_shape *shape, const uint32_t *ids, const uint32_t *lengths, size_t count,
                                    rem_error *err) {
  size_t token = 0;
  for (size_t s = 0; s < count; s++) {
    if (lengths[s] == 0 || lengths[s] > shape->positions)
      return rem_error_set(err, REM_INVALID, "sequence %zu has %u tokens; the model takes 1 to %u", s,
                           (unsigned)lengths[s], (unsigned)shape->positions);
    for (size_t i = 0; i < lengths[s]; i++, token++)
      if (ids[token] >= shape->vocab)
        return rem_error_set(err, REM_INVALID, "token %zu of sequence %zu is %u; the model's vocabulary has %u", i, s,
                             (unsigned)ids[token], (unsigned)shape->vocab);
  }
  return REM_OK;
}

rem_status rem_encoder_run(const rem_encoder *encoder, rem_encoder_scratch *scratch, const uint32_t *ids,
                           const uint32_t *lengths, size_t count, float *ret_vectors, rem_error *err) {
  REM_TRY(rem_encoder__check_input(&encoder->shape, ids, lengths, count, err));
  rem_encoder__enter(encoder);
  for (size_t s = 0; s < count;) {
    rem_encoder__block bl = {.encoder = encoder, .scratch = scratch, .ids = ids, .lengths = lengths + s};
    do
      bl.token_count += bl.lengths[bl.count++];
    while (s + bl.count < count && bl.token_count + bl.lengths[bl.count] <= scratch->block_tokens);
    run_block(&bl, ret_vectors + s * encoder->shape.hidden);
    s += bl.count;
    ids += bl.token_count;
  }
  rem_encoder__leave(encoder);
  return REM_OK;
}
