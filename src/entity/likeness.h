/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Likeness of short texts: equality without regard to case, and overlap of trigrams.
 *
 * The score is the specification's: the share of the wanted text's trigrams (three characters, case folded) that the other text has; a wanted text
 * shorter than three characters is one gram of its own.
 */
#ifndef REM_ENTITY_LIKENESS_H
#define REM_ENTITY_LIKENESS_H

#include "base/buffer.h"

typedef struct rem_likeness {
  rem_buffer folded;   /* the wanted text, case folded */
  uint32_t (*grams)[3];
  size_t gram_count;   /* distinct ones */
  bool failed;         /* there was no memory to look at a text: what was said of it means nothing */
} rem_likeness;

REM_CHECKED rem_status rem_likeness_init(rem_likeness *likeness, rem_slice wanted, rem_error *err);
void rem_likeness_deinit(rem_likeness *likeness);
/* Without memory these set `failed`. */
bool rem_likeness_same_folded(rem_likeness *likeness, rem_slice text);
bool rem_likeness_starts_folded(rem_likeness *likeness, rem_slice text);
/* 0 to 1. */
double rem_likeness_score(rem_likeness *likeness, rem_slice text);

#endif
