/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows fetched together: one call for many costs a fifth less than a call for each, more where rows share a block.
 *
 * Ids of a list are fetched in chunks as large as can be. The entries of an index are read ahead of the rows: few at first, since a LIMIT that the table is not told of
 * or the other side of a join may end the walk after the first row, and four times as many each time that it goes on. In a transaction rows are fetched one by one:
 * there the iterator stands at the row that is given, so that rows of the transaction can be merged in (cursor_pending.c).
 */
#include "query/cursor.h"
#include "storage/key.h"

#define FIRST_TOGETHER 4
#define PREFETCH_AHEAD 4   /* rows */
#define PREFETCH_BYTES 256 /* of each: the header, the offsets and the first values; beyond the end of a record does no harm */

static rem_chunk *chunk_of(rem_table_cursor *cursor) {
  if (!cursor->chunk)
    cursor->chunk = rem_calloc(1, sizeof *cursor->chunk);
  return cursor->chunk;
}

void rem_table_cursor__release_chunk(rem_table_cursor *cursor) {
  rem_chunk *chunk = cursor->chunk;
  if (!chunk)
    return;
  for (size_t i = 0; i < chunk->count; i++)
    rem_kv_pin_release(&chunk->pins[i]);
  chunk->count = chunk->next = 0;
}

/* The keys of the chunk's ids, one behind the other in the cursor's buffer. */
static rem_status make_keys(rem_table_cursor *cursor, rem_slice ret_keys[REM_CURSOR_CHUNK], rem_error *err) {
  const rem_chunk *chunk = cursor->chunk;
  rem_buffer_reset(&cursor->key);
  rem_key_entity_prefix(&cursor->key, cursor->module->session->tenant, cursor->module->table->name);
  size_t prefix = cursor->key.size, size = prefix + 16;
  uint8_t *more = rem_buffer_extend(&cursor->key, chunk->count * size - prefix);
  REM_TRY(rem_buffer_status(&cursor->key, err));
  uint8_t *first = more - prefix;
  for (size_t i = 0; i < chunk->count; i++) {
    if (i)
      memcpy(first + i * size, first, prefix);
    memcpy(first + i * size + prefix, chunk->ids[i], 16);
    ret_keys[i] = rem_slice_of(first + i * size, size);
  }
  return REM_OK;
}

static rem_status fetch(rem_table_cursor *cursor, bool sorted, rem_error *err) {
  rem_chunk *chunk = cursor->chunk;
  rem_slice keys[REM_CURSOR_CHUNK];
  rem_kv *kv = cursor->view->engine->kv;
  REM_TRY(make_keys(cursor, keys, err));
  if (chunk->count > 1)
    return rem_kv_multi_get(kv, cursor->view->snapshot, REM_CF_ENTITIES, keys, chunk->count, sorted, chunk->pins, err);
  rem_status status = rem_kv_get(kv, cursor->view->snapshot, REM_CF_ENTITIES, keys[0], &chunk->pins[0], err);
  return status < 0 ? status : REM_OK;
}

/* The next row of the chunk; false: there is no such row. */
static bool take(rem_table_cursor *cursor, rem_slice *ret_record) {
  rem_chunk *chunk = cursor->chunk;
  size_t ahead = chunk->next + PREFETCH_AHEAD;
  if (ahead < chunk->count && chunk->pins[ahead].data)
    for (uintptr_t line = 0; line < PREFETCH_BYTES; line += 64)
      __builtin_prefetch((const void *)((uintptr_t)chunk->pins[ahead].data + line));
  memcpy(cursor->id, chunk->ids[chunk->next], 16);
  *ret_record = rem_kv_pin_slice(&chunk->pins[chunk->next++]);
  return ret_record->data != NULL;
}

/* ------------------------------------------------------------------------------------------- */
/* Ids                                                                                          */

static rem_status fetch_ids(rem_table_cursor *cursor, rem_error *err) {
  rem_table_cursor__release_chunk(cursor);
  rem_chunk *chunk = chunk_of(cursor);
  if (!chunk)
    return rem_error_nomem(err);
  size_t count = cursor->id_count - cursor->next_id;
  if (count > REM_CURSOR_CHUNK)
    count = REM_CURSOR_CHUNK;
  memcpy(chunk->ids, cursor->ids[cursor->next_id], count * 16);
  chunk->count = count;
  cursor->next_id += count;
  return fetch(cursor, true, err);
}

/* One or two ids need no chunk. */
static rem_status fetch_one(rem_table_cursor *cursor, rem_slice *ret_record, rem_error *err) {
  memcpy(cursor->id, cursor->ids[cursor->next_id++], 16);
  rem_buffer_reset(&cursor->key);
  rem_key_entity(&cursor->key, cursor->module->session->tenant, cursor->module->table->name, cursor->id);
  REM_TRY(rem_buffer_status(&cursor->key, err));
  rem_status status = rem_kv_get(cursor->view->engine->kv, cursor->view->snapshot, REM_CF_ENTITIES,
                                 rem_buffer_slice(&cursor->key), &cursor->pin, err);
  *ret_record = rem_kv_pin_slice(&cursor->pin);
  return status < 0 ? status : REM_OK;
}

static bool has_chunk(const rem_table_cursor *cursor) {
  return cursor->chunk && cursor->chunk->next < cursor->chunk->count;
}

rem_status rem_table_cursor__step_ids(rem_table_cursor *cursor, rem_error *err) {
  while (cursor->next_id < cursor->id_count || has_chunk(cursor)) {
    bool passes = false;
    rem_slice record;
    REM_TRY(rem_table_cursor__check(cursor, err));
    if (cursor->id_count <= 2) {
      REM_TRY(fetch_one(cursor, &record, err));
    } else {
      if (!has_chunk(cursor))
        REM_TRY(fetch_ids(cursor, err));
      (void)take(cursor, &record);
    }
    if (record.data)
      REM_TRY(rem_table_cursor__open(cursor, record, false, &passes, err));
    if (passes)
      return REM_OK;
  }
  cursor->eof = true;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Entries of an index                                                                          */

static rem_status gather(rem_table_cursor *cursor, size_t most, rem_error *err) {
  rem_chunk *chunk = cursor->chunk;
  while (chunk->count < most) {
    bool there;
    rem_slice entry;
    REM_TRY(rem_table_cursor__next_entry(cursor, &there, &entry, err));
    if (!there)
      return REM_OK;
    memcpy(chunk->ids[chunk->count++], rem_key_id(entry), 16);
  }
  return REM_OK;
}

static rem_status fetch_entries(rem_table_cursor *cursor, rem_error *err) {
  rem_table_cursor__release_chunk(cursor);
  rem_chunk *chunk = chunk_of(cursor);
  if (!chunk)
    return rem_error_nomem(err);
  size_t most = cursor->view->transaction ? 1 : cursor->together < FIRST_TOGETHER ? FIRST_TOGETHER : cursor->together;
  if (most > REM_CURSOR_CHUNK)
    most = REM_CURSOR_CHUNK;
  rem_status status = gather(cursor, most, err);
  if (status >= 0 && chunk->count)
    status = fetch(cursor, false, err);
  cursor->together = most * 4;
  return status;
}

rem_status rem_table_cursor__step_entries(rem_table_cursor *cursor, rem_error *err) {
  for (;;) {
    bool passes;
    rem_slice record;
    if (!has_chunk(cursor))
      REM_TRY(fetch_entries(cursor, err));
    cursor->eof = !has_chunk(cursor);
    if (cursor->eof)
      return REM_OK;
    if (!take(cursor, &record))
      return rem_table_cursor__index_is_wrong(cursor, err);
    REM_TRY(rem_table_cursor__open(cursor, record, false, &passes, err));
    if (passes)
      return REM_OK;
  }
}
