/* SPDX-License-Identifier: Apache-2.0 */
/* A catalog with the built-in tables and one of a user. */
#ifndef DIALECT_FIXTURE_H
#define DIALECT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dialect/dialect.h"

typedef struct fixture_table {
  const char *name, *alias;
  bool read_only, embedded;
  const char *columns; /* separated by blanks */
} fixture_table;

static const fixture_table fixture_tables[] = {
    {"schema", "schemas", false, true, "name category description"},
    {"resources", "resource", false, true, "name content category metadata ordinal uri status tags"},
    {"files", "file", false, false, "uri name file_type size_bytes status chunk_count"},
    {"moments", "moment", false, true, "name moment_type start_time end_time classifications description"},
    {"person", NULL, false, false, "name email role team active"},
    {"entities", NULL, true, false, "table key name"},
};
#define FIXTURE_TABLE_COUNT (sizeof fixture_tables / sizeof fixture_tables[0])

static const char *const fixture_system[] = {"id", "type", "created_at", "modified_at", "deleted_at", "edges"};
static const char *const fixture_hidden[] = {"_doc", "_score", "embedding", "embedding_alt", "_vector", "_vector_alt"};

static inline bool fixture_find(void *context, const char *name, rem_dialect_table *ret_table) {
  (void)context;
  for (size_t i = 0; i < FIXTURE_TABLE_COUNT; i++) {
    const fixture_table *table = &fixture_tables[i];
    if (strcasecmp(table->name, name) != 0 && !(table->alias && strcasecmp(table->alias, name) == 0))
      continue;
    *ret_table = (rem_dialect_table){table->name, table, table->read_only, table->embedded};
    return true;
  }
  return false;
}

static inline const char *fixture_name(void *context, size_t index) {
  (void)context;
  return index < FIXTURE_TABLE_COUNT ? fixture_tables[index].name : NULL;
}

static inline const char *fixture_column(void *context, const rem_dialect_table *table, size_t index, bool *ret_hidden) {
  static char names[16][24];
  (void)context;
  const char *at = ((const fixture_table *)table->handle)->columns;
  size_t count = 0;
  for (; *at && count < 16; count++) {
    size_t size = strcspn(at, " ");
    snprintf(names[count], sizeof names[count], "%.*s", (int)size, at);
    at += size + (at[size] == ' ');
  }
  *ret_hidden = false;
  if (index < count)
    return names[index];
  index -= count;
  if (index < sizeof fixture_system / sizeof fixture_system[0])
    return fixture_system[index];
  index -= sizeof fixture_system / sizeof fixture_system[0];
  *ret_hidden = true;
  return index < sizeof fixture_hidden / sizeof fixture_hidden[0] ? fixture_hidden[index] : NULL;
}

static inline rem_dialect_type fixture_type(void *context, const rem_dialect_table *table, size_t index) {
  static const struct {
    const char *name;
    rem_dialect_type type;
  } types[] = {{"ordinal", REM_DIALECT_NUMBER},      {"size_bytes", REM_DIALECT_NUMBER}, {"chunk_count", REM_DIALECT_NUMBER}, {"_score", REM_DIALECT_NUMBER},
               {"start_time", REM_DIALECT_INSTANT},  {"end_time", REM_DIALECT_INSTANT},  {"created_at", REM_DIALECT_INSTANT}, {"modified_at", REM_DIALECT_INSTANT},
               {"deleted_at", REM_DIALECT_INSTANT},  {"id", REM_DIALECT_UUID},           {"metadata", REM_DIALECT_OBJECT},    {"_doc", REM_DIALECT_OBJECT},
               {"tags", REM_DIALECT_LIST},           {"edges", REM_DIALECT_LIST},        {"classifications", REM_DIALECT_LIST}, {"embedding", REM_DIALECT_LIST},
               {"embedding_alt", REM_DIALECT_LIST},  {"_vector", REM_DIALECT_ANY},       {"_vector_alt", REM_DIALECT_ANY},    {"active", REM_DIALECT_BOOL}};
  bool hidden;
  const char *name = fixture_column(context, table, index, &hidden);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (strcmp(types[i].name, name) == 0)
      return types[i].type;
  return REM_DIALECT_TEXT;
}

static const rem_dialect_catalog fixture_catalog = {NULL, fixture_find, fixture_name, fixture_column, fixture_type};

#endif
