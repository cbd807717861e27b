/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: what the benchmarks insert. A person with a key in random order, three indexed fields of different selectivity and a
 * text, about 330 bytes of JSON; row i is always the same.
 */
#ifndef REM_BENCH_ROWS_H
#define REM_BENCH_ROWS_H

#include <stddef.h>
#include <stdint.h>

#define ROWS_TABLE "person"

/* JSON Schema of the table: indexed by role, team and score. */
extern const char rows_schema[];

typedef struct rows_row {
  char email[48], name[32], role[24], team[24], start[32], bio[200];
  int64_t score;
} rows_row;

void rows_make(uint64_t i, rows_row *ret_row);
/* Writes the row as a JSON object; returns its size. */
size_t rows_json(const rows_row *row, char *ret_json, size_t capacity);
/* A well-mixed number: bijective, so that keys are in random order and never repeat. */
uint64_t rows_mix(uint64_t i);

#endif
