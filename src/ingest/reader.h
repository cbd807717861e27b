/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers: from a file to a document, one interface for every format.
 *
 * A format is a row of a table: its name (the `file_type` of the File record), extensions and a function. The extension chooses;
 * a file without a known one is text when its first bytes are. Content that contradicts the extension is an error, never a
 * guess. A new format is a new row and a file reader_<format>.c.
 */
#ifndef REM_INGEST_READER_H
#define REM_INGEST_READER_H

#include "ingest/text_document.h"

#define REM_READER_MAX_BYTES (256u << 20)

/* A format that can be read. */
typedef struct rem_reader_format {
  const char *name;       /* "markdown", "text", …: File.file_type */
  const char *extensions; /* lower case, each with a dot, separated and ended by a space */
  size_t max_bytes;
  /* Fills the document, whose decoded text is there already. */
  rem_status (*read)(rem_text_document *document, rem_error *err);
} rem_reader_format;

/* The bytes of a file and what is known without parsing them. */
typedef struct rem_source {
  const char *file_type; /* static: the format's name, "pdf", "binary" or "unknown" */
  int64_t size_bytes;
  char sha256[65];
  rem_bytes content;     /* owned; empty after rem_source_deinit() */
} rem_source;

/* What the name alone says: the format's name, that of a document format which is not read yet ("pdf"), "binary" for images, archives and the
 * like, "unknown" for the rest. Static. */
const char *rem_reader_type_of(const char *path);

/* False: the name is of a kind without text (image, archive, program), which a walk over a folder passes over. */
bool rem_reader_may_read(const char *path);

/* Reads at most REM_READER_MAX_BYTES and hashes them. REM_LIMIT: larger. On failure the outputs known so far are set. */
REM_CHECKED rem_status rem_source_load(const char *path, rem_source *ret_source, rem_error *err);
void rem_source_deinit(rem_source *source);

/*
 * Parses the source, and lets go of its content. REM_INVALID: binary, not UTF-8, …; REM_UNSUPPORTED: a format that is not read;
 * REM_LIMIT: too large for its format. Owned: rem_text_document_deinit().
 */
REM_CHECKED rem_status rem_reader_read(rem_source *source, rem_text_document *ret_document, rem_error *err);

/* Content without a file, by the format's name. REM_UNKNOWN: no such format. */
REM_CHECKED rem_status rem_reader_read_text(const char *format_name, const void *content, size_t size,
                                            rem_text_document *ret_document, rem_error *err);

#endif
