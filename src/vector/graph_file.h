/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graph file: a graph on disk, made to be mapped. It is derived data: one that is missing, damaged or of another version is built again
 * from the stored vectors, never trusted and never fatal.
 *
 * A file is written whole under a name of its own and never changed. It is opened in two ways:
 *
 *   open   mapped, read-only, instant. Blocks are checked against their checksums when first touched; links and row numbers
 *          are held within bounds always. Searches only.
 *   load   read and checked whole into memory (huge pages); a graph like any other.
 */
#ifndef REM_VECTOR_GRAPH_FILE_H
#define REM_VECTOR_GRAPH_FILE_H

#include "vector/graph.h"

/* Raised with every change of the layout or of what its bytes mean (graph_layout.h); no other version is read. */
#define REM_GRAPH_FILE_VERSION 3

/*
 * Writes a built graph to `path`, which must not exist: through "<path>.tmp", synced, renamed, folder synced. Rows that are dead are left
 * out. Searches go on; changes wait. `note` (up to 512 bytes, may be NULL) comes back from open: what the caller ties the file to, as
 * the model's hash. REM_EXISTS, REM_IO, REM_FULL; REM_MISUSE: the graph is not built.
 */
REM_CHECKED rem_status rem_graph_file_write(rem_graph *graph, const char *path, const void *note, size_t note_size, rem_error *err);

/*
 * REM_UNKNOWN: there is no such file; REM_CORRUPT: damaged, truncated, or no graph file; REM_FORMAT: of another version;
 * REM_NOMEM, REM_IO. The file may be unlinked while it is open; truncating it in place is not defended against.
 * `expect` (may be NULL): dimension 0 or the one it must have, else REM_CORRUPT; its other members, when not 0, replace the file's.
 */
REM_CHECKED rem_status rem_graph_file_open(const char *path, const rem_graph_options *expect, rem_graph **ret_graph, rem_error *err);
REM_CHECKED rem_status rem_graph_file_load(const char *path, const rem_graph_options *expect, rem_graph **ret_graph, rem_error *err);
/* The note it was written with; borrowed until the graph is freed. */
rem_slice rem_graph_file_note(const rem_graph *graph);
/* Checks every block of an open file now: for `db check`. REM_CORRUPT names the path and the first bad block. */
REM_CHECKED rem_status rem_graph_file_verify(rem_graph *graph, rem_error *err);

#endif
