/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a file as documents: File and Resource (the specification's fields) as JSON text. */
#ifndef REM_INGEST_FILE_ROWS_H
#define REM_INGEST_FILE_ROWS_H

#include "ingest/chunker.h"
#include "ingest/reader.h"

/* What a File row says; strings are borrowed. */
typedef struct rem_file_row {
  rem_slice uri;
  const char *path;         /* absolute; its last part is the name */
  const char *file_type;
  int64_t size_bytes;
  const char *content_hash; /* "": not known */
  const char *status;       /* "processing", "completed", "failed" */
  int64_t chunk_count;
  const json_t *metadata;   /* object; NULL: {} */
  rem_slice edges;          /* JSON array; empty: none given */
} rem_file_row;

REM_CHECKED rem_status rem_file_row_append(const rem_file_row *row, rem_buffer *buffer, rem_error *err);
/* `category` may be NULL. */
void rem_chunk_row_append(rem_slice uri, const rem_chunk *chunk, const char *category, rem_buffer *buffer);

/* The metadata of a File: the front matter, and the title of its content as "title" when that has none. Owned. */
REM_CHECKED rem_status rem_file_metadata(const rem_text_document *document, json_t **ret_metadata, rem_error *err);

/* A JSON string of text that may not be valid UTF-8, as messages about paths are. Owned; NULL without memory. */
json_t *rem_file_text_json(const char *text);

#endif
