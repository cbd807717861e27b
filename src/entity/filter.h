/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filter: equality on fields, all of which must hold.
 *
 * Written as a JSON object {"field": value}. A value is compared as the field stores it: an instant field with any form of that instant, an
 * integer with the same real, null with null or absent. A list field matches when it contains the value, or equals a list given.
 */
#ifndef REM_ENTITY_FILTER_H
#define REM_ENTITY_FILTER_H

#include "base/arena.h"
#include "schema/record.h"

typedef enum rem_filter_place {
  REM_FILTER_FIELD, /* of the schema */
  REM_FILTER_TAIL,  /* outside it */
  REM_FILTER_ID,
  REM_FILTER_CREATED_AT,
  REM_FILTER_MODIFIED_AT,
  REM_FILTER_DELETED_AT,
} rem_filter_place;

typedef struct rem_filter_term {
  rem_filter_place place;
  const rem_field *field; /* FIELD; borrowed from the table */
  rem_slice name;
  rem_value value;        /* as stored; text in the arena */
  rem_slice encoded;      /* by rem_key_append_value(), in the arena */
} rem_filter_term;

typedef struct rem_filter {
  const rem_table *table; /* borrowed */
  rem_arena arena;
  rem_filter_term *terms;
  size_t count;
} rem_filter;

/* `where_json` NULL: everything matches. `table` is borrowed as long as the filter. REM_INVALID, or REM_UNKNOWN with the nearest field. */
REM_CHECKED rem_status rem_filter_parse(const rem_table *table, const char *where_json, rem_filter *ret_filter,
                                        rem_error *err);
void rem_filter_deinit(rem_filter *filter);
REM_CHECKED rem_status rem_filter_match(const rem_filter *filter, const uint8_t id[16], const rem_record *record,
                                        bool *ret_match, rem_error *err);
/* The term an index answers, or NULL. */
const rem_filter_term *rem_filter_indexed_term(const rem_filter *filter);

#endif
