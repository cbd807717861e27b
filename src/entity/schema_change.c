/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/schema_change.h"

#include "entity/batch.h"
#include "entity/counters.h"
#include "entity/index_build.h"
#include "entity/maintenance.h"
#include "entity/purge.h"
#include "entity/tenant.h"
#include "schema/compat.h"
#include "storage/key.h"
#include "storage/log.h"

rem_status rem_schema_document(const rem_table *table, json_t **ret_document, rem_error *err) {
  json_t *document REM_AUTO_JSON = json_deep_copy(table->schema);
  if (!document)
    return rem_error_nomem(err);
  /* Keywords that would be taken for system fields of the row say nothing the definition does not keep. */
  static const char *const system[] = {"id", "edges", "created_at", "modified_at", "deleted_at", "embedding", "embedding_alt"};
  for (size_t i = 0; i < sizeof system / sizeof *system; i++)
    json_object_del(document, system[i]);
  if (json_object_set_new(document, "name", json_string(table->name)) ||
      json_object_set_new(document, "short_name", json_string(table->type)))
    return rem_error_nomem(err);
  if (table->category[0] && json_object_set_new(document, "category", json_string(table->category)))
    return rem_error_nomem(err);
  *ret_document = REM_TAKE(document);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Registering                                                                                  */

typedef struct registration {
  rem_engine *engine;
  const char *tenant;
  const json_t *schema;
  const char *name;
  rem_table *old, *new; /* owned; old NULL: the first of its name */
  rem_schema_report report;
  uint16_t *dropped; /* owned: field numbers */
  size_t dropped_count;
  rem_counters delta; /* what the changed indexes do to the counters */
  bool pending;
} registration;

static void registration_deinit(registration *run) {
  rem_table_unref(run->old);
  rem_table_unref(run->new);
  rem_schema_report_deinit(&run->report);
  rem_free(run->dropped);
}

static rem_status refuse_incompatible(const registration *run, rem_error *err) {
  rem_buffer text REM_CLEANUP(rem_buffer_deinit) = {0};
  for (size_t i = 0; i < run->report.count; i++) {
    if (run->report.changes[i].compatible)
      continue;
    rem_buffer_append_text(&text, text.size ? "; " : "");
    rem_buffer_append_text(&text, run->report.changes[i].text);
  }
  rem_buffer_append_byte(&text, 0);
  REM_TRY(rem_buffer_status(&text, err));
  rem_error_set(err, REM_CONFLICT, "'%s' is registered, and this schema is not compatible with it: %s",
                run->old->name, (const char *)text.data);
  rem_error_hint(err, "stored rows must stay valid: add optional fields, or register the schema under another name");
  return REM_CONFLICT;
}

/* The fields that `wanted` indexes and `other` does not. `numbers` has room for all. */
static size_t indexed_only_in(const rem_table *wanted, const rem_table *other, uint16_t *numbers) {
  size_t count = 0;
  for (size_t i = 0; i < wanted->indexed_count; i++) {
    uint16_t number = wanted->indexed[i];
    bool in_other = number < other->field_count && other->fields[number].indexed && !other->fields[number].removed;
    if (!in_other)
      numbers[count++] = number;
  }
  return count;
}

/* New indexes are filled before the definition is stored; those to go are counted off with it and cleared after it. */
static rem_status prepare_indexes(registration *run, rem_error *err) {
  run->dropped = rem_calloc(run->old->indexed_count + 1, sizeof *run->dropped);
  uint16_t *added REM_AUTO_FREE = rem_calloc(run->new->indexed_count + 1, sizeof *added);
  if (!run->dropped || !added)
    return rem_error_nomem(err);
  run->dropped_count = indexed_only_in(run->old, run->new, run->dropped);
  size_t added_count = indexed_only_in(run->new, run->old, added);
  if (added_count)
    REM_TRY(rem_index_build(run->engine, run->tenant, run->new, added, added_count, &run->delta, err));
  if (run->dropped_count)
    REM_TRY(rem_index_count_off(run->engine, run->tenant, run->old, run->dropped, run->dropped_count, &run->delta, err));
  return REM_OK;
}

static rem_status store(registration *run, rem_error *err) {
  rem_batch *batch;
  rem_batch_result result = {0};
  json_t *document;
  REM_TRY(rem_entity_batch_new(run->engine, run->tenant, &batch, err));
  batch->schema_change = true;
  rem_status status = rem_entity_batch_table(batch, rem_table_ref(run->new), &run->delta, err);
  if (status >= 0)
    status = rem_schema_document(run->new, &document, err);
  if (status >= 0)
    status = rem_entity_batch_put_json(batch, "schema", document, err);
  if (status >= 0)
    status = rem_entity_batch_commit(batch, &result, NULL, err);
  run->pending = result.pending > 0;
  rem_entity_batch_free(batch);
  return status;
}

static rem_status register_locked(registration *run, rem_error *err) {
  rem_table *first;
  REM_TRY(rem_table_new(run->schema, run->name, NULL, &first, err));
  rem_error ignored = {0};
  rem_status status = rem_table_check_schema(first, &ignored);
  if (status >= 0)
    status = rem_registry_table(run->engine->registry, run->tenant, first->name, &run->old, &ignored);
  if (status == REM_UNKNOWN) {
    run->new = first;
    return store(run, err);
  }
  if (status < 0) {
    rem_table_unref(first);
    if (err)
      *err = ignored;
    return status;
  }
  rem_table_unref(first);
  REM_TRY(rem_schema_compare(run->old->schema, run->schema, &run->report, err));
  if (!rem_schema_report_compatible(&run->report))
    return refuse_incompatible(run, err);
  if (run->report.count == 0)
    return REM_DONE;
  REM_TRY(rem_table_new(run->schema, run->name, run->old, &run->new, err));
  REM_TRY(prepare_indexes(run, err));
  REM_TRY(store(run, err));
  if (run->dropped_count == 0)
    return REM_OK;
  /* Nothing reads the entries of a dropped index any more: failing here leaves only what the next reindex clears. */
  return rem_index_clear(run->engine, run->tenant, run->new, run->dropped, run->dropped_count, err);
}

static rem_status registration_json(const registration *run, bool unchanged, rem_bytes *ret_json, rem_error *err) {
  json_t *changes;
  REM_TRY(rem_schema_report_json(&run->report, &changes, err));
  const rem_table *table = run->new ? run->new : run->old;
  json_t *json REM_AUTO_JSON =
      json_pack("{s:s, s:s, s:o, s:b}", "table", table->name, "outcome",
                unchanged ? "unchanged" : run->old ? "updated" : "added", "changes", changes, "pending", run->pending);
  return json ? rem_json_text(json, ret_json, err) : rem_error_nomem(err);
}

rem_status rem_schema_register(rem_engine *engine, const char *tenant, const json_t *schema, const char *name,
                               rem_bytes *ret_json, rem_error *err) {
  registration run REM_CLEANUP(registration_deinit) = {
      .engine = engine, .tenant = tenant, .schema = schema, .name = name};
  REM_TRY(rem_engine_check_writable(engine, err));
  REM_TRY(rem_tenant_ensure(engine, tenant, err));
  pthread_rwlock_wrlock(&engine->schema_lock);
  rem_status status = register_locked(&run, err);
  pthread_rwlock_unlock(&engine->schema_lock);
  REM_TRY(status);
  if (run.pending)
    REM_TRY(rem_maintenance_embed_descriptions(engine, tenant, &run.pending, err));
  return registration_json(&run, status == REM_DONE, ret_json, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Removing                                                                                     */

static rem_status refuse_removal(const rem_table *table, int64_t rows, rem_error *err) {
  if (table->builtin) {
    rem_error_set(err, REM_INVALID, "'%s' is built in and cannot be removed", table->name);
    return REM_INVALID;
  }
  rem_error_set(err, REM_CONFLICT, "'%s' holds %lld rows", table->name, (long long)rows);
  rem_error_hint(err, "remove them with it by --with-rows; there is no way back");
  return REM_CONFLICT;
}

static rem_status remove_locked(rem_engine *engine, const char *tenant, const char *name, bool with_rows,
                                rem_error *err) {
  rem_table *table;
  rem_error reason = {0};
  rem_status status = rem_registry_table(engine->registry, tenant, name, &table, &reason);
  if (status < 0) {
    if (err)
      *err = reason;
    return status == REM_UNKNOWN ? REM_NOT_FOUND : status;
  }
  rem_counters counters;
  status = rem_counters_read(engine->kv, NULL, tenant, table->name, &counters, err);
  int64_t rows = counters.live + counters.deleted;
  if (status >= 0 && (table->builtin || (counters.live && !with_rows)))
    status = refuse_removal(table, rows, err);
  if (status >= 0)
    status = rem_purge_table(engine, tenant, table, err);
  rem_table_unref(table);
  return status;
}

rem_status rem_schema_unregister(rem_engine *engine, const char *tenant, const char *table, bool with_rows,
                                 rem_error *err) {
  REM_TRY(rem_engine_check_writable(engine, err));
  pthread_rwlock_wrlock(&engine->schema_lock);
  rem_status status = remove_locked(engine, tenant, table, with_rows, err);
  pthread_rwlock_unlock(&engine->schema_lock);
  return status;
}

/* ------------------------------------------------------------------------------------------- */
/* Showing                                                                                      */

static json_t *text_or_null(const char *text) {
  return text && text[0] ? json_string(text) : json_null();
}

rem_status rem_schema_list_json(rem_engine *engine, const char *tenant, rem_bytes *ret_json, rem_error *err) {
  rem_table_list list REM_CLEANUP(rem_table_list_deinit) = {0};
  json_t *array REM_AUTO_JSON = json_array();
  REM_TRY(rem_registry_list(engine->registry, tenant, &list, err));
  for (size_t i = 0; i < list.count; i++) {
    const rem_table *table = list.tables[i];
    rem_counters counters;
    REM_TRY(rem_counters_read(engine->kv, NULL, tenant, table->name, &counters, err));
    json_t *item = json_pack("{s:s, s:o, s:o, s:I, s:o}", "name", table->name, "category", text_or_null(table->category),
                             "version", text_or_null(table->version), "entities", (json_int_t)counters.live,
                             "description", text_or_null(table->description));
    if (!item || json_array_append_new(array, item))
      return rem_error_nomem(err);
  }
  return rem_json_text(array, ret_json, err);
}

rem_status rem_schema_show_json(rem_engine *engine, const char *tenant, const char *name, rem_bytes *ret_json,
                                rem_error *err) {
  rem_table *table;
  rem_error reason = {0};
  rem_status status = rem_registry_table(engine->registry, tenant, name, &table, &reason);
  if (status < 0) {
    if (err)
      *err = reason;
    return status == REM_UNKNOWN ? REM_NOT_FOUND : status;
  }
  status = rem_json_text(table->schema, ret_json, err);
  rem_table_unref(table);
  return status;
}
