/* SPDX-License-Identifier: Apache-2.0 */
/* Life of encoders and of their scratch. */
#include "embed/encoder.h"

#include "base/alloc.h"
#include "embed/encoder_internal.h"

rem_status rem_encoder_open(const rem_encoder_shape *shape, rem_encoder_layout layout, const void *packed,
                            size_t packed_size, rem_encoder **ret_encoder, rem_error *err) {
  rem_encoder_places places;
  REM_TRY(rem_encoder_shape_check(shape, err));
  REM_TRY(rem_encoder__places(shape, layout, &places, err));
  if (packed_size != places.total_size)
    return rem_error_set(err, REM_MODEL, "the packed weights are %zu bytes and should be %zu", packed_size,
                         places.total_size);
  if (packed == NULL || (uintptr_t)packed % REM_ENCODER_ALIGNMENT != 0)
    return rem_error_set(err, REM_MODEL, "the packed weights are not aligned to %d bytes", REM_ENCODER_ALIGNMENT);
  rem_encoder *encoder = rem_calloc(1, sizeof *encoder);
  if (encoder == NULL) return rem_error_nomem(err);
  encoder->shape = *shape;
  encoder->layout = layout;
  encoder->places = places;
  encoder->kernels = rem_encoder__kernels_choose(layout);
  encoder->packed = packed;
  *ret_encoder = encoder;
  return REM_OK;
}

void rem_encoder_close(rem_encoder *encoder) {
  rem_free(encoder);
}

const rem_encoder_shape *rem_encoder_get_shape(const rem_encoder *encoder) {
  return &encoder->shape;
}

rem_encoder_layout rem_encoder_get_layout(const rem_encoder *encoder) {
  return encoder->layout;
}

const char *rem_encoder_kernel_name(const rem_encoder *encoder) {
  return encoder->kernels->name;
}

double rem_encoder_flops(const rem_encoder_shape *shape, size_t length) {
  double hidden = shape->hidden, tokens = (double)length;
  double dense = 4 * hidden * hidden + 2 * hidden * shape->ff;
  double attention = 2 * tokens * hidden;
  return 2 * tokens * shape->layers * (dense + attention);
}

/* Adds a buffer to the plan; with a base, also sets it. */
static void *reserve(uint8_t *base, size_t *offset, size_t count, size_t element_size) {
  void *place = base != NULL ? base + *offset : NULL;
  *offset += (count * element_size + REM_ENCODER_ALIGNMENT - 1) / REM_ENCODER_ALIGNMENT * REM_ENCODER_ALIGNMENT;
  return place;
}

/* Lays the buffers out from `base` (NULL: only measures) and returns their size. */
static size_t lay_out(const rem_encoder *encoder, rem_encoder_scratch *scratch, uint8_t *base) {
  const rem_encoder_shape *shape = &encoder->shape;
  size_t operand = encoder->places.element_size, value = encoder->kernels->value_size, offset = 0;
  size_t rows = scratch->row_capacity + REM_ENCODER_MAX_TILE_ROWS, head_size = shape->hidden / shape->heads;
  size_t padded = ((size_t)shape->positions + REM_ENCODER_PANEL - 1) / REM_ENCODER_PANEL * REM_ENCODER_PANEL;
  size_t middle = 3 * head_size > REM_ENCODER_FF_CHUNK ? 3 * head_size : REM_ENCODER_FF_CHUNK;
  size_t widest = shape->hidden > REM_ENCODER_FF_CHUNK ? shape->hidden : REM_ENCODER_FF_CHUNK;
  scratch->stream = reserve(base, &offset, rows * shape->hidden, sizeof(float));
  scratch->operands = reserve(base, &offset, rows * shape->hidden, operand);
  scratch->context = reserve(base, &offset, rows * shape->hidden, value);
  scratch->middle = reserve(base, &offset, rows * middle, value);
  if (encoder->kernels->quantise != NULL) {
    scratch->operand_scales = reserve(base, &offset, rows, sizeof(float));
    scratch->quantised = reserve(base, &offset, rows * widest, operand);
    scratch->quantised_scales = reserve(base, &offset, rows, sizeof(float));
  }
  scratch->keys = reserve(base, &offset, padded * head_size, value);
  scratch->values = reserve(base, &offset, padded * head_size, value);
  scratch->scores = reserve(base, &offset, REM_ENCODER_MAX_TILE_ROWS * padded, sizeof(float));
  scratch->probabilities = reserve(base, &offset, REM_ENCODER_MAX_TILE_ROWS * padded, value);
  return offset;
}

rem_status rem_encoder_scratch_new(const rem_encoder *encoder, size_t block_tokens, rem_encoder_scratch **ret_scratch,
                                   rem_error *err) {
  REM_CHECK_ARG(block_tokens <= 4096, err);
  rem_encoder_scratch *scratch REM_AUTO_FREE = rem_calloc(1, sizeof *scratch);
  if (scratch == NULL) return rem_error_nomem(err);
  scratch->block_tokens = block_tokens != 0 ? block_tokens : encoder->kernels->block_tokens;
  scratch->row_capacity = scratch->block_tokens > encoder->shape.positions ? scratch->block_tokens : encoder->shape.positions;
  scratch->memory = rem_alloc(lay_out(encoder, scratch, NULL) + REM_ENCODER_ALIGNMENT);
  if (scratch->memory == NULL) return rem_error_nomem(err);
  uintptr_t start = ((uintptr_t)scratch->memory + REM_ENCODER_ALIGNMENT - 1) / REM_ENCODER_ALIGNMENT * REM_ENCODER_ALIGNMENT;
  lay_out(encoder, scratch, (uint8_t *)start);
  *ret_scratch = REM_TAKE(scratch);
  return REM_OK;
}

void rem_encoder_scratch_free(rem_encoder_scratch *scratch) {
  if (scratch == NULL) return;
  rem_free(scratch->memory);
  rem_free(scratch);
}

size_t rem_encoder_scratch_block_tokens(const rem_encoder_scratch *scratch) {
  return scratch->block_tokens;
}
