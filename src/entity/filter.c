/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/filter.h"

#include "base/instant.h"
#include "base/json.h"
#include "base/text.h"
#include "storage/key.h"

void rem_filter_deinit(rem_filter *filter) {
  rem_arena_deinit(&filter->arena);
  *filter = (rem_filter){0};
}

static rem_status bad_value(const rem_filter_term *term, const char *expected, const json_t *found, rem_error *err) {
  rem_error_set(err, REM_INVALID, "filter on '%.*s': expected %s, found %s", (int)term->name.size, term->name.data,
                expected, rem_json_type_name(found));
  return REM_INVALID;
}

static rem_status instant_value(rem_filter_term *term, const json_t *json, rem_error *err) {
  int64_t instant;
  if (!json_is_string(json) ||
      !rem_instant_parse(json_string_value(json), json_string_length(json), true, &instant)) {
    bad_value(term, "a date-time", json, err);
    rem_error_hint(err, "write it as 2025-10-01, or 2025-10-01T09:00:00Z");
    return REM_INVALID;
  }
  term->value = (rem_value){.type = REM_TYPE_INSTANT, .integer = instant};
  return REM_OK;
}

static rem_status uuid_value(rem_filter *filter, rem_filter_term *term, const json_t *json, rem_error *err) {
  uint8_t *id = rem_arena_alloc(&filter->arena, 16);
  if (!id)
    return rem_error_nomem(err);
  if (!json_is_string(json) || !rem_uuid_parse(json_string_value(json), json_string_length(json), id))
    return bad_value(term, "a UUID", json, err);
  term->value = (rem_value){.type = REM_TYPE_UUID, .uuid = id};
  return REM_OK;
}

static rem_status text_value(rem_filter *filter, rem_filter_term *term, rem_type type, const char *text, size_t size,
                             rem_error *err) {
  char *copy = rem_arena_strndup(&filter->arena, text, size);
  if (!copy)
    return rem_error_nomem(err);
  term->value = (rem_value){.type = type, .text = copy, .text_size = size};
  return REM_OK;
}

static rem_status plain_value(rem_filter *filter, rem_filter_term *term, const json_t *json, rem_error *err) {
  rem_buffer text REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_value_of_json(json, &text, &term->value, err));
  bool borrows = term->value.type == REM_TYPE_TEXT || term->value.type == REM_TYPE_JSON;
  return borrows ? text_value(filter, term, term->value.type, term->value.text, term->value.text_size, err) : REM_OK;
}

static rem_field_kind term_kind(const rem_filter_term *term) {
  if (term->place == REM_FILTER_ID)
    return REM_FIELD_UUID;
  if (term->place == REM_FILTER_TAIL)
    return REM_FIELD_ANY;
  if (term->place != REM_FILTER_FIELD)
    return REM_FIELD_INSTANT;
  return term->field->kind;
}

static rem_status set_value(rem_filter *filter, rem_filter_term *term, const json_t *json, rem_error *err) {
  rem_field_kind kind = term_kind(term);
  term->value = (rem_value){.type = REM_TYPE_NULL};
  if (json_is_null(json))
    return REM_OK;
  if (kind == REM_FIELD_INSTANT)
    return instant_value(term, json, err);
  if (kind == REM_FIELD_UUID)
    return uuid_value(filter, term, json, err);
  if (kind == REM_FIELD_TEXT && !json_is_string(json))
    return bad_value(term, "text", json, err);
  if ((kind == REM_FIELD_INT || kind == REM_FIELD_REAL) && !json_is_number(json))
    return bad_value(term, "a number", json, err);
  if (kind == REM_FIELD_BOOL && !json_is_boolean(json))
    return bad_value(term, "true or false", json, err);
  return plain_value(filter, term, json, err);
}

static rem_status encode_value(rem_filter *filter, rem_filter_term *term, rem_error *err) {
  rem_buffer encoded REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_append_value(&encoded, &term->value);
  REM_TRY(rem_buffer_status(&encoded, err));
  void *copy = rem_arena_memdup(&filter->arena, encoded.data, encoded.size);
  if (!copy)
    return rem_error_nomem(err);
  term->encoded = rem_slice_of(copy, encoded.size);
  return REM_OK;
}

static rem_status unknown_field(const rem_table *table, const char *name, rem_error *err) {
  const char *names[64];
  size_t count = 0;
  for (size_t i = 0; i < table->field_count && count < 60; i++)
    if (!table->fields[i].removed)
      names[count++] = table->fields[i].name;
  names[count++] = "id";
  names[count++] = "created_at";
  names[count++] = "modified_at";
  names[count++] = "deleted_at";
  const char *nearest = rem_text_nearest(name, names, count);
  rem_error_set(err, REM_UNKNOWN, "'%s' has no field '%s'", table->name, name);
  if (nearest)
    rem_error_hint(err, "did you mean '%s'?", nearest);
  else
    rem_error_hint(err, "'db schema show %s' lists its fields", table->name);
  return REM_UNKNOWN;
}

static rem_status find_place(const rem_table *table, const char *name, rem_filter_term *term, rem_error *err) {
  static const struct {
    const char *name;
    rem_filter_place place;
  } system[] = {{"id", REM_FILTER_ID},
                {"created_at", REM_FILTER_CREATED_AT},
                {"modified_at", REM_FILTER_MODIFIED_AT},
                {"deleted_at", REM_FILTER_DELETED_AT}};
  for (size_t i = 0; i < sizeof system / sizeof *system; i++)
    if (strcmp(name, system[i].name) == 0) {
      term->place = system[i].place;
      return REM_OK;
    }
  term->field = rem_table_field(table, name, strlen(name));
  term->place = term->field ? REM_FILTER_FIELD : REM_FILTER_TAIL;
  if (term->field)
    return REM_OK;
  /* Fields outside the schema are stored only where it says so plainly. */
  return json_is_true(json_object_get(table->schema, "additionalProperties")) ? REM_OK
                                                                              : unknown_field(table, name, err);
}

rem_status rem_filter_parse(const rem_table *table, const char *where_json, rem_filter *ret_filter, rem_error *err) {
  rem_filter filter REM_CLEANUP(rem_filter_deinit) = {.table = table};
  *ret_filter = (rem_filter){.table = table};
  if (!where_json)
    return REM_OK;
  json_t *where REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse_object(where_json, strlen(where_json), &where, err));
  filter.terms = rem_arena_calloc(&filter.arena, json_object_size(where) + 1, sizeof *filter.terms);
  if (!filter.terms)
    return rem_error_nomem(err);
  const char *name;
  json_t *value;
  json_object_foreach(where, name, value) {
    rem_filter_term *term = &filter.terms[filter.count];
    char *copy = rem_arena_strdup(&filter.arena, name);
    if (!copy)
      return rem_error_nomem(err);
    term->name = rem_slice_text(copy);
    REM_TRY(find_place(table, name, term, err));
    REM_TRY(set_value(&filter, term, value, err));
    REM_TRY(encode_value(&filter, term, err));
    filter.count++;
  }
  *ret_filter = filter;
  filter = (rem_filter){0};
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

/* Same value? Long text and JSON compare whole, everything else in its index form. */
static rem_status same_value(const rem_filter_term *term, const rem_value *value, bool *ret_same, rem_error *err) {
  rem_buffer encoded REM_CLEANUP(rem_buffer_deinit) = {0};
  bool is_long = rem_key_append_value(&encoded, value);
  REM_TRY(rem_buffer_status(&encoded, err));
  *ret_same = rem_slice_equal(rem_buffer_slice(&encoded), term->encoded);
  if (*ret_same && is_long)
    *ret_same = value->text_size == term->value.text_size && memcmp(value->text, term->value.text, value->text_size) == 0;
  return REM_OK;
}

static rem_status match_json(const rem_filter_term *term, const json_t *json, bool *ret_match, rem_error *err);

static rem_status list_contains(const rem_filter_term *term, const json_t *list, bool *ret_match, rem_error *err) {
  size_t index;
  json_t *element;
  *ret_match = false;
  json_array_foreach((json_t *)list, index, element) {
    if (json_is_array(element))
      continue;
    REM_TRY(match_json(term, element, ret_match, err));
    if (*ret_match)
      return REM_OK;
  }
  return REM_OK;
}

static rem_status match_json(const rem_filter_term *term, const json_t *json, bool *ret_match, rem_error *err) {
  rem_filter scratch REM_CLEANUP(rem_filter_deinit) = {0};
  rem_filter_term found = {.place = REM_FILTER_TAIL, .name = term->name};
  REM_TRY(set_value(&scratch, &found, json, err));
  REM_TRY(same_value(term, &found.value, ret_match, err));
  if (!*ret_match && json_is_array(json))
    return list_contains(term, json, ret_match, err);
  return REM_OK;
}

static rem_status match_tail(const rem_filter_term *term, const rem_record *record, bool *ret_match, rem_error *err) {
  rem_slice tail = rem_record_tail(record);
  json_t *object REM_AUTO_JSON = NULL;
  if (tail.size)
    REM_TRY(rem_json_parse((const char *)tail.data, tail.size, &object, err));
  json_t *value = object ? json_object_get(object, (const char *)term->name.data) : NULL;
  if (!value) {
    *ret_match = term->value.type == REM_TYPE_NULL;
    return REM_OK;
  }
  return match_json(term, value, ret_match, err);
}

static rem_status match_field(const rem_filter *filter, const rem_filter_term *term, const rem_record *record,
                              bool *ret_match, rem_error *err) {
  rem_value value;
  rem_buffer scratch REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_record_value(record, filter->table, term->field, &scratch, &value, err));
  REM_TRY(same_value(term, &value, ret_match, err));
  if (*ret_match || value.type != REM_TYPE_JSON || value.text_size == 0 || value.text[0] != '[')
    return REM_OK;
  json_t *list REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse(value.text, value.text_size, &list, err));
  return list_contains(term, list, ret_match, err);
}

static bool match_instant(const rem_filter_term *term, int64_t instant, bool is_null) {
  if (term->value.type == REM_TYPE_NULL)
    return is_null;
  return !is_null && term->value.integer == instant;
}

static rem_status match_term(const rem_filter *filter, const rem_filter_term *term, const uint8_t id[16], const rem_record *record,
                             bool *ret_match, rem_error *err) {
  rem_record_system system;
  rem_record_system_get(record, &system);
  switch (term->place) {
  case REM_FILTER_FIELD: return match_field(filter, term, record, ret_match, err);
  case REM_FILTER_TAIL: return match_tail(term, record, ret_match, err);
  case REM_FILTER_ID:
    *ret_match = term->value.type == REM_TYPE_UUID && memcmp(term->value.uuid, id, 16) == 0;
    return REM_OK;
  case REM_FILTER_CREATED_AT: *ret_match = match_instant(term, system.created_at, false); return REM_OK;
  case REM_FILTER_MODIFIED_AT: *ret_match = match_instant(term, system.modified_at, false); return REM_OK;
  case REM_FILTER_DELETED_AT:
    *ret_match = match_instant(term, system.deleted_at, !rem_record_is_deleted(record));
    return REM_OK;
  }
  return rem_error_set(err, REM_INTERNAL, "a filter term of unknown kind");
}

rem_status rem_filter_match(const rem_filter *filter, const uint8_t id[16], const rem_record *record, bool *ret_match,
                            rem_error *err) {
  bool match = true;
  for (size_t i = 0; i < filter->count && match; i++)
    REM_TRY(match_term(filter, &filter->terms[i], id, record, &match, err));
  *ret_match = match;
  return REM_OK;
}

const rem_filter_term *rem_filter_indexed_term(const rem_filter *filter) {
  for (size_t i = 0; i < filter->count; i++) {
    const rem_filter_term *term = &filter->terms[i];
    /* Lists are indexed by element: an entry says nothing of a whole list. */
    bool whole = term->value.type != REM_TYPE_JSON && term->value.type != REM_TYPE_NULL;
    if (term->place == REM_FILTER_FIELD && term->field->indexed && whole)
      return term;
  }
  return NULL;
}
