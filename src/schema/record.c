/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record codec (layout in record.h).
 *
 * Reading is the hot side: a scan opens every record and reads a field or two. Opening walks the offset table once and proves
 * that the offsets rise, end within the record and leave each fixed-size value its size; from then on a field is two loads
 * and no check. Equal rows under equal field counts encode to equal bytes, so comparing content is one memcmp.
 */
#include "schema/record_internal.h"

#include <math.h>

#include "base/instant.h"

/* The size a tag prescribes; ANY_SIZE: none; NO_TAG: there is no such tag. */
#define ANY_SIZE (-1)
#define NO_TAG   (-2)
static const int8_t TAG_SIZES[16] = {
    [REM_TAG_NULL] = 0,        [REM_TAG_FALSE] = 0, [REM_TAG_TRUE] = 0,        [REM_TAG_INT] = 8, [REM_TAG_REAL] = 8,
    [REM_TAG_TEXT] = ANY_SIZE, [REM_TAG_INSTANT] = 8, [REM_TAG_UUID] = 16,     [REM_TAG_JSON] = ANY_SIZE,
    [9] = NO_TAG,              [10] = NO_TAG,       [11] = NO_TAG,             [12] = NO_TAG,
    [13] = NO_TAG,             [14] = NO_TAG,       [REM_TAG_ABSENT] = 0,
};

/* ---------------------------------------------------------------------------------------------- */
/* Writing                                                                                         */

static uint32_t put_u64(rem_buffer *buffer, uint32_t tag, uint64_t value) {
  rem_buffer_append_u64le(buffer, value);
  return tag;
}

static uint32_t put_text(rem_buffer *buffer, rem_field_kind kind, const json_t *value) {
  const char *text = json_string_value(value);
  size_t size = json_string_length(value);
  int64_t instant;
  uint8_t uuid[16];
  if (kind == REM_FIELD_INSTANT && rem_instant_parse(text, size, true, &instant))
    return put_u64(buffer, REM_TAG_INSTANT, (uint64_t)instant);
  if (kind == REM_FIELD_UUID && rem_uuid_parse(text, size, uuid)) {
    rem_buffer_append(buffer, uuid, sizeof uuid);
    return REM_TAG_UUID;
  }
  rem_buffer_append(buffer, text, size);
  return REM_TAG_TEXT;
}

/* JSON Schema takes 3.0 for an integer; so that it is one for indexes and keys too, it is stored as 3. */
static uint32_t put_real(rem_buffer *buffer, rem_field_kind kind, double real) {
  if (kind == REM_FIELD_INT && real == floor(real) && fabs(real) < 9.2e18)
    return put_u64(buffer, REM_TAG_INT, (uint64_t)(int64_t)real);
  uint64_t bits;
  memcpy(&bits, &real, sizeof bits);
  return put_u64(buffer, REM_TAG_REAL, bits);
}

/* Appends one value and gives its tag. */
static rem_status put_value(rem_buffer *buffer, rem_field_kind kind, const json_t *value, uint32_t *ret_tag,
                            rem_error *err) {
  switch (json_typeof(value)) {
  case JSON_NULL: *ret_tag = REM_TAG_NULL; return REM_OK;
  case JSON_FALSE: *ret_tag = REM_TAG_FALSE; return REM_OK;
  case JSON_TRUE: *ret_tag = REM_TAG_TRUE; return REM_OK;
  case JSON_INTEGER: *ret_tag = put_u64(buffer, REM_TAG_INT, (uint64_t)json_integer_value(value)); return REM_OK;
  case JSON_REAL: *ret_tag = put_real(buffer, kind, json_real_value(value)); return REM_OK;
  case JSON_STRING: *ret_tag = put_text(buffer, kind, value); return REM_OK;
  case JSON_ARRAY:
  case JSON_OBJECT: break;
  }
  *ret_tag = REM_TAG_JSON;
  return rem_json_append(buffer, value, err);
}

static size_t count_live(const rem_table *table, const json_t *properties) {
  size_t count = 0;
  for (size_t i = 0; i < table->field_count; i++) {
    const rem_field *field = &table->fields[i];
    count += !field->removed && json_object_getn(properties, field->name, field->name_size) != NULL;
  }
  return count;
}

/* What the schema does not know, as one JSON object; nothing when there is none. */
static rem_status put_tail(const rem_table *table, const json_t *properties, rem_buffer *buffer, rem_error *err) {
  if (count_live(table, properties) == json_object_size(properties)) return REM_OK;
  char separator = '{';
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)properties, name, value) {
    size_t size = strlen(name);
    if (rem_table_field(table, name, size) != NULL) continue;
    rem_buffer_append_byte(buffer, (uint8_t)separator);
    rem_json_append_string(buffer, name, size);
    rem_buffer_append_byte(buffer, ':');
    REM_TRY(rem_json_append(buffer, value, err));
    separator = ',';
  }
  rem_buffer_append_byte(buffer, '}');
  return REM_OK;
}

/* A buffer may move while it grows, so places in it are offsets; a failed one takes no more writes. */
static void set_word(rem_buffer *buffer, size_t at, uint32_t word) {
  if (buffer->failure == REM_OK) rem_store_u32le(buffer->data + at, word);
}

static rem_status put_fields(const rem_table *table, const json_t *properties, rem_buffer *buffer, size_t words,
                             size_t body, rem_error *err) {
  for (size_t i = 0; i < table->field_count; i++) {
    const rem_field *field = &table->fields[i];
    const json_t *value =
        field->removed ? NULL : json_object_getn(properties, field->name, field->name_size);
    uint32_t start = (uint32_t)(buffer->size - body), tag = REM_TAG_ABSENT;
    if (value != NULL) REM_TRY(put_value(buffer, field->kind, value, &tag, err));
    if (buffer->size - body > REM_RECORD_MAX_SIZE) break;
    set_word(buffer, words + 4 * i, tag << 28 | start);
  }
  return REM_OK;
}

static rem_status put_edges(const json_t *edges, rem_buffer *buffer, rem_error *err) {
  return json_array_size(edges) > 0 ? rem_json_append(buffer, edges, err) : REM_OK;
}

rem_status rem_record_encode(const rem_table *table, const rem_record_system *system, const json_t *properties,
                             const json_t *edges, rem_buffer *buffer, rem_error *err) {
  size_t start = buffer->size, words = start + REM_RECORD_HEADER_SIZE;
  uint8_t *header = rem_buffer_extend(buffer, REM_RECORD_HEADER_SIZE + 4 * table->field_count);
  if (header == NULL) return rem_buffer_status(buffer, err);
  memset(header, 0, REM_RECORD_HEADER_SIZE + 4 * table->field_count);
  header[REM_RECORD_AT_VERSION] = REM_RECORD_VERSION;
  rem_store_u16le(header + REM_RECORD_AT_COUNT, (uint16_t)table->field_count);
  rem_record_system_set(header, system);
  size_t body = buffer->size;
  REM_TRY(put_edges(edges, buffer, err));
  set_word(buffer, start + REM_RECORD_AT_EDGES, (uint32_t)(buffer->size - body));
  REM_TRY(put_tail(table, properties, buffer, err));
  set_word(buffer, start + REM_RECORD_AT_TAIL, (uint32_t)(buffer->size - body));
  REM_TRY(put_fields(table, properties, buffer, words, body, err));
  REM_TRY(rem_buffer_status(buffer, err));
  if (buffer->size - start <= REM_RECORD_MAX_SIZE) return REM_OK;
  rem_error_set(err, REM_LIMIT, "the row is larger than %zu MiB", REM_RECORD_MAX_SIZE >> 20);
  rem_error_hint(err, "Split the row, or keep large content in files and ingest those.");
  return REM_LIMIT;
}

void rem_record_system_set(uint8_t *data, const rem_record_system *system) {
  data[REM_RECORD_AT_FLAGS] = system->flags;
  rem_store_u32le(data + REM_RECORD_AT_GENERATION, system->generation);
  rem_store_u64le(data + REM_RECORD_AT_CREATED, (uint64_t)system->created_at);
  rem_store_u64le(data + REM_RECORD_AT_MODIFIED, (uint64_t)system->modified_at);
  rem_store_u64le(data + REM_RECORD_AT_DELETED, (uint64_t)system->deleted_at);
  rem_store_u64le(data + REM_RECORD_AT_SEQ, system->seq);
}

void rem_record_make_stub(const uint8_t *data, uint8_t ret_stub[REM_RECORD_HEADER_SIZE]) {
  memcpy(ret_stub, data, REM_RECORD_HEADER_SIZE);
  ret_stub[REM_RECORD_AT_FLAGS] |= REM_RECORD_EXTERNAL;
  rem_store_u16le(ret_stub + REM_RECORD_AT_COUNT, 0);
  rem_store_u32le(ret_stub + REM_RECORD_AT_EDGES, 0);
  rem_store_u32le(ret_stub + REM_RECORD_AT_TAIL, 0);
}

/* ---------------------------------------------------------------------------------------------- */
/* Reading                                                                                         */

static rem_status damaged(const char *what, rem_error *err) {
  return rem_error_set(err, REM_CORRUPT, "a stored row is damaged: %s", what);
}

/* Do the offsets rise from the tail's end to the record's, each leaving its value's size? One load a field, and one branch at the end. */
static bool offsets_are_sound(const rem_record *record) {
  const uint8_t *words = record->data + REM_RECORD_HEADER_SIZE;
  size_t count = record->field_count, body_size = record->body_size;
  if (count == 0) return record->tail_end == body_size;
  uint32_t word = rem_load_u32le(words);
  bool sound = (word & REM_RECORD_OFFSET_MASK) == record->tail_end;
  for (size_t i = 1; i <= count; i++) {
    uint32_t next = i < count ? rem_load_u32le(words + 4 * i) : (uint32_t)body_size;
    uint32_t start = word & REM_RECORD_OFFSET_MASK, end = next & REM_RECORD_OFFSET_MASK;
    int prescribed = TAG_SIZES[word >> 28];
    sound &= (start <= end) & (prescribed == ANY_SIZE || (int64_t)end - start == prescribed);
    word = next;
  }
  return sound;
}

rem_status rem_record_open(const void *data, size_t size, rem_record *ret_record, rem_error *err) {
  const uint8_t *bytes = data;
  if (size < REM_RECORD_HEADER_SIZE) return damaged("shorter than its header", err);
  if (bytes[REM_RECORD_AT_VERSION] != REM_RECORD_VERSION) return damaged("unknown codec version", err);
  rem_record record = {.data = bytes, .size = size, .field_count = rem_load_u16le(bytes + REM_RECORD_AT_COUNT)};
  size_t body_start = REM_RECORD_HEADER_SIZE + 4 * (size_t)record.field_count;
  if (size < body_start || size > REM_RECORD_MAX_SIZE) return damaged("its size is impossible", err);
  record.body = bytes + body_start;
  record.body_size = size - body_start;
  record.edges_end = rem_load_u32le(bytes + REM_RECORD_AT_EDGES);
  record.tail_end = rem_load_u32le(bytes + REM_RECORD_AT_TAIL);
  if (record.edges_end > record.tail_end || record.tail_end > record.body_size)
    return damaged("edges or tail leave the record", err);
  if (!offsets_are_sound(&record)) return damaged("field offsets do not fit", err);
  if (rem_record_is_external(&record) && size != REM_RECORD_HEADER_SIZE) return damaged("a stub with a body", err);
  *ret_record = record;
  return REM_OK;
}

void rem_record_system_get(const rem_record *record, rem_record_system *ret_system) {
  const uint8_t *data = record->data;
  *ret_system = (rem_record_system){
      .flags = data[REM_RECORD_AT_FLAGS],
      .generation = rem_load_u32le(data + REM_RECORD_AT_GENERATION),
      .created_at = (int64_t)rem_load_u64le(data + REM_RECORD_AT_CREATED),
      .modified_at = (int64_t)rem_load_u64le(data + REM_RECORD_AT_MODIFIED),
      .deleted_at = (int64_t)rem_load_u64le(data + REM_RECORD_AT_DELETED),
      .seq = rem_load_u64le(data + REM_RECORD_AT_SEQ),
  };
}

static uint32_t tag_of(const rem_record *record, size_t number) {
  return number < record->field_count ? rem_record__word(record, number) >> 28 : REM_TAG_ABSENT;
}

bool rem_record_has(const rem_record *record, uint16_t number) {
  return tag_of(record, number) != REM_TAG_ABSENT;
}

static rem_value text_value(rem_type type, rem_slice bytes) {
  return (rem_value){.type = type, .text_size = bytes.size, .text = (const char *)bytes.data};
}

/* The value of a tag over the bytes of its field, which have the size the tag prescribes. */
static inline rem_value value_of(uint32_t tag, rem_slice bytes) {
  rem_value value = {.type = REM_TYPE_NULL};
  switch (tag) {
  case REM_TAG_FALSE:
  case REM_TAG_TRUE:
    value.type = REM_TYPE_BOOL;
    value.integer = tag == REM_TAG_TRUE;
    return value;
  case REM_TAG_INT:
  case REM_TAG_INSTANT:
    value.type = tag == REM_TAG_INT ? REM_TYPE_INT : REM_TYPE_INSTANT;
    value.integer = (int64_t)rem_load_u64le(bytes.data);
    return value;
  case REM_TAG_REAL:
    value.type = REM_TYPE_REAL;
    memcpy(&value.real, bytes.data, sizeof value.real);
    return value;
  case REM_TAG_UUID:
    value.type = REM_TYPE_UUID;
    value.uuid = bytes.data;
    return value;
  case REM_TAG_TEXT: return text_value(REM_TYPE_TEXT, bytes);
  case REM_TAG_JSON: return text_value(REM_TYPE_JSON, bytes);
  default: return value;
  }
}

rem_value rem_record_field(const rem_record *record, uint16_t number) {
  uint32_t tag = tag_of(record, number);
  if (tag == REM_TAG_ABSENT) return (rem_value){.type = REM_TYPE_NULL};
  return value_of(tag, rem_record__bytes(record, number));
}

bool rem_record_peek(const uint8_t *data, size_t size, uint16_t number, rem_value *ret_value) {
  if (size < REM_RECORD_HEADER_SIZE || data[REM_RECORD_AT_VERSION] != REM_RECORD_VERSION) return false;
  size_t count = rem_load_u16le(data + REM_RECORD_AT_COUNT), start = REM_RECORD_HEADER_SIZE + 4 * count;
  if (number >= count || size < start) return false;
  const uint8_t *word = data + REM_RECORD_HEADER_SIZE + 4 * (size_t)number;
  uint32_t first = rem_load_u32le(word);
  size_t from = first & REM_RECORD_OFFSET_MASK;
  size_t to = number + 1u < count ? rem_load_u32le(word + 4) & REM_RECORD_OFFSET_MASK : size - start;
  int prescribed = TAG_SIZES[first >> 28];
  if (from > to || to > size - start || (prescribed != ANY_SIZE && (int64_t)(to - from) != prescribed)) return false;
  /* Most of what is peeked at are numbers; a value handed over in parts and read as a whole waits for its parts. */
  if (first >> 28 == REM_TAG_INT) {
    ret_value->type = REM_TYPE_INT;
    ret_value->integer = (int64_t)rem_load_u64le(data + start + from);
    return true;
  }
  *ret_value = value_of(first >> 28, rem_slice_of(data + start + from, to - from));
  return true;
}

rem_slice rem_record_edges(const rem_record *record) {
  return rem_slice_of(record->body, record->edges_end);
}

rem_slice rem_record_tail(const rem_record *record) {
  return rem_slice_of(record->body + record->edges_end, record->tail_end - record->edges_end);
}

static bool same_field(const rem_record *a, const rem_record *b, size_t number) {
  uint32_t tag = tag_of(a, number);
  if (tag != tag_of(b, number)) return false;
  return tag == REM_TAG_ABSENT || rem_slice_equal(rem_record__bytes(a, number), rem_record__bytes(b, number));
}

bool rem_record_same_content(const rem_record *a, const rem_record *b) {
  if (!rem_slice_equal(rem_record_edges(a), rem_record_edges(b))) return false;
  if (!rem_slice_equal(rem_record_tail(a), rem_record_tail(b))) return false;
  if (a->field_count == b->field_count)
    return a->size == b->size && memcmp(a->data + REM_RECORD_HEADER_SIZE, b->data + REM_RECORD_HEADER_SIZE,
                                        a->size - REM_RECORD_HEADER_SIZE) == 0;
  size_t count = a->field_count > b->field_count ? a->field_count : b->field_count;
  for (size_t i = 0; i < count; i++) {
    if (!same_field(a, b, i)) return false;
  }
  return true;
}
