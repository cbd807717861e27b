/* SPDX-License-Identifier: Apache-2.0 */
#include "query/search_vector.h"

#include <math.h>

#include "base/json.h"
#include "vector/similarity.h"

void rem_search_vector_forget(rem_session *session) {
  rem_buffer_deinit(&session->searched_text);
  rem_free(REM_TAKE(session->searched));
  session->searched_by = NULL;
}

static rem_status wrong_dimension(const rem_table *table, unsigned slot, size_t dimension, rem_error *err) {
  rem_error_set(err, REM_INVALID, "the vector has %zu values, those of '%s' have %u", dimension, table->name,
                table->slots[slot].dimension);
  rem_error_hint(err, "make it with the model '%s'", table->slots[slot].model ? table->slots[slot].model : "");
  return REM_INVALID;
}

/* Room for a vector that is not the last text's. */
static rem_status make_room(rem_session *session, size_t dimension, rem_error *err) {
  session->searched_by = NULL;
  float *room = rem_realloc(session->searched, (dimension ? dimension : 1) * sizeof *room);
  if (!room)
    return rem_error_nomem(err);
  session->searched = room;
  return REM_OK;
}

static rem_status of_blob(rem_session *session, const rem_table *table, unsigned slot, sqlite3_value *value, rem_sought *ret_vector,
                          rem_error *err) {
  const void *data = sqlite3_value_blob(value);
  size_t size = (size_t)sqlite3_value_bytes(value);
  size_t dimension = size / sizeof(float);
  if (size % sizeof(float) || dimension != table->slots[slot].dimension)
    return wrong_dimension(table, slot, dimension, err);
  REM_TRY(make_room(session, dimension, err));
  memcpy(session->searched, data, size);
  *ret_vector = (rem_sought){session->searched, dimension};
  return rem_vector_check(session->searched, dimension, err);
}

/* A JSON array of as many numbers as the slot's vectors have. REM_NOT_FOUND: it is a text like any other. */
static rem_status of_array(rem_session *session, const rem_table *table, unsigned slot, rem_slice text, rem_sought *ret_vector,
                           rem_error *err) {
  json_t *list REM_AUTO_JSON = NULL;
  if (text.size < 2 || text.data[0] != '[' || rem_json_parse((const char *)text.data, text.size, &list, NULL) < 0)
    return REM_NOT_FOUND;
  size_t index, count = json_array_size(list);
  json_t *number;
  json_array_foreach(list, index, number) if (!json_is_number(number)) return REM_NOT_FOUND;
  if (count == 0)
    return REM_NOT_FOUND;
  if (count != table->slots[slot].dimension)
    return wrong_dimension(table, slot, count, err);
  REM_TRY(make_room(session, count, err));
  json_array_foreach(list, index, number) session->searched[index] = (float)json_number_value(number);
  *ret_vector = (rem_sought){session->searched, count};
  return rem_vector_check(session->searched, count, err);
}

static rem_status embed(rem_session *session, rem_embedder *embedder, rem_slice text, rem_error *err) {
  size_t dimension = rem_embedder_info(embedder)->dimension;
  REM_TRY(make_room(session, dimension, err));
  rem_embed_request request = {.role = REM_QUERY, .texts = &text, .count = 1, .cancel = &session->engine->interrupted};
  rem_embed_result result = {.vectors = session->searched};
  REM_TRY(rem_embedder_embed(embedder, &request, &result, err));
  rem_buffer_reset(&session->searched_text);
  rem_buffer_append_slice(&session->searched_text, text);
  REM_TRY(rem_buffer_status(&session->searched_text, err));
  session->searched_by = embedder;
  return REM_OK;
}

static rem_status of_text(rem_session *session, const rem_table *table, unsigned slot, rem_slice text, rem_sought *ret_vector,
                          rem_error *err) {
  rem_embedder *embedder;
  REM_TRY(rem_engine_table_embedder(session->engine, table, slot, &embedder, err));
  bool same = session->searched_by == embedder && rem_slice_equal(rem_buffer_slice(&session->searched_text), text);
  if (!same)
    REM_TRY(embed(session, embedder, text, err));
  *ret_vector = (rem_sought){session->searched, rem_embedder_info(embedder)->dimension};
  return REM_OK;
}

rem_status rem_search_vector_of(rem_session *session, const rem_table *table, unsigned slot, sqlite3_value *value,
                                rem_sought *ret_vector, rem_error *err) {
  if (sqlite3_value_type(value) == SQLITE_NULL)
    return REM_NOT_FOUND;
  if (sqlite3_value_type(value) == SQLITE_BLOB)
    return of_blob(session, table, slot, value, ret_vector, err);
  if (sqlite3_value_type(value) != SQLITE_TEXT)
    return rem_error_set(err, REM_INVALID, "a number cannot be searched for: it wants a text or a vector");
  const char *data = (const char *)sqlite3_value_text(value);
  if (!data)
    return rem_error_nomem(err);
  rem_slice text = rem_slice_of(data, (size_t)sqlite3_value_bytes(value));
  rem_status status = of_array(session, table, slot, text, ret_vector, err);
  return status == REM_NOT_FOUND ? of_text(session, table, slot, text, ret_vector, err) : status;
}

rem_status rem_search_embed_rows(rem_session *session, const rem_table *table, unsigned slot, const rem_slice *texts, size_t count,
                                 float *ret_vectors, rem_error *err) {
  rem_embedder *embedder;
  REM_TRY(rem_engine_table_embedder(session->engine, table, slot, &embedder, err));
  rem_embed_request request = {.role = REM_PASSAGE, .texts = texts, .count = count, .cancel = &session->engine->interrupted};
  rem_embed_result result = {.vectors = ret_vectors};
  return rem_embedder_embed(embedder, &request, &result, err);
}
