/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sentences: where one ends. The idea of UAX #29 (Unicode Text Segmentation, section 5) with a list of abbreviations, in place
 * of its tables: a full stop ends a sentence when white space and no small letter follow and the word before is no abbreviation, initial or
 * number of a list; the full stops of Chinese, Japanese, Hindi and others end one at once; a blank line always does.
 */
#ifndef REM_INGEST_SENTENCE_H
#define REM_INGEST_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The end of the sentence that begins at `start`, behind its stop and closing quotes, at most `limit` (<= size, > start).
 * `ret_found` is false when none ended before `limit`, which is then the result.
 */
size_t rem_sentence_end(const char *text, size_t size, size_t start, size_t limit, bool *ret_found);

/* Whether a text may be cut in front of `character`: not before marks that belong to what precedes (combining marks, joiners,
 * variation selectors, skin tones). */
bool rem_sentence_may_cut_before(unsigned character);

#endif
