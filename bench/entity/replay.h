/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay: the key-values that a load has stored, written again into a bare RocksDB of the same options, in the same batches and
 * the same order (that of the keys).
 *
 * What a row stored is found by its id, which ends the keys of its entries, and its place in the load by the sequence number in its record. The few
 * values written once a batch (counters, the head of the log) are added to each batch with their last content. kv.h stands for bare RocksDB: a put there is one
 * call of rocksdb_writebatch_put_cf().
 */
#ifndef REM_BENCH_REPLAY_H
#define REM_BENCH_REPLAY_H

#include "measure.h"
#include "storage/kv.h"

typedef struct replay replay;

/* Captures the rows of `table` from an open database that was loaded `batch_rows` rows a batch. Owned: replay_free(). */
replay *replay_capture(rem_kv *kv, const char *tenant, const char *table, size_t batch_rows);
void replay_free(replay *captured);
/* Writes everything into a fresh database at `path`: the time of building and writing the
 * batches, without open and close. */
measure_time replay_run(const replay *captured, const char *path, const rem_kv_options *options, bool sync);
/* Keys and values, in bytes and in number, per row. */
double replay_row_bytes(const replay *captured);
double replay_row_puts(const replay *captured);

#endif
