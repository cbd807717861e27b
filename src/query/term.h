/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms: comparisons that SQLite hands down, judged on a record before SQLite sees the row.
 *
 * A term may only say no where SQLite would say no: SQLite repeats every comparison on the rows that pass, so what cannot be judged
 * exactly as SQLite would (a number compared with a text column, whose outcome hangs on the affinity of an operand that is not shown to us) passes.
 */
#ifndef REM_QUERY_TERM_H
#define REM_QUERY_TERM_H

#include "query/columns.h"
#include "query/sqlite_lib.h"
#include "schema/record.h"

/* What the other side of a comparison is, once it is known. */
typedef enum rem_operand {
  REM_OPERAND_UNKNOWN = 0, /* cannot be judged: everything passes */
  REM_OPERAND_NEVER,       /* nothing passes: compared with NULL */
  REM_OPERAND_NULL,        /* IS NULL */
  REM_OPERAND_VALUE,
} rem_operand;

typedef struct rem_term {
  const rem_column *column;
  uint8_t op;             /* SQLITE_INDEX_CONSTRAINT_EQ, GT, LE, LT, GE, NE, IS, ISNOT, ISNULL, ISNOTNULL */
  uint8_t operand;        /* rem_operand */
  bool peeked;            /* can be judged on a record that is not opened, by the value of `field` */
  uint16_t field;
  rem_value value;        /* as a record stores it; text borrowed from the argument, or in `uuid` */
  uint8_t uuid[16];
} rem_term;

/* Is it an operator that terms know? */
bool rem_term_knows(int op);
/* May terms on this column be judged at all? */
bool rem_term_can_judge(const rem_column *column);
/* Binds the other side. `argument` is borrowed as long as the term, and NULL for ISNULL and ISNOTNULL. */
void rem_term_init(rem_term *term, const rem_column *column, int op, sqlite3_value *argument);
/* False: SQLite would reject the row. `scratch` holds values of older rows. */
bool rem_term_passes(const rem_term *term, const rem_table *table, const uint8_t id[16], const rem_record *record,
                     rem_buffer *scratch);
typedef enum rem_verdict {
  REM_VERDICT_UNTOLD, /* not without opening the record */
  REM_VERDICT_PASSES,
  REM_VERDICT_REJECTS,
} rem_verdict;
/* The same of a record that was not opened. */
rem_verdict rem_term_peek(const rem_term *term, const uint8_t *record, size_t size);
/* The same for a row of which only the value of the term's column is at hand (or its id). */
bool rem_term_passes_value(const rem_term *term, const uint8_t id[16], const rem_value *value);

#endif
