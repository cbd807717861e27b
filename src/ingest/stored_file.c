/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/stored_file.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "entity/cursor.h"
#include "entity/read.h"

/* More chunks than any file has: what a File says of itself may have been written by anyone. */
#define MAX_BELIEVED_CHUNKS ((int64_t)1 << 20)

static rem_status field(rem_row *row, const char *name, rem_value *ret_value, rem_error *err) {
  const rem_field *known = rem_table_field(row->table, name, strlen(name));
  *ret_value = (rem_value){.type = REM_TYPE_NULL};
  return known ? rem_record_value(&row->record, row->table, known, &row->scratch, ret_value, err) : REM_OK;
}

static bool is_text(const rem_value *value, rem_slice wanted) {
  return value->type == REM_TYPE_TEXT && rem_slice_equal(rem_slice_of(value->text, value->text_size), wanted);
}

static rem_status fill_file(rem_row *row, rem_stored_file *file, rem_error *err) {
  rem_value value;
  file->live = true;
  REM_TRY(field(row, "status", &value, err));
  file->completed = is_text(&value, rem_slice_text("completed"));
  REM_TRY(field(row, "content_hash", &value, err));
  if (value.type == REM_TYPE_TEXT && value.text_size < sizeof file->content_hash)
    memcpy(file->content_hash, value.text, value.text_size);
  REM_TRY(field(row, "chunk_count", &value, err));
  if (value.type == REM_TYPE_INT)
    file->chunk_count = value.integer;
  return REM_OK;
}

rem_status rem_stored_file_read(rem_engine *engine, const char *tenant, rem_table *files, rem_slice uri,
                                rem_stored_file *ret_file, rem_error *err) {
  uint8_t id[16];
  rem_row row REM_CLEANUP(rem_row__deinit);
  rem_row__init(&row, engine);
  *ret_file = (rem_stored_file){0};
  rem_status status = rem_read_resolve(engine, tenant, files, uri, id, &row, err);
  if (status != REM_OK || rem_record_is_deleted(&row.record))
    return status < 0 ? status : REM_OK;
  return fill_file(&row, ret_file, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Chunks                                                                                       */

static rem_status add_chunk(rem_stored_chunks *chunks, rem_stored_chunk chunk, rem_error *err) {
  if (chunks->count == chunks->capacity) {
    size_t capacity = chunks->capacity ? chunks->capacity * 2 : 16;
    rem_stored_chunk *items = rem_realloc(chunks->items, capacity * sizeof *items);
    if (!items)
      return rem_error_nomem(err);
    chunks->items = items;
    chunks->capacity = capacity;
  }
  chunks->items[chunks->count++] = chunk;
  return REM_OK;
}

/* Takes the row when it is a chunk of `uri`: the value looked up may be the key or name of something else too. */
static rem_status take_row(rem_stored_chunks *chunks, rem_row *row, rem_slice uri, rem_error *err) {
  rem_value value;
  if (strcmp(row->table->name, "resources") != 0)
    return REM_OK;
  REM_TRY(field(row, "uri", &value, err));
  if (!is_text(&value, uri))
    return REM_OK;
  REM_TRY(field(row, "ordinal", &value, err));
  rem_stored_chunk chunk = {.ordinal = value.type == REM_TYPE_INT ? value.integer : 0,
                            .live = !rem_record_is_deleted(&row->record)};
  memcpy(chunk.id, row->id, sizeof chunk.id);
  return add_chunk(chunks, chunk, err);
}

static void cursor_cleanup(rem_cursor **cursor) {
  rem_entity_cursor_free(*cursor);
}

rem_status rem_stored_chunks_read(rem_engine *engine, const char *tenant, rem_slice uri, rem_stored_chunks *ret_chunks,
                                  rem_error *err) {
  *ret_chunks = (rem_stored_chunks){0};
  rem_cursor *cursor REM_CLEANUP(cursor_cleanup) = NULL;
  rem_row row REM_CLEANUP(rem_row__deinit);
  rem_row__init(&row, engine);
  REM_TRY(rem_entity_lookup(engine, tenant, uri, REM_LOOKUP_DELETED, -1, &cursor, err));
  rem_status status;
  while ((status = rem_entity_cursor_next(cursor, &row, err)) == REM_ROW)
    REM_TRY(take_row(ret_chunks, &row, uri, err));
  return status < 0 ? status : REM_OK;
}

void rem_stored_chunks_deinit(rem_stored_chunks *chunks) {
  rem_free(chunks->items);
  *chunks = (rem_stored_chunks){0};
}

/* ------------------------------------------------------------------------------------------- */
/* Edges                                                                                        */

/* The ids of chunks by ordinal, then those that other rows with the uri have. */
typedef struct chunk_ids {
  rem_uuid *ids;    /* owned */
  rem_uuid *sorted; /* owned; all of them */
  size_t count;
} chunk_ids;

static void chunk_ids_deinit(chunk_ids *ids) {
  rem_free(ids->ids);
  rem_free(ids->sorted);
}

static int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, sizeof(rem_uuid));
}

static rem_status derive_ids(const char *tenant, rem_slice uri, rem_uuid *ids, size_t count, rem_error *err) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  for (size_t i = 0; i < count; i++) {
    rem_buffer_reset(&key);
    rem_buffer_append_slice(&key, uri);
    rem_buffer_append_format(&key, ":%zu", i);
    REM_TRY(rem_buffer_status(&key, err));
    rem_uuid_of_key(tenant, "resources", key.data, key.size, ids[i].bytes);
  }
  return REM_OK;
}

/* `derived` ids by ordinal, of which a row that has an id of its own takes its place. */
static rem_status collect_ids(const char *tenant, rem_slice uri, const rem_stored_chunks *chunks, size_t derived,
                              chunk_ids *ids, rem_error *err) {
  ids->count = derived + chunks->count;
  ids->ids = rem_calloc(ids->count, sizeof *ids->ids);
  ids->sorted = rem_calloc(ids->count, sizeof *ids->sorted);
  if (!ids->ids || !ids->sorted)
    return rem_error_nomem(err);
  REM_TRY(derive_ids(tenant, uri, ids->ids, derived, err));
  for (size_t i = 0; i < chunks->count; i++) {
    const rem_stored_chunk *chunk = &chunks->items[i];
    memcpy(ids->ids[derived + i].bytes, chunk->id, sizeof chunk->id);
    if (chunk->ordinal >= 0 && (uint64_t)chunk->ordinal < derived)
      memcpy(ids->ids[chunk->ordinal].bytes, chunk->id, sizeof chunk->id);
  }
  if (ids->count) {
    memcpy(ids->sorted, ids->ids, ids->count * sizeof *ids->ids);
    qsort(ids->sorted, ids->count, sizeof *ids->sorted, compare_ids);
  }
  return REM_OK;
}

static bool leads_to_chunk(const chunk_ids *ids, const json_t *edge) {
  uint8_t id[16];
  return json_is_string(edge) && rem_uuid_parse(json_string_value(edge), json_string_length(edge), id) && ids->count &&
         bsearch(id, ids->sorted, ids->count, sizeof *ids->sorted, compare_ids);
}

/* Appends the stored edges that are not ours. */
static rem_status append_kept(rem_slice stored, const chunk_ids *ids, rem_buffer *buffer, const char **separator,
                              rem_error *err) {
  json_t *edges REM_AUTO_JSON = NULL;
  if (stored.size == 0)
    return REM_OK;
  REM_TRY(rem_json_parse((const char *)stored.data, stored.size, &edges, err));
  size_t index;
  json_t *edge;
  json_array_foreach(edges, index, edge) {
    if (leads_to_chunk(ids, edge))
      continue;
    rem_buffer_append_text(buffer, *separator);
    REM_TRY(rem_json_append(buffer, edge, err));
    *separator = ",";
  }
  return REM_OK;
}

rem_status rem_stored_file_edges(rem_engine *engine, const char *tenant, rem_table *files, rem_slice uri,
                                 const rem_stored_chunks *chunks, size_t chunk_count, rem_buffer *buffer,
                                 rem_error *err) {
  uint8_t id[16];
  rem_stored_file file = {0};
  rem_row row REM_CLEANUP(rem_row__deinit);
  chunk_ids ids REM_CLEANUP(chunk_ids_deinit) = {0};
  rem_row__init(&row, engine);
  rem_status status = rem_read_resolve(engine, tenant, files, uri, id, &row, err);
  REM_TRY(status);
  if (status == REM_OK)
    REM_TRY(fill_file(&row, &file, err));
  size_t derived = chunk_count;
  if (file.chunk_count > (int64_t)derived && file.chunk_count <= MAX_BELIEVED_CHUNKS)
    derived = (size_t)file.chunk_count;
  REM_TRY(collect_ids(tenant, uri, chunks, derived, &ids, err));
  const char *separator = "[";
  if (status == REM_OK)
    REM_TRY(append_kept(rem_record_edges(&row.record), &ids, buffer, &separator, err));
  for (size_t i = 0; i < chunk_count; i++) {
    char text[37];
    rem_uuid_format(ids.ids[i].bytes, text);
    rem_buffer_append_format(buffer, "%s\"%s\"", separator, text);
    separator = ",";
  }
  rem_buffer_append_text(buffer, *separator == '[' ? "[]" : "]");
  return rem_buffer_status(buffer, err);
}
