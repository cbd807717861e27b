/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text in the raw HTML that Markdown may hold: tags, comments, scripts and styles fall away, entities are decoded.
 *
 * This is no HTML parser: it never fails, keeps what it does not understand, and looks at each byte once.
 */
#ifndef REM_INGEST_HTML_TEXT_H
#define REM_INGEST_HTML_TEXT_H

#include "base/buffer.h"

/* Appends the text of a piece of HTML; tags that separate blocks or lines become a newline. */
void rem_html_text_append(rem_buffer *buffer, const char *html, size_t size);

/* Appends the characters of one entity ("&amp;", "&#8212;", "&#x2014;"), or the entity itself when it is not known. */
void rem_html_entity_append(rem_buffer *buffer, const char *entity, size_t size);

#endif
