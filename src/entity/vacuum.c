/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vacuum: soft-deleted rows of every tenant go for good, their log payloads are blanked, and the space is given back (D14).
 *
 *   phases   rows (tenant by tenant, table by table) -> log -> space (family by family)
 */
#include "base/clock.h"
#include "base/json.h"
#include "entity/maintenance.h"
#include "entity/purge.h"
#include "entity/tenant.h"

#define PIECE 500

typedef struct vacuum {
  rem_engine *engine; /* owned reference */
  rem_arena arena;
  const char **tenants;
  size_t tenant_count, tenant;
  rem_table_list tables; /* of the current tenant */
  size_t table;
  bool listed;
  uint8_t cursor[16];
  unsigned family;
  int64_t removed, blanked;
} vacuum;

static void vacuum_free(void *state) {
  vacuum *job = state;
  rem_table_list_deinit(&job->tables);
  rem_arena_deinit(&job->arena);
  rem_engine_unref(job->engine, NULL);
  rem_free(job);
}

static rem_status next_table(vacuum *job, rem_error *err) {
  if (!job->listed) {
    REM_TRY(rem_registry_list(job->engine->registry, job->tenants[job->tenant], &job->tables, err));
    job->listed = true;
    job->table = 0;
  }
  return REM_OK;
}

/* One piece of one table, or the log of a tenant whose tables are done. */
static rem_status purge_piece(vacuum *job, rem_progress *progress, rem_error *err) {
  const char *tenant = job->tenants[job->tenant];
  int64_t count = 0;
  REM_TRY(next_table(job, err));
  if (job->table < job->tables.count) {
    rem_table *table = job->tables.tables[job->table];
    rem_progress_set_item(progress, table->name);
    rem_status status = rem_purge_deleted(job->engine, tenant, table, job->cursor, PIECE, &count, err);
    REM_TRY(status);
    job->removed += count;
    if (status == REM_DONE) {
      job->table++;
      memset(job->cursor, 0, sizeof job->cursor);
    }
    return REM_OK;
  }
  rem_progress_set_phase(progress, "log");
  REM_TRY(rem_purge_log(job->engine, tenant, &count, err));
  job->blanked += count;
  rem_table_list_deinit(&job->tables);
  job->listed = false;
  job->tenant++;
  return REM_OK;
}

static rem_status step(void *state, rem_progress *progress, rem_error *err) {
  vacuum *job = state;
  int64_t deadline = rem_job_deadline_us();
  rem_progress_set_phase(progress, "rows");
  while (job->tenant < job->tenant_count) {
    REM_TRY(purge_piece(job, progress, err));
    if (rem_clock_monotonic_us() > deadline)
      break;
  }
  progress->done = job->removed;
  if (job->tenant < job->tenant_count)
    return REM_ROW;
  if (job->family < REM_CF_COUNT) {
    rem_progress_set_phase(progress, "space");
    rem_progress_set_item(progress, rem_kv_family_name((rem_kv_family)job->family));
    REM_TRY(rem_kv_compact(job->engine->kv, (rem_kv_family)job->family, (rem_slice){0}, (rem_slice){0}, err));
    job->family++;
    return REM_ROW;
  }
  return REM_DONE;
}

static rem_status result(void *state, rem_bytes *ret_json, rem_error *err) {
  const vacuum *job = state;
  json_t *json REM_AUTO_JSON = json_pack("{s:I, s:I}", "removed", (json_int_t)job->removed, "log_entries_blanked",
                                         (json_int_t)job->blanked);
  return json ? rem_json_text(json, ret_json, err) : rem_error_nomem(err);
}

static const rem_job_type vacuum_type = {.step = step, .result = result, .free = vacuum_free};

rem_status rem_maintenance_vacuum(rem_engine *engine, rem_job **ret_job, rem_error *err) {
  REM_TRY(rem_engine_check_writable(engine, err));
  vacuum *job = rem_calloc(1, sizeof *job);
  if (!job)
    return rem_error_nomem(err);
  job->engine = rem_engine_ref(engine);
  rem_status status = rem_tenant_list(engine, &job->arena, &job->tenants, &job->tenant_count, err);
  if (status < 0) {
    vacuum_free(job);
    return status;
  }
  return rem_job_new(&vacuum_type, job, ret_job, err);
}
