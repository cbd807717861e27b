/* SPDX-License-Identifier: Apache-2.0 */
/* The TOML reader, between its files: toml.c (lines, tables), toml_string.c (strings, keys), toml_value.c (the
 * other values). */
#ifndef REM_BASE_TOML_INTERNAL_H
#define REM_BASE_TOML_INTERNAL_H

#include "base/hash_map.h"
#include "base/toml.h"

typedef struct rem_toml_reader {
  const char *text;
  size_t size;
  size_t offset;
  size_t depth;         /* containers around the place being read */
  json_t *root;         /* owned */
  json_t *table;        /* of the last header; borrowed from root */
  size_t table_depth;
  rem_hash_map tables;  /* json_t * of a table (or array of tables) -> how it came to be, see toml.c */
  uintptr_t section;    /* the one being read: of the last header, or of an inline table */
  uintptr_t last_section; /* the highest number given */
  rem_buffer scratch;   /* the string being read */
  rem_hash_map *places; /* table and key -> line; NULL when nobody asks */
  size_t counted;       /* bytes of the text whose line ends are in `line_ends` */
  size_t line_ends;
  rem_error *err;
} rem_toml_reader;

/* A key as read: text in the scratch buffer of the reader until the next string is read. */
typedef struct rem_toml_key {
  const char *text;
  size_t size;
  size_t offset; /* where it stands */
} rem_toml_key;

/* The byte at the place of reading, or -1 at the end. */
static inline int rem_toml__peek(const rem_toml_reader *reader) {
  return reader->offset < reader->size ? (unsigned char)reader->text[reader->offset] : -1;
}
static inline bool rem_toml__starts_with(const rem_toml_reader *reader, const char *word, size_t word_size) {
  return reader->size - reader->offset >= word_size &&
         memcmp(reader->text + reader->offset, word, word_size) == 0;
}
/* Steps over `c` when it is next. */
static inline bool rem_toml__skip(rem_toml_reader *reader, char c) {
  if (rem_toml__peek(reader) != c)
    return false;
  reader->offset++;
  return true;
}
/* Whether a line ends here: LF, CRLF or the end of the text. */
static inline bool rem_toml__is_line_end(const rem_toml_reader *reader) {
  return rem_toml__peek(reader) < 0 || rem_toml__peek(reader) == '\n' || rem_toml__starts_with(reader, "\r\n", 2);
}

/* REM_INVALID with line and column of `offset`. */
rem_status rem_toml__fail(rem_toml_reader *reader, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One container deeper; REM_LIMIT. */
rem_status rem_toml__enter(rem_toml_reader *reader);
void rem_toml__skip_blanks(rem_toml_reader *reader);
/* Blanks, line ends and comments. */
rem_status rem_toml__skip_lines(rem_toml_reader *reader);

/* A string of any of the four forms into the scratch buffer; the place is at its opening quote. */
rem_status rem_toml__read_string(rem_toml_reader *reader, bool may_span_lines);
/* One part of a key: bare or quoted. */
rem_status rem_toml__read_key(rem_toml_reader *reader, rem_toml_key *ret_key);

/* Owned. */
rem_status rem_toml__read_value(rem_toml_reader *reader, json_t **ret_value);
/* `a.b.c = value` into `table`. */
rem_status rem_toml__read_pair(rem_toml_reader *reader, json_t *table);

#endif
