/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file: URIs (RFC 8089) of absolute paths: "file:///docs/guide.md". Every byte but letters, digits, "-._~" and "/" is
 * percent-encoded (RFC 3986, section 2.1), which is what Python's Path.as_uri() gives too.
 */
#ifndef REM_INGEST_FILE_URI_H
#define REM_INGEST_FILE_URI_H

#include "base/buffer.h"

void rem_file_uri_append(rem_buffer *buffer, const char *absolute_path);

/* Appends the path that such a URI is of; false, and an unspecified part of it appended, when it is no file: URI of an absolute path. */
bool rem_file_uri_path(rem_slice uri, rem_buffer *buffer);

/* The last name of a path as valid UTF-8: bytes that are not become U+FFFD. */
void rem_file_name_append(rem_buffer *buffer, const char *path);

#endif
