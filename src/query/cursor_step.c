/* SPDX-License-Identifier: Apache-2.0 */
/* From row to row. */
#include "query/cursor.h"

#include <ctype.h>

#include "base/uuid.h"
#include "storage/key.h"

#define CHECK_EVERY 256 /* rows between two looks at the clock */

rem_status rem_table_cursor__check(rem_table_cursor *cursor, rem_error *err) {
  return ++cursor->steps % CHECK_EVERY ? REM_OK : rem_session__check(cursor->module->session, err);
}

static rem_status damaged(rem_table_cursor *cursor, rem_error *err) {
  char text[37];
  rem_uuid_format(cursor->id, text);
  rem_error_prefix(err, "row %s of '%s': ", text, cursor->module->table->name);
  return REM_CORRUPT;
}

rem_status rem_table_cursor__index_is_wrong(rem_table_cursor *cursor, rem_error *err) {
  rem_error_set(err, REM_CORRUPT, "an index of '%s' names a row that does not exist", cursor->module->table->name);
  rem_error_hint(err, "run 'db reindex %s'", cursor->module->table->name);
  return REM_CORRUPT;
}

/* The whole record of a row whose entity is a stub. */
static rem_status open_large(rem_table_cursor *cursor, rem_error *err) {
  rem_buffer_reset(&cursor->key);
  rem_key_large(&cursor->key, cursor->module->session->tenant, cursor->module->table->name, cursor->id);
  REM_TRY(rem_buffer_status(&cursor->key, err));
  rem_status status = rem_kv_get(cursor->view->engine->kv, cursor->view->snapshot, REM_CF_LARGE,
                                 rem_buffer_slice(&cursor->key), &cursor->pin, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND) {
    rem_error_set(err, REM_CORRUPT, "its large value is missing");
    return damaged(cursor, err);
  }
  return rem_record_open(cursor->pin.data, cursor->pin.size, &cursor->record, err) < 0 ? damaged(cursor, err) : REM_OK;
}

bool rem_table_cursor__judge(rem_table_cursor *cursor, const uint8_t id[16], const rem_record *record) {
  for (int i = 0; i < cursor->term_count; i++)
    if (!rem_term_passes(&cursor->terms[i], cursor->module->table, id, record, &cursor->scratch))
      return false;
  return !cursor->plan->exact || cursor->plan->path != REM_PATH_KEY || rem_table_cursor__is_asked(cursor, record);
}

rem_status rem_table_cursor__open(rem_table_cursor *cursor, rem_slice record, bool judged, bool *ret_passes, rem_error *err) {
  if (rem_record_open(record.data, record.size, &cursor->record, err) < 0)
    return damaged(cursor, err);
  *ret_passes = false;
  if (rem_record_is_deleted(&cursor->record) && !cursor->module->deleted_too)
    return REM_OK;
  if (rem_record_is_external(&cursor->record))
    REM_TRY(open_large(cursor, err));
  cursor->has_record = true;
  *ret_passes = judged || rem_table_cursor__judge(cursor, cursor->id, &cursor->record);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Scan and index                                                                               */

/* Moves the iterator on, from stretch to stretch. False: there is no further entry. */
static rem_status move(rem_table_cursor *cursor, bool *ret_there, rem_error *err) {
  REM_TRY(rem_table_cursor__check(cursor, err));
  if (cursor->positioned && (cursor->reverse ? rem_kv_iterator_prev(cursor->iterator) : rem_kv_iterator_next(cursor->iterator))) {
    *ret_there = true;
    return REM_OK;
  }
  while (!cursor->positioned || !rem_kv_iterator_valid(cursor->iterator)) {
    if (cursor->positioned)
      REM_TRY(rem_kv_iterator_status(cursor->iterator, err));
    cursor->positioned = false;
    if (cursor->next_stretch == cursor->stretch_count) {
      *ret_there = false;
      return REM_OK;
    }
    const rem_stretch *stretch = &cursor->stretches[cursor->next_stretch++];
    REM_TRY(rem_kv_iterator_narrow(cursor->iterator, stretch->lower, stretch->upper, err));
    if (cursor->reverse)
      rem_kv_iterator_last(cursor->iterator);
    else
      rem_kv_iterator_first(cursor->iterator);
    cursor->positioned = true;
  }
  *ret_there = true;
  return REM_OK;
}

/* Most rows of a filtered scan go no further than this. */
static rem_verdict peek(const rem_table_cursor *cursor, rem_slice value) {
  rem_verdict all = REM_VERDICT_PASSES;
  for (int i = 0; i < cursor->term_count && all != REM_VERDICT_REJECTS; i++) {
    rem_verdict verdict = rem_term_peek(&cursor->terms[i], value.data, value.size);
    if (verdict != REM_VERDICT_PASSES)
      all = verdict;
  }
  return all;
}

static rem_status step_scan(rem_table_cursor *cursor, rem_error *err) {
  for (;;) {
    bool there, passes;
    REM_TRY(move(cursor, &there, err));
    if (!there) {
      cursor->eof = true;
      return REM_OK;
    }
    rem_slice value = rem_kv_iterator_value(cursor->iterator);
    rem_verdict verdict = peek(cursor, value);
    if (verdict == REM_VERDICT_REJECTS)
      continue;
    memcpy(cursor->id, rem_key_id(rem_kv_iterator_key(cursor->iterator)), 16);
    REM_TRY(rem_table_cursor__open(cursor, value, verdict == REM_VERDICT_PASSES, &passes, err));
    if (passes)
      return REM_OK;
  }
}

/* Does the text of an entry begin with the prefix of a LIKE, in any case of ASCII letters? Entries of other kinds pass. */
static bool begins_folded(const rem_table_cursor *cursor, rem_slice entry) {
  rem_slice wanted = cursor->folded_prefix;
  const uint8_t *text = entry.data + cursor->iterator_prefix.size + 1;
  size_t size = entry.size - cursor->iterator_prefix.size - 1;
  /* An escaped NUL can only make the entry differ from a prefix without one; a prefix with one is judged by SQLite. */
  if (memchr(wanted.data, 0, wanted.size))
    return true;
  if (size < wanted.size)
    return false;
  for (size_t i = 0; i < wanted.size; i++)
    if ((text[i] < 128 ? (uint8_t)tolower(text[i]) : text[i]) != wanted.data[i])
      return false;
  return true;
}

/* An entry does not tell 1e17 from the integer: where give_integer() would leave it one, the record says which it is. */
static bool is_ambiguous(const rem_table_cursor *cursor) {
  const rem_value *value = &cursor->covered_value;
  return cursor->module->columns.items[cursor->plan->column].kind == REM_FIELD_REAL && value->type == REM_TYPE_INT &&
         (value->integer > REM_CURSOR_EXACT || value->integer < -REM_CURSOR_EXACT);
}

/* The value that a covered row has, out of its entry. False: it is not whole there. */
static bool read_entry(rem_table_cursor *cursor, rem_slice entry) {
  size_t start = cursor->iterator_prefix.size;
  rem_slice encoded = rem_slice_of(entry.data + start, entry.size - start - 16);
  rem_buffer_reset(&cursor->value_text);
  return rem_key_decode_value(encoded, &cursor->value_text, &cursor->covered_value) && !is_ambiguous(cursor);
}

/* The value of a covered row is judged as that of a record is: it is the only column terms can be on, beside the id. */
static bool covered_passes(rem_table_cursor *cursor) {
  for (int i = 0; i < cursor->term_count; i++)
    if (!rem_term_passes_value(&cursor->terms[i], cursor->id, &cursor->covered_value))
      return false;
  return true;
}

rem_status rem_table_cursor__fetch(rem_table_cursor *cursor, bool *ret_passes, rem_error *err) {
  rem_buffer_reset(&cursor->key);
  rem_key_entity(&cursor->key, cursor->module->session->tenant, cursor->module->table->name, cursor->id);
  REM_TRY(rem_buffer_status(&cursor->key, err));
  rem_status status = rem_kv_get(cursor->view->engine->kv, cursor->view->snapshot, REM_CF_ENTITIES,
                                 rem_buffer_slice(&cursor->key), &cursor->pin, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND)
    return rem_table_cursor__index_is_wrong(cursor, err);
  return rem_table_cursor__open(cursor, rem_kv_pin_slice(&cursor->pin), false, ret_passes, err);
}

rem_status rem_table_cursor__next_entry(rem_table_cursor *cursor, bool *ret_there, rem_slice *ret_entry, rem_error *err) {
  do {
    REM_TRY(move(cursor, ret_there, err));
    if (!*ret_there)
      return REM_OK;
    *ret_entry = rem_kv_iterator_key(cursor->iterator);
    if (ret_entry->size < cursor->iterator_prefix.size + 17)
      return rem_error_set(err, REM_CORRUPT, "an index entry of '%s' is damaged", cursor->module->table->name);
  } while (cursor->folded_prefix.size && !begins_folded(cursor, *ret_entry));
  return REM_OK;
}

/* Rows whose values lie in the index; only where one does not lie there whole is its row fetched. */
static rem_status step_covered(rem_table_cursor *cursor, rem_error *err) {
  for (;;) {
    bool there, passes;
    rem_slice entry;
    REM_TRY(rem_table_cursor__next_entry(cursor, &there, &entry, err));
    if (!there) {
      cursor->eof = true;
      return REM_OK;
    }
    memcpy(cursor->id, rem_key_id(entry), 16);
    cursor->has_record = false;
    if (read_entry(cursor, entry))
      passes = covered_passes(cursor);
    else
      REM_TRY(rem_table_cursor__fetch(cursor, &passes, err));
    if (passes)
      return REM_OK;
  }
}

/* ------------------------------------------------------------------------------------------- */

rem_status rem_table_cursor_step(rem_table_cursor *cursor, rem_error *err) {
  bool merged = cursor->view->transaction && cursor->path != REM_PATH_COUNT;
  return merged ? rem_table_cursor__step_merged(cursor, err) : rem_table_cursor__step_store(cursor, err);
}

rem_status rem_table_cursor__step_store(rem_table_cursor *cursor, rem_error *err) {
  cursor->has_record = false;
  switch (cursor->path) {
  case REM_PATH_SCAN: return step_scan(cursor, err);
  case REM_PATH_INDEX: return cursor->covered ? step_covered(cursor, err) : rem_table_cursor__step_entries(cursor, err);
  case REM_PATH_ID:
  case REM_PATH_KEY:
  case REM_PATH_LABEL: return rem_table_cursor__step_ids(cursor, err);
  case REM_PATH_COUNT: cursor->eof = cursor->left-- <= 0; return REM_OK;
  case REM_PATH_SEARCH: return rem_table_cursor__step_search(cursor, err);
  case REM_PATH_NONE: break;
  }
  cursor->eof = true;
  return REM_OK;
}
