/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embedding of a batch, before it is applied: which texts need a vector, and making those, outside any lock, slot by slot.
 *
 * Whether a stored vector can be kept is decided by apply; here it is only guessed from the row as it is now, so that an unchanged text is not embedded again. A wrong
 * guess costs a second round. A model that cannot be had leaves the rows pending (D17), it never stops a write.
 */
#include "entity/batch_internal.h"

#include "entity/read.h"
#include "entity/slot_change.h"

/* Texts embedded by one call, so that an interrupt is noticed and memory stays bounded. */
#define CHUNK 512

/* Every row with text fills the first slot. The second one is filled once a model for it is configured, and from then on; descriptions
 * of schemas are found by the first alone. */
static bool fills_slot(const rem_batch *batch, const rem_change *change, unsigned slot) {
  const rem_table *table = change->table;
  if (!change->has_text || slot == 0)
    return change->has_text;
  return strcmp(table->name, "schema") != 0 &&
         (table->slots[slot].model || rem_config_text(batch->engine->config, REM_CONFIG_ALT_EMBEDDING));
}

/* Does the stored row have a vector of the same text? */
static rem_status vector_is_there(rem_batch *batch, const rem_change *change, unsigned slot, bool *ret_there,
                                  rem_error *err) {
  rem_row row;
  rem_row__init(&row, batch->engine);
  rem_buffer text REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_status status = rem_read_id(batch->engine, NULL, batch->tenant, change->table, change->id, &row, err);
  *ret_there = false;
  if (status == REM_OK && rem_record_embedded_text(&row.record, change->table, &text)) {
    rem_record_system system;
    rem_record_system_get(&row.record, &system);
    *ret_there = rem_record_vector_state(system.flags, true, slot) == REM_VECTOR_STORED &&
                 rem_slice_equal(rem_buffer_slice(&text), change->text);
  }
  rem_row__deinit(&row);
  return status < 0 ? status : REM_OK;
}

static rem_status needs_vector(rem_batch *batch, rem_change *change, unsigned slot, bool *ret_needs, rem_error *err) {
  bool there = false;
  rem_change_vector *vector = &change->vectors[slot];
  *ret_needs = false;
  if (change->kind != REM_CHANGE_PUT && change->kind != REM_CHANGE_UPDATE)
    return REM_OK;
  vector->wanted = fills_slot(batch, change, slot);
  if (!vector->wanted || vector->values || vector->no_model)
    return REM_OK;
  if (!vector->must_embed)
    REM_TRY(vector_is_there(batch, change, slot, &there, err));
  *ret_needs = !there;
  return REM_OK;
}

/* Pins the model of a table's first vectors, and gives every change of that table the pinned definition. */
static rem_status pin_table(rem_batch *batch, rem_table *table, unsigned slot, rem_embedder *embedder,
                            rem_table **ret_pinned, rem_error *err) {
  rem_table *pinned;
  REM_TRY(rem_slot_pin(batch->engine, batch->tenant, table, slot, rem_embedder_info(embedder), batch->schema_change,
                       &pinned, err));
  for (size_t i = 0; i < batch->count; i++) {
    rem_change *change = &batch->changes[i];
    if (change->table != table || change->kind == REM_CHANGE_TABLE)
      continue;
    change->table = rem_table_ref(pinned);
    rem_table_unref(table);
  }
  *ret_pinned = pinned;
  return REM_OK;
}

/* The embedder for a table, its model pinned; REM_MODEL or REM_PROVIDER when it cannot be had now. `*table` may be replaced. */
static rem_status table_embedder(rem_batch *batch, rem_table **table, unsigned slot, rem_embedder **ret_embedder,
                                 rem_error *err) {
  REM_TRY(rem_engine_table_embedder(batch->engine, *table, slot, ret_embedder, err));
  if ((*table)->slots[slot].model)
    return REM_OK;
  rem_table *pinned;
  REM_TRY(pin_table(batch, *table, slot, *ret_embedder, &pinned, err));
  *table = pinned;
  rem_table_unref(pinned); /* the changes hold it */
  /* Another writer may have pinned another model meanwhile. */
  return rem_engine_table_embedder(batch->engine, pinned, slot, ret_embedder, err);
}

/* What must not stop a write: the rows concerned will be pending, and whoever asks is told why. */
static bool is_unavailable(rem_batch *batch, rem_status status, const rem_error *reason, bool refused) {
  if (status != REM_MODEL && status != REM_PROVIDER)
    return false;
  batch->refused_only = refused && (batch->refused_only || batch->trouble.code == REM_OK);
  batch->trouble = *reason;
  rem_engine_note_trouble(batch->engine, reason);
  return true;
}

static rem_status embed_chunk(rem_batch *batch, unsigned slot, rem_embedder *embedder, rem_change **changes, size_t count,
                              rem_error *err) {
  rem_slice texts[CHUNK];
  bool done[CHUNK] = {false};
  uint32_t dimension = rem_embedder_info(embedder)->dimension;
  float *values = rem_arena_alloc(&batch->arena, count * dimension * sizeof *values);
  if (!values)
    return rem_error_nomem(err);
  for (size_t i = 0; i < count; i++)
    texts[i] = changes[i]->text;
  REM_TRY(rem_engine_check_usable(batch->engine, err));
  rem_embed_request request = {.texts = texts, .count = count, .cancel = &batch->engine->interrupted};
  rem_embed_result result = {.vectors = values, .done = done};
  rem_error reason = {0};
  rem_status status = rem_embedder_embed(embedder, &request, &result, &reason);
  if (status < 0 && !is_unavailable(batch, status, &reason, result.refused > 0)) {
    if (err)
      *err = reason;
    return status;
  }
  batch->truncated += (int64_t)result.truncated;
  for (size_t i = 0; i < count; i++) {
    rem_change_vector *vector = &changes[i]->vectors[slot];
    vector->values = done[i] ? values + i * dimension : NULL;
    vector->dimension = dimension;
    vector->no_model = !done[i];
  }
  return REM_OK;
}

/* Embeds those of `changes` (all wanting a vector) that belong to the table of the first, and takes them off the list. */
static rem_status embed_table(rem_batch *batch, unsigned slot, rem_change **changes, size_t *count, rem_error *err) {
  rem_table *table = changes[0]->table;
  rem_embedder *embedder = NULL;
  rem_error reason = {0};
  /* Nobody waits for a network with the schema lock: who holds it has the rows embedded when it has given it back (rem_maintenance_embed_descriptions). */
  bool unavailable = batch->schema_change && rem_engine_slot_is_remote(batch->engine, table, slot);
  rem_status status = unavailable ? REM_OK : table_embedder(batch, &table, slot, &embedder, &reason);
  unavailable = unavailable || (status < 0 && is_unavailable(batch, status, &reason, false));
  if (status < 0 && !unavailable) {
    if (err)
      *err = reason;
    return status;
  }
  rem_change *mine[CHUNK];
  size_t mine_count = 0, kept = 0;
  for (size_t i = 0; i < *count; i++) {
    rem_change *change = changes[i];
    if (change->table != table || mine_count == CHUNK)
      changes[kept++] = change;
    else if (unavailable)
      change->vectors[slot].no_model = true;
    else
      mine[mine_count++] = change;
  }
  *count = kept;
  return mine_count ? embed_chunk(batch, slot, embedder, mine, mine_count, err) : REM_OK;
}

static rem_status embed_slot(rem_batch *batch, unsigned slot, rem_change **wanting, rem_error *err) {
  size_t count = 0;
  for (size_t i = 0; i < batch->count; i++) {
    bool needs;
    REM_TRY(needs_vector(batch, &batch->changes[i], slot, &needs, err));
    if (needs)
      wanting[count++] = &batch->changes[i];
  }
  while (count)
    REM_TRY(embed_table(batch, slot, wanting, &count, err));
  return REM_OK;
}

rem_status rem_batch__embed(rem_batch *batch, rem_error *err) {
  rem_change **wanting REM_AUTO_FREE = rem_calloc(batch->count, sizeof *wanting);
  if (!wanting)
    return rem_error_nomem(err);
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    REM_TRY(embed_slot(batch, slot, wanting, err));
  return REM_OK;
}
