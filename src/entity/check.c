/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Check: every invariant of the whole database, under one snapshot.
 *
 *   files     RocksDB's checksums of every block
 *   rows      each record can be read; each entry, vector, large value and pending mark it calls for is there
 *   counters  what was counted on the way equals what is stored
 *   entries   each area holds as many entries as rows call for; only where it does not is every entry looked at
 *   vectors   the file of each graph beside the vectors it was made of
 *   log       numbers without gaps, checksums, the chain of headers; the head agrees
 *
 * With `repair`, every tenant with a problem is reindexed and everything is checked once more. Damaged rows and log entries are source data: they are reported, never
 * made up.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"
#include "entity/audit.h"
#include "entity/maintenance.h"
#include "entity/slot_change.h"
#include "entity/tenant.h"
#include "entity/vector_index.h"
#include "storage/key.h"
#include "storage/log.h"

#define MAX_PROBLEMS 1000

typedef enum check_phase { CHECK_FILES, CHECK_ROWS, CHECK_ENTRIES, CHECK_LOG, CHECK_END } check_phase;

typedef struct check_job {
  rem_engine *engine; /* owned reference */
  bool repair, repaired;
  rem_job *reindex;   /* under way for repair_tenant */
  size_t repair_tenant;
  rem_kv_snapshot *snapshot;
  rem_arena arena;
  const char **tenants;
  bool *tenant_bad;
  size_t tenant_count, tenant;
  check_phase phase;
  rem_table_list tables;
  size_t table, area;
  bool listed, looking_for_orphans;
  rem_buffer cursor;
  rem_row row;
  rem_audit audit;
  rem_counters counted;             /* of the current table */
  int64_t expected[REM_AUDIT_AREA_COUNT], found; /* of the current tenant; of the current area */
  rem_log_reader *log;
  uint64_t log_seq;
  json_t *problems, *fixed; /* owned */
  int64_t problem_count, rows, entries, log_entries, index_rows;
} check_job;

static void end_views(check_job *job) {
  rem_row__reset(&job->row);
  rem_log_reader_free(REM_TAKE(job->log));
  rem_kv_snapshot_release(REM_TAKE(job->snapshot));
  rem_table_list_deinit(&job->tables);
  job->tables = (rem_table_list){0};
  job->listed = false;
}

static void check_free(void *state) {
  check_job *job = state;
  rem_job_free(job->reindex);
  end_views(job);
  rem_row__deinit(&job->row);
  rem_audit_deinit(&job->audit);
  rem_buffer_deinit(&job->cursor);
  rem_arena_deinit(&job->arena);
  json_decref(job->problems);
  json_decref(job->fixed);
  rem_engine_unref(job->engine, NULL);
  rem_free(job);
}

static void report(check_job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void report(check_job *job, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  job->problem_count++;
  if (job->tenant < job->tenant_count)
    job->tenant_bad[job->tenant] = true;
  if (json_array_size(job->problems) >= MAX_PROBLEMS)
    return;
  json_t *problem = json_string(text);
  if (!problem) /* a key that is no UTF-8 was quoted */
    problem = json_string("a problem whose description holds bytes that are not UTF-8");
  json_array_append_new(job->problems, problem);
}

/* A failure that says the data are damaged is a finding; any other ends the check. */
static rem_status found_damage(check_job *job, rem_status status, const rem_error *reason, rem_error *err) {
  if (status != REM_CORRUPT && status != REM_FORMAT) {
    if (err)
      *err = *reason;
    return status;
  }
  report(job, "%s", reason->message);
  return REM_OK;
}

static const char *tenant_of(const check_job *job) {
  return job->tenants[job->tenant];
}

/* ------------------------------------------------------------------------------------------- */
/* Rows                                                                                         */

static void describe_row(const check_job *job, char *text, size_t size) {
  char id[37];
  rem_uuid_format(job->row.id, id);
  snprintf(text, size, "tenant '%s': row %s of '%s'", tenant_of(job), id, job->row.table->name);
}

static rem_status check_stored(check_job *job, rem_kv_family family, rem_slice key, const rem_slice *value,
                               const char *what, rem_error *err) {
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  char row[256];
  rem_status status = rem_kv_get(job->engine->kv, job->snapshot, family, key, &pin, err);
  REM_TRY(status);
  if (status == REM_OK && (!value || rem_slice_equal(rem_kv_pin_slice(&pin), *value)))
    return REM_OK;
  describe_row(job, row, sizeof row);
  report(job, "%s: its %s is %s", row, what, status == REM_NOT_FOUND ? "missing" : "not what the row calls for");
  return REM_OK;
}

static rem_status check_vector(check_job *job, unsigned slot, rem_error *err) {
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  char row[256];
  const rem_slot *held = &job->row.table->slots[slot];
  rem_key_vector(&key, tenant_of(job), job->row.table->name, held->area, job->row.id);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status status = rem_kv_get(job->engine->kv, job->snapshot, REM_CF_VECTORS, rem_buffer_slice(&key), &pin, err);
  REM_TRY(status);
  size_t wanted = held->dimension * sizeof(float);
  if (status == REM_OK && pin.size == wanted)
    return REM_OK;
  describe_row(job, row, sizeof row);
  report(job, "%s: its vector is %s", row, status == REM_NOT_FOUND ? "missing" : "of another dimension");
  return REM_OK;
}

static rem_status check_pending(check_job *job, unsigned slot, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_pending(&key, tenant_of(job), job->row.table->name, slot, job->row.id);
  REM_TRY(rem_buffer_status(&key, err));
  return check_stored(job, REM_CF_META, rem_buffer_slice(&key), NULL, "pending mark", err);
}

/* The area an entry is counted in: the first of its family and kind. */
static size_t area_of(const rem_index_entry *entry) {
  switch (entry->family) {
  case REM_CF_KEY_INDEX: return entry->key.data[0] == 'a' ? 1 : 0;
  case REM_CF_FIELD_INDEX: return 2;
  case REM_CF_EDGES: return 3;
  default: return 4;
  }
}

static rem_status check_row(check_job *job, rem_error *err) {
  REM_TRY(rem_audit_row(&job->audit, tenant_of(job), &job->row, err));
  for (size_t i = 0; i < job->audit.entries.count; i++) {
    const rem_index_entry *entry = &job->audit.entries.items[i];
    job->expected[area_of(entry)]++;
    REM_TRY(check_stored(job, entry->family, entry->key, &entry->value, rem_kv_family_name(entry->family), err));
  }
  bool live = !rem_record_is_deleted(&job->row.record);
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    bool stored = job->audit.vectors[slot] == REM_VECTOR_STORED, waits = job->audit.vectors[slot] == REM_VECTOR_PENDING && live;
    if (stored)
      REM_TRY(check_vector(job, slot, err));
    if (waits)
      REM_TRY(check_pending(job, slot, err));
    job->expected[5] += stored;
    job->expected[7] += waits;
  }
  job->expected[6] += job->row.record.size > REM_RECORD_INLINE_SIZE;
  rem_audit_count(&job->audit, &job->row, &job->counted);
  job->rows++;
  return REM_OK;
}

static rem_status read_and_check(check_job *job, rem_table *table, rem_kv_iterator *iterator, rem_error *err) {
  rem_error reason = {0};
  const uint8_t *id = rem_key_id(rem_kv_iterator_key(iterator));
  rem_status status = rem_read_value(job->engine, job->snapshot, tenant_of(job), table, id,
                                     rem_kv_iterator_value(iterator), &job->row, &reason);
  if (status >= 0)
    status = check_row(job, &reason);
  return status < 0 ? found_damage(job, status, &reason, err) : REM_OK;
}

static rem_status check_counters(check_job *job, const rem_table *table, rem_error *err) {
  rem_counters stored;
  rem_error reason = {0};
  rem_status status = rem_counters_read(job->engine->kv, job->snapshot, tenant_of(job), table->name, &stored, &reason);
  if (status < 0)
    return found_damage(job, status, &reason, err);
  if (!rem_counters_equal(&stored, &job->counted))
    report(job, "tenant '%s': the counters of '%s' say %lld live and %lld deleted rows, %lld vectors, %lld index entries; there are %lld, %lld, %lld, %lld",
           tenant_of(job), table->name, (long long)stored.live, (long long)stored.deleted, (long long)stored.vectors[0],
           (long long)stored.index_entries, (long long)job->counted.live, (long long)job->counted.deleted,
           (long long)job->counted.vectors[0], (long long)job->counted.index_entries);
  job->counted = (rem_counters){0};
  return REM_OK;
}

/* A registered table has its row in `schema`. */
static rem_status check_definition(check_job *job, const rem_table *table, rem_error *err) {
  uint8_t id[16];
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_uuid_of_key(tenant_of(job), "schema", table->name, strlen(table->name), id);
  rem_key_entity(&key, tenant_of(job), "schema", id);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status status = rem_kv_exists(job->engine->kv, job->snapshot, REM_CF_ENTITIES, rem_buffer_slice(&key), err);
  if (status == REM_NOT_FOUND)
    report(job, "tenant '%s': table '%s' has no row in 'schema'", tenant_of(job), table->name);
  return status;
}

/* The graphs of its vectors. */
static rem_status check_index(check_job *job, const rem_table *table, rem_error *err) {
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    rem_ann_target target;
    rem_error reason = {0};
    uint64_t rows;
    if (!rem_vector_index_target(tenant_of(job), table, slot, &target))
      continue;
    rem_status status = rem_ann_check(job->engine->ann, &target, job->snapshot, &rows, &reason);
    job->index_rows += (int64_t)rows;
    if (status < 0 && status != REM_CORRUPT)
      return found_damage(job, status, &reason, err);
    if (status < 0)
      report(job, "tenant '%s': %s", tenant_of(job), reason.message);
  }
  return REM_OK;
}

static bool pause_at(check_job *job, rem_kv_iterator *iterator) {
  rem_buffer_reset(&job->cursor);
  if (!rem_kv_iterator_valid(iterator))
    return true;
  rem_buffer_append_slice(&job->cursor, rem_kv_iterator_key(iterator));
  return false;
}

static void resume(check_job *job, rem_kv_iterator *iterator) {
  if (job->cursor.size)
    rem_kv_iterator_seek(iterator, rem_buffer_slice(&job->cursor));
  else
    rem_kv_iterator_first(iterator);
}

static rem_status rows_step(check_job *job, rem_progress *progress, int64_t deadline, rem_error *err) {
  rem_table *table = job->tables.tables[job->table];
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_progress_set_item(progress, table->name);
  rem_key_entity_prefix(&prefix, tenant_of(job), table->name);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(job->engine->kv, job->snapshot, REM_CF_ENTITIES, rem_buffer_slice(&prefix), &iterator,
                                 err));
  for (resume(job, iterator); rem_kv_iterator_valid(iterator);) {
    REM_TRY(read_and_check(job, table, iterator, err));
    rem_kv_iterator_next(iterator);
    if (rem_clock_monotonic_us() > deadline)
      break;
  }
  rem_error reason = {0};
  bool end = pause_at(job, iterator);
  rem_status status = end ? rem_kv_iterator_status(iterator, &reason) : REM_OK;
  if (status < 0)
    REM_TRY(found_damage(job, status, &reason, err));
  if (!end)
    return REM_OK;
  REM_TRY(check_counters(job, table, err));
  REM_TRY(check_definition(job, table, err));
  REM_TRY(check_index(job, table, err));
  if (++job->table == job->tables.count)
    job->phase = CHECK_ENTRIES;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Entries                                                                                      */

/* An index that is being built, or whose registration was cut short, has entries that the definition knows nothing of. No read looks at them, and
 * building that index clears them first. So with the vectors that a change of model has left behind: the next one clears them. */
static bool is_unfinished_index(const rem_table *table, rem_kv_family family, rem_slice key) {
  rem_key_parts parts;
  bool may_be = family == REM_CF_FIELD_INDEX || family == REM_CF_VECTORS;
  if (!may_be || !table || !rem_key_parse(key, &parts))
    return false;
  if (family == REM_CF_VECTORS)
    return !rem_slot_area_used(table, parts.number);
  return parts.number >= table->field_count || table->fields[parts.number].removed || !table->fields[parts.number].indexed;
}

static rem_status judge_entry(check_job *job, rem_kv_family family, rem_slice key, rem_slice value, rem_error *err) {
  rem_table *table = NULL;
  uint8_t id[16];
  char text[37] = "?";
  rem_status status = rem_audit_owner(job->engine, job->snapshot, tenant_of(job), family, key, value, &table, id, err);
  REM_TRY(status);
  if (status == REM_OK)
    status = rem_read_id(job->engine, job->snapshot, tenant_of(job), table, id, &job->row, err);
  if (status == REM_OK)
    status = rem_audit_row(&job->audit, tenant_of(job), &job->row, err);
  if (table)
    rem_uuid_format(id, text);
  bool orphan = status == REM_NOT_FOUND ||
                (status == REM_OK && !rem_audit_expects(&job->audit, &job->row, family, key, value));
  if (orphan && !is_unfinished_index(table, family, key))
    report(job, "tenant '%s': an entry of %s for row %s of '%s' belongs to nothing stored", tenant_of(job),
           rem_kv_family_name(family), text, table ? table->name : "?");
  rem_table_unref(table);
  return status < 0 ? status : REM_OK;
}

/* Counts the entries of an area; when there are more than rows call for, goes through it again to find them. */
static rem_status entries_step(check_job *job, rem_progress *progress, int64_t deadline, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_kv_family family = rem_audit_area(job->area, tenant_of(job), &prefix);
  rem_progress_set_item(progress, rem_kv_family_name(family));
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(job->engine->kv, job->snapshot, family, rem_buffer_slice(&prefix), &iterator, err));
  for (resume(job, iterator); rem_kv_iterator_valid(iterator);) {
    if (job->looking_for_orphans)
      REM_TRY(judge_entry(job, family, rem_kv_iterator_key(iterator), rem_kv_iterator_value(iterator), err));
    else
      job->found++;
    rem_kv_iterator_next(iterator);
    if (rem_clock_monotonic_us() > deadline)
      break;
  }
  if (!pause_at(job, iterator))
    return REM_OK;
  REM_TRY(rem_kv_iterator_status(iterator, err));
  bool look = !job->looking_for_orphans && job->found != job->expected[job->area];
  if (!job->looking_for_orphans)
    job->entries += job->found;
  job->looking_for_orphans = look;
  if (look)
    return REM_OK;
  job->found = 0;
  if (++job->area == REM_AUDIT_AREA_COUNT)
    job->phase = CHECK_LOG;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Log                                                                                          */

static rem_status open_log(check_job *job, rem_error *err) {
  uint64_t floor;
  REM_TRY(rem_log_floor(job->engine->kv, job->snapshot, tenant_of(job), &floor, err));
  job->log_seq = floor;
  return rem_log_reader_new(job->engine->kv, job->snapshot, tenant_of(job), floor, &job->log, err);
}

static rem_status end_log(check_job *job, bool damaged, rem_error *err) {
  uint64_t last;
  REM_TRY(rem_log_last_seq(job->engine->kv, job->snapshot, tenant_of(job), &last, err));
  if (!damaged && last != job->log_seq)
    report(job, "tenant '%s': the log ends at %llu, its head says %llu", tenant_of(job),
           (unsigned long long)job->log_seq, (unsigned long long)last);
  rem_log_reader_free(REM_TAKE(job->log));
  rem_table_list_deinit(&job->tables);
  job->tables = (rem_table_list){0};
  job->listed = false;
  job->tenant++;
  job->phase = CHECK_ROWS;
  return REM_OK;
}

static rem_status log_step(check_job *job, rem_progress *progress, int64_t deadline, rem_error *err) {
  rem_error reason = {0};
  rem_log_entry entry;
  rem_progress_set_item(progress, "log");
  rem_status status = job->log ? REM_OK : open_log(job, &reason);
  while (status >= 0) {
    status = rem_log_reader_next(job->log, &entry, &reason);
    if (status != REM_ROW)
      break;
    job->log_seq = entry.seq;
    job->log_entries++;
    if (rem_clock_monotonic_us() > deadline)
      break;
  }
  if (status < 0)
    REM_TRY(found_damage(job, status, &reason, err));
  return status < 0 || status == REM_DONE ? end_log(job, status < 0, err) : REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status begin_tenant(check_job *job, rem_error *err) {
  REM_TRY(rem_registry_list(job->engine->registry, tenant_of(job), &job->tables, err));
  job->listed = true;
  job->table = job->area = 0;
  memset(job->expected, 0, sizeof job->expected);
  job->counted = (rem_counters){0};
  return REM_OK;
}

static rem_status check_files(check_job *job, rem_error *err) {
  rem_error reason = {0};
  rem_status status = rem_kv_verify(job->engine->kv, &reason);
  if (status < 0)
    REM_TRY(found_damage(job, status, &reason, err));
  job->phase = CHECK_ROWS;
  return REM_OK;
}

static rem_status begin(check_job *job, rem_error *err) {
  rem_arena_reset(&job->arena);
  job->tenant = 0;
  job->phase = CHECK_FILES;
  job->rows = job->entries = job->log_entries = 0;
  REM_TRY(rem_kv_snapshot_acquire(job->engine->kv, &job->snapshot, err));
  REM_TRY(rem_tenant_list(job->engine, &job->arena, &job->tenants, &job->tenant_count, err));
  job->tenant_bad = rem_arena_calloc(&job->arena, job->tenant_count + 1, sizeof *job->tenant_bad);
  return job->tenant_bad ? REM_OK : rem_error_nomem(err);
}

static rem_status check_step(check_job *job, rem_progress *progress, rem_error *err) {
  int64_t deadline = rem_job_deadline_us();
  if (job->phase == CHECK_FILES)
    return check_files(job, err);
  if (job->tenant == job->tenant_count) {
    job->phase = CHECK_END;
    return REM_OK;
  }
  if (!job->listed)
    REM_TRY(begin_tenant(job, err));
  if (job->phase == CHECK_ROWS)
    return rows_step(job, progress, deadline, err);
  if (job->phase == CHECK_ENTRIES)
    return entries_step(job, progress, deadline, err);
  return log_step(job, progress, deadline, err);
}

/* Reindexes the tenants with problems, one step at a time, then begins the check anew. */
static rem_status repair_step(check_job *job, rem_progress *progress, rem_error *err) {
  end_views(job);
  if (job->reindex) {
    rem_status status = rem_job_step(job->reindex, progress, err);
    if (status != REM_DONE)
      return status;
    rem_job_free(REM_TAKE(job->reindex));
    job->repair_tenant++;
  }
  while (job->repair_tenant < job->tenant_count && !job->tenant_bad[job->repair_tenant])
    job->repair_tenant++;
  if (job->repair_tenant < job->tenant_count) {
    REM_TRY(rem_maintenance_reindex(job->engine, job->tenants[job->repair_tenant], NULL, &job->reindex, err));
    return REM_ROW;
  }
  job->repaired = true;
  job->fixed = job->problems;
  job->problems = json_array();
  job->problem_count = 0;
  if (!job->problems)
    return rem_error_nomem(err);
  REM_TRY(begin(job, err));
  return REM_ROW;
}

static rem_status step(void *state, rem_progress *progress, rem_error *err) {
  check_job *job = state;
  static const char *const names[] = {"files", "rows", "entries", "log", "repair"};
  REM_TRY(rem_engine_check_usable(job->engine, err));
  rem_progress_set_phase(progress, names[job->phase]);
  if (job->phase != CHECK_END) {
    REM_TRY(check_step(job, progress, err));
    REM_TRY(rem_buffer_status(&job->cursor, err));
    progress->done = job->rows;
    return REM_ROW;
  }
  if (job->repair && !job->repaired && job->problem_count)
    return repair_step(job, progress, err);
  end_views(job);
  return REM_DONE;
}

static rem_status result(void *state, rem_bytes *ret_json, rem_error *err) {
  check_job *job = state;
  json_t *json REM_AUTO_JSON = json_pack(
      "{s:b, s:O, s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "ok", job->problem_count == 0 && job->phase == CHECK_END, "problems",
      job->problems, "counts", "tenants", (json_int_t)job->tenant_count, "rows", (json_int_t)job->rows, "entries",
      (json_int_t)job->entries, "index_rows", (json_int_t)job->index_rows, "log_entries", (json_int_t)job->log_entries,
      "problems", (json_int_t)job->problem_count);
  if (!json || (job->fixed && json_object_set(json, "repaired", job->fixed)))
    return rem_error_nomem(err);
  return rem_json_text(json, ret_json, err);
}

static const rem_job_type check_type = {.step = step, .result = result, .free = check_free};

rem_status rem_maintenance_check(rem_engine *engine, bool repair, rem_job **ret_job, rem_error *err) {
  if (repair)
    REM_TRY(rem_engine_check_writable(engine, err));
  check_job *job = rem_calloc(1, sizeof *job);
  if (!job)
    return rem_error_nomem(err);
  job->engine = rem_engine_ref(engine);
  job->repair = repair;
  job->problems = json_array();
  rem_row__init(&job->row, engine);
  rem_status status = job->problems ? begin(job, err) : rem_error_nomem(err);
  if (status < 0) {
    check_free(job);
    return status;
  }
  return rem_job_new(&check_type, job, ret_job, err);
}
