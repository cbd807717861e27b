/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index entries: everything in key_index, field_index, edges and edges_reverse that follows from one row.
 *
 * One function derives them from the encoded record, so writer, replica, reindex and check cannot disagree; a
 * change of a row is the difference between the entries of the old record and those of the new one.
 *
 *   live row      key_index      one entry for each value the row is found by (its key, id, uri, name; D11)
 *                 field_index    one for each indexed field, null included; a list field has one for each distinct element
 *                 edges, edges_reverse   one of each for each inline edge (D15)
 *   deleted row   key_index      the same entries, marked deleted
 *   either        key_index      alias:{tenant}:{table}:<key> -> id, when the id does not follow from the key (D8)
 *
 * Values: key_index   u8 labels (REM_LABEL_*) | u8 1 when deleted | table name
 *         field_index empty
 *         edges       JSON object text with weight and properties, empty when it has neither; edges_reverse the same
 */
#ifndef REM_INDEX_ENTRIES_H
#define REM_INDEX_ENTRIES_H

#include "base/arena.h"
#include "schema/record.h"
#include "storage/kv.h"

typedef struct rem_index_entry {
  rem_kv_family family;
  bool long_value; /* field_index: value by prefix and hash (D28) */
  uint32_t order;  /* as added */
  rem_slice key, value; /* in the arena */
} rem_index_entry;

typedef struct rem_index_entries {
  rem_arena *arena; /* borrowed */
  rem_index_entry *items;
  size_t count, capacity;
  int64_t edges, fields, long_values; /* how many of the items are of that kind */
  bool may_repeat; /* lists or several edges: the same key may be there twice until sorted */
} rem_index_entries;

/* What the entries depend on besides the record. */
typedef struct rem_index_row {
  const char *tenant;
  const rem_table *table;
  const uint8_t *id; /* 16 bytes */
  const rem_record *record;
  bool id_derived;   /* the id follows from the key */
} rem_index_row;

void rem_index_entries_init(rem_index_entries *entries, rem_arena *arena);
/* Appends the entries of a row. REM_LIMIT when its key is too long. */
REM_CHECKED rem_status rem_index_entries_add(rem_index_entries *entries, const rem_index_row *row, rem_error *err);
/* Only the field_index entries of these fields, whatever the definition says of them: to build or drop an index. */
REM_CHECKED rem_status rem_index_entries_add_fields(rem_index_entries *entries, const rem_index_row *row,
                                                    const uint16_t *numbers, size_t number_count, rem_error *err);
/* By family and key; equal keys (the same edge given as id and as object) are merged, the last one stays. */
void rem_index_entries_sort(rem_index_entries *entries);

/* The key under which a row with an explicit id keeps its key unique: alias:{tenant}:{table}:<key>. */
void rem_index_alias_key(rem_buffer *buffer, const char *tenant, const char *table, rem_slice key);

/* Does the id follow from the record's key (D7)? True also for a row that has no key and so can have any id: nothing is unique about
 * it. `ret_key` (may be NULL) gets the key. */
REM_CHECKED rem_status rem_index_id_is_derived(const char *tenant, const rem_table *table, const rem_record *record,
                                               const uint8_t id[16], bool *ret_derived, rem_buffer *ret_key,
                                               rem_error *err);

/* Decodes the value of a key_index entry; false when damaged. `ret_table` is borrowed from it. */
bool rem_index_key_value(rem_slice value, uint8_t *ret_labels, bool *ret_deleted, rem_slice *ret_table);

#endif
