/* SPDX-License-Identifier: Apache-2.0 */
/* Formats, between their files: format.c (table, times, small ones), format_uri.c, format_host.c (hosts, addresses, mail). */
#ifndef REM_SCHEMA_FORMAT_INTERNAL_H
#define REM_SCHEMA_FORMAT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 3986; the IRI forms (RFC 3987) also take every character beyond ASCII. */
bool rem_format__uri(const char *text, size_t size);
bool rem_format__uri_reference(const char *text, size_t size);
bool rem_format__iri(const char *text, size_t size);
bool rem_format__iri_reference(const char *text, size_t size);
/* RFC 5321 and 6531: a local part, dotted or quoted, and a host name or an address in brackets. */
bool rem_format__email(const char *text, size_t size);
/* RFC 1123. */
bool rem_format__hostname(const char *text, size_t size);
bool rem_format__ipv4(const char *text, size_t size);
/* RFC 4291, section 2.2, without a zone. */
bool rem_format__ipv6(const char *text, size_t size);

#endif
