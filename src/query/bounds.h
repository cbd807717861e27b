/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds: which keys of a field's index a comparison with a value picks, as [lower, upper).
 *
 * Long texts are in an index by their first 512 bytes and a hash (D28), so all that begin alike lie together, in no order: a bound takes all of them or none,
 * whichever leaves nothing out.
 */
#ifndef REM_QUERY_BOUNDS_H
#define REM_QUERY_BOUNDS_H

#include "base/buffer.h"
#include "query/term.h"
#include "storage/key.h"

/* All of these replace what the buffer holds; its sticky failure is the caller's to look at. `prefix` is that of the index. */

/* The whole index. */
void rem_bounds_all(rem_slice prefix, rem_buffer *lower, rem_buffer *upper);
/* The entries of one value; `value` NULL: of NULL. */
void rem_bounds_equal(rem_slice prefix, const rem_value *value, rem_buffer *lower, rem_buffer *upper);
/* Narrows [lower, upper) by >, >=, < or <= with a value. */
void rem_bounds_narrow(rem_slice prefix, const rem_term *term, rem_buffer *lower, rem_buffer *upper);
/* A range that has no lower bound yet leaves out NULLs, which compare with nothing. */
void rem_bounds_leave_nulls(rem_slice prefix, rem_buffer *lower);
/* Of LIKE and GLOB: texts that LIKE takes for equal lie between the plain start of the pattern in capitals and that in small letters. Returns how long it is;
 * `ret_folded` gets it, of LIKE in small letters. */
size_t rem_bounds_like(rem_slice prefix, int op, rem_slice pattern, char ret_folded[REM_KEY_VALUE_MAX], rem_buffer *lower, rem_buffer *upper);
/* The second argument of _rem_has(list, value): an element is found by its own kind. False: it can be none. Text is borrowed from the argument. */
bool rem_bounds_element(sqlite3_value *argument, rem_value *value);
/* An index of a list holds true apart from 1, ANY() takes them for the same: then the index cannot serve. */
bool rem_bounds_may_be_boolean(sqlite3_value *argument);
/* An index of booleans holds them as such: makes a number one. False: a number that is neither is no boolean, and no entry has it. */
bool rem_bounds_as_indexed(const rem_column *column, rem_value *value);

#endif
