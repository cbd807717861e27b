/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunker: cuts a document into pieces that a model can embed whole and that mean something alone.
 *
 *   Guide > Install            the path of headings, in front of every chunk of the section
 *
 *   …last sentence of the chunk before.   overlap, only within a section and only of prose
 *   First paragraph.           whole blocks while they fit; else sentences, else lines, else words, else characters
 *
 * A section (the text under one heading) begins a new chunk. Code is cut at lines, tables at rows with their header
 * repeated. Chunks aim at `target_tokens` and never pass `max_tokens`, both counted by the model's own tokenizer. Every word of the
 * document stands in some chunk.
 */
#ifndef REM_INGEST_CHUNKER_H
#define REM_INGEST_CHUNKER_H

#include "ingest/text_document.h"

/* Counts the tokens of a text, without the special ones a model adds. */
typedef struct rem_token_counter {
  size_t (*count)(void *context, const char *text, size_t size);
  void *context;
} rem_token_counter;

typedef struct rem_chunk_options {
  rem_token_counter counter; /* count NULL: rem_chunk_estimate_tokens() */
  size_t max_tokens;     /* at least REM_CHUNK_MIN_TOKENS */
  size_t target_tokens;  /* at most max_tokens */
  size_t overlap_tokens; /* 0: none */
  size_t max_bytes;      /* of a chunk: a tokenizer may count kilobytes without white space as one token */
} rem_chunk_options;

#define REM_CHUNK_MIN_TOKENS 32
#define REM_CHUNK_DEFAULT_TOKENS 254 /* a window of 256 less two special tokens */

/* `max_tokens` is the model's window less its special tokens, 0 for the default; the target is four fifths of it, the overlap at most
 * 15 % of the target. */
void rem_chunk_options_init(rem_chunk_options *options, rem_token_counter counter, size_t max_tokens);

/* About four ASCII characters or one other character to a token. */
size_t rem_chunk_estimate_tokens(const char *text, size_t size);

#define REM_CHUNK_MAX_HEADINGS 7

/* Borrowed until the next call on the chunker. */
typedef struct rem_chunk {
  size_t ordinal;      /* from 0 */
  const char *name;    /* "guide.md - Chunk 1" */
  const char *content; /* NUL-terminated */
  size_t content_size;
  rem_slice headings[REM_CHUNK_MAX_HEADINGS]; /* outermost first */
  size_t heading_count;
  size_t start, end;   /* bytes of the document's decoded text */
  size_t token_count;  /* of `content` */
} rem_chunk;

typedef struct rem_chunker rem_chunker;

/* `document` and the counter's context must outlive the chunker; `name` is copied. REM_MISUSE: options out of range. Owned: rem_chunker_free(). */
REM_CHECKED rem_status rem_chunker_new(const rem_text_document *document, const char *name, const rem_chunk_options *options,
                                       rem_chunker **ret_chunker, rem_error *err);
void rem_chunker_free(rem_chunker *chunker);
/* REM_ROW with the next chunk, or REM_DONE. An empty document has no chunk. */
REM_CHECKED rem_status rem_chunker_next(rem_chunker *chunker, rem_chunk *ret_chunk, rem_error *err);

/* Appends {"headings": […], "start": n, "end": n, "tokens": n}: the metadata of the chunk's Resource. */
void rem_chunk_metadata_append(const rem_chunk *chunk, rem_buffer *buffer);

#endif
