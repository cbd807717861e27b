/* SPDX-License-Identifier: Apache-2.0 */
/* Result columns keep the names that their text as written gives them, whatever it has become. */
#include "dialect/dialect_internal.h"

/* Can an expression end with this token? Then a name behind it is an alias. */
static bool ends_expression(const rem_dialect *d, uint32_t i) {
  switch (rem_dialect__kind(d, i)) {
  case REM_TOKEN_QUOTED:
  case REM_TOKEN_TEXT:
  case REM_TOKEN_BLOB:
  case REM_TOKEN_NUMBER:
  case REM_TOKEN_PARAMETER:
  case REM_TOKEN_CLOSE:
    return true;
  case REM_TOKEN_NAME: {
    rem_word word = (rem_word)rem_dialect__token(d, i)->word;
    if (word == REM_WORD_NULL || word == REM_WORD_END || word == REM_WORD_ISNULL || word == REM_WORD_NOTNULL)
      return true;
    return !rem_word_is_reserved(word) && word != REM_WORD_LIKE && word != REM_WORD_GLOB && word != REM_WORD_REGEXP && word != REM_WORD_MATCH;
  }
  default:
    return false;
  }
}

uint32_t rem_dialect__item_alias(const rem_dialect *d, rem_token_range item) {
  if (item.end - item.begin < 2)
    return NONE;
  uint32_t last = item.end - 1;
  if (!rem_dialect__is_name(d, last) && rem_dialect__kind(d, last) != REM_TOKEN_TEXT)
    return NONE;
  if (rem_dialect__is(d, last - 1, REM_WORD_AS))
    return last;
  /* COLLATE nocase and OVER w are no aliases; a subscript is none either. */
  if (rem_dialect__is(d, last - 1, REM_WORD_OVER) || rem_dialect__token(d, last - 1)->end == rem_dialect__token(d, last)->begin)
    return NONE;
  return ends_expression(d, last - 1) && !rem_dialect__is(d, last, REM_WORD_END) ? last : NONE;
}

static bool is_star(const rem_dialect *d, rem_token_range item) {
  return rem_dialect__kind(d, item.end - 1) == REM_TOKEN_STAR;
}

/* The column's own name, when the item is a column and nothing else. */
static bool is_column(const rem_dialect *d, rem_token_range item) {
  uint32_t size = item.end - item.begin;
  return rem_dialect__is_name(d, item.begin) && (size == 1 || (size == 3 && rem_dialect__kind(d, item.begin + 1) == REM_TOKEN_DOT));
}

static rem_status name_item(rem_dialect *d, rem_token_range item, rem_error *err) {
  uint32_t begin = rem_dialect__token(d, item.begin)->begin, end = rem_dialect__token(d, item.end - 1)->end;
  char *quoted = rem_arena_alloc(&d->arena, 2 * (size_t)(end - begin) + 1);
  if (!quoted)
    return rem_error_nomem(err);
  char *to = quoted;
  for (uint32_t i = begin; i < end; i++) {
    if (d->text[i] == '"') *to++ = '"';
    *to++ = d->text[i];
  }
  *to = 0;
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(d, item, &edit, err));
  REM_TRY(rem_dialect__copy(d, edit, item, NULL, err));
  return rem_dialect__put(d, edit, err, " AS \"%s\"", quoted);
}

rem_status rem_dialect__keep_result_names(rem_dialect *d, rem_error *err) {
  rem_dialect__sort_edits(d);
  uint32_t count = d->edits.count;
  for (uint32_t b = 0; b < d->blocks.count; b++) {
    const rem_block *block = &d->blocks.items[b];
    rem_token_range rest = block->results, item;
    if (block->values || block->writes)
      continue;
    while (rem_dialect__next_item(d, &rest, &item)) {
      if (item.begin == item.end || !rem_dialect__is_edited(d, count, item) || is_star(d, item) ||
          rem_dialect__item_alias(d, item) != NONE)
        continue;
      /* `_score` has become r._score, whose name is the same. */
      if (!is_column(d, item)) REM_TRY(name_item(d, item, err));
    }
  }
  return REM_OK;
}
