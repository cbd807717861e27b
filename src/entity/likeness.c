/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/likeness.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "base/utf8.h"

/* Full case folding with compatibility left alone: "Straße" and "STRASSE" are the same. */
static void fold(rem_slice text, rem_buffer *ret_folded) {
  utf8proc_uint8_t *folded = NULL;
  utf8proc_ssize_t size = utf8proc_map(text.data, (utf8proc_ssize_t)text.size, &folded,
                                       UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  rem_buffer_reset(ret_folded);
  if (size >= 0)
    rem_buffer_append(ret_folded, folded, (size_t)size);
  else
    rem_buffer_append_slice(ret_folded, text);
  free(folded);
}

static int compare_grams(const void *a, const void *b) {
  const uint32_t *x = a, *y = b;
  for (int i = 0; i < 3; i++)
    if (x[i] != y[i])
      return x[i] < y[i] ? -1 : 1;
  return 0;
}

/* The distinct trigrams of folded text, sorted; NULL without memory. */
static uint32_t (*grams_of(rem_slice text, size_t *ret_count))[3] {
  uint32_t(*grams)[3] = rem_calloc(text.size + 1, sizeof *grams);
  if (!grams)
    return NULL;
  uint32_t window[3] = {0};
  size_t length = 0, count = 0;
  for (size_t offset = 0; offset < text.size;) {
    window[0] = window[1];
    window[1] = window[2];
    window[2] = rem_utf8_next((const char *)text.data, text.size, &offset);
    if (++length >= 3)
      memcpy(grams[count++], window, sizeof window);
  }
  if (length && length < 3)
    memcpy(grams[count++], window, sizeof window);
  qsort(grams, count, sizeof *grams, compare_grams);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || compare_grams(grams[i], grams[kept - 1]) != 0)
      memcpy(grams[kept++], grams[i], sizeof *grams);
  *ret_count = kept;
  return grams;
}

rem_status rem_likeness_init(rem_likeness *likeness, rem_slice wanted, rem_error *err) {
  *likeness = (rem_likeness){0};
  fold(wanted, &likeness->folded);
  likeness->grams = grams_of(rem_buffer_slice(&likeness->folded), &likeness->gram_count);
  return likeness->grams ? rem_buffer_status(&likeness->folded, err) : rem_error_nomem(err);
}

void rem_likeness_deinit(rem_likeness *likeness) {
  rem_buffer_deinit(&likeness->folded);
  rem_free(likeness->grams);
  *likeness = (rem_likeness){0};
}

bool rem_likeness_same_folded(rem_likeness *likeness, rem_slice text) {
  rem_buffer folded REM_CLEANUP(rem_buffer_deinit) = {0};
  fold(text, &folded);
  likeness->failed |= folded.failure < 0;
  return rem_slice_equal(rem_buffer_slice(&folded), rem_buffer_slice(&likeness->folded));
}

bool rem_likeness_starts_folded(rem_likeness *likeness, rem_slice text) {
  rem_buffer folded REM_CLEANUP(rem_buffer_deinit) = {0};
  fold(text, &folded);
  likeness->failed |= folded.failure < 0;
  return rem_slice_starts_with(rem_buffer_slice(&folded), rem_buffer_slice(&likeness->folded));
}

double rem_likeness_score(rem_likeness *likeness, rem_slice text) {
  rem_buffer folded REM_CLEANUP(rem_buffer_deinit) = {0};
  fold(text, &folded);
  size_t count, shared = 0;
  uint32_t(*grams)[3] REM_AUTO_FREE = grams_of(rem_buffer_slice(&folded), &count);
  likeness->failed |= !grams || folded.failure < 0;
  if (!grams || likeness->gram_count == 0)
    return 0;
  for (size_t i = 0, j = 0; i < count && j < likeness->gram_count;) {
    int order = compare_grams(grams[i], likeness->grams[j]);
    shared += order == 0;
    i += order <= 0;
    j += order >= 0;
  }
  return (double)shared / (double)likeness->gram_count;
}
