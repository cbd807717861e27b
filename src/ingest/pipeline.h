/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipeline: ingestion as a job (rem.h's rem_ingest).
 *
 *   scan      the walker lists the files, one folder a step
 *   ingest    a file: load and hash ─▶ unchanged? skip : parse, chunk ─▶ rows ─▶ commit
 *   prune     Files below the folder that the walk did not find, and their chunks, are deleted softly
 *
 * The commit that stores a File as "completed" is the one that completes its chunks and removes those it no longer has, so
 * what a crash leaves behind is either whole or a File that says "processing", which the next run does again.
 */
#ifndef REM_INGEST_PIPELINE_H
#define REM_INGEST_PIPELINE_H

#include "entity/engine.h"

/* `path` is a file or a folder. `options` may be NULL. The engine is referenced. REM_UNKNOWN: no such path; REM_READONLY.
 * Result: {files, chunks, skipped, failed, removed, errors: [{uri, message}]}, and when they are not zero `pending` (chunks stored without
 * their vector) and `errors_omitted` (more than the list holds). Owned: rem_job_free(). */
REM_CHECKED rem_status rem_ingest_job_new(rem_engine *engine, const char *tenant, const char *path,
                                          const rem_ingest_options *options, rem_job **ret_job, rem_error *err);

#endif
