/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forward pass of one sequence by a team. A layer is four stages, each handed out in units that write to places of their own:
 *
 *   heads     a head: q, k, v, attention                               -> its columns of the context
 *   output    some panels of the output projection                     -> their columns of the stream
 *   into      some panels into the feed forward, of several chunks     -> their columns of the middle
 *   out       some panels out of it, for all those chunks              -> their columns of the stream
 *
 * Between them the leader normalises (and quantises, with int8), which for a short text is little. All sums are made in the order in
 * which rem_encoder_run() makes them, so the vector is the same to the bit.
 */
#include "embed/encoder_internal.h"
#include "embed/encoder_team.h"

typedef struct split {
  rem_encoder__block block;
  rem_encoder__team team;
  rem_encoder_scratch *const *scratches; /* by member */
  size_t members;
  size_t leader;
  atomic_size_t arrived;
  float *vector;
  /* Of the open stage. */
  rem_encoder_product product; /* output: all panels */
  size_t panels_a_unit;
  size_t first_chunk; /* feed forward: chunks [first_chunk, last_chunk) */
  size_t last_chunk;
} split;

/* The panels [first, first + count) of a product, of which one panel takes `panel_size` bytes and an output `output_size`. */
static rem_encoder_product part_of(const rem_encoder_product *whole, size_t first, size_t count, size_t panel_size,
                                   size_t output_size) {
  rem_encoder_product part = *whole;
  part.panels = (const uint8_t *)whole->panels + first * panel_size;
  part.panel_count = count;
  part.bias = whole->bias != NULL ? whole->bias + first * REM_ENCODER_PANEL : NULL;
  part.output = (uint8_t *)whole->output + first * REM_ENCODER_PANEL * output_size;
  return part;
}

/* Panels of unit `unit`: `*ret_first` and how many. */
static size_t panels_of(const split *sp, size_t unit, size_t panel_count, size_t *ret_first) {
  *ret_first = unit * sp->panels_a_unit;
  size_t left = panel_count - *ret_first;
  return left < sp->panels_a_unit ? left : sp->panels_a_unit;
}

/* Hands out `panel_count` panels: a few units for each member, each a run of neighbours, since they are fetched in order. */
static void share_panels(split *sp, size_t panel_count, rem_encoder__team_fn *run) {
  size_t units = 3 * sp->members;
  sp->panels_a_unit = (panel_count + units - 1) / units;
  rem_encoder__team_for(&sp->team, sp->leader, (panel_count + sp->panels_a_unit - 1) / sp->panels_a_unit, run, sp);
}

static void unit_head(void *context, size_t unit, size_t member) {
  split *sp = context;
  rem_encoder__run_head(&sp->block, unit, sp->scratches[member]);
}

static void unit_output(void *context, size_t unit, size_t member) {
  (void)member;
  const split *sp = context;
  const rem_encoder *enc = sp->block.encoder;
  size_t first, count = panels_of(sp, unit, enc->shape.hidden / REM_ENCODER_PANEL, &first);
  rem_encoder_product part =
      part_of(&sp->product, first, count, rem_encoder__panel_size(&enc->places, enc->shape.hidden), sizeof(float));
  enc->kernels->add(&part);
}

/* The first byte of a chunk's panels, and where its rows of the middle begin. */
static const uint8_t *chunk_panels(const split *sp, size_t chunk) {
  const rem_encoder *enc = sp->block.encoder;
  return sp->block.layer + enc->places.ff_panels + chunk * rem_encoder__ff_chunk_size(&enc->shape, &enc->places, 0);
}

static size_t chunk_middle(const split *sp, size_t chunk) {
  return (chunk - sp->first_chunk) * sp->block.token_count * REM_ENCODER_FF_CHUNK;
}

/* A unit may cross from one chunk to the next. */
static void unit_into(void *context, size_t unit, size_t member) {
  (void)member;
  const split *sp = context;
  const rem_encoder *enc = sp->block.encoder;
  const size_t whole = REM_ENCODER_FF_CHUNK / REM_ENCODER_PANEL;
  size_t first_unit = sp->first_chunk * REM_ENCODER_FF_CHUNK, units_left = enc->shape.ff - first_unit;
  size_t chunks_units = (sp->last_chunk - sp->first_chunk) * REM_ENCODER_FF_CHUNK;
  size_t panel_count = (units_left < chunks_units ? units_left : chunks_units) / REM_ENCODER_PANEL;
  size_t panel, count = panels_of(sp, unit, panel_count, &panel);
  for (size_t end = panel + count; panel < end;) {
    size_t chunk = sp->first_chunk + panel / whole, inside = panel % whole;
    size_t some = end - panel < whole - inside ? end - panel : whole - inside;
    size_t width = rem_encoder__ff_chunk(&enc->shape, chunk * REM_ENCODER_FF_CHUNK);
    rem_encoder_product product = {
        .input = sp->block.scratch->operands,
        .input_stride = enc->shape.hidden,
        .input_scales = sp->block.scratch->operand_scales,
        .row_count = sp->block.token_count,
        .inner = enc->shape.hidden,
        .panels = chunk_panels(sp, chunk),
        .bias = rem_encoder__floats(&sp->block, enc->places.ff_bias) + chunk * REM_ENCODER_FF_CHUNK,
        .output = (uint8_t *)sp->block.scratch->middle + chunk_middle(sp, chunk) * enc->kernels->value_size,
        .output_stride = width,
    };
    rem_encoder_product part = part_of(&product, inside, some, rem_encoder__panel_size(&enc->places, enc->shape.hidden),
                                       enc->kernels->value_size);
    enc->kernels->store_gelu[enc->shape.activation](&part);
    panel += some;
  }
}

static void unit_out(void *context, size_t unit, size_t member) {
  (void)member;
  const split *sp = context;
  const rem_encoder *enc = sp->block.encoder;
  const rem_encoder_scratch *scratch = sp->block.scratch;
  bool quantised = enc->kernels->quantise != NULL;
  size_t first, count = panels_of(sp, unit, enc->shape.hidden / REM_ENCODER_PANEL, &first);
  for (size_t chunk = sp->first_chunk; chunk < sp->last_chunk; chunk++) {
    size_t start = chunk * REM_ENCODER_FF_CHUNK, width = rem_encoder__ff_chunk(&enc->shape, start);
    const uint8_t *values = (const uint8_t *)scratch->middle + chunk_middle(sp, chunk) * enc->kernels->value_size;
    rem_encoder_product product = {
        .input = quantised ? (const uint8_t *)scratch->quantised + chunk_middle(sp, chunk) : values,
        .input_stride = width,
        .input_scales = quantised ? scratch->quantised_scales + (chunk - sp->first_chunk) * sp->block.token_count : NULL,
        .row_count = sp->block.token_count,
        .inner = width,
        .panels = chunk_panels(sp, chunk) + rem_encoder__ff_into_size(&enc->shape, &enc->places, start),
        .bias = chunk == 0 ? rem_encoder__floats(&sp->block, enc->places.ff_output_bias) : NULL,
        .output = scratch->stream,
        .output_stride = enc->shape.hidden,
    };
    rem_encoder_product part =
        part_of(&product, first, count, rem_encoder__panel_size(&enc->places, width), sizeof(float));
    enc->kernels->add(&part);
  }
}

static void run_attention(split *sp) {
  const rem_encoder *enc = sp->block.encoder;
  rem_encoder_scratch *scratch = sp->block.scratch;
  size_t hidden = enc->shape.hidden;
  rem_encoder__team_for(&sp->team, sp->leader, enc->shape.heads, unit_head, sp);
  rem_encoder__operands operands = rem_encoder__to_operands(enc, scratch->context, sp->block.token_count, hidden,
                                                            scratch->quantised, scratch->quantised_scales);
  sp->product = (rem_encoder_product){
      .input = operands.rows,
      .input_stride = hidden,
      .input_scales = operands.scales,
      .row_count = sp->block.token_count,
      .inner = hidden,
      .panels = sp->block.layer + enc->places.output_panels,
      .bias = rem_encoder__floats(&sp->block, enc->places.output_bias),
      .output = scratch->stream,
      .output_stride = hidden,
  };
  share_panels(sp, hidden / REM_ENCODER_PANEL, unit_output);
  rem_encoder__run_norm(&sp->block, enc->places.attention_gamma, enc->places.attention_beta);
}

static void quantise_middle(const split *sp) {
  const rem_encoder *enc = sp->block.encoder;
  rem_encoder_scratch *scratch = sp->block.scratch;
  for (size_t chunk = sp->first_chunk; enc->kernels->quantise != NULL && chunk < sp->last_chunk; chunk++)
    enc->kernels->quantise((const uint8_t *)scratch->middle + chunk_middle(sp, chunk) * enc->kernels->value_size, sp->block.token_count,
                           rem_encoder__ff_chunk(&enc->shape, chunk * REM_ENCODER_FF_CHUNK),
                           (uint8_t *)scratch->quantised + chunk_middle(sp, chunk),
                           scratch->quantised_scales + (chunk - sp->first_chunk) * sp->block.token_count);
}

/* As many chunks at a time as the middle has room for: its rows are for blocks, which are longer than most texts. */
static void run_ff(split *sp) {
  const rem_encoder *enc = sp->block.encoder;
  size_t chunk_count = (enc->shape.ff + REM_ENCODER_FF_CHUNK - 1) / REM_ENCODER_FF_CHUNK;
  size_t at_once = sp->block.scratch->row_capacity / sp->block.token_count;
  for (sp->first_chunk = 0; sp->first_chunk < chunk_count; sp->first_chunk = sp->last_chunk) {
    sp->last_chunk = sp->first_chunk + at_once < chunk_count ? sp->first_chunk + at_once : chunk_count;
    size_t first = sp->first_chunk * REM_ENCODER_FF_CHUNK, last = sp->last_chunk * REM_ENCODER_FF_CHUNK;
    share_panels(sp, ((last < enc->shape.ff ? last : enc->shape.ff) - first) / REM_ENCODER_PANEL, unit_into);
    quantise_middle(sp);
    share_panels(sp, enc->shape.hidden / REM_ENCODER_PANEL, unit_out);
  }
  rem_encoder__run_norm(&sp->block, enc->places.ff_gamma, enc->places.ff_beta);
}

static void lead(split *sp) {
  const rem_encoder *enc = sp->block.encoder;
  rem_encoder__embed_tokens(&sp->block);
  for (size_t i = 0; i < enc->shape.layers; i++) {
    sp->block.layer = enc->packed + enc->places.first_layer + i * enc->places.layer_size;
    run_attention(sp);
    run_ff(sp);
  }
  rem_encoder__pool(&sp->block, sp->vector);
  rem_encoder__team_end(&sp->team);
}

/* Whoever comes first leads. */
static void join(void *context, size_t index, size_t worker) {
  (void)index;
  (void)worker;
  split *sp = context;
  size_t member = atomic_fetch_add_explicit(&sp->arrived, 1, memory_order_acq_rel);
  rem_encoder__enter(sp->block.encoder);
  if (member == 0)
    lead(sp);
  else
    rem_encoder__team_help(&sp->team, member);
  rem_encoder__leave(sp->block.encoder);
}

rem_status rem_encoder_run_split(const rem_encoder *encoder, rem_encoder_scratch *const *scratches, size_t scratch_count,
                                 rem_thread_pool *pool, const uint32_t *ids, uint32_t length, float *ret_vector, rem_error *err) {
  REM_CHECK_ARG(scratch_count >= 2 && scratch_count <= REM_ENCODER_SPLIT_MAX, err);
  REM_TRY(rem_encoder__check_input(&encoder->shape, ids, &length, 1, err));
  split sp = {
      .block = {.encoder = encoder, .scratch = scratches[0], .ids = ids, .lengths = &length, .count = 1, .token_count = length},
      .scratches = scratches,
      .members = scratch_count,
      .vector = ret_vector,
  };
  rem_thread_pool_for(pool, scratch_count, join, &sp);
  return REM_OK;
}
