/* SPDX-License-Identifier: Apache-2.0 */
/* A set of texts, in an arena: the values of one IN. */
#ifndef REM_QUERY_TEXT_SET_H
#define REM_QUERY_TEXT_SET_H

#include "base/arena.h"
#include "base/buffer.h"

typedef struct rem_text_set {
  struct rem_text_slot *slots; /* open addressing; NULL when empty */
  size_t capacity, count;      /* a power of two, at least twice the count */
} rem_text_set;

/* Copies the text. The same again changes nothing. */
REM_CHECKED rem_status rem_text_set_add(rem_text_set *set, rem_arena *arena, rem_slice text, rem_error *err);
bool rem_text_set_has(const rem_text_set *set, rem_slice text);

#endif
