/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: the codec (golden files, properties, damage), JSON, keys, labels, embedded text.
 *
 * Golden files are tests/data/format/record_v1_*.bin; REM_WRITE_GOLDEN=1 writes those that are missing, never over one that is there.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/instant.h"
#include "base/json.h"
#include "schema/record.h"

static json_t *parse(const char *text) {
  json_t *json = NULL;
  rem_error err = {0};
  if (rem_json_parse(text, strlen(text), &json, &err) != REM_OK) fail_msg("%s: %s", err.message, text);
  return json;
}

static rem_table *table_after(const char *schema, const rem_table *previous) {
  json_t *json = parse(schema);
  rem_table *table = NULL;
  rem_error err = {0};
  if (rem_table_new(json, NULL, previous, &table, &err) != REM_OK) fail_msg("%s", err.message);
  json_decref(json);
  return table;
}

static rem_table *table_of(const char *schema) {
  return table_after(schema, NULL);
}

/* One field of every kind. */
static const char KINDS[] =
    "{\"short_name\":\"kinds\",\"embedding_fields\":[\"text\",\"any\"],\"properties\":{"
    "\"any\":{},\"bool\":{\"type\":\"boolean\"},\"int\":{\"type\":\"integer\"},\"real\":{\"type\":\"number\"},"
    "\"text\":{\"type\":\"string\"},\"instant\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"uuid\":{\"type\":\"string\",\"format\":\"uuid\"},\"list\":{\"type\":\"array\"},\"object\":{\"type\":\"object\"}}}";

static const rem_record_system SYSTEM = {.flags = REM_RECORD_PENDING,
                                         .generation = 7,
                                         .created_at = 1761301800000000,
                                         .modified_at = 1761301800123456,
                                         .seq = 42};

static void encode(const rem_table *table, const char *properties, const char *edges, rem_buffer *buffer) {
  json_t *row = parse(properties), *list = edges != NULL ? parse(edges) : NULL;
  rem_error err = {0};
  if (rem_record_encode(table, &SYSTEM, row, list, buffer, &err) != REM_OK) fail_msg("%s", err.message);
  json_decref(row);
  json_decref(list);
}

static rem_record opened(const rem_buffer *buffer) {
  rem_record record;
  rem_error err = {0};
  if (rem_record_open(buffer->data, buffer->size, &record, &err) != REM_OK) fail_msg("%s", err.message);
  return record;
}

static void assert_system(const rem_record *record, const rem_record_system *expected) {
  rem_record_system s;
  rem_record_system_get(record, &s);
  assert_int_equal(s.flags, expected->flags);
  assert_int_equal(s.generation, expected->generation);
  assert_true(s.created_at == expected->created_at && s.modified_at == expected->modified_at);
  assert_true(s.deleted_at == expected->deleted_at && s.seq == expected->seq);
}

static rem_value value_of(const rem_record *record, const rem_table *table, const char *name) {
  const rem_field *field = rem_table_field(table, name, strlen(name));
  assert_non_null(field);
  return rem_record_field(record, field->number);
}

static void assert_text(rem_slice slice, const char *expected) {
  if (!rem_slice_equal(slice, rem_slice_text(expected)))
    fail_msg("'%.*s' is not '%s'", (int)slice.size, (const char *)slice.data, expected);
}

static const char ROW[] = "{\"any\":\"x\",\"bool\":true,\"int\":-9223372036854775808,\"real\":0.1,\"text\":\"h\xc3\xa4\\u0000\","
                          "\"instant\":\"2025-10-01T02:00:00.5+02:00\",\"uuid\":\"2B8AFD88-062a-960f-575f-889fe1f87678\","
                          "\"list\":[1,\"two\",null],\"object\":{\"k\":{}},\"extra\":1.5,\"more\":[true]}";

static void fields_come_back_in_native_types(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  encode(table, ROW, "[\"a\",{\"target\":\"b\"}]", &buffer);
  rem_record r = opened(&buffer);
  rem_value v = value_of(&r, table, "bool");
  assert_int_equal(v.type, REM_TYPE_BOOL);
  assert_int_equal(v.integer, 1);
  v = value_of(&r, table, "int");
  assert_int_equal(v.type, REM_TYPE_INT);
  assert_true(v.integer == INT64_MIN);
  v = value_of(&r, table, "real");
  assert_int_equal(v.type, REM_TYPE_REAL);
  assert_true(v.real == 0.1);
  v = value_of(&r, table, "text");
  assert_int_equal(v.type, REM_TYPE_TEXT);
  assert_int_equal(v.text_size, 4);
  assert_memory_equal(v.text, "h\xc3\xa4\0", 4);
  v = value_of(&r, table, "instant");
  assert_int_equal(v.type, REM_TYPE_INSTANT);
  assert_true(v.integer == INT64_C(1759276800500000));
  v = value_of(&r, table, "uuid");
  assert_int_equal(v.type, REM_TYPE_UUID);
  assert_int_equal(v.uuid[0], 0x2b);
  v = value_of(&r, table, "list");
  assert_int_equal(v.type, REM_TYPE_JSON);
  assert_text(rem_slice_of(v.text, v.text_size), "[1,\"two\",null]");
  v = value_of(&r, table, "any");
  assert_int_equal(v.type, REM_TYPE_TEXT);
  assert_text(rem_record_edges(&r), "[\"a\",{\"target\":\"b\"}]");
  assert_text(rem_record_tail(&r), "{\"extra\":1.5,\"more\":[true]}");
  assert_system(&r, &SYSTEM);
  rem_table_unref(table);
}

static void null_is_present_and_absent_is_not(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  encode(table, "{\"text\":null,\"any\":false}", NULL, &buffer);
  rem_record r = opened(&buffer);
  assert_true(rem_record_has(&r, 4));
  assert_int_equal(rem_record_field(&r, 4).type, REM_TYPE_NULL);
  assert_false(rem_record_has(&r, 2));
  assert_int_equal(rem_record_field(&r, 2).type, REM_TYPE_NULL);
  assert_false(rem_record_has(&r, 500));
  assert_int_equal(rem_record_field(&r, 500).type, REM_TYPE_NULL);
  assert_int_equal(rem_record_edges(&r).size, 0);
  assert_int_equal(rem_record_tail(&r).size, 0);
  rem_table_unref(table);
}

static void a_whole_real_in_an_integer_field_is_an_integer(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  encode(table, "{\"int\":3.0,\"real\":3,\"any\":3.0}", NULL, &buffer);
  rem_record r = opened(&buffer);
  assert_int_equal(value_of(&r, table, "int").type, REM_TYPE_INT);
  assert_int_equal(value_of(&r, table, "real").type, REM_TYPE_INT);
  assert_int_equal(value_of(&r, table, "any").type, REM_TYPE_REAL);
  rem_table_unref(table);
}

static void the_system_part_is_changed_in_place(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  encode(table, ROW, NULL, &buffer);
  rem_record_system deleted = SYSTEM;
  deleted.flags = REM_RECORD_DELETED;
  deleted.deleted_at = 5;
  rem_record_system_set(buffer.data, &deleted);
  rem_record r = opened(&buffer);
  assert_true(rem_record_is_deleted(&r));
  assert_system(&r, &deleted);
  uint8_t stub[REM_RECORD_HEADER_SIZE];
  rem_record_make_stub(buffer.data, stub);
  assert_int_equal(rem_record_open(stub, sizeof stub, &r, NULL), REM_OK);
  assert_true(rem_record_is_external(&r));
  assert_true(rem_record_is_deleted(&r));
  deleted.flags |= REM_RECORD_EXTERNAL;
  assert_system(&r, &deleted);
  rem_table_unref(table);
}

static void content_is_compared_without_the_system_part(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  static const char *const rows[] = {"{\"text\":\"a\"}", "{\"text\":\"b\"}", "{\"text\":\"a\",\"int\":null}",
                                     "{\"text\":\"a\",\"z\":1}"};
  rem_buffer first REM_AUTO_BUFFER = {0};
  encode(table, rows[0], NULL, &first);
  rem_record a = opened(&first);
  for (size_t i = 0; i < 4; i++) {
    rem_buffer second REM_AUTO_BUFFER = {0};
    encode(table, rows[i], NULL, &second);
    rem_record_system other = {.seq = 99, .modified_at = 1};
    rem_record_system_set(second.data, &other);
    rem_record b = opened(&second);
    assert_int_equal(rem_record_same_content(&a, &b), i == 0);
  }
  rem_buffer edges REM_AUTO_BUFFER = {0};
  encode(table, rows[0], "[\"x\"]", &edges);
  rem_record b = opened(&edges);
  assert_false(rem_record_same_content(&a, &b));
  rem_table_unref(table);
}

static void a_record_of_an_older_schema_is_read_and_compared(void **state) {
  (void)state;
  rem_table *old = table_of("{\"short_name\":\"t\",\"properties\":{\"a\":{},\"b\":{}}}");
  rem_table *new = table_after("{\"short_name\":\"t\",\"properties\":{\"b\":{},\"c\":{}}}", old);
  rem_buffer before REM_AUTO_BUFFER = {0}, after REM_AUTO_BUFFER = {0}, json REM_AUTO_BUFFER = {0};
  encode(old, "{\"a\":1,\"b\":2}", NULL, &before);
  encode(new, "{\"b\":2}", NULL, &after);
  rem_record a = opened(&before), b = opened(&after);
  assert_int_equal(value_of(&a, new, "b").integer, 2);
  assert_int_equal(value_of(&a, new, "c").type, REM_TYPE_NULL);
  assert_false(rem_record_same_content(&a, &b));
  rem_buffer shorter REM_AUTO_BUFFER = {0};
  encode(old, "{\"b\":2}", NULL, &shorter);
  rem_record c = opened(&shorter);
  assert_true(rem_record_same_content(&c, &b));
  /* What the schema no longer lists is still shown. */
  json_t *properties = NULL;
  assert_int_equal(rem_record_properties(&a, new, &properties, NULL), REM_OK);
  json_t *expected = parse("{\"a\":1,\"b\":2}");
  assert_true(rem_json_equal(properties, expected));
  json_decref(properties);
  json_decref(expected);
  /* A record of a newer schema under an older table is a mistake, not a crash. */
  rem_error err = {0};
  const uint8_t id[16] = {0};
  assert_int_equal(rem_record_append_entity(&b, old, id, NULL, &json, &err), REM_CORRUPT);
  rem_table_unref(old);
  rem_table_unref(new);
}

static rem_value find_value(const rem_record *record, const rem_table *table, const char *name, rem_buffer *scratch) {
  rem_value value = {.type = REM_TYPE_NULL};
  const rem_field *field = rem_table_field(table, name, strlen(name));
  assert_non_null(field);
  assert_int_equal(rem_record_value(record, table, field, scratch, &value, NULL), REM_OK);
  return value;
}

static void a_field_added_later_is_found_where_the_row_has_it(void **state) {
  (void)state;
  rem_table *old = table_of("{\"short_name\":\"t\",\"properties\":{\"a\":{}}}");
  rem_table *middle = table_after("{\"short_name\":\"t\",\"properties\":{}}", old);
  rem_table *new = table_after("{\"short_name\":\"t\",\"properties\":{\"a\":{},\"when\":{\"type\":\"string\","
                               "\"format\":\"date-time\"},\"ref\":{\"type\":\"string\",\"format\":\"uuid\"},\"n\":{}}}",
                               middle);
  rem_buffer buffer REM_AUTO_BUFFER = {0}, scratch REM_AUTO_BUFFER = {0};
  encode(old,
         "{\"a\":5,\"when\":\"1970-01-01T00:00:01Z\",\"ref\":\"01000000-0000-0000-0000-000000000000\",\"x\":[1]}",
         NULL, &buffer);
  rem_record r = opened(&buffer);
  assert_int_equal(find_value(&r, new, "a", &scratch).integer, 5);
  rem_value when = find_value(&r, new, "when", &scratch), ref = find_value(&r, new, "ref", &scratch);
  assert_int_equal(when.type, REM_TYPE_INSTANT);
  assert_true(when.integer == 1000000);
  assert_int_equal(ref.type, REM_TYPE_UUID);
  assert_int_equal(ref.uuid[0], 1);
  assert_int_equal(find_value(&r, new, "n", &scratch).type, REM_TYPE_NULL);
  rem_buffer_reset(&buffer);
  encode(new, "{\"a\":6}", NULL, &buffer);
  r = opened(&buffer);
  assert_int_equal(find_value(&r, new, "a", &scratch).integer, 6);
  assert_int_equal(find_value(&r, new, "when", &scratch).type, REM_TYPE_NULL);
  rem_table_unref(old);
  rem_table_unref(middle);
  rem_table_unref(new);
}

static void the_entity_is_written_as_the_specification_shows_it(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0}, json REM_AUTO_BUFFER = {0};
  encode(table, ROW, "[\"a\"]", &buffer);
  rem_record r = opened(&buffer);
  uint8_t id[16];
  rem_uuid_of_key("default", "person", "alice@example.com", 17, id);
  assert_int_equal(rem_record_append_entity(&r, table, id, NULL, &json, NULL), REM_OK);
  assert_text(rem_buffer_slice(&json),
              "{\"id\":\"2b8afd88-062a-960f-575f-889fe1f87678\",\"type\":\"kinds\",\"created_at\":\"2025-10-24T10:30:00Z\","
              "\"modified_at\":\"2025-10-24T10:30:00.123456Z\",\"deleted_at\":null,\"edges\":[\"a\"],\"properties\":{"
              "\"any\":\"x\",\"bool\":true,\"int\":-9223372036854775808,\"real\":0.1,\"text\":\"h\xc3\xa4\\u0000\","
              "\"instant\":\"2025-10-01T00:00:00.5Z\",\"uuid\":\"2b8afd88-062a-960f-575f-889fe1f87678\","
              "\"list\":[1,\"two\",null],\"object\":{\"k\":{}},\"extra\":1.5,\"more\":[true]}}");
  rem_table_unref(table);
}

static void deletion_and_vectors_are_shown(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0}, json REM_AUTO_BUFFER = {0};
  encode(table, "{}", NULL, &buffer);
  const rem_record_system deleted = {.flags = REM_RECORD_DELETED, .deleted_at = 1000000};
  rem_record_system_set(buffer.data, &deleted);
  rem_record r = opened(&buffer);
  const float values[] = {0.1f, -0.2f, 0, 1, 0.033333335f, 1e-20f, 1e9f};
  const rem_record_vector vectors[REM_SLOT_COUNT] = {{values, 7}, {NULL, 0}};
  const uint8_t id[16] = {0};
  assert_int_equal(rem_record_append_entity(&r, table, id, vectors, &json, NULL), REM_OK);
  assert_text(rem_buffer_slice(&json),
              "{\"id\":\"00000000-0000-0000-0000-000000000000\",\"type\":\"kinds\",\"created_at\":\"1970-01-01T00:00:00Z\","
              "\"modified_at\":\"1970-01-01T00:00:00Z\",\"deleted_at\":\"1970-01-01T00:00:01Z\",\"edges\":[],"
              "\"properties\":{},\"embedding\":[0.1,-0.2,0.0,1.0,0.033333335,9.999999682655225e-21,1000000000.0],"
              "\"embedding_alt\":null}");
  rem_table_unref(table);
}

/* Vectors must survive their way through JSON. */
static void printed_floats_read_back_the_same(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0}, json REM_AUTO_BUFFER = {0};
  encode(table, "{}", NULL, &buffer);
  rem_record r = opened(&buffer);
  static float values[4000];
  uint32_t bits = 12345;
  for (size_t i = 0; i < 4000; i++) {
    do {
      bits = bits * 1664525u + 1013904223u;
      memcpy(&values[i], &bits, sizeof bits);
    } while (!isfinite(values[i]));
    if (i % 2) values[i] = (float)(bits >> 8) / 16777216.0f - 0.5f;
  }
  const rem_record_vector vectors[REM_SLOT_COUNT] = {{values, 4000}, {NULL, 0}};
  const uint8_t id[16] = {0};
  assert_int_equal(rem_record_append_entity(&r, table, id, vectors, &json, NULL), REM_OK);
  json_t *entity = NULL;
  assert_int_equal(rem_json_parse((const char *)json.data, json.size, &entity, NULL), REM_OK);
  for (size_t i = 0; i < 4000; i++) {
    float back = (float)json_number_value(json_array_get(json_object_get(entity, "embedding"), i));
    assert_true(back == values[i]);
  }
  json_decref(entity);
  rem_table_unref(table);
}

/* ---------------------------------------------------------------------------------------------- */
/* Random rows                                                                                     */

static uint64_t seed;

static uint32_t pick(uint32_t below) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(seed >> 33) % below;
}

static json_t *random_text(void) {
  static const char *const pieces[] = {"a", "\xc3\xa4", "\"", "\\", "\n", "\xf0\x9f\x8c\x8d", "/", "0", " ", "\x01"};
  char text[256] = "";
  for (uint32_t n = pick(20); n > 0; n--)
    strcat(text, pieces[pick(10)]);
  return json_string(text);
}

static json_t *random_scalar(void) {
  switch (pick(6)) {
  case 0: return json_null();
  case 1: return json_boolean(pick(2));
  case 2: return json_integer((json_int_t)((uint64_t)pick(1u << 31) << 33 | pick(1u << 31)));
  case 3: return json_real(ldexp((double)pick(1u << 31) - 1e9, (int)pick(200) - 100));
  default: return random_text();
  }
}

static json_t *random_value(unsigned depth) {
  uint32_t kind = depth == 0 ? 0 : pick(8);
  if (kind < 6) return random_scalar();
  json_t *value = kind == 6 ? json_array() : json_object();
  for (uint32_t n = pick(4); n > 0; n--) {
    char name[16];
    snprintf(name, sizeof name, "k%u", n);
    if (kind == 6)
      json_array_append_new(value, random_value(depth - 1));
    else
      json_object_set_new(value, name, random_value(depth - 1));
  }
  return value;
}

static json_t *random_row(void) {
  static const char *const names[] = {"any", "list", "object", "text", "real", "bool", "extra", "e\"x", "\xc3\xb6", "any2"};
  json_t *row = json_object();
  for (size_t i = 0; i < 10; i++) {
    if (pick(3) > 0) json_object_set_new(row, names[i], random_value(3));
  }
  return row;
}

static void check_tail(const rem_record *record, const rem_table *table, json_t *row) {
  const char *name;
  json_t *value;
  json_object_foreach(row, name, value) {
    if (rem_table_field(table, name, strlen(name)) != NULL) continue;
    rem_buffer scratch REM_AUTO_BUFFER = {0}, text REM_AUTO_BUFFER = {0};
    rem_value found;
    assert_int_equal(rem_record_tail_field(record, name, strlen(name), &scratch, &found, NULL), REM_OK);
    rem_value_append_json(&found, &text);
    json_t *back = NULL;
    assert_int_equal(rem_json_parse((const char *)text.data, text.size, &back, NULL), REM_OK);
    assert_true(json_equal(back, value));
    json_decref(back);
  }
  rem_value none;
  rem_buffer scratch REM_AUTO_BUFFER = {0};
  assert_int_equal(rem_record_tail_field(record, "k1", 2, &scratch, &none, NULL), REM_NOT_FOUND);
}

static void random_rows_come_back_equal(void **state) {
  (void)state;
  seed = 7;
  const char *given = getenv("REM_TEST_SEED");
  if (given != NULL) seed = strtoull(given, NULL, 10);
  print_message("seed %llu\n", (unsigned long long)seed);
  rem_table *table = table_of(KINDS);
  for (int round = 0; round < 2000; round++) {
    json_t *row = random_row(), *back = NULL;
    rem_buffer buffer REM_AUTO_BUFFER = {0}, json REM_AUTO_BUFFER = {0};
    assert_int_equal(rem_record_encode(table, &SYSTEM, row, NULL, &buffer, NULL), REM_OK);
    rem_record r = opened(&buffer);
    assert_int_equal(rem_record_properties(&r, table, &back, NULL), REM_OK);
    assert_true(json_equal(row, back));
    const uint8_t id[16] = {0};
    assert_int_equal(rem_record_append_entity(&r, table, id, NULL, &json, NULL), REM_OK);
    json_t *entity = NULL;
    assert_int_equal(rem_json_parse((const char *)json.data, json.size, &entity, NULL), REM_OK);
    assert_true(json_equal(json_object_get(entity, "properties"), row));
    check_tail(&r, table, row);
    json_decref(entity);
    json_decref(back);
    json_decref(row);
  }
  rem_table_unref(table);
}

/* Reads everything there is; the sanitizers see a step outside. */
static void read_all(const rem_record *r, const rem_table *table) {
  rem_buffer sink REM_AUTO_BUFFER = {0};
  rem_error err = {0};
  for (uint16_t i = 0; i < 20; i++) {
    rem_value value = rem_record_field(r, i);
    rem_value_append_json(&value, &sink);
  }
  const uint8_t id[16] = {0};
  json_t *properties = NULL;
  rem_value value;
  (void)!rem_record_append_entity(r, table, id, NULL, &sink, &err);
  if (rem_record_properties(r, table, &properties, &err) == REM_OK) json_decref(properties);
  (void)!rem_record_key(r, table, &sink, &err);
  (void)!rem_record_tail_field(r, "extra", 5, &sink, &value, &err);
}

static void damaged_records_are_refused_or_read_within_bounds(void **state) {
  (void)state;
  seed = 99;
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  encode(table, ROW, "[\"a\"]", &buffer);
  rem_record r;
  /* Cut off anywhere: only the last value, which may have any length, can hide it. */
  size_t last = strlen("{\"k\":{}}");
  for (size_t size = 0; size < buffer.size; size++) {
    uint8_t *exact = rem_memdup(buffer.data, size);
    assert_non_null(exact);
    rem_status status = rem_record_open(exact, size, &r, NULL);
    assert_int_equal(status, size < buffer.size - last ? REM_CORRUPT : REM_OK);
    if (status == REM_OK) read_all(&r, table);
    rem_free(exact);
  }
  for (int round = 0; round < 20000; round++) {
    uint8_t *copy = rem_memdup(buffer.data, buffer.size);
    assert_non_null(copy);
    for (uint32_t n = 1 + pick(3); n > 0; n--)
      copy[pick((uint32_t)buffer.size)] ^= (uint8_t)(1u << pick(8));
    if (rem_record_open(copy, buffer.size, &r, NULL) == REM_OK) read_all(&r, table);
    rem_free(copy);
  }
  rem_table_unref(table);
}

static void a_row_past_the_limit_is_refused(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  size_t size = REM_RECORD_MAX_SIZE;
  char *text = malloc(size);
  assert_non_null(text);
  memset(text, 'x', size);
  json_t *row = json_object();
  json_object_set_new(row, "text", json_stringn(text, size));
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  rem_error err = {0};
  assert_int_equal(rem_record_encode(table, &SYSTEM, row, NULL, &buffer, &err), REM_LIMIT);
  assert_string_equal(err.message, "the row is larger than 64 MiB");
  free(text);
  json_decref(row);
  rem_table_unref(table);
}

static void every_failed_allocation_is_told(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  json_t *row = parse(ROW);
  for (int64_t n = 1;; n++) {
    rem_buffer buffer REM_AUTO_BUFFER = {0};
    rem_alloc_fail_at(n, 1);
    rem_status status = rem_record_encode(table, &SYSTEM, row, NULL, &buffer, NULL);
    rem_alloc_fail_at(0, 0);
    if (status == REM_OK) break;
    assert_int_equal(status, REM_NOMEM);
    assert_true(n < 100);
  }
  json_decref(row);
  rem_table_unref(table);
}

/* ---------------------------------------------------------------------------------------------- */
/* Golden files                                                                                    */

static void check_golden(const char *name, const char *row, const char *edges) {
  char path[512];
  snprintf(path, sizeof path, "%s/format/record_v1_%s.bin", REM_TEST_DATA, name);
  rem_table *table = table_of(KINDS);
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  encode(table, row, edges, &buffer);
  rem_error err = {0};
  if (getenv("REM_WRITE_GOLDEN") != NULL && !rem_file_exists(path))
    assert_int_equal(rem_file_write_atomic(path, buffer.data, buffer.size, 0644, &err), REM_OK);
  rem_bytes golden = {0};
  if (rem_file_read(path, 1 << 20, &golden, &err) != REM_OK) fail_msg("%s", err.message);
  /* Still written so, and still read. */
  assert_int_equal(golden.size, buffer.size);
  assert_memory_equal(golden.data, buffer.data, buffer.size);
  rem_record r;
  assert_int_equal(rem_record_open(golden.data, golden.size, &r, &err), REM_OK);
  assert_system(&r, &SYSTEM);
  rem_free(golden.data);
  rem_table_unref(table);
}

static void golden_records_stay_readable(void **state) {
  (void)state;
  check_golden("empty", "{}", NULL);
  check_golden("kinds", ROW, "[\"a\",{\"target\":\"b\",\"weight\":0.5}]");
  check_golden("null_absent", "{\"any\":null,\"bool\":false,\"text\":\"\",\"list\":[]}", NULL);
  check_golden("tail", "{\"zeta\":\"t\",\"alpha\":{\"n\":1}}", NULL);
}

/* The layout itself, byte by byte, so that golden files cannot be renewed by mistake. */
static void the_layout_is_as_documented(void **state) {
  (void)state;
  rem_table *table = table_of("{\"short_name\":\"t\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"},"
                              "\"c\":{}}}");
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  encode(table, "{\"b\":\"hi\",\"a\":258,\"x\":1}", "[\"e\"]", &buffer);
  assert_int_equal(buffer.size, 48 + 3 * 4 + 5 + 7 + 8 + 2);
  assert_int_equal(buffer.data[0], 1);
  assert_int_equal(buffer.data[1], REM_RECORD_PENDING);
  assert_int_equal(rem_load_u16le(buffer.data + 2), 3);
  assert_int_equal(rem_load_u32le(buffer.data + 4), 7);
  assert_true(rem_load_u64le(buffer.data + 8) == (uint64_t)SYSTEM.created_at);
  assert_true(rem_load_u64le(buffer.data + 16) == (uint64_t)SYSTEM.modified_at);
  assert_true(rem_load_u64le(buffer.data + 24) == 0);
  assert_true(rem_load_u64le(buffer.data + 32) == 42);
  assert_int_equal(rem_load_u32le(buffer.data + 40), 5);
  assert_int_equal(rem_load_u32le(buffer.data + 44), 12);
  assert_int_equal(rem_load_u32le(buffer.data + 48), 3u << 28 | 12);
  assert_int_equal(rem_load_u32le(buffer.data + 52), 5u << 28 | 20);
  assert_true(rem_load_u32le(buffer.data + 56) == (15u << 28 | 22));
  assert_memory_equal(buffer.data + 60, "[\"e\"]{\"x\":1}\2\1\0\0\0\0\0\0hi", 22);
  rem_table_unref(table);
}

/* ---------------------------------------------------------------------------------------------- */
/* Key, labels, embedded text                                                                      */

static void assert_key(const char *schema, const char *row, const char *expected) {
  rem_table *table = table_of(schema);
  rem_buffer buffer REM_AUTO_BUFFER = {0}, key REM_AUTO_BUFFER = {0};
  encode(table, row, NULL, &buffer);
  rem_record r = opened(&buffer);
  rem_error err = {0};
  rem_status status = rem_record_key(&r, table, &key, &err);
  if (expected == NULL) {
    assert_int_equal(status, REM_NOT_FOUND);
    assert_int_equal(key.size, 0);
  } else {
    assert_int_equal(status, REM_OK);
    assert_text(rem_buffer_slice(&key), expected);
  }
  rem_table_unref(table);
}

static void keys_follow_the_precedence(void **state) {
  (void)state;
  static const char plain[] = "{\"short_name\":\"t\",\"properties\":{\"name\":{},\"key\":{},\"uri\":{},\"email\":{}}}";
  assert_key(plain, "{\"name\":\"n\",\"key\":\"k\",\"uri\":\"u\"}", "u");
  assert_key(plain, "{\"name\":\"n\",\"key\":\"k\",\"uri\":\"\"}", "k");
  assert_key(plain, "{\"name\":\"n\",\"key\":null}", "n");
  assert_key(plain, "{\"name\":[\"n\"]}", NULL);
  assert_key(plain, "{\"email\":\"e\"}", NULL);
  assert_key(plain, "{\"key\":12}", "12");
  /* Fields outside the schema count too. */
  assert_key("{\"short_name\":\"t\"}", "{\"other\":{\"uri\":\"no\"},\"name\":\"tail \\\"name\\\"\"}", "tail \"name\"");
  static const char email[] = "{\"short_name\":\"t\",\"key_field\":\"email\",\"properties\":{\"email\":{},\"name\":{}}}";
  assert_key(email, "{\"email\":\"a@b\",\"name\":\"n\"}", "a@b");
  assert_key(email, "{\"email\":null,\"name\":\"n\"}", "n");
  assert_key(email, "{}", NULL);
}

static void scalar_keys_have_a_canonical_text(void **state) {
  (void)state;
  static const char schema[] =
      "{\"short_name\":\"t\",\"key_field\":\"k\",\"properties\":{\"k\":{\"type\":%s}}}";
  static const char *const cases[][3] = {
      {"\"integer\"", "{\"k\":-5}", "-5"},
      {"\"integer\"", "{\"k\":5.0}", "5"},
      {"\"number\"", "{\"k\":0.1}", "0.1"},
      {"\"boolean\"", "{\"k\":true}", "true"},
      {"\"string\",\"format\":\"uuid\"", "{\"k\":\"2B8AFD88-062A-960F-575F-889FE1F87678\"}",
       "2b8afd88-062a-960f-575f-889fe1f87678"},
      {"\"string\",\"format\":\"date-time\"", "{\"k\":\"2025-10-01T02:00:00+02:00\"}", "2025-10-01T00:00:00Z"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[256];
    snprintf(text, sizeof text, schema, cases[i][0]);
    assert_key(text, cases[i][1], cases[i][2]);
  }
}

static void composite_keys_are_escaped(void **state) {
  (void)state;
  static const char schema[] = "{\"short_name\":\"t\",\"key_fields\":[\"a\",\"b\"],\"properties\":{\"a\":{},\"b\":{},\"name\":{}}}";
  assert_key(schema, "{\"a\":\"x\",\"b\":2}", "x:2");
  assert_key(schema, "{\"a\":\"x:y\\\\\",\"b\":\":\"}", "x\\:y\\\\:\\:");
  assert_key(schema, "{\"a\":\"x\",\"name\":\"n\"}", "n");
  assert_key(schema, "{\"a\":\"x\"}", NULL);
}

static const char RESOURCE[] = "{\"short_name\":\"resource\",\"properties\":{\"uri\":{\"type\":\"string\"},"
                               "\"ordinal\":{\"type\":\"integer\"},\"name\":{\"type\":\"string\"}}}";
static const char MOMENT[] = "{\"short_name\":\"moment\",\"properties\":{\"name\":{\"type\":\"string\"},"
                             "\"start_time\":{\"type\":\"string\",\"format\":\"date-time\"}}}";

static void assert_id(const char *schema, const char *row, const char *expected) {
  rem_table *table = table_of(schema);
  rem_buffer buffer REM_AUTO_BUFFER = {0}, key REM_AUTO_BUFFER = {0};
  encode(table, row, NULL, &buffer);
  rem_record r = opened(&buffer);
  assert_int_equal(rem_record_key(&r, table, &key, NULL), REM_OK);
  uint8_t id[16];
  char text[37];
  rem_uuid_of_key("default", table->name, key.data, key.size, id);
  rem_uuid_format(id, text);
  assert_string_equal(text, expected);
  rem_table_unref(table);
}

static void ids_have_their_golden_values(void **state) {
  (void)state;
  assert_id("{\"short_name\":\"person\",\"key_field\":\"email\",\"properties\":{\"email\":{}}}",
            "{\"email\":\"alice@example.com\"}", "2b8afd88-062a-960f-575f-889fe1f87678");
  assert_id(RESOURCE, "{\"uri\":\"file:///docs/guide.md\"}", "bbec75cb-9736-68a0-f03e-22fb39dd2c1f");
  assert_id(RESOURCE, "{\"uri\":\"file:///docs/guide.md\",\"ordinal\":1}", "1c4b784b-78ea-d319-0de3-d4222b57ac8b");
  assert_id(MOMENT, "{\"name\":\"Sprint 42\",\"start_time\":\"2025-10-01T02:00:00+02:00\"}",
            "bf7af608-797b-4b92-d4f8-767ef480f836");
}

static void a_key_that_cannot_be_is_refused(void **state) {
  (void)state;
  rem_table *table = table_of("{\"short_name\":\"t\",\"key_field\":\"k\",\"properties\":{\"k\":{}}}");
  rem_buffer list REM_AUTO_BUFFER = {0}, key REM_AUTO_BUFFER = {0};
  encode(table, "{\"k\":[1]}", NULL, &list);
  rem_record r = opened(&list);
  rem_error err = {0};
  assert_int_equal(rem_record_key(&r, table, &key, &err), REM_INVALID);
  assert_string_equal(err.message, "the key field 'k' holds a list or an object");
  for (size_t size = 4096; size <= 4097; size++) {
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'k', size);
    json_t *row = json_object();
    json_object_set_new(row, "k", json_stringn(text, size));
    rem_buffer buffer REM_AUTO_BUFFER = {0};
    assert_int_equal(rem_record_encode(table, &SYSTEM, row, NULL, &buffer, NULL), REM_OK);
    r = opened(&buffer);
    rem_buffer_reset(&key);
    assert_int_equal(rem_record_key(&r, table, &key, &err), size == 4096 ? REM_OK : REM_LIMIT);
    assert_int_equal(key.size, size == 4096 ? 4096 : 0);
    free(text);
    json_decref(row);
  }
  rem_table_unref(table);
}

static void assert_labels(const char *schema, const char *row, const char *expected) {
  rem_table *table = table_of(schema);
  rem_buffer buffer REM_AUTO_BUFFER = {0}, texts REM_AUTO_BUFFER = {0}, shown REM_AUTO_BUFFER = {0};
  encode(table, row, NULL, &buffer);
  rem_record r = opened(&buffer);
  const uint8_t id[16] = {0xab};
  rem_record_label labels[REM_RECORD_LABEL_MAX];
  size_t count = 0;
  assert_int_equal(rem_record_labels(&r, table, id, &texts, labels, &count, NULL), REM_OK);
  for (size_t i = 0; i < count; i++) {
    rem_buffer_append_format(&shown, "%s%u=", i > 0 ? " " : "", labels[i].labels);
    rem_buffer_append_slice(&shown, labels[i].value);
  }
  assert_text(rem_buffer_slice(&shown), expected);
  rem_table_unref(table);
}

static void rows_are_labelled_for_lookup(void **state) {
  (void)state;
  assert_labels(RESOURCE, "{\"uri\":\"u\",\"ordinal\":3}", "1=u:3 2=ab000000-0000-0000-0000-000000000000 4=u");
  assert_labels(MOMENT, "{\"name\":\"n\",\"start_time\":\"2025-10-01T00:00:00Z\"}",
                "1=n:2025-10-01T00:00:00Z 2=ab000000-0000-0000-0000-000000000000 8=n");
  assert_labels("{\"short_name\":\"t\"}", "{\"name\":\"n\"}", "1=n 2=ab000000-0000-0000-0000-000000000000");
  assert_labels("{\"short_name\":\"t\"}", "{}", "2=ab000000-0000-0000-0000-000000000000");
  assert_labels("{\"short_name\":\"t\"}", "{\"key\":\"ab000000-0000-0000-0000-000000000000\"}",
                "3=ab000000-0000-0000-0000-000000000000");
}

static void embedded_text_joins_fields_by_a_blank_line(void **state) {
  (void)state;
  rem_table *table = table_of(KINDS);
  static const char *const cases[][2] = {
      {"{\"text\":\"one\",\"any\":\"two\"}", "one\n\ntwo"},
      {"{\"text\":\"\",\"any\":\"two\"}", "two"},
      {"{\"text\":\"one\",\"any\":7}", "one"},
      {"{\"text\":null}", ""},
  };
  for (size_t i = 0; i < 4; i++) {
    rem_buffer buffer REM_AUTO_BUFFER = {0}, text REM_AUTO_BUFFER = {0};
    encode(table, cases[i][0], NULL, &buffer);
    rem_record r = opened(&buffer);
    assert_int_equal(rem_record_embedded_text(&r, table, &text), cases[i][1][0] != 0);
    assert_text(rem_buffer_slice(&text), cases[i][1]);
  }
  rem_table_unref(table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_come_back_in_native_types),
      cmocka_unit_test(null_is_present_and_absent_is_not),
      cmocka_unit_test(a_whole_real_in_an_integer_field_is_an_integer),
      cmocka_unit_test(the_system_part_is_changed_in_place),
      cmocka_unit_test(content_is_compared_without_the_system_part),
      cmocka_unit_test(a_record_of_an_older_schema_is_read_and_compared),
      cmocka_unit_test(a_field_added_later_is_found_where_the_row_has_it),
      cmocka_unit_test(the_entity_is_written_as_the_specification_shows_it),
      cmocka_unit_test(deletion_and_vectors_are_shown),
      cmocka_unit_test(printed_floats_read_back_the_same),
      cmocka_unit_test(random_rows_come_back_equal),
      cmocka_unit_test(damaged_records_are_refused_or_read_within_bounds),
      cmocka_unit_test(a_row_past_the_limit_is_refused),
      cmocka_unit_test(every_failed_allocation_is_told),
      cmocka_unit_test(golden_records_stay_readable),
      cmocka_unit_test(the_layout_is_as_documented),
      cmocka_unit_test(keys_follow_the_precedence),
      cmocka_unit_test(scalar_keys_have_a_canonical_text),
      cmocka_unit_test(composite_keys_are_escaped),
      cmocka_unit_test(ids_have_their_golden_values),
      cmocka_unit_test(a_key_that_cannot_be_is_refused),
      cmocka_unit_test(rows_are_labelled_for_lookup),
      cmocka_unit_test(embedded_text_joins_fields_by_a_blank_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
