/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selectivity: how many rows a comparison with an indexed field picks, by what is in the index. Join order and the choice between indexes hang on it.
 *
 *   the value is known    its entries are counted; of more than 32 the ids at both ends tell how many lie between, since an index has the rows of a value in the
 *                         order of their ids, and ids are hashes, or times, spread evenly over those rows
 *   it is not             the mean number of rows a value: of 16 rows, spread evenly over the table, how many share their value, each counted as above.
 *                         Their harmonic mean is rows by distinct values.
 *
 * Nothing is drawn at random and nothing depends on how the storage has laid the rows out, so the same rows give the same plan. Kept statistics were the alternative: they cost every write, and are wrong
 * when they are needed most. What is counted is kept for the statement that is prepared, means until the table has grown or shrunk by an eighth.
 */
#ifndef REM_QUERY_SELECTIVITY_H
#define REM_QUERY_SELECTIVITY_H

#include "query/catalog.h"

/* A comparison with an indexed column; `value` NULL: what it is compared with is not known yet. */
typedef struct rem_comparison {
  int op; /* as SQLite's constraints have it; REM_FUNCTION_ANY: an element of a list */
  sqlite3_value *value;
} rem_comparison;

/* How many rows =, IS, IS NULL or ANY() picks. Negative: nothing is known of it. An index that cannot be read tells nothing here; reading the rows will tell what is wrong with it. */
double rem_selectivity_equal(rem_module *module, int column, const rem_comparison *comparison);
/* How many rows lie within all bounds (or begin as a LIKE or GLOB wants it), if these are known and those are few. Negative: nothing is known of it. */
double rem_selectivity_range(rem_module *module, int column, const rem_comparison *bounds, size_t count);

typedef struct rem_selectivity rem_selectivity;
void rem_selectivity_free(rem_selectivity *selectivity);

#endif
