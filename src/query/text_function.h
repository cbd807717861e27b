/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of texts that take SQLite's place: like, glob, instr, replace, trim, ltrim, rtrim.
 *
 * They give what SQLite's give. But those compare every place of one text with all of the other, for hours when both are long, and no
 * timeout and no interrupt ends them. These are linear, or refuse what would take more than seconds (REM_LIMIT).
 */
#ifndef REM_QUERY_TEXT_FUNCTION_H
#define REM_QUERY_TEXT_FUNCTION_H

#include "query/session_internal.h"

REM_CHECKED rem_status rem_text_functions_add(rem_session *session, rem_error *err);
/* May a pattern of that size be matched with a text of that size: is it done in a second or two, whatever they are? */
bool rem_text_is_matchable(size_t pattern_size, size_t text_size);

#endif
