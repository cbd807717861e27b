/* SPDX-License-Identifier: Apache-2.0 */
/* Record, between its files: the tags and the layout of record.h in code. */
#ifndef REM_SCHEMA_RECORD_INTERNAL_H
#define REM_SCHEMA_RECORD_INTERNAL_H

#include "base/json.h"
#include "schema/record.h"

enum {
  REM_TAG_NULL = 0,
  REM_TAG_FALSE = 1,
  REM_TAG_TRUE = 2,
  REM_TAG_INT = 3,
  REM_TAG_REAL = 4,
  REM_TAG_TEXT = 5,
  REM_TAG_INSTANT = 6,
  REM_TAG_UUID = 7,
  REM_TAG_JSON = 8,
  REM_TAG_ABSENT = 15,
};

enum {
  REM_RECORD_AT_VERSION = 0,
  REM_RECORD_AT_FLAGS = 1,
  REM_RECORD_AT_COUNT = 2,
  REM_RECORD_AT_GENERATION = 4,
  REM_RECORD_AT_CREATED = 8,
  REM_RECORD_AT_MODIFIED = 16,
  REM_RECORD_AT_DELETED = 24,
  REM_RECORD_AT_SEQ = 32,
  REM_RECORD_AT_EDGES = 40,
  REM_RECORD_AT_TAIL = 44,
};

#define REM_RECORD_OFFSET_MASK 0x0fffffffu

static inline uint32_t rem_record__word(const rem_record *record, size_t number) {
  return rem_load_u32le(record->data + REM_RECORD_HEADER_SIZE + 4 * number);
}

/* The bytes of field `number`, which is below the field count; the offsets were checked by rem_record_open(). */
static inline rem_slice rem_record__bytes(const rem_record *record, size_t number) {
  size_t start = rem_record__word(record, number) & REM_RECORD_OFFSET_MASK;
  size_t end = number + 1u < record->field_count
                   ? rem_record__word(record, number + 1u) & REM_RECORD_OFFSET_MASK
                   : record->body_size;
  return rem_slice_of(record->body + start, end - start);
}

#endif
