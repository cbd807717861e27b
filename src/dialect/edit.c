/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits: parts of the text that are made anew, and writing the text with them.
 *
 * Edits nest and never cross, so the text is a tree: writing a range copies the caller's bytes up to the next outermost edit in it, then writes the
 * pieces of that edit, which copy ranges again. An edit does not apply inside its own pieces: there the edits within it do,
 * those on the very same bytes included, the latest first.
 */
#include "dialect/dialect_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rem_status rem_dialect__edit_bytes(rem_dialect *d, uint32_t begin, uint32_t end, rem_edit **ret_edit, rem_error *err) {
  rem_edit *edit = rem_arena_calloc(&d->arena, 1, sizeof *edit), **slot;
  if (!edit)
    return rem_error_nomem(err);
  REM_DIALECT_PUSH(d->edits, slot, err);
  *edit = (rem_edit){.begin = begin, .end = end, .order = d->edits.count};
  *slot = *ret_edit = edit;
  return REM_OK;
}

rem_status rem_dialect__edit_tokens(rem_dialect *d, rem_token_range range, rem_edit **ret_edit, rem_error *err) {
  return rem_dialect__edit_bytes(d, rem_dialect__token(d, range.begin)->begin, rem_dialect__token(d, range.end - 1)->end,
                                 ret_edit, err);
}

static rem_status add_piece(rem_dialect *d, rem_edit *edit, rem_edit_piece piece, rem_error *err) {
  rem_edit_piece *made = rem_arena_memdup(&d->arena, &piece, sizeof piece);
  if (!made)
    return rem_error_nomem(err);
  if (edit->last)
    edit->last->next = made;
  else
    edit->first = made;
  edit->last = made;
  return REM_OK;
}

rem_status rem_dialect__put(rem_dialect *d, rem_edit *edit, rem_error *err, const char *format, ...) {
  char stack[512];
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(stack, sizeof stack, format, arguments);
  va_end(arguments);
  char *text = size < 0 ? NULL : rem_arena_alloc(&d->arena, (size_t)size + 1);
  if (!text)
    return rem_error_nomem(err);
  va_start(arguments, format);
  vsnprintf(text, (size_t)size + 1, format, arguments);
  va_end(arguments);
  return add_piece(d, edit, (rem_edit_piece){.text = text, .end = (uint32_t)size}, err);
}

rem_status rem_dialect__put_token(rem_dialect *d, rem_edit *edit, uint32_t token, rem_error *err) {
  const rem_token *t = rem_dialect__token(d, token);
  return add_piece(d, edit, (rem_edit_piece){.text = d->text + t->begin, .end = t->end - t->begin}, err);
}

rem_status rem_dialect__copy(rem_dialect *d, rem_edit *edit, rem_token_range range, rem_edit *without, rem_error *err) {
  if (range.begin >= range.end)
    return REM_OK;
  rem_edit_piece piece = {.begin = rem_dialect__token(d, range.begin)->begin, .end = rem_dialect__token(d, range.end - 1)->end,
                          .without = without};
  return add_piece(d, edit, piece, err);
}

/* By place; of those that begin together the longer, then the later one is first. */
static int compare_edits(const void *a, const void *b) {
  const rem_edit *x = *(rem_edit *const *)a, *y = *(rem_edit *const *)b;
  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end)
    return x->end > y->end ? -1 : 1;
  return x->order > y->order ? -1 : 1;
}

static rem_status add_segment(rem_dialect *d, uint32_t source, bool copied, rem_error *err) {
  rem_segment *segment;
  REM_DIALECT_PUSH(d->segments, segment, err);
  *segment = (rem_segment){(uint32_t)d->output.size, source, copied};
  return REM_OK;
}

static rem_status write_bytes(rem_dialect *d, const char *text, size_t size, uint32_t source, bool copied, rem_error *err) {
  if (size == 0)
    return REM_OK;
  REM_TRY(add_segment(d, source, copied, err));
  rem_buffer_append(&d->output, text, size);
  if (!d->output.failure)
    return REM_OK;
  if (d->output.failure == REM_NOMEM)
    return rem_error_nomem(err);
  rem_error_set(err, REM_LIMIT, "the statement grows beyond %u bytes", REM_DIALECT_OUTPUT_SIZE_MAX);
  rem_error_hint(err, "nest fewer searches");
  return REM_LIMIT;
}

/* The first of `count` sorted edits at or after byte `begin`. */
static uint32_t first_edit(const rem_dialect *d, uint32_t count, uint32_t begin) {
  uint32_t low = 0, high = count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (d->edits.items[middle]->begin < begin)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static rem_status write_range(rem_dialect *d, uint32_t begin, uint32_t end, rem_error *err);

static rem_status write_edit(rem_dialect *d, rem_edit *edit, rem_error *err) {
  if (++d->depth > 4 * REM_DIALECT_DEPTH_MAX)
    return rem_error_set(err, REM_LIMIT, "nested deeper than %u", REM_DIALECT_DEPTH_MAX);
  edit->active = true;
  for (const rem_edit_piece *piece = edit->first; piece; piece = piece->next) {
    if (piece->text) {
      REM_TRY(write_bytes(d, piece->text, piece->end, edit->begin, false, err));
      continue;
    }
    bool was_active = piece->without && piece->without->active;
    if (piece->without) piece->without->active = true;
    REM_TRY(write_range(d, piece->begin, piece->end, err));
    if (piece->without) piece->without->active = was_active;
  }
  edit->active = false;
  d->depth--;
  return REM_OK;
}

static rem_status write_range(rem_dialect *d, uint32_t begin, uint32_t end, rem_error *err) {
  uint32_t at = begin;
  for (uint32_t i = first_edit(d, d->edits.count, begin); i < d->edits.count && d->edits.items[i]->begin < end; i++) {
    rem_edit *edit = d->edits.items[i];
    if (edit->active || edit->begin < at || edit->end > end)
      continue;
    REM_TRY(write_bytes(d, d->text + at, edit->begin - at, at, true, err));
    REM_TRY(write_edit(d, edit, err));
    at = edit->end;
  }
  return write_bytes(d, d->text + at, end - at, at, true, err);
}

void rem_dialect__sort_edits(rem_dialect *d) {
  if (d->edits.count > 1) qsort(d->edits.items, d->edits.count, sizeof *d->edits.items, compare_edits);
}

bool rem_dialect__is_edited(const rem_dialect *d, uint32_t count, rem_token_range range) {
  uint32_t end = rem_dialect__token(d, range.end - 1)->end;
  uint32_t i = first_edit(d, count, rem_dialect__token(d, range.begin)->begin);
  /* Edits nest: one that begins inside ends inside. */
  return i < count && d->edits.items[i]->begin < end;
}

rem_status rem_dialect__render(rem_dialect *d, uint32_t begin, uint32_t end, rem_error *err) {
  rem_dialect__sort_edits(d);
  d->depth = 0;
  REM_TRY(write_range(d, begin, end, err));
  rem_buffer_append_byte(&d->output, 0);
  REM_TRY(rem_buffer_status(&d->output, err));
  d->output.size--;
  return REM_OK;
}

int64_t rem_dialect_source_offset(const rem_dialect *d, int64_t offset) {
  if (offset < 0)
    return -1;
  if (d->segments.count == 0)
    return offset < (int64_t)d->text_size ? offset : (int64_t)d->text_size;
  uint32_t low = 0, high = d->segments.count;
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    if (d->segments.items[middle].made <= offset)
      low = middle;
    else
      high = middle;
  }
  const rem_segment *segment = &d->segments.items[low];
  int64_t source = segment->source + (segment->copied ? offset - segment->made : 0);
  return source < (int64_t)d->text_size ? source : (int64_t)d->text_size;
}
