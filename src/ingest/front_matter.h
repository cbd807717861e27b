/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Front matter: metadata before the Markdown, YAML between lines of "---" or TOML between lines of "+++".
 */
#ifndef REM_INGEST_FRONT_MATTER_H
#define REM_INGEST_FRONT_MATTER_H

#include "ingest/text_document.h"

/*
 * Takes front matter off the document's text: sets metadata, and title when it has one, and appends a description as a paragraph.
 * `ret_body` is where the Markdown begins. What cannot be read as front matter is left in the text: it is then most likely none.
 */
REM_CHECKED rem_status rem_front_matter_read(rem_text_document *document, size_t *ret_body, rem_error *err);

#endif
