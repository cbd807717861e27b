/* SPDX-License-Identifier: Apache-2.0 */
/* The read functions of the formats; each gets a document whose text is decoded. */
#ifndef REM_INGEST_READER_INTERNAL_H
#define REM_INGEST_READER_INTERNAL_H

#include "ingest/text_document.h"

rem_status rem_reader__markdown(rem_text_document *document, rem_error *err);
rem_status rem_reader__text(rem_text_document *document, rem_error *err); /* prose: paragraphs */
rem_status rem_reader__code(rem_text_document *document, rem_error *err); /* lines */
rem_status rem_reader__csv(rem_text_document *document, rem_error *err);  /* a table whose first line is its header */

#endif
