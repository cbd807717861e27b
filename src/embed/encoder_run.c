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

/* One block on its way through the layers. */
typedef struct block {
  const rem_encoder *encoder;
  rem_encoder_scratch *scratch;
  const uint32_t *ids;
  const uint32_t *lengths;
  size_t count;       /* of sequences */
  size_t token_count;
  const uint8_t *layer;
} block;

static const float *floats_at(const block *bl, size_t place) {
  return (const float *)(bl->layer + place);
}

static void embed_tokens(const block *bl) {
  const rem_encoder *enc = bl->encoder;
  size_t hidden = enc->shape.hidden, row = 0;
  const uint8_t *words = enc->packed + enc->places.word;
  const float *positions = (const float *)(enc->packed + enc->places.position);
  const float *norm = (const float *)(enc->packed + enc->places.norm);
  for (size_t s = 0; s < bl->count; s++)
    for (size_t i = 0; i < bl->lengths[s]; i++, row++)
      enc->kernels->embed(words + bl->ids[row] * hidden * enc->places.element_size, positions + i * hidden, hidden,
                          bl->scratch->stream + row * hidden);
  enc->kernels->layer_norm(bl->scratch->stream, row, hidden, norm, norm + hidden, enc->shape.layer_norm_epsilon,
                           bl->scratch->operands);
}

static void attend_sequences(const block *bl, size_t head) {
  const rem_encoder *enc = bl->encoder;
  rem_encoder_scratch *scratch = bl->scratch;
  size_t hidden = enc->shape.hidden, head_size = hidden / enc->shape.heads, element = enc->places.element_size, row = 0;
  for (size_t s = 0; s < bl->count; s++) {
    rem_encoder_attention at = {
        .qkv = (uint8_t *)scratch->middle + row * 3 * head_size * element,
        .qkv_stride = 3 * head_size,
        .length = bl->lengths[s],
        .head_size = head_size,
        .context = (uint8_t *)scratch->context + (row * hidden + head * head_size) * element,
        .context_stride = hidden,
        .keys = scratch->keys,
        .values = scratch->values,
        .scores = scratch->scores,
        .probabilities = scratch->probabilities,
    };
    enc->kernels->attention(&at);
    row += bl->lengths[s];
  }
}

static void run_head(const block *bl, size_t head) {
  const rem_encoder *enc = bl->encoder;
  size_t hidden = enc->shape.hidden, head_size = hidden / enc->shape.heads;
  rem_encoder_product qkv = {
      .input = bl->scratch->operands,
      .input_stride = hidden,
      .row_count = bl->token_count,
      .inner = hidden,
      .panels = bl->layer + enc->places.qkv_panels + head * 3 * head_size * hidden * enc->places.element_size,
      .panel_count = 3 * head_size / REM_ENCODER_PANEL,
      .bias = floats_at(bl, enc->places.qkv_bias) + head * 3 * head_size,
      .output = bl->scratch->middle,
      .output_stride = 3 * head_size,
  };
  enc->kernels->store(&qkv);
  attend_sequences(bl, head);
}

static void run_norm(const block *bl, size_t gamma, size_t beta) {
  const rem_encoder *enc = bl->encoder;
  enc->kernels->layer_norm(bl->scratch->stream, bl->token_count, enc->shape.hidden, floats_at(bl, gamma),
                           floats_at(bl, beta), enc->shape.layer_norm_epsilon, bl->scratch->operands);
}

static void run_attention(const block *bl) {
  const rem_encoder *enc = bl->encoder;
  size_t hidden = enc->shape.hidden;
  for (size_t head = 0; head < enc->shape.heads; head++)
    run_head(bl, head);
  rem_encoder_product output = {
      .input = bl->scratch->context,
      .input_stride = hidden,
      .row_count = bl->token_count,
      .inner = hidden,
      .panels = bl->layer + enc->places.output_panels,
      .panel_count = hidden / REM_ENCODER_PANEL,
      .bias = floats_at(bl, enc->places.output_bias),
      .output = bl->scratch->stream,
      .output_stride = hidden,
  };
  enc->kernels->add(&output);
  run_norm(bl, enc->places.attention_gamma, enc->places.attention_beta);
}

/* The ff units [first, first + chunk). */
static void run_ff_chunk(const block *bl, size_t first, size_t chunk) {
  const rem_encoder *enc = bl->encoder;
  size_t hidden = enc->shape.hidden;
  const uint8_t *panels = bl->layer + enc->places.ff_panels + 2 * first * hidden * enc->places.element_size;
  rem_encoder_product into = {
      .input = bl->scratch->operands,
      .input_stride = hidden,
      .row_count = bl->token_count,
      .inner = hidden,
      .panels = panels,
      .panel_count = chunk / REM_ENCODER_PANEL,
      .bias = floats_at(bl, enc->places.ff_bias) + first,
      .output = bl->scratch->middle,
      .output_stride = chunk,
  };
  enc->kernels->store_gelu(&into);
  rem_encoder_product out = {
      .input = bl->scratch->middle,
      .input_stride = chunk,
      .row_count = bl->token_count,
      .inner = chunk,
      .panels = panels + chunk * hidden * enc->places.element_size,
      .panel_count = hidden / REM_ENCODER_PANEL,
      .bias = first == 0 ? floats_at(bl, enc->places.ff_output_bias) : NULL,
      .output = bl->scratch->stream,
      .output_stride = hidden,
  };
  enc->kernels->add(&out);
}

static void run_ff(const block *bl) {
  const rem_encoder_shape *shape = &bl->encoder->shape;
  for (size_t first = 0; first < shape->ff; first += REM_ENCODER_FF_CHUNK)
    run_ff_chunk(bl, first, rem_encoder__ff_chunk(shape, first));
  run_norm(bl, bl->encoder->places.ff_gamma, bl->encoder->places.ff_beta);
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

static void pool_block(const block *bl, float *ret_vectors) {
  const rem_encoder_shape *shape = &bl->encoder->shape;
  const float *rows = bl->scratch->stream;
  for (size_t s = 0; s < bl->count; s++) {
    float *vector = ret_vectors + s * shape->hidden;
    pool_sequence(shape, rows, bl->lengths[s], vector);
    if (shape->normalise) normalise(vector, shape->hidden);
    rows += bl->lengths[s] * (size_t)shape->hidden;
  }
}

static void run_block(block *bl, float *ret_vectors) {
  const rem_encoder *enc = bl->encoder;
  embed_tokens(bl);
  for (size_t i = 0; i < enc->shape.layers; i++) {
    bl->layer = enc->packed + enc->places.first_layer + i * enc->places.layer_size;
    run_attention(bl);
    run_ff(bl);
  }
  pool_block(bl, ret_vectors);
}

static rem_status check_input(const rem_encoder_shape *shape, const uint32_t *ids, const uint32_t *lengths, size_t count,
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
  REM_TRY(check_input(&encoder->shape, ids, lengths, count, err));
  for (size_t s = 0; s < count;) {
    block bl = {.encoder = encoder, .scratch = scratch, .ids = ids, .lengths = lengths + s};
    do
      bl.token_count += bl.lengths[bl.count++];
    while (s + bl.count < count && bl.token_count + bl.lengths[bl.count] <= scratch->block_tokens);
    run_block(&bl, ret_vectors + s * encoder->shape.hidden);
    s += bl.count;
    ids += bl.token_count;
  }
  return REM_OK;
}
