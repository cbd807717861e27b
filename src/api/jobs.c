/* SPDX-License-Identifier: Apache-2.0 */
/* Long work: ingestion and maintenance. */
#include "api/api_internal.h"
#include "entity/maintenance.h"
#include "ingest/pipeline.h"

void rem_ingest_options_init(rem_ingest_options *options) {
  *options = (rem_ingest_options){.struct_size = sizeof *options};
}

rem_status rem_ingest(rem_db *db, const char *path, const rem_ingest_options *options, rem_job **ret_job,
                      rem_error *err) {
  REM_CHECK_ARG(db && path && ret_job, err);
  REM_READ_OPTIONS(rem_ingest_options, chosen, options);
  return rem_ingest_job_new(db->engine, db->tenant, path, &chosen, ret_job, err);
}

rem_status rem_embed_pending(rem_db *db, rem_job **ret_job, rem_error *err) {
  REM_CHECK_ARG(db && ret_job, err);
  return rem_maintenance_embed_pending(db->engine, db->tenant, ret_job, err);
}

rem_status rem_pending_reason(rem_db *db, rem_error *ret_reason) {
  REM_CHECK_ARG(db && ret_reason, NULL);
  pthread_mutex_lock(&db->engine->embedder_lock);
  *ret_reason = db->engine->trouble;
  pthread_mutex_unlock(&db->engine->embedder_lock);
  return ret_reason->code;
}

void rem_embed_all_options_init(rem_embed_all_options *options) {
  *options = (rem_embed_all_options){.struct_size = sizeof *options};
}

rem_status rem_embed_all(rem_db *db, const rem_embed_all_options *options, rem_job **ret_job, rem_error *err) {
  REM_CHECK_ARG(db && options && ret_job, err);
  REM_READ_OPTIONS(rem_embed_all_options, chosen, options);
  REM_CHECK_ARG(chosen.model && (chosen.slot == REM_EMBEDDING || chosen.slot == REM_EMBEDDING_ALT), err);
  return rem_maintenance_embed_all(db->engine, db->tenant, chosen.model, chosen.table, (unsigned)chosen.slot, ret_job, err);
}

rem_status rem_check(rem_db *db, bool repair, rem_job **ret_job, rem_error *err) {
  REM_CHECK_ARG(db && ret_job, err);
  return rem_maintenance_check(db->engine, repair, ret_job, err);
}

rem_status rem_vacuum(rem_db *db, rem_job **ret_job, rem_error *err) {
  REM_CHECK_ARG(db && ret_job, err);
  return rem_maintenance_vacuum(db->engine, ret_job, err);
}

rem_status rem_reindex(rem_db *db, const char *table, rem_job **ret_job, rem_error *err) {
  REM_CHECK_ARG(db && ret_job, err);
  return rem_maintenance_reindex(db->engine, db->tenant, table, ret_job, err);
}

rem_status rem_stats(rem_db *db, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(db && ret_json, err);
  return rem_maintenance_stats(db->engine, db->tenant, ret_json, err);
}
