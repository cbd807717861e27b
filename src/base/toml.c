/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0.0 (toml.io), read line by line into JSON objects by recursive descent; nesting is bounded, so the
 * stack is too.
 *
 * What TOML forbids is defining a thing twice, and "defined" depends on how a table came to be. The reader
 * keeps that for every table it made itself, by the address of its object:
 *
 *   IMPLICIT   on the way of a header ([a.b] makes a)          a header or dotted keys may still define it
 *   DEFINED    by a header of its own, or an array of tables   nothing may define it again; headers may go through it
 *   section n  by dotted keys in section n                     dotted keys of that section may add to it
 *
 * A container that is not in the map was written as a value (inline table, array) and is closed: nothing may go
 * through it. An inline table is a section of its own.
 */
#include "base/toml.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "base/toml_internal.h"
#include "base/utf8.h"

enum { UNKNOWN_ORIGIN = 0, IMPLICIT = 1, DEFINED = 2, FIRST_SECTION = 3 };

rem_status rem_toml__fail(rem_toml_reader *reader, size_t offset, const char *format, ...) {
  char reason[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  rem_text_place at = rem_text_place_of(reader->text, offset);
  rem_error_set(reader->err, REM_INVALID, "invalid TOML at line %zu, column %zu: %s", at.line, at.column, reason);
  if (reader->err)
    reader->err->offset = (int64_t)offset;
  return REM_INVALID;
}

rem_status rem_toml__enter(rem_toml_reader *reader) {
  if (reader->depth < REM_JSON_MAX_DEPTH) {
    reader->depth++;
    return REM_OK;
  }
  rem_toml__fail(reader, reader->offset, "nested deeper than %d levels", REM_JSON_MAX_DEPTH);
  if (reader->err)
    reader->err->code = REM_LIMIT;
  return REM_LIMIT;
}

void rem_toml__skip_blanks(rem_toml_reader *reader) {
  while (rem_toml__peek(reader) == ' ' || rem_toml__peek(reader) == '\t')
    reader->offset++;
}

/* A comment, up to its line end. */
static rem_status skip_comment(rem_toml_reader *reader) {
  if (rem_toml__peek(reader) != '#')
    return REM_OK;
  for (; !rem_toml__is_line_end(reader); reader->offset++) {
    int c = rem_toml__peek(reader);
    if ((c < 0x20 && c != '\t') || c == 0x7F)
      return rem_toml__fail(reader, reader->offset, "control character 0x%02x in a comment", (unsigned)c);
  }
  return REM_OK;
}

static void skip_line_end(rem_toml_reader *reader) {
  if (!rem_toml__skip(reader, '\n') && rem_toml__starts_with(reader, "\r\n", 2))
    reader->offset += 2;
}

rem_status rem_toml__skip_lines(rem_toml_reader *reader) {
  for (;;) {
    rem_toml__skip_blanks(reader);
    REM_TRY(skip_comment(reader));
    if (rem_toml__peek(reader) < 0 || !rem_toml__is_line_end(reader))
      return REM_OK;
    skip_line_end(reader);
  }
}

/* After a header or a pair nothing but a comment may stand in the line. */
static rem_status end_line(rem_toml_reader *reader) {
  rem_toml__skip_blanks(reader);
  REM_TRY(skip_comment(reader));
  if (!rem_toml__is_line_end(reader))
    return rem_toml__fail(reader, reader->offset, "the end of the line is expected here");
  skip_line_end(reader);
  return REM_OK;
}

static rem_slice address_of(const json_t *const *container) {
  return rem_slice_of(container, sizeof *container);
}

static uintptr_t origin_of(const rem_toml_reader *reader, const json_t *container) {
  return (uintptr_t)rem_hash_map_get(&reader->tables, address_of(&container));
}

static rem_status set_origin(rem_toml_reader *reader, const json_t *container, uintptr_t origin) {
  return rem_hash_map_put(&reader->tables, address_of(&container), (void *)origin, NULL, reader->err);
}

/* What a place is kept under: the table's address, then the key. */
static rem_status append_place_key(rem_buffer *buffer, const json_t *table, const char *key, size_t key_size,
                                   rem_error *err) {
  rem_buffer_append(buffer, &table, sizeof table);
  rem_buffer_append(buffer, key, key_size);
  return rem_buffer_status(buffer, err);
}

/* The line of `offset`. Keys come in the order of the text, so each byte is looked at once; inside a pair they
 * may step back. */
static uintptr_t line_of(rem_toml_reader *reader, size_t offset) {
  for (; reader->counted < offset; reader->counted++)
    reader->line_ends += reader->text[reader->counted] == '\n';
  size_t line_ends = reader->line_ends;
  for (size_t back = reader->counted; back > offset; back--)
    line_ends -= reader->text[back - 1] == '\n';
  return line_ends + 1;
}

static rem_status note_place(rem_toml_reader *reader, const json_t *table, const rem_toml_key *key) {
  rem_buffer name REM_AUTO_BUFFER = {0};
  if (!reader->places)
    return REM_OK;
  REM_TRY(append_place_key(&name, table, key->text, key->size, reader->err));
  return rem_hash_map_put(reader->places, rem_buffer_slice(&name), (void *)line_of(reader, key->offset), NULL,
                          reader->err);
}

size_t rem_toml_line(const rem_hash_map *places, const json_t *table, const char *key) {
  rem_buffer name REM_AUTO_BUFFER = {0};
  if (append_place_key(&name, table, key, strlen(key), NULL) != REM_OK)
    return 0;
  return (uintptr_t)rem_hash_map_get(places, rem_buffer_slice(&name));
}

/* Puts `child` (taken) under `key` and notes its origin. */
static rem_status add_child(rem_toml_reader *reader, json_t *table, const rem_toml_key *key, json_t *child,
                            uintptr_t origin) {
  if (json_object_setn_new_nocheck(table, key->text, key->size, child) != 0)
    return rem_error_nomem(reader->err);
  REM_TRY(note_place(reader, table, key));
  return origin == UNKNOWN_ORIGIN ? REM_OK : set_origin(reader, child, origin);
}

static rem_status fail_redefined(rem_toml_reader *reader, const rem_toml_key *key) {
  return rem_toml__fail(reader, key->offset, "the key '%.*s' is already defined", (int)(key->size < 100 ? key->size : 100),
                        key->text);
}

/* Steps from `*table` into the table `key` on the way of a header, making it when it is not there. */
static rem_status step_header(rem_toml_reader *reader, json_t **table, const rem_toml_key *key) {
  json_t *child = json_object_getn(*table, key->text, key->size);
  if (!child) {
    child = json_object();
    REM_TRY(add_child(reader, *table, key, child, IMPLICIT));
  } else if (origin_of(reader, child) == UNKNOWN_ORIGIN) {
    return fail_redefined(reader, key);
  }
  if (json_is_array(child)) { /* an array of tables: its last one is meant */
    REM_TRY(rem_toml__enter(reader));
    child = json_array_get(child, json_array_size(child) - 1);
  }
  *table = child;
  return rem_toml__enter(reader);
}

static rem_status define_table(rem_toml_reader *reader, json_t *parent, const rem_toml_key *key) {
  json_t *table = json_object_getn(parent, key->text, key->size);
  REM_TRY(rem_toml__enter(reader));
  if (!table) {
    table = json_object();
    REM_TRY(add_child(reader, parent, key, table, DEFINED));
  } else if (origin_of(reader, table) == IMPLICIT) {
    REM_TRY(set_origin(reader, table, DEFINED));
  } else {
    return fail_redefined(reader, key);
  }
  reader->table = table;
  return REM_OK;
}

static rem_status define_array_element(rem_toml_reader *reader, json_t *parent, const rem_toml_key *key) {
  json_t *array = json_object_getn(parent, key->text, key->size);
  REM_TRY(rem_toml__enter(reader));
  REM_TRY(rem_toml__enter(reader));
  if (!array) {
    array = json_array();
    REM_TRY(add_child(reader, parent, key, array, DEFINED));
  } else if (!json_is_array(array) || origin_of(reader, array) != DEFINED) {
    return fail_redefined(reader, key);
  }
  json_t *table = json_object();
  if (json_array_append_new(array, table) != 0)
    return rem_error_nomem(reader->err);
  reader->table = table;
  return set_origin(reader, table, DEFINED);
}

/* [a.b] or [[a.b]]; the place is at the first bracket. */
static rem_status read_header(rem_toml_reader *reader) {
  rem_toml_key key;
  json_t *parent = reader->root;
  bool is_array = rem_toml__starts_with(reader, "[[", 2);
  reader->offset += is_array ? 2 : 1;
  reader->depth = 1;
  reader->section = ++reader->last_section;
  for (;;) {
    rem_toml__skip_blanks(reader);
    REM_TRY(rem_toml__read_key(reader, &key));
    rem_toml__skip_blanks(reader);
    if (!rem_toml__skip(reader, '.'))
      break;
    REM_TRY(step_header(reader, &parent, &key));
  }
  if (!rem_toml__skip(reader, ']') || (is_array && !rem_toml__skip(reader, ']')))
    return rem_toml__fail(reader, reader->offset, "'%s' is expected here", is_array ? "]]" : "]");
  REM_TRY(is_array ? define_array_element(reader, parent, &key) : define_table(reader, parent, &key));
  reader->table_depth = reader->depth;
  return end_line(reader);
}

/* Steps into the table `key` on the way of a dotted key. */
static rem_status step_dotted(rem_toml_reader *reader, json_t **table, const rem_toml_key *key) {
  json_t *child = json_object_getn(*table, key->text, key->size);
  uintptr_t origin = child ? origin_of(reader, child) : UNKNOWN_ORIGIN;
  if (!child) {
    child = json_object();
    REM_TRY(add_child(reader, *table, key, child, reader->section));
  } else if (origin == IMPLICIT) {
    REM_TRY(set_origin(reader, child, reader->section));
  } else if (origin != reader->section) {
    return fail_redefined(reader, key);
  }
  *table = child;
  return rem_toml__enter(reader);
}

rem_status rem_toml__read_pair(rem_toml_reader *reader, json_t *table) {
  rem_toml_key key;
  size_t depth = reader->depth;
  for (;;) {
    REM_TRY(rem_toml__read_key(reader, &key));
    rem_toml__skip_blanks(reader);
    if (!rem_toml__skip(reader, '.'))
      break;
    REM_TRY(step_dotted(reader, &table, &key));
    rem_toml__skip_blanks(reader);
  }
  if (!rem_toml__skip(reader, '='))
    return rem_toml__fail(reader, reader->offset, "'=' is expected after the key");
  if (json_object_getn(table, key.text, key.size))
    return fail_redefined(reader, &key);
  /* Reading the value overwrites the scratch buffer that the key may be in. */
  char *name REM_AUTO_FREE = rem_strndup(key.text, key.size);
  json_t *value = NULL;
  if (!name)
    return rem_error_nomem(reader->err);
  key.text = name;
  rem_toml__skip_blanks(reader);
  REM_TRY(rem_toml__read_value(reader, &value));
  reader->depth = depth;
  return add_child(reader, table, &key, value, UNKNOWN_ORIGIN);
}

static rem_status read_document(rem_toml_reader *reader) {
  if (rem_toml__starts_with(reader, "\xEF\xBB\xBF", 3)) /* a byte order mark */
    reader->offset = 3;
  REM_TRY(set_origin(reader, reader->root, DEFINED));
  for (;;) {
    REM_TRY(rem_toml__skip_lines(reader));
    int c = rem_toml__peek(reader);
    if (c < 0)
      return REM_OK;
    if (c == '[') {
      REM_TRY(read_header(reader));
      continue;
    }
    reader->depth = reader->table_depth;
    REM_TRY(rem_toml__read_pair(reader, reader->table));
    REM_TRY(end_line(reader));
  }
}

static void reader_cleanup(rem_toml_reader *reader) {
  json_decref(reader->root);
  rem_hash_map_deinit(&reader->tables);
  rem_buffer_deinit(&reader->scratch);
}

rem_status rem_toml_parse(const char *text, size_t size, json_t **ret_json, rem_error *err) {
  return rem_toml_parse_places(text, size, ret_json, NULL, err);
}

rem_status rem_toml_parse_places(const char *text, size_t size, json_t **ret_json, rem_hash_map *places,
                                 rem_error *err) {
  rem_toml_reader reader REM_CLEANUP(reader_cleanup) = {.text = text, .size = size, .depth = 1, .table_depth = 1,
                                                        .section = FIRST_SECTION, .last_section = FIRST_SECTION,
                                                        .places = places, .err = err};
  size_t valid = rem_utf8_valid_prefix(text, size);
  if (valid < size)
    return rem_toml__fail(&reader, valid, "byte 0x%02x is not UTF-8", (unsigned char)text[valid]);
  reader.root = reader.table = json_object();
  if (!reader.root)
    return rem_error_nomem(err);
  REM_TRY(read_document(&reader));
  *ret_json = REM_TAKE(reader.root);
  return REM_OK;
}
