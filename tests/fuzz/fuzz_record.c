/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records from anywhere. modules: base storage schema
 *
 * First byte 'J': the rest is a JSON row, which must come back from a record and give the same record again. Otherwise the
 * rest is taken for a stored record: it is refused, or everything in it can be read without leaving it.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>

#include "base/json.h"
#include "schema/record.h"

static void must(bool condition) {
  if (!condition) abort();
}

static const char SCHEMA[] =
    "{\"short_name\":\"moment\",\"embedding_fields\":[\"name\",\"any\"],\"properties\":{\"name\":{\"type\":\"string\"},"
    "\"start_time\":{\"type\":\"string\",\"format\":\"date-time\"},\"any\":{},\"bool\":{\"type\":\"boolean\"},"
    "\"int\":{\"type\":\"integer\"},\"real\":{\"type\":\"number\"},\"uuid\":{\"type\":\"string\",\"format\":\"uuid\"},"
    "\"list\":{\"type\":\"array\"}}}";

static rem_table *table(void) {
  static rem_table *made;
  if (made == NULL) {
    json_t *schema = NULL;
    must(rem_json_parse(SCHEMA, sizeof SCHEMA - 1, &schema, NULL) == REM_OK);
    must(rem_table_new(schema, NULL, NULL, &made, NULL) == REM_OK);
    json_decref(schema);
  }
  return made;
}

static void read_record(const rem_record *record) {
  const uint8_t id[16] = {0};
  rem_buffer out REM_AUTO_BUFFER = {0};
  rem_error err = {0};
  rem_record_label labels[REM_RECORD_LABEL_MAX];
  size_t count = 0;
  json_t *properties = NULL;
  rem_value value;
  (void)!rem_record_append_entity(record, table(), id, NULL, &out, &err);
  rem_buffer_reset(&out);
  (void)!rem_record_labels(record, table(), id, &out, labels, &count, &err);
  must(count <= REM_RECORD_LABEL_MAX);
  rem_buffer_reset(&out);
  (void)rem_record_embedded_text(record, table(), &out);
  (void)!rem_record_tail_field(record, "uri", 3, &out, &value, &err);
  if (rem_record_properties(record, table(), &properties, &err) == REM_OK) json_decref(properties);
}

static void take_bytes(const uint8_t *data, size_t size) {
  rem_record record;
  rem_error err = {0};
  rem_status status = rem_record_open(data, size, &record, &err);
  must(status == REM_OK || status == REM_CORRUPT);
  if (status != REM_OK) return;
  must(rem_record_same_content(&record, &record));
  read_record(&record);
}

static void take_row(const uint8_t *data, size_t size) {
  json_t *row REM_AUTO_JSON = NULL, *back REM_AUTO_JSON = NULL;
  if (rem_json_parse_object((const char *)data, size, &row, NULL) != REM_OK) return;
  rem_buffer first REM_AUTO_BUFFER = {0}, second REM_AUTO_BUFFER = {0};
  const rem_record_system system = {.seq = 1};
  rem_record a, b;
  must(rem_record_encode(table(), &system, row, NULL, &first, NULL) == REM_OK);
  must(rem_record_open(first.data, first.size, &a, NULL) == REM_OK);
  must(rem_record_properties(&a, table(), &back, NULL) == REM_OK);
  must(json_object_size(back) == json_object_size(row));
  must(rem_record_encode(table(), &system, back, NULL, &second, NULL) == REM_OK);
  must(rem_record_open(second.data, second.size, &b, NULL) == REM_OK);
  must(rem_record_same_content(&a, &b));
  read_record(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 0 && data[0] == 'J')
    take_row(data + 1, size - 1);
  else if (size > 0)
    take_bytes(data + 1, size - 1);
  return 0;
}
