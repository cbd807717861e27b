/* SPDX-License-Identifier: Apache-2.0 */
#include "query/catalog.h"

#include "base/json.h"
#include "query/count_module.h"
#include "query/entities_module.h"
#include "query/selectivity.h"
#include "query/session_internal.h"
#include "query/verbs.h"

struct rem_catalog {
  rem_session *session; /* borrowed */
  rem_hash_map entries; /* canonical name -> rem_catalog_entry * */
};

rem_status rem_catalog_new(rem_session *session, rem_catalog **ret_catalog, rem_error *err) {
  rem_catalog *catalog = rem_calloc(1, sizeof *catalog);
  if (!catalog)
    return rem_error_nomem(err);
  catalog->session = session;
  *ret_catalog = catalog;
  return REM_OK;
}

void rem_module_unref(rem_module *module) {
  if (!module || --module->references > 0)
    return;
  rem_selectivity_free(module->selectivity);
  rem_columns_deinit(&module->columns);
  rem_table_unref(module->table);
  rem_free(module);
}

static void module_destroyed(void *module) {
  rem_module_unref(module);
}

static void entry_free(rem_catalog_entry *entry) {
  rem_module_unref(entry->live);
  rem_module_unref(entry->all);
  rem_table_unref(entry->table);
  rem_free((char *)entry->name);
  rem_free(entry);
}

void rem_catalog_free(rem_catalog *catalog) {
  size_t cursor = 0;
  if (!catalog)
    return;
  for (rem_hash_entry *entry; (entry = rem_hash_map_next(&catalog->entries, &cursor)) != NULL;)
    entry_free(entry->value);
  rem_hash_map_deinit(&catalog->entries);
  rem_free(catalog);
}

/* ------------------------------------------------------------------------------------------- */
/* Modules                                                                                      */

static rem_status new_module(rem_session *session, rem_table *table, bool deleted_too, rem_module **ret_module, rem_error *err) {
  rem_module *module = rem_calloc(1, sizeof *module);
  if (!module)
    return rem_error_nomem(err);
  module->references = 1;
  module->session = session;
  module->table = rem_table_ref(table);
  module->deleted_too = deleted_too;
  rem_status status = rem_columns_init(&module->columns, table, err);
  if (status < 0)
    rem_module_unref(module);
  else
    *ret_module = module;
  return status;
}

static rem_status tell_sqlite(rem_session *session, const char *name, const char *suffix, const sqlite3_module *methods,
                              rem_module *module, rem_error *err) {
  char full[REM_TABLE_NAME_SIZE + 16];
  snprintf(full, sizeof full, "%s%s", name, suffix);
  if (module)
    module->references++;
  /* The destructor runs also when this fails. */
  int code = sqlite3_create_module_v2(session->sqlite, full, methods, module, module ? module_destroyed : NULL);
  return code == SQLITE_OK ? REM_OK : rem_error_nomem(err);
}

static rem_status make_modules(rem_catalog *catalog, rem_catalog_entry *entry, rem_table *table, rem_error *err) {
  rem_session *session = catalog->session;
  rem_module *live = NULL, *all = NULL;
  const sqlite3_module *methods = session->options.read_only ? &rem_table_module_read_only : &rem_table_module;
  rem_status status = new_module(session, table, false, &live, err);
  if (status >= 0)
    status = new_module(session, table, true, &all, err);
  if (status >= 0)
    status = tell_sqlite(session, entry->name, "", methods, live, err);
  if (status >= 0)
    status = tell_sqlite(session, entry->name, "+deleted", methods, all, err);
  if (status >= 0)
    status = tell_sqlite(session, entry->name, "+count", &rem_count_module, live, err);
  if (status < 0) {
    rem_module_unref(live);
    rem_module_unref(all);
    return status;
  }
  rem_module_unref(entry->live);
  rem_module_unref(entry->all);
  rem_table_unref(entry->table);
  entry->live = live;
  entry->all = all;
  entry->table = rem_table_ref(table);
  entry->version++;
  return REM_OK;
}

/* The table is gone: SQLite forgets its names, so that statements that use them fail as they should. */
static rem_status drop_modules(rem_catalog *catalog, rem_catalog_entry *entry, rem_error *err) {
  if (!entry->table)
    return REM_OK;
  REM_TRY(tell_sqlite(catalog->session, entry->name, "", NULL, NULL, err));
  REM_TRY(tell_sqlite(catalog->session, entry->name, "+deleted", NULL, NULL, err));
  REM_TRY(tell_sqlite(catalog->session, entry->name, "+count", NULL, NULL, err));
  rem_table_unref(REM_TAKE(entry->table));
  entry->version++;
  return REM_OK;
}

static void take_counters(rem_module *module, const rem_counters *counters) {
  module->rows = counters->live + (module->deleted_too ? counters->deleted : 0);
  module->long_values = counters->long_values;
  module->explicit_ids = counters->explicit_ids;
}

rem_status rem_catalog_refresh(rem_catalog *catalog, rem_catalog_entry *entry, const rem_kv_snapshot *snapshot, rem_error *err) {
  rem_session *session = catalog->session;
  rem_table *table = NULL;
  rem_status status = rem_registry_table(session->engine->registry, session->tenant, entry->name, &table, err);
  if (status == REM_UNKNOWN)
    return drop_modules(catalog, entry, err);
  REM_TRY(status);
  if (table != entry->table)
    status = make_modules(catalog, entry, table, err);
  rem_table_unref(table);
  REM_TRY(status);
  rem_counters counters;
  REM_TRY(rem_counters_read(session->engine->kv, snapshot, session->tenant, entry->name, &counters, err));
  bool order_lost = entry->live->long_values == 0 && counters.long_values > 0;
  take_counters(entry->live, &counters);
  take_counters(entry->all, &counters);
  entry->version += order_lost; /* a plan may have claimed an order that the index no longer has (D28) */
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Finding                                                                                      */

static rem_status add_entry(rem_catalog *catalog, const char *name, rem_catalog_entry **ret_entry, rem_error *err) {
  rem_catalog_entry *entry = rem_calloc(1, sizeof *entry);
  if (!entry)
    return rem_error_nomem(err);
  entry->name = rem_strdup(name);
  rem_status status = entry->name ? REM_OK : rem_error_nomem(err);
  if (status >= 0)
    status = rem_catalog_refresh(catalog, entry, NULL, err);
  if (status >= 0 && !entry->table)
    status = REM_NOT_FOUND;
  if (status == REM_OK)
    status = rem_hash_map_put(&catalog->entries, rem_slice_text(name), entry, NULL, err);
  if (status != REM_OK)
    entry_free(entry);
  else
    *ret_entry = entry;
  return status;
}

rem_status rem_catalog_find(rem_catalog *catalog, const char *name, rem_catalog_entry **ret_entry, rem_error *err) {
  char buffer[REM_TABLE_NAME_SIZE];
  if (strlen(name) >= REM_TABLE_NAME_SIZE)
    return REM_NOT_FOUND;
  const char *canonical = rem_table_canonical_name(name, buffer);
  rem_catalog_entry *entry = rem_hash_map_get(&catalog->entries, rem_slice_text(canonical));
  if (!entry)
    return add_entry(catalog, canonical, ret_entry, err);
  REM_TRY(rem_catalog_refresh(catalog, entry, NULL, err));
  if (!entry->table)
    return REM_NOT_FOUND;
  *ret_entry = entry;
  return REM_OK;
}

rem_catalog_entry *rem_catalog_peek(const rem_catalog *catalog, const char *name) {
  rem_catalog_entry *entry = rem_hash_map_get(&catalog->entries, rem_slice_text(name));
  return entry && entry->table ? entry : NULL;
}

/* ------------------------------------------------------------------------------------------- */

static const char *word_of(rem_field_kind kind) {
  switch (kind) {
  case REM_FIELD_BOOL: return "boolean";
  case REM_FIELD_INT: return "integer";
  case REM_FIELD_REAL: return "real";
  case REM_FIELD_TEXT: return "text";
  case REM_FIELD_INSTANT: return "instant";
  case REM_FIELD_UUID: return "uuid";
  case REM_FIELD_LIST: return "list";
  case REM_FIELD_OBJECT: return "object";
  case REM_FIELD_ANY: break;
  }
  return "any";
}

static void append_column(rem_buffer *buffer, bool first, const char *name, const char *type, bool indexed, bool hidden) {
  rem_buffer_append_text(buffer, first ? "{\"name\":" : ",{\"name\":");
  rem_json_append_string(buffer, name, strlen(name));
  rem_buffer_append_format(buffer, ",\"type\":\"%s\",\"indexed\":%s,\"hidden\":%s}", type, indexed ? "true" : "false", hidden ? "true" : "false");
}

static void append_columns(const rem_columns *columns, rem_buffer *buffer) {
  for (int i = 0; i < columns->count; i++) {
    const rem_column *column = &columns->items[i];
    append_column(buffer, i == 0, column->name, word_of(column->kind), column->field && column->field->indexed, column->hidden);
  }
}

static void append_entities(rem_buffer *buffer) {
  bool hidden;
  const char *name;
  rem_buffer_append_text(buffer, ",{\"table\":\"entities\",\"kind\":\"view\",\"columns\":[");
  for (size_t i = 0; (name = rem_entities_column(i, &hidden)) != NULL; i++)
    append_column(buffer, i == 0, name, word_of(rem_entities_kind(i)), false, hidden);
  rem_buffer_append_text(buffer, "]}");
}

/* SQLite knows the columns of a function as they were declared; its arguments are the hidden ones. */
static rem_status append_function(rem_session *session, const char *name, rem_buffer *buffer, rem_error *err) {
  sqlite3_stmt *statement = NULL;
  session->declaring = true;
  int code = sqlite3_prepare_v2(session->sqlite, "SELECT name, type, hidden FROM pragma_table_xinfo(?)", -1, &statement, NULL);
  session->declaring = false;
  if (code == SQLITE_OK)
    code = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
  rem_buffer_append_format(buffer, ",{\"table\":\"%s\",\"kind\":\"function\",\"columns\":[", name);
  bool first = true;
  session->declaring = true;
  while (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
    append_column(buffer, first, (const char *)sqlite3_column_text(statement, 0), word_of(rem_columns_kind_of((const char *)sqlite3_column_text(statement, 1))), false,
                  sqlite3_column_int(statement, 2) != 0);
    first = false;
  }
  session->declaring = false;
  rem_buffer_append_text(buffer, "]}");
  sqlite3_finalize(statement);
  return first ? rem_error_set(err, REM_INTERNAL, "the columns of '%s' cannot be listed", name) : REM_OK;
}

rem_status rem_catalog_append_json(rem_catalog *catalog, rem_buffer *buffer, rem_error *err) {
  rem_table_list list REM_AUTO_TABLE_LIST = {0};
  REM_TRY(rem_registry_list(catalog->session->engine->registry, catalog->session->tenant, &list, err));
  rem_buffer_append_byte(buffer, '[');
  for (size_t i = 0; i < list.count; i++) {
    rem_columns columns REM_CLEANUP(rem_columns_deinit) = {0};
    REM_TRY(rem_columns_init(&columns, list.tables[i], err));
    rem_buffer_append_format(buffer, "%s{\"table\":\"%s\",\"kind\":\"table\",\"columns\":[", i ? "," : "", list.tables[i]->name);
    append_columns(&columns, buffer);
    rem_buffer_append_text(buffer, "]}");
  }
  append_entities(buffer);
  for (size_t i = 0; rem_verb_name(i); i++)
    REM_TRY(append_function(catalog->session, rem_verb_name(i), buffer, err));
  rem_buffer_append_byte(buffer, ']');
  return rem_buffer_status(buffer, err);
}
