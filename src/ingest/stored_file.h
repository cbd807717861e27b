/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored file: what the database already holds of a file, its File row and its chunks.
 *
 * Chunks are found by their uri, not by the File's count: after a crash there may be more of them than it says, and any of
 * them may have an id of its own.
 */
#ifndef REM_INGEST_STORED_FILE_H
#define REM_INGEST_STORED_FILE_H

#include "entity/engine.h"

typedef struct rem_stored_file {
  bool live;             /* there is a File, not deleted */
  bool completed;        /* its status */
  char content_hash[65]; /* "": none */
  int64_t chunk_count;   /* what it says of itself */
} rem_stored_file;

REM_CHECKED rem_status rem_stored_file_read(rem_engine *engine, const char *tenant, rem_table *files, rem_slice uri,
                                            rem_stored_file *ret_file, rem_error *err);

typedef struct rem_stored_chunk {
  uint8_t id[16];
  int64_t ordinal;
  bool live;
} rem_stored_chunk;

/* Zero-initialised it is empty. */
typedef struct rem_stored_chunks {
  rem_stored_chunk *items; /* owned */
  size_t count, capacity;
} rem_stored_chunks;

/* The rows of `resources` with this uri, deleted ones too. Owned: rem_stored_chunks_deinit(), also on failure. */
REM_CHECKED rem_status rem_stored_chunks_read(rem_engine *engine, const char *tenant, rem_slice uri,
                                              rem_stored_chunks *ret_chunks, rem_error *err);
void rem_stored_chunks_deinit(rem_stored_chunks *chunks);

/*
 * The edges of a File with `chunk_count` chunks, as a JSON array: those that are stored and lead elsewhere than to its chunks, then the
 * ids of its chunks in their order.
 */
REM_CHECKED rem_status rem_stored_file_edges(rem_engine *engine, const char *tenant, rem_table *files, rem_slice uri,
                                             const rem_stored_chunks *chunks, size_t chunk_count,
                                             rem_buffer *buffer, rem_error *err);

#endif
