/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compatibility: may the schema of a table that holds rows be replaced by another?
 *
 * It may when every row stored stays valid, keyed and embedded as it is: fields are added or widened, indexes come and go,
 * texts change. What cannot be shown to be a widening counts as incompatible.
 */
#ifndef REM_SCHEMA_COMPAT_H
#define REM_SCHEMA_COMPAT_H

#include "base/json.h"

typedef struct rem_schema_change {
  bool compatible;
  const char *text; /* "field 'age': integer became string (at /properties/age/type)" */
} rem_schema_change;

/* Zero-initialised it is empty. */
typedef struct rem_schema_report {
  rem_schema_change *changes;
  size_t count;
  size_t incompatible_count;
} rem_schema_report;

/* Lists the differences of two schema documents; none when they mean the same. What is only written differently (order
 * of keys) is no difference. REM_LIMIT past 1,000 differences. */
REM_CHECKED rem_status rem_schema_compare(const json_t *old_schema, const json_t *new_schema,
                                          rem_schema_report *ret_report, rem_error *err);
void rem_schema_report_deinit(rem_schema_report *report);
static inline bool rem_schema_report_compatible(const rem_schema_report *report) {
  return report->incompatible_count == 0;
}
/* The texts as a JSON array. Owned. */
REM_CHECKED rem_status rem_schema_report_json(const rem_schema_report *report, json_t **ret_array, rem_error *err);
#define REM_AUTO_SCHEMA_REPORT REM_CLEANUP(rem_schema_report_deinit)

#endif
