/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maintenance of a whole database, as jobs (job.h): embedding what is pending or by another model, vacuum, reindex; and figures.
 */
#ifndef REM_ENTITY_MAINTENANCE_H
#define REM_ENTITY_MAINTENANCE_H

#include "entity/engine.h"
#include "entity/job.h"

/* As rem.h says. Each holds an engine reference until it is freed. */
REM_CHECKED rem_status rem_maintenance_embed_pending(rem_engine *engine, const char *tenant, rem_job **ret_job,
                                                     rem_error *err);
/* Embeds descriptions of schemas that are pending because a service has their model; REM_OK also when it does not answer. Not with the schema lock. `ret_pending`
 * (may be NULL): are there any still? */
REM_CHECKED rem_status rem_maintenance_embed_descriptions(rem_engine *engine, const char *tenant, bool *ret_pending,
                                                          rem_error *err);
/* `table` NULL: all of the tenant's tables that have vectors. `slot`: 0 embedding, 1 embedding_alt. */
REM_CHECKED rem_status rem_maintenance_embed_all(rem_engine *engine, const char *tenant, const char *model,
                                                 const char *table, unsigned slot, rem_job **ret_job, rem_error *err);
REM_CHECKED rem_status rem_maintenance_vacuum(rem_engine *engine, rem_job **ret_job, rem_error *err);
/* `table` NULL: all of the tenant's tables. */
REM_CHECKED rem_status rem_maintenance_reindex(rem_engine *engine, const char *tenant, const char *table,
                                               rem_job **ret_job, rem_error *err);
REM_CHECKED rem_status rem_maintenance_check(rem_engine *engine, bool repair, rem_job **ret_job, rem_error *err);
REM_CHECKED rem_status rem_maintenance_stats(rem_engine *engine, const char *tenant, rem_bytes *ret_json,
                                             rem_error *err);

#endif
