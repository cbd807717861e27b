/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of every family (D28), and the order-preserving form of values.
 *
 *   meta           format | identity | table:{tenant}:{table} | counter:{tenant}:{table} | tenant:{tenant}
 *                  pending:{tenant}:{table}:{slot}:<id> | wal:{tenant}:seq | wal:{tenant}:floor | graph:{tenant}:{table}:{slot}
 *   entities       entity:{tenant}:{table}:<id>
 *   large          large:{tenant}:{table}:<id>
 *   vectors        vector:{tenant}:{table}:{slot}:<id>
 *   vector_log     vlog:{tenant}:{table}:{slot}:<seq, 8 bytes big endian>
 *   key_index      key:{tenant}:<value><id>                                  <value> is escaped text
 *   field_index    index:{tenant}:{table}:{field number}:<value><id>         <value> by rem_key_append_value()
 *   edges          edge:{tenant}:<source id><type><target>                   <type> is escaped text
 *   edges_reverse  edge:{tenant}:<target><type><source id>
 *                    <target>  01 <id> | 02 <table><key> | 03 <key>          escaped text
 *   wal            wal:{tenant}:entry:{seq, 20 digits}
 *
 * {…} is text: tenants and tables (D27) hold neither ':' nor NUL, numbers are decimal, ids are 16 raw bytes. Escaped text: 00 -> 00 FF, ended by
 * 00 01, so no value is a prefix of another and order is byte order.
 *
 * Values compare as bytes in the order null < false < true < numbers < instants < uuids < text < lists and objects:
 *
 *   null 00, false 01, true 02
 *   number   03 | double, 8 bytes order-preserving | residual, 2 bytes biased
 *            The double is the value rounded to nearest; the residual is value - double for integers beyond 2^53 (at most 512
 *            away), so int64 and double compare exactly; 5 and 5.0 are equal, and so are 0.0 and -0.0.
 *   instant  04 | int64 microseconds, sign flipped, big endian
 *   uuid     05 | 16 bytes
 *   text     06 | escaped text; past 512 bytes: the first 512 escaped, 00 02, BLAKE3 of the whole (16 bytes)
 *   json     07 | BLAKE3 of the compact text (16 bytes)
 *
 * Long text and json are found by equality, to be checked on the row, and claim no order.
 * Appends to a rem_buffer fail stickily: ask rem_buffer_status() once at the end.
 */
#ifndef REM_STORAGE_KEY_H
#define REM_STORAGE_KEY_H

#include "base/buffer.h"

#define REM_KEY_TEXT_MAX 4096  /* bytes of a user's key; REM_LIMIT beyond */
#define REM_KEY_VALUE_MAX 512  /* bytes of a text value indexed whole */

/* Prefixes: everything up to the raw part. Append the id (16 bytes) or the value to them. */
void rem_key_entity_prefix(rem_buffer *buffer, const char *tenant, const char *table);
void rem_key_large_prefix(rem_buffer *buffer, const char *tenant, const char *table);
void rem_key_vector_prefix(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot);
void rem_key_vector_log_prefix(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot);
void rem_key_index_prefix(rem_buffer *buffer, const char *tenant, const char *table, unsigned field_number);
void rem_key_key_prefix(rem_buffer *buffer, const char *tenant);  /* key: */
void rem_key_edge_prefix(rem_buffer *buffer, const char *tenant); /* edge:, both families */
void rem_key_log_prefix(rem_buffer *buffer, const char *tenant);  /* wal:{tenant}:entry: */
void rem_key_pending_prefix(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot);

/* Whole keys. */
void rem_key_entity(rem_buffer *buffer, const char *tenant, const char *table, const uint8_t id[16]);
void rem_key_large(rem_buffer *buffer, const char *tenant, const char *table, const uint8_t id[16]);
void rem_key_vector(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot, const uint8_t id[16]);
void rem_key_vector_log(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot, uint64_t seq);
void rem_key_pending(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot, const uint8_t id[16]);
/* key:{tenant}:<value>, the prefix of the entries of one value; with `id` (may be NULL) the whole key. REM_LIMIT past 4 KiB. */
REM_CHECKED rem_status rem_key_key(rem_buffer *buffer, const char *tenant, rem_slice value, const uint8_t *id,
                                   rem_error *err);
void rem_key_log_entry(rem_buffer *buffer, const char *tenant, uint64_t seq);
void rem_key_log_seq(rem_buffer *buffer, const char *tenant);
void rem_key_log_floor(rem_buffer *buffer, const char *tenant);
void rem_key_table(rem_buffer *buffer, const char *tenant, const char *table);
void rem_key_counter(rem_buffer *buffer, const char *tenant, const char *table);
void rem_key_tenant(rem_buffer *buffer, const char *tenant);
void rem_key_graph(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot);
/* table:{tenant}:, to list them. */
void rem_key_table_prefix(rem_buffer *buffer, const char *tenant);

/* Escaped text, with its end. */
void rem_key_append_text(rem_buffer *buffer, rem_slice text);
/* Escaped text without its end: the prefix of all that start with it. */
void rem_key_append_text_open(rem_buffer *buffer, rem_slice text);
/* A value as above. True when it is long text or json: equality only, and the row decides. NaN and infinities order as
 * numbers, NaN last. */
bool rem_key_append_value(rem_buffer *buffer, const rem_value *value);
/* The prefix of every text value that starts with `text` (LIKE 'x%'); false past 512 bytes, nothing is appended then. */
bool rem_key_append_value_prefix(rem_buffer *buffer, rem_slice text);
/* Bounds of one kind of value, e.g. all numbers: the tag byte of a type; `upper` of it is the tag + 1. */
uint8_t rem_key_value_tag(const rem_value *value);

/* The first key after all that start with `prefix`, in `ret_end` (appended): empty when there is none (prefix of FFs). */
void rem_key_prefix_end(rem_buffer *ret_end, rem_slice prefix);

/* What an edge points to. */
typedef enum rem_key_target_kind {
  REM_TARGET_ID = 1,
  REM_TARGET_TABLE_KEY = 2,
  REM_TARGET_KEY = 3,
} rem_key_target_kind;

typedef struct rem_key_target {
  rem_key_target_kind kind;
  uint8_t id[16];  /* ID */
  rem_slice table; /* TABLE_KEY */
  rem_slice key;   /* TABLE_KEY, KEY */
} rem_key_target;

/* REM_LIMIT when type or key are longer than 4 KiB. */
void rem_key_append_target(rem_buffer *buffer, const rem_key_target *target);
REM_CHECKED rem_status rem_key_edge(rem_buffer *buffer, const char *tenant, const uint8_t source[16], rem_slice type,
                                    const rem_key_target *target, rem_error *err);
REM_CHECKED rem_status rem_key_edge_reverse(rem_buffer *buffer, const char *tenant, const uint8_t source[16],
                                            rem_slice type, const rem_key_target *target, rem_error *err);

/* Parsing: false (and for the edge functions a partly filled result) when the key has another shape: treat it as damage. */

/* Parts of a key, borrowed from it. `rest` is what follows the last ':' of the readable part. */
typedef struct rem_key_parts {
  rem_slice kind;   /* "entity", "index", … */
  rem_slice tenant;
  rem_slice table;  /* entity, large, vector, vlog, index, pending, table, counter, graph */
  uint64_t number;  /* slot, field number, or log sequence */
  rem_slice rest;   /* raw part: id, value + id, … */
} rem_key_parts;
bool rem_key_parse(rem_slice key, rem_key_parts *ret_parts);
/* The last 16 bytes; NULL when the key is shorter. */
const uint8_t *rem_key_id(rem_slice key);
/* Reads escaped text at *cursor (moved behind its end) and appends it unescaped. */
bool rem_key_read_text(rem_slice *cursor, rem_buffer *buffer);
/* Unescaped parts in `buffer` (appended), which `ret_…` borrow until it changes. */
bool rem_key_parse_edge(rem_slice key, rem_buffer *buffer, uint8_t ret_source[16], rem_slice *ret_type,
                        rem_key_target *ret_target);
bool rem_key_parse_edge_reverse(rem_slice key, rem_buffer *buffer, uint8_t ret_source[16], rem_slice *ret_type,
                                rem_key_target *ret_target);
/* Steps over one encoded value: its bytes, and what follows. */
bool rem_key_skip_value(rem_slice *cursor, rem_slice *ret_value);
/* Decodes an encoded value when that is possible (not long text, not json): numbers come back as int when integral and within int64, else real. Text
 * goes unescaped into `buffer`, which the value borrows. */
bool rem_key_decode_value(rem_slice encoded, rem_buffer *buffer, rem_value *ret_value);

#endif
