/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing pieces into chunks, section by section, one chunk a call: a document of 256 MiB never has its chunks in memory
 * at once.
 *
 *   section   = lead (headings that no path has shown yet) + the blocks under one heading
 *   position  = (item of the section, offset in its text): where the next chunk goes on
 *   chunk     = path + [overlap] + pieces; neighbouring pieces of a block are one verbatim stretch of it
 *
 * The sum of the pieces' tokens is what the packing goes by; the assembled text is counted again and pieces are given back
 * while it is too long, so the bound holds for any counter.
 */
#include "ingest/chunker.h"

#include <ctype.h>

#include "base/utf8.h"
#include "ingest/cutter.h"

#define MAX_METADATA_HEADING_BYTES 256
#define MIN_CHUNK_BYTES 512
#define MAX_ANNOUNCEMENT_TOKENS 24

typedef struct piece {
  size_t block;
  size_t start, end;
  size_t tokens;
} piece;

struct rem_chunker {
  const rem_text_document *document;
  rem_chunk_options options;
  rem_cutter cutter;
  char *file_name;
  uint8_t *shown;        /* per block: a heading that a path or chunk has shown */
  size_t next_block;     /* where the next section begins */
  size_t ordinal;
  /* The section. */
  size_t chain[REM_CHUNK_MAX_HEADINGS]; /* its headings, innermost first */
  size_t chain_count;
  size_t lead[REM_CHUNK_MAX_HEADINGS];  /* outermost first */
  size_t lead_count;
  size_t body_start, body_end;
  bool path_only;        /* a heading with nothing under it */
  rem_buffer path;
  size_t path_tokens;
  size_t position, offset;
  piece tail;            /* the overlap for the next chunk; tokens 0: none */
  /* The chunk. */
  piece *pieces;
  size_t piece_count, piece_capacity;
  bool overlaps;         /* the first piece is the overlap */
  rem_buffer content;
  rem_buffer name;
};

size_t rem_chunk_estimate_tokens(const char *text, size_t size) {
  size_t ascii = 0, others = 0;
  for (size_t i = 0; i < size; i++) {
    ascii += (unsigned char)text[i] < 0x80;
    others += (unsigned char)text[i] >= 0xC0;
  }
  return (ascii + 3) / 4 + others;
}

void rem_chunk_options_init(rem_chunk_options *options, rem_token_counter counter, size_t max_tokens) {
  if (max_tokens == 0)
    max_tokens = REM_CHUNK_DEFAULT_TOKENS;
  size_t target = max_tokens * 4 / 5;
  *options = (rem_chunk_options){.counter = counter, .max_tokens = max_tokens, .target_tokens = target,
                                 .overlap_tokens = target * 15 / 100, .max_bytes = max_tokens * 16};
  if (options->max_bytes < MIN_CHUNK_BYTES)
    options->max_bytes = MIN_CHUNK_BYTES;
}

/* --- life --------------------------------------------------------------------------------- */

static rem_status check_options(const rem_chunk_options *options, rem_error *err) {
  REM_CHECK_ARG(options->max_tokens >= REM_CHUNK_MIN_TOKENS, err);
  REM_CHECK_ARG(options->target_tokens >= REM_CHUNK_MIN_TOKENS / 2, err);
  REM_CHECK_ARG(options->target_tokens <= options->max_tokens, err);
  REM_CHECK_ARG(options->overlap_tokens <= options->target_tokens / 2, err);
  REM_CHECK_ARG(options->max_bytes >= MIN_CHUNK_BYTES && options->max_bytes <= (1u << 20), err);
  return REM_OK;
}

rem_status rem_chunker_new(const rem_text_document *document, const char *name, const rem_chunk_options *options,
                           rem_chunker **ret_chunker, rem_error *err) {
  REM_TRY(check_options(options, err));
  rem_chunker *chunker = rem_calloc(1, sizeof *chunker);
  if (!chunker)
    return rem_error_nomem(err);
  chunker->document = document;
  chunker->options = *options;
  chunker->file_name = rem_strdup(name);
  chunker->shown = rem_calloc(document->block_count + 1, 1);
  rem_status status = rem_cutter_init(&chunker->cutter, options->counter, options->max_bytes, err);
  if (status == REM_OK && (!chunker->file_name || !chunker->shown))
    status = rem_error_nomem(err);
  if (status < 0) {
    rem_chunker_free(chunker);
    return status;
  }
  *ret_chunker = chunker;
  return REM_OK;
}

void rem_chunker_free(rem_chunker *chunker) {
  if (!chunker)
    return;
  rem_cutter_deinit(&chunker->cutter);
  rem_free(chunker->file_name);
  rem_free(chunker->shown);
  rem_free(chunker->pieces);
  rem_buffer_deinit(&chunker->path);
  rem_buffer_deinit(&chunker->content);
  rem_buffer_deinit(&chunker->name);
  rem_free(chunker);
}

/* --- sections ------------------------------------------------------------------------------ */

static const rem_block *block_at(const rem_chunker *c, size_t index) {
  return &c->document->blocks[index];
}

static size_t item_count(const rem_chunker *c) {
  return c->lead_count + (c->body_end - c->body_start);
}

/* The block of an item of the section. */
static size_t item_block(const rem_chunker *c, size_t position) {
  return position < c->lead_count ? c->lead[position] : c->body_start + (position - c->lead_count);
}

static void collect_chain(rem_chunker *c, int32_t heading) {
  c->chain_count = 0;
  for (; heading >= 0 && c->chain_count < REM_CHUNK_MAX_HEADINGS; heading = block_at(c, (size_t)heading)->heading)
    c->chain[c->chain_count++] = (size_t)heading;
}

/* "Guide > Install" of the `count` innermost headings, and the blank line behind it. */
static void write_path(rem_chunker *c, size_t count) {
  rem_buffer_reset(&c->path);
  for (size_t i = count; i > 0; i--) {
    const rem_block *heading = block_at(c, c->chain[i - 1]);
    rem_buffer_append(&c->path, heading->text, heading->text_size);
    rem_buffer_append_text(&c->path, i > 1 ? " > " : "\n\n");
  }
}

/* The longest path, from the innermost heading outwards, that leaves three quarters of the chunk to the text. */
static rem_status build_path(rem_chunker *c, rem_error *err) {
  size_t count = 0;
  c->path_tokens = 0;
  for (; count < c->chain_count; count++) {
    if (block_at(c, c->chain[count])->text_size > c->options.max_bytes / 4)
      break;
    write_path(c, count + 1);
    REM_TRY(rem_buffer_status(&c->path, err));
    size_t tokens = rem_cutter_count(&c->cutter, (const char *)c->path.data, c->path.size);
    if (tokens > c->options.target_tokens / 4 || c->path.size > c->options.max_bytes / 4)
      break;
    c->path_tokens = tokens;
  }
  write_path(c, count);
  for (size_t i = 0; i < count; i++)
    c->shown[c->chain[i]] = 1;
  c->lead_count = 0;
  for (size_t i = c->chain_count; i > count; i--) {
    size_t heading = c->chain[i - 1];
    if (!c->shown[heading])
      c->lead[c->lead_count++] = heading;
    c->shown[heading] = 1;
  }
  return rem_buffer_status(&c->path, err);
}

/* A heading directly above a deeper one has no text of its own: the path of the deeper one shows it. */
static bool child_follows(const rem_chunker *c, size_t heading, size_t next) {
  return next == heading + 1 && next < c->document->block_count && block_at(c, next)->level > block_at(c, heading)->level;
}

/* Begins the next section that has something to say; false at the end of the document. */
static rem_status next_section(rem_chunker *c, bool *ret_found, rem_error *err) {
  size_t count = c->document->block_count;
  *ret_found = false;
  while (c->next_block < count) {
    size_t first = c->next_block;
    bool headed = block_at(c, first)->kind == REM_BLOCK_HEADING;
    c->body_start = c->body_end = first + headed;
    while (c->body_end < count && block_at(c, c->body_end)->kind != REM_BLOCK_HEADING)
      c->body_end++;
    c->next_block = c->body_end;
    if (headed && child_follows(c, first, c->body_end))
      continue;
    collect_chain(c, headed ? (int32_t)first : -1);
    REM_TRY(build_path(c, err));
    c->path_only = item_count(c) == 0;
    c->position = c->offset = 0;
    c->tail.tokens = 0;
    *ret_found = true;
    return REM_OK;
  }
  return REM_OK;
}

/* --- pieces -------------------------------------------------------------------------------- */

/* The header that is repeated over a table's later rows has at most a third of the room. */
static size_t repeated_header(const rem_chunker *c, const rem_block *block, size_t start, size_t *ret_tokens) {
  *ret_tokens = 0;
  if (block->kind != REM_BLOCK_TABLE || start < block->header_size || block->header_size > c->options.max_bytes / 3)
    return 0;
  size_t tokens = rem_cutter_count(&c->cutter, block->text, block->header_size);
  if (tokens > (c->options.target_tokens - c->path_tokens) / 3)
    return 0;
  *ret_tokens = tokens;
  return block->header_size;
}

/* The piece at the position, which stays; false when the section has none left. */
static bool peek_piece(rem_chunker *c, piece *ret_piece) {
  while (c->position < item_count(c)) {
    size_t index = item_block(c, c->position);
    const rem_block *block = block_at(c, index);
    size_t start = rem_cutter_skip_space(block, c->offset);
    if (start < block->text_size) {
      size_t header_tokens = 0;
      size_t header_size = repeated_header(c, block, start, &header_tokens);
      *ret_piece = (piece){.block = index, .start = start};
      ret_piece->end = rem_cutter_next(&c->cutter, block, start, c->options.target_tokens - c->path_tokens - header_tokens,
                                       c->options.max_bytes - c->path.size - header_size - c->options.max_bytes / 8,
                                       &ret_piece->tokens);
      return true;
    }
    c->position++;
    c->offset = 0;
  }
  return false;
}

static bool continues(const rem_chunker *c, const piece *next) {
  return c->piece_count > 0 && c->pieces[c->piece_count - 1].block == next->block;
}

/* Bytes that the piece adds to the chunk, with what separates it. */
static size_t added_bytes(const rem_chunker *c, const piece *next) {
  return continues(c, next) ? next->end - c->pieces[c->piece_count - 1].end : next->end - next->start + 2;
}

static rem_status push_piece(rem_chunker *c, const piece *next, rem_error *err) {
  if (c->piece_count == c->piece_capacity) {
    size_t capacity = c->piece_capacity ? c->piece_capacity * 2 : 32;
    piece *pieces = rem_realloc(c->pieces, capacity * sizeof *pieces);
    if (!pieces)
      return rem_error_nomem(err);
    c->pieces = pieces;
    c->piece_capacity = capacity;
  }
  c->pieces[c->piece_count++] = *next;
  return REM_OK;
}

/* Whether nothing follows the piece at the position. */
static bool is_last(rem_chunker *c, const piece *last) {
  size_t position = c->position, offset = c->offset;
  piece next;
  c->offset = last->end;
  bool more = peek_piece(c, &next);
  c->position = position;
  c->offset = offset;
  return !more;
}

static bool is_prose(const rem_block *block) {
  return block->kind == REM_BLOCK_PARAGRAPH || block->kind == REM_BLOCK_QUOTE;
}

/* Whether a chunk should rather not end with the piece: a line that announces what follows, as titles in plain text do. */
static bool announces(const rem_chunker *c, const piece *p) {
  const rem_block *block = block_at(c, p->block);
  if (!is_prose(block) || p->end < block->text_size || p->tokens > MAX_ANNOUNCEMENT_TOKENS)
    return false;
  char last = block->text[p->end - 1];
  bool begins_block = rem_cutter_skip_space(block, 0) == p->start;
  return last == ':' || (begins_block && (isalnum((unsigned char)last) || (unsigned char)last >= 0x80) &&
                         p->tokens <= MAX_ANNOUNCEMENT_TOKENS / 2);
}

/* --- chunks -------------------------------------------------------------------------------- */

/* Puts the end of the chunk before in front, when it and `first` are prose and both have room. */
static rem_status push_overlap(rem_chunker *c, const piece *first, size_t *tokens, size_t *bytes, rem_error *err) {
  size_t size = c->tail.end - c->tail.start;
  size_t gap = c->tail.block == first->block ? first->start - c->tail.end : 2;
  bool room = *tokens + c->tail.tokens + first->tokens <= c->options.max_tokens &&
              *bytes + size + gap + (first->end - first->start) <= c->options.max_bytes;
  c->overlaps = c->tail.tokens > 0 && room && is_prose(block_at(c, first->block));
  if (!c->overlaps)
    return REM_OK;
  *tokens += c->tail.tokens;
  *bytes += size + 2;
  return push_piece(c, &c->tail, err);
}

/* Gives back the last piece: the next chunk begins with it. */
static void give_back(rem_chunker *c) {
  const piece *last = &c->pieces[--c->piece_count];
  c->position = 0;
  while (item_block(c, c->position) != last->block)
    c->position++;
  c->offset = last->start;
}

/* Fills `pieces` from the position on; none when the section is at its end. */
static rem_status pack(rem_chunker *c, rem_error *err) {
  c->piece_count = 0;
  c->overlaps = false;
  piece next;
  if (!peek_piece(c, &next))
    return REM_OK;
  size_t tokens = c->path_tokens, bytes = c->path.size, header_tokens = 0;
  REM_TRY(push_overlap(c, &next, &tokens, &bytes, err));
  bytes += repeated_header(c, block_at(c, next.block), next.start, &header_tokens);
  tokens += header_tokens;
  size_t target = c->options.target_tokens + (c->overlaps ? c->tail.tokens : 0);
  if (target > c->options.max_tokens)
    target = c->options.max_tokens;
  bool first = true;
  do {
    size_t added = added_bytes(c, &next);
    size_t limit = c->piece_count == 1 && announces(c, &c->pieces[0]) ? c->options.max_tokens : target;
    bool fits = tokens + next.tokens <= limit && bytes + added <= c->options.max_bytes;
    /* The last few words of a section are not worth a chunk of their own. */
    bool closes = !fits && next.tokens <= c->options.target_tokens / 5 &&
                  tokens + next.tokens <= c->options.max_tokens && bytes + added <= c->options.max_bytes &&
                  is_last(c, &next);
    if (!first && !fits && !closes) {
      while (c->piece_count > 1u + c->overlaps && announces(c, &c->pieces[c->piece_count - 1]))
        give_back(c);
      break;
    }
    REM_TRY(push_piece(c, &next, err));
    tokens += next.tokens;
    bytes += added;
    c->offset = next.end;
    first = false;
  } while (peek_piece(c, &next));
  return REM_OK;
}

static const char *separator(const rem_block *before, const rem_block *after) {
  return before->kind == REM_BLOCK_LIST_ITEM && after->kind == REM_BLOCK_LIST_ITEM ? "\n" : "\n\n";
}

static void append_stretch(rem_chunker *c, const piece *from, size_t end) {
  const rem_block *block = block_at(c, from->block);
  size_t header_tokens = 0;
  if (from->start > 0)
    rem_buffer_append(&c->content, block->text, repeated_header(c, block, from->start, &header_tokens));
  rem_buffer_append(&c->content, block->text + from->start, end - from->start);
}

static rem_status assemble(rem_chunker *c, rem_error *err) {
  rem_buffer_reset(&c->content);
  rem_buffer_append(&c->content, c->path.data, c->path.size);
  for (size_t i = 0; i < c->piece_count;) {
    size_t last = i;
    while (last + 1 < c->piece_count && c->pieces[last + 1].block == c->pieces[i].block)
      last++;
    if (i > 0)
      rem_buffer_append_text(&c->content, separator(block_at(c, c->pieces[i - 1].block), block_at(c, c->pieces[i].block)));
    append_stretch(c, &c->pieces[i], c->pieces[last].end);
    i = last + 1;
  }
  if (c->piece_count == 0)
    c->content.size -= c->content.size >= 2 ? 2 : 0; /* a path alone ends without its blank line */
  rem_buffer_append_byte(&c->content, 0);
  return rem_buffer_status(&c->content, err);
}

static void drop_overlap(rem_chunker *c) {
  memmove(c->pieces, c->pieces + 1, --c->piece_count * sizeof *c->pieces);
  c->overlaps = false;
}

/* Assembles, and shortens while the whole has more tokens than its parts promised. */
static rem_status assemble_within_bound(rem_chunker *c, size_t *ret_tokens, rem_error *err) {
  for (;;) {
    REM_TRY(assemble(c, err));
    *ret_tokens = rem_cutter_count(&c->cutter, (const char *)c->content.data, c->content.size - 1);
    if (*ret_tokens <= c->options.max_tokens || c->piece_count == 0)
      return REM_OK;
    if (c->piece_count > 1u + c->overlaps)
      give_back(c);
    else if (c->overlaps)
      drop_overlap(c);
    else
      return REM_OK;
  }
}

/* Remembers the last sentences of the chunk for the next one of the section. */
static void keep_tail(rem_chunker *c) {
  c->tail.tokens = 0;
  if (c->piece_count == 0 || c->options.overlap_tokens == 0)
    return;
  size_t last = c->piece_count - 1, first = last;
  while (first > 0 && c->pieces[first - 1].block == c->pieces[last].block)
    first--;
  const rem_block *block = block_at(c, c->pieces[last].block);
  if (!is_prose(block))
    return;
  piece tail = {.block = c->pieces[last].block, .end = c->pieces[last].end};
  tail.start = rem_cutter_tail(&c->cutter, block, c->pieces[first].start, tail.end, c->options.overlap_tokens, &tail.tokens);
  bool whole_chunk = first == 0 && tail.start == c->pieces[0].start;
  if (tail.start == tail.end || whole_chunk)
    return;
  c->tail = tail;
}

static void fill_headings(const rem_chunker *c, rem_chunk *chunk) {
  for (size_t i = c->chain_count; i > 0; i--) {
    const rem_block *heading = block_at(c, c->chain[i - 1]);
    size_t size = heading->text_size;
    if (size > MAX_METADATA_HEADING_BYTES)
      size = rem_utf8_floor(heading->text, size, MAX_METADATA_HEADING_BYTES);
    chunk->headings[chunk->heading_count++] = rem_slice_of(heading->text, size);
  }
}

static void fill_offsets(const rem_chunker *c, rem_chunk *chunk) {
  if (c->piece_count == 0) {
    const rem_block *heading = block_at(c, c->chain[0]);
    chunk->start = rem_block_source_offset(heading, 0);
    chunk->end = rem_block_source_offset(heading, heading->text_size);
    return;
  }
  const piece *first = &c->pieces[0], *last = &c->pieces[c->piece_count - 1];
  chunk->start = rem_block_source_offset(block_at(c, first->block), first->start);
  chunk->end = rem_block_source_offset(block_at(c, last->block), last->end);
}

static rem_status emit(rem_chunker *c, rem_chunk *ret_chunk, rem_error *err) {
  rem_chunk chunk = {.ordinal = c->ordinal};
  REM_TRY(assemble_within_bound(c, &chunk.token_count, err));
  rem_buffer_reset(&c->name);
  rem_buffer_append_format(&c->name, "%s - Chunk %zu", c->file_name, c->ordinal + 1);
  rem_buffer_append_byte(&c->name, 0);
  REM_TRY(rem_buffer_status(&c->name, err));
  chunk.name = (const char *)c->name.data;
  chunk.content = (const char *)c->content.data;
  chunk.content_size = c->content.size - 1;
  fill_headings(c, &chunk);
  fill_offsets(c, &chunk);
  keep_tail(c);
  c->ordinal++;
  *ret_chunk = chunk;
  return REM_ROW;
}

rem_status rem_chunker_next(rem_chunker *chunker, rem_chunk *ret_chunk, rem_error *err) {
  for (;;) {
    REM_TRY(pack(chunker, err));
    if (chunker->piece_count > 0 || chunker->path_only) {
      chunker->path_only = false;
      return emit(chunker, ret_chunk, err);
    }
    bool found = false;
    REM_TRY(next_section(chunker, &found, err));
    if (!found)
      return REM_DONE;
  }
}

void rem_chunk_metadata_append(const rem_chunk *chunk, rem_buffer *buffer) {
  rem_buffer_append_text(buffer, "{\"headings\":[");
  for (size_t i = 0; i < chunk->heading_count; i++) {
    if (i > 0)
      rem_buffer_append_byte(buffer, ',');
    rem_json_append_string(buffer, (const char *)chunk->headings[i].data, chunk->headings[i].size);
  }
  rem_buffer_append_format(buffer, "],\"start\":%zu,\"end\":%zu,\"tokens\":%zu}", chunk->start, chunk->end,
                           chunk->token_count);
}
