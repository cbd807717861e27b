/* SPDX-License-Identifier: Apache-2.0 */
/* modules: ingest */
/*
 * Any bytes as a file of any format, cut with any bounds: chunks keep them, are valid text, and come in order. The first three bytes
 * choose format, tokens and counter.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "ingest/chunker.h"
#include "ingest/reader.h"

#include "fuzz/fuzz.h"

static void must(bool condition) {
  if (!condition)
    abort();
}

/* Every byte but white space is a token: more than a real tokenizer would find. */
static size_t count_bytes(void *context, const char *text, size_t size) {
  (void)context;
  size_t count = 0;
  for (size_t i = 0; i < size; i++)
    count += (unsigned char)text[i] > ' ';
  return count;
}

static void check_chunks(const rem_text_document *document, const rem_chunk_options *options) {
  rem_chunker *chunker = NULL;
  must(rem_chunker_new(document, "f", options, &chunker, NULL) == REM_OK);
  rem_chunk chunk;
  rem_status status;
  size_t ordinal = 0, start = 0;
  while ((status = rem_chunker_next(chunker, &chunk, NULL)) == REM_ROW) {
    must(chunk.ordinal == ordinal++);
    must(chunk.content_size > 0 && rem_utf8_valid(chunk.content, chunk.content_size));
    must(chunk.token_count <= options->max_tokens && chunk.content_size <= options->max_bytes);
    must(chunk.start >= start && chunk.end >= chunk.start && chunk.end <= document->text_size);
    start = chunk.start;
  }
  must(status == REM_DONE);
  rem_chunker_free(chunker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const formats[] = {"markdown", "text", "code", "csv"};
  if (size < 3)
    return 0;
  rem_text_document document = {0};
  if (rem_reader_read_text(formats[data[0] % 4], data + 3, size - 3, &document, NULL) < 0)
    return 0;
  rem_chunk_options options;
  rem_token_counter counter = {data[2] & 1 ? count_bytes : NULL, NULL};
  rem_chunk_options_init(&options, counter, REM_CHUNK_MIN_TOKENS + data[1]);
  check_chunks(&document, &options);
  rem_text_document_deinit(&document);
  return 0;
}
