/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record: one row as stored in `entities` (or, past 64 KiB, in `large`).
 *
 *   offset size
 *   0      1    codec version, 1
 *   1      1    flags: 1 deleted, 2 external (this is a stub, the whole record is in `large`),
 *               4 embedding pending, 8 embedding_alt pending, 16 embedding_alt stored
 *   2      2    field count n
 *   4      4    table generation it was written under
 *   8      8    created_at   microseconds
 *   16     8    modified_at
 *   24     8    deleted_at, 0 when not deleted
 *   32     8    seq: the log sequence number of the write
 *   40     4    edges: end offset in the body    [0, edges_end)           JSON array text, empty for none
 *   44     4    tail: end offset in the body     [edges_end, tail_end)    JSON object text of fields outside the schema
 *   48     4n   one word a field number: type tag << 28 | start offset in the body; 0xF tag: absent
 *   48+4n       body
 *
 * All little endian. The value of field i ends where the next one starts, the last at the end of the record; the first starts at
 * tail_end, so every byte is accounted for. Tags and values:
 *
 *   0 null  1 false  2 true  15 absent     no bytes
 *   3 int64  4 double  6 instant (int64 microseconds)     8 bytes
 *   7 uuid     16 bytes
 *   5 text (UTF-8)  8 list or object (compact JSON text)
 *
 * A stub is the 48 header bytes alone, with n, edges and tail 0.
 * Records are self-contained: old ones stay readable when fields are added, and a field past n is absent.
 */
#ifndef REM_SCHEMA_RECORD_H
#define REM_SCHEMA_RECORD_H

#include "base/uuid.h"
#include "schema/table.h"

#define REM_RECORD_VERSION 1
#define REM_RECORD_HEADER_SIZE 48
#define REM_RECORD_MAX_SIZE ((size_t)64 << 20)   /* REM_LIMIT beyond */
#define REM_RECORD_INLINE_SIZE ((size_t)64 << 10) /* beyond: external */

enum {
  REM_RECORD_DELETED = 1,
  REM_RECORD_EXTERNAL = 2,
  REM_RECORD_PENDING = 4,     /* slot 0; slot s is REM_RECORD_PENDING << s */
  REM_RECORD_PENDING_ALT = 8,
  REM_RECORD_ALT = 16, /* its vector is stored in slot 1, which rows may go without */
};

/* What a row has of a slot, by its flags. */
typedef enum rem_vector_state { REM_VECTOR_NONE, REM_VECTOR_STORED, REM_VECTOR_PENDING } rem_vector_state;
static inline rem_vector_state rem_record_vector_state(uint8_t flags, bool has_text, unsigned slot) {
  if (!has_text)
    return REM_VECTOR_NONE;
  if (flags & REM_RECORD_PENDING << slot)
    return REM_VECTOR_PENDING;
  return slot == 0 || flags & REM_RECORD_ALT ? REM_VECTOR_STORED : REM_VECTOR_NONE;
}
static inline uint8_t rem_record_vector_flags(rem_vector_state state, unsigned slot) {
  if (state == REM_VECTOR_PENDING)
    return (uint8_t)(REM_RECORD_PENDING << slot);
  return state == REM_VECTOR_STORED && slot == 1 ? REM_RECORD_ALT : 0;
}

typedef struct rem_record_system {
  uint8_t flags;
  uint32_t generation;
  int64_t created_at, modified_at, deleted_at; /* microseconds */
  uint64_t seq;
} rem_record_system;

/* A record in memory, borrowed bytes, checked once by rem_record_open(). */
typedef struct rem_record {
  const uint8_t *data;
  size_t size;
  uint16_t field_count;
  uint32_t edges_end, tail_end; /* in the body */
  const uint8_t *body;
  size_t body_size;
} rem_record;

/* Encodes a validated row; `properties` is an object without system fields, `edges` an array or NULL. Fields by the table's kinds: an INSTANT or UUID
 * field that holds such text is stored as such. Appends to `buffer` (which should be empty). REM_LIMIT past 64 MiB. */
REM_CHECKED rem_status rem_record_encode(const rem_table *table, const rem_record_system *system,
                                         const json_t *properties, const json_t *edges, rem_buffer *buffer,
                                         rem_error *err);
/* Every length is checked; REM_CORRUPT. */
REM_CHECKED rem_status rem_record_open(const void *data, size_t size, rem_record *ret_record, rem_error *err);

void rem_record_system_get(const rem_record *record, rem_record_system *ret_system);
/* Overwrites the system part of an encoded record in place (times, flags, seq, generation). */
void rem_record_system_set(uint8_t *data, const rem_record_system *system);
static inline bool rem_record_is_deleted(const rem_record *record) {
  return (record->data[1] & REM_RECORD_DELETED) != 0;
}
static inline bool rem_record_is_external(const rem_record *record) {
  return (record->data[1] & REM_RECORD_EXTERNAL) != 0;
}
/* The stub that stands in `entities` for a record kept in `large`. */
void rem_record_make_stub(const uint8_t *data, uint8_t ret_stub[REM_RECORD_HEADER_SIZE]);
/* Same fields, tail and edges? System parts do not count. */
bool rem_record_same_content(const rem_record *a, const rem_record *b);

/* The value of a field number; REM_TYPE_NULL for null and absent. Text and uuid borrowed from the record. */
rem_value rem_record_field(const rem_record *record, uint16_t number);
/* Null is present, absent is not. */
bool rem_record_has(const rem_record *record, uint16_t number);
rem_slice rem_record_edges(const rem_record *record); /* JSON array text, or empty */
rem_slice rem_record_tail(const rem_record *record);  /* JSON object text, or empty */

/*
 * The value of one field of a record that was not opened: for a scan that passes over most rows and must not check every offset of each. False: this field of this
 * record cannot be read so (it is damaged, a stub, or written before the field was there): open it. Text and uuid are borrowed from `data`.
 */
bool rem_record_peek(const uint8_t *data, size_t size, uint16_t number, rem_value *ret_value);

/* A top-level field of the tail by name: REM_OK or REM_NOT_FOUND. Text is borrowed from the record or from `scratch`. */
REM_CHECKED rem_status rem_record_tail_field(const rem_record *record, const char *name, size_t name_size,
                                             rem_buffer *scratch, rem_value *ret_value, rem_error *err);
/*
 * The value of a field of `table`, also of a row written before the schema had it: what then stood outside the schema under that name
 * (as instant or UUID where the field is one), or in an earlier field of that name. As fast as rem_record_field() for all other rows. Text is borrowed
 * from the record or from `scratch`.
 */
REM_CHECKED rem_status rem_record_value(const rem_record *record, const rem_table *table, const rem_field *field,
                                        rem_buffer *scratch, rem_value *ret_value, rem_error *err);
/* A JSON value as the value that a field of its own would hold; lists and objects as compact text, which replaces the content of `text`. Text is borrowed from
 * `json` or `text`. */
REM_CHECKED rem_status rem_value_of_json(const json_t *json, rem_buffer *text, rem_value *ret_value, rem_error *err);
/* The canonical text of a scalar (D7): text as it is, numbers as in JSON, true and false, instants in UTC, UUIDs hyphenated. False, and nothing
 * appended, for null and JSON. */
bool rem_value_append_text(const rem_value *value, rem_buffer *buffer);
/* Appends the value as JSON; REM_TYPE_JSON as it stands. */
void rem_value_append_json(const rem_value *value, rem_buffer *buffer);

/* Back to JSON: the properties in the order of the field numbers, then the tail. Owned. */
REM_CHECKED rem_status rem_record_properties(const rem_record *record, const rem_table *table, json_t **ret_properties,
                                             rem_error *err);
/* One vector for the JSON form: `values` NULL gives null. */
typedef struct rem_record_vector {
  const float *values;
  size_t dimension;
} rem_record_vector;
/* Appends the entity of D26: {id, type, created_at, modified_at, deleted_at, edges, properties[, embedding, embedding_alt]}. `vectors` is NULL or REM_SLOT_COUNT long. */
REM_CHECKED rem_status rem_record_append_entity(const rem_record *record, const rem_table *table, const uint8_t id[16],
                                                const rem_record_vector *vectors, rem_buffer *buffer,
                                                rem_error *err);

/*
 * What follows from a row. All of it is derived from the encoded record, so that writer, replica, check and reindex share one path.
 */

/* The row's key into `buffer` (appended): by the table's rule (D9, D10), else `uri`, `key`, `name` in that order, also outside the
 * schema (D8). REM_NOT_FOUND when all of them are absent, null or empty; REM_INVALID when the key's field holds a list or an
 * object; REM_LIMIT when it is longer than 4 KiB. */
#define REM_RECORD_KEY_MAX ((size_t)4 << 10)
REM_CHECKED rem_status rem_record_key(const rem_record *record, const rem_table *table, rem_buffer *buffer,
                                      rem_error *err);

enum {
  REM_LABEL_KEY = 1, /* bits: a value may be several of them at once */
  REM_LABEL_ID = 2,
  REM_LABEL_URI = 4,
  REM_LABEL_NAME = 8,
};
typedef struct rem_record_label {
  rem_slice value; /* borrowed from the buffer given */
  uint8_t labels;
} rem_record_label;
#define REM_RECORD_LABEL_MAX 4
/* The values under which the key index holds this row (D11): its key, its id as text, a resource's uri, a moment's name; equal
 * values merged. Returns how many through `ret_count`. `buffer` holds the texts. */
REM_CHECKED rem_status rem_record_labels(const rem_record *record, const rem_table *table, const uint8_t id[16],
                                         rem_buffer *buffer, rem_record_label ret_labels[REM_RECORD_LABEL_MAX],
                                         size_t *ret_count, rem_error *err);

/* The text to embed (D17): the embedding fields that hold text, joined by a blank line. False when there is none. */
bool rem_record_embedded_text(const rem_record *record, const rem_table *table, rem_buffer *buffer);

#endif
