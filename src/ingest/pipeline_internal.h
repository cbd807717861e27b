/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of an ingestion, shared by the files of the pipeline.
 *
 *   batch     [ file 1: chunks, File ][ file 2: … ][ file under work: chunks so far ]
 *               staged ───────────────────────────▶  mark
 *
 * Small files share a commit, so that the embedder always has enough to do; a file too large for one commit is first stored as
 * "processing". What a file has added is taken back from `mark` on when it fails.
 */
#ifndef REM_INGEST_PIPELINE_INTERNAL_H
#define REM_INGEST_PIPELINE_INTERNAL_H

#include "entity/batch.h"
#include "entity/cursor.h"
#include "ingest/chunker.h"
#include "ingest/reader.h"
#include "ingest/stored_file.h"
#include "ingest/walker.h"

#define REM_PIPELINE_EMBED_CHUNKS 64   /* embedded at once: a fraction of a second */
#define REM_PIPELINE_GROUP_CHUNKS 64   /* files share a commit until it has so many chunks */
#define REM_PIPELINE_GROUP_FILES 64    /* … or files */
#define REM_PIPELINE_COMMIT_CHUNKS 1000 /* a file with many more takes several commits */
#define REM_PIPELINE_MAX_ERRORS 1000   /* listed; all are counted */

typedef enum rem_pipeline_phase {
  REM_PIPELINE_SCAN,
  REM_PIPELINE_FILES,
  REM_PIPELINE_PRUNE,
  REM_PIPELINE_DONE,
} rem_pipeline_phase;

/* The file under work. */
typedef struct rem_pipeline_file {
  const char *path; /* borrowed from the walker; NULL: no file is under work */
  rem_buffer uri;
  rem_source source;
  rem_text_document document;
  rem_chunker *chunker;      /* NULL until the document is there */
  rem_stored_chunks stored;  /* the chunks it had before */
  size_t chunk_count;        /* put into the batch, or committed */
  size_t source_offset;      /* where the last chunk ended */
  bool processing;           /* stored as such: some chunks are committed */
} rem_pipeline_file;

/* Files wholly in the batch, counted when it is committed. */
typedef struct rem_pipeline_staged {
  size_t files, chunks;
  int64_t completed, failed, removed, bytes;
} rem_pipeline_staged;

typedef struct rem_pipeline {
  rem_engine *engine; /* owned reference */
  char tenant[REM_TENANT_SIZE];
  char *category;     /* owned; NULL: none */
  bool force, prune;
  rem_pipeline_phase phase;
  rem_walker *walker; /* owned */
  rem_table *files, *resources; /* owned references */
  bool model_tried;   /* the two below are set */
  rem_token_counter counter;
  size_t max_tokens;  /* of a chunk; 0: the default */
  rem_batch *batch;   /* owned */
  size_t mark;        /* changes of the batch before the file under work */
  size_t next_file;
  rem_pipeline_file file;
  size_t fresh_chunks; /* in the batch, not embedded yet */
  rem_pipeline_staged staged;
  rem_cursor *stored_files; /* owned; pruning */
  rem_buffer text;     /* scratch: a row */
  /* What is done and committed. */
  int64_t file_count, chunk_count, skipped, failed, removed, pending, errors_omitted;
  int64_t files_done, bytes_done; /* with what was passed over */
  json_t *errors;      /* owned array of {uri, message} */
} rem_pipeline;

/* Goes on with the file under work, or takes the next one: a piece of work of a fraction of a second. REM_DONE: all files are done and committed. */
REM_CHECKED rem_status rem_pipeline__files(rem_pipeline *pipeline, rem_error *err);
void rem_pipeline__file_reset(rem_pipeline_file *file);
/* Commits what is staged, and counts it. */
REM_CHECKED rem_status rem_pipeline__commit(rem_pipeline *pipeline, rem_error *err);
/* Adds to the list of errors. */
REM_CHECKED rem_status rem_pipeline__add_error(rem_pipeline *pipeline, const char *uri, const char *message,
                                               rem_error *err);
/* Deletes a piece of what is gone: REM_ROW, or REM_DONE when nothing is left. */
REM_CHECKED rem_status rem_pipeline__prune(rem_pipeline *pipeline, rem_error *err);

#endif
