/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compatibility, between its files: compat.c (the report, and the keys that are not JSON Schema), compat_schema.c (the
 * schemas of values), compat_keywords.c (single keywords).
 */
#ifndef REM_SCHEMA_COMPAT_INTERNAL_H
#define REM_SCHEMA_COMPAT_INTERNAL_H

#include "schema/compat.h"
#include "schema/validator_internal.h"

/* A pair of schemas being compared; in a circle of references the pair in progress is taken to be compatible. */
typedef struct rem_compat_pair {
  const struct rem_compat_pair *outer;
  const json_t *old_schema, *new_schema;
} rem_compat_pair;

typedef struct rem_compat {
  const json_t *old_document, *new_document;
  rem_schema_report *report; /* NULL while probing: only whether */
  size_t report_capacity;
  bool same_definitions; /* `$defs` and `definitions` are equal in both */
  bool incompatible;     /* an incompatible difference was met */
  unsigned work;         /* pairs compared; past a limit nothing is provable */
  unsigned depth;
  const rem_compat_pair *pairs;
  rem_status failure; /* REM_NOMEM, REM_LIMIT */
} rem_compat;

/* Where a comparison stands. */
typedef struct rem_compat_place {
  rem_line label;   /* "field 'home.zip'", or "the schema" */
  rem_line pointer; /* into the new schema */
  bool root;
} rem_compat_place;

/* Records a difference: label, text, and for an incompatible one the pointer with `keyword`. */
void rem_compat__note(rem_compat *c, const rem_compat_place *at, bool compatible, const char *keyword,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));
/* A difference with a text of its own. */
void rem_compat__add(rem_compat *c, bool compatible, const char *text);

/* Does everything that is valid under the old schema stay valid under the new one? Notes the differences. */
void rem_compat__schema(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at);
/* The same question without notes. */
bool rem_compat__widens(rem_compat *c, const json_t *old_schema, const json_t *new_schema);
/* Follows $ref as far as nothing but annotations stands beside it; NULL where it leads nowhere. */
const json_t *rem_compat__resolve(const json_t *document, const json_t *schema);
/* Equal, and equal in what they refer to. */
bool rem_compat__same(const rem_compat *c, const json_t *old_value, const json_t *new_value);
/* The keywords of two schemas that are neither references nor unions. */
void rem_compat__keywords(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at);
/* Bits of the types a schema admits by `type` alone, and by `type`, `enum` and `const`. */
uint8_t rem_compat__declared_types(const json_t *schema);
uint8_t rem_compat__types(const json_t *schema);
/* In a few words: "integer or null", "Address". */
void rem_compat__describe(const json_t *schema, rem_line *line);
/* Does it have a keyword that limits values? Annotations and extensions do not. */
bool rem_compat__constrains(const json_t *schema, const char *except);
rem_compat_place rem_compat__below(const rem_compat_place *at, const char *keyword, const char *key, size_t key_size);

#endif
