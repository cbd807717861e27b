/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same rows in SQLite: one table with the same key and the same three indexes, columns bound to a prepared upsert (no JSON to parse, which favours
 * SQLite), write-ahead log, transactions of the same size.
 */
#ifndef REM_BENCH_SQLITE_ROWS_H
#define REM_BENCH_SQLITE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure.h"

typedef struct sqlite_rows sqlite_rows;

/* `sync`: synchronous=FULL, every commit is on disk; else OFF and one checkpoint at the end. `cache_bytes`: its page cache. */
sqlite_rows *sqlite_rows_open(const char *path, bool sync, size_t cache_bytes);
/* Rows [first, first + count) in one transaction; adds its time. */
void sqlite_rows_insert(sqlite_rows *rows, uint64_t first, size_t count, measure_time *time);
/* What makes unsynced rows durable; adds its time. */
void sqlite_rows_finish(sqlite_rows *rows, measure_time *time);
void sqlite_rows_close(sqlite_rows *rows);

#endif
