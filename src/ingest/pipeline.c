/* SPDX-License-Identifier: Apache-2.0 */
/* The job: its phases, its progress and its result. */
#include "ingest/pipeline.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "entity/job.h"
#include "ingest/file_rows.h"
#include "ingest/file_uri.h"
#include "ingest/pipeline_internal.h"

static void pipeline_free(void *state) {
  rem_pipeline *pipeline = state;
  rem_pipeline__file_reset(&pipeline->file);
  rem_buffer_deinit(&pipeline->file.uri);
  rem_entity_cursor_free(pipeline->stored_files);
  rem_entity_batch_free(pipeline->batch);
  rem_walker_free(pipeline->walker);
  rem_table_unref(pipeline->files);
  rem_table_unref(pipeline->resources);
  rem_buffer_deinit(&pipeline->text);
  json_decref(pipeline->errors);
  rem_free(pipeline->category);
  rem_engine_unref(pipeline->engine, NULL);
  rem_free(pipeline);
}

rem_status rem_pipeline__add_error(rem_pipeline *pipeline, const char *uri, const char *message, rem_error *err) {
  if (json_array_size(pipeline->errors) >= REM_PIPELINE_MAX_ERRORS) {
    pipeline->errors_omitted++;
    return REM_OK;
  }
  json_t *entry = json_pack("{s:s, s:o}", "uri", uri, "message", rem_file_text_json(message));
  return json_array_append_new(pipeline->errors, entry) == 0 ? REM_OK : rem_error_nomem(err);
}

/* ------------------------------------------------------------------------------------------- */
/* Scan                                                                                         */

/* What the walk could not read is an error of its own, beside the files. */
static rem_status report_problems(rem_pipeline *pipeline, rem_error *err) {
  rem_buffer uri REM_AUTO_BUFFER = {0};
  for (size_t i = 0; i < rem_walker_problem_count(pipeline->walker); i++) {
    const rem_walker_problem *problem = rem_walker_problem_at(pipeline->walker, i);
    rem_buffer_reset(&uri);
    rem_file_uri_append(&uri, problem->path);
    rem_buffer_append_byte(&uri, 0);
    REM_TRY(rem_buffer_status(&uri, err));
    REM_TRY(rem_pipeline__add_error(pipeline, (const char *)uri.data, problem->message, err));
    pipeline->failed++;
  }
  return REM_OK;
}

static rem_status scan(rem_pipeline *pipeline, int64_t deadline, rem_progress *progress, rem_error *err) {
  rem_status status;
  rem_progress_set_phase(progress, "scan");
  do {
    REM_TRY(rem_engine_check_usable(pipeline->engine, err));
    status = rem_walker_step(pipeline->walker, err);
  } while (status == REM_ROW && rem_clock_monotonic_us() < deadline);
  REM_TRY(status);
  progress->done = (int64_t)rem_walker_file_count(pipeline->walker);
  if (status == REM_ROW)
    return REM_OK;
  pipeline->phase = REM_PIPELINE_FILES;
  return report_problems(pipeline, err);
}

/* ------------------------------------------------------------------------------------------- */

static void show_item(const rem_pipeline *pipeline, rem_progress *progress) {
  size_t count = rem_walker_file_count(pipeline->walker);
  if (count == 0)
    return;
  size_t index = pipeline->file.path || pipeline->next_file == count ? pipeline->next_file - 1 : pipeline->next_file;
  const char *path = rem_walker_file_at(pipeline->walker, index)->path;
  if (rem_utf8_valid(path, strlen(path)))
    rem_progress_set_item(progress, path);
}

/* Files are done when they are committed; bytes when they are read, so that a large file can be seen to move. */
static int64_t bytes_done(const rem_pipeline *pipeline) {
  int64_t done = pipeline->bytes_done + pipeline->staged.bytes;
  if (!pipeline->file.path)
    return done;
  int64_t size = rem_walker_file_at(pipeline->walker, pipeline->next_file - 1)->size_bytes;
  int64_t offset = (int64_t)pipeline->file.source_offset;
  return done + (offset < size ? offset : size);
}

static rem_status ingest(rem_pipeline *pipeline, int64_t deadline, rem_progress *progress, rem_error *err) {
  rem_status status;
  rem_progress_set_phase(progress, "ingest");
  do
    status = rem_pipeline__files(pipeline, err);
  while (status == REM_ROW && rem_clock_monotonic_us() < deadline);
  REM_TRY(status);
  show_item(pipeline, progress);
  progress->done = pipeline->files_done;
  progress->total = (int64_t)rem_walker_file_count(pipeline->walker);
  progress->bytes_done = bytes_done(pipeline);
  progress->bytes_total = rem_walker_total_bytes(pipeline->walker);
  if (status == REM_DONE)
    pipeline->phase =
        pipeline->prune && rem_walker_is_folder(pipeline->walker) ? REM_PIPELINE_PRUNE : REM_PIPELINE_DONE;
  return REM_OK;
}

static rem_status prune(rem_pipeline *pipeline, int64_t deadline, rem_progress *progress, rem_error *err) {
  rem_status status;
  rem_progress_set_phase(progress, "prune");
  do
    status = rem_pipeline__prune(pipeline, err);
  while (status == REM_ROW && rem_clock_monotonic_us() < deadline);
  REM_TRY(status);
  progress->done = pipeline->removed;
  if (status == REM_DONE)
    pipeline->phase = REM_PIPELINE_DONE;
  return REM_OK;
}

static rem_status step(void *state, rem_progress *progress, rem_error *err) {
  rem_pipeline *pipeline = state;
  int64_t deadline = rem_job_deadline_us();
  switch (pipeline->phase) {
  case REM_PIPELINE_SCAN: REM_TRY(scan(pipeline, deadline, progress, err)); break;
  case REM_PIPELINE_FILES: REM_TRY(ingest(pipeline, deadline, progress, err)); break;
  case REM_PIPELINE_PRUNE: REM_TRY(prune(pipeline, deadline, progress, err)); break;
  case REM_PIPELINE_DONE: break;
  }
  return pipeline->phase == REM_PIPELINE_DONE ? REM_DONE : REM_ROW;
}

/* Counts that are told only when there is something to tell. */
static rem_status set_count(json_t *json, const char *name, int64_t count, rem_error *err) {
  if (count && json_object_set_new(json, name, json_integer((json_int_t)count)) != 0)
    return rem_error_nomem(err);
  return REM_OK;
}

static rem_status result(void *state, rem_bytes *ret_json, rem_error *err) {
  const rem_pipeline *pipeline = state;
  json_t *json REM_AUTO_JSON =
      json_pack("{s:I, s:I, s:I, s:I, s:I, s:O}", "files", (json_int_t)pipeline->file_count, "chunks",
                (json_int_t)pipeline->chunk_count, "skipped", (json_int_t)pipeline->skipped, "failed",
                (json_int_t)pipeline->failed, "removed", (json_int_t)pipeline->removed, "errors", pipeline->errors);
  if (!json)
    return rem_error_nomem(err);
  REM_TRY(set_count(json, "pending", pipeline->pending, err));
  REM_TRY(set_count(json, "errors_omitted", pipeline->errors_omitted, err));
  return rem_json_text(json, ret_json, err);
}

static const rem_job_type ingest_type = {.step = step, .result = result, .free = pipeline_free};

/* ------------------------------------------------------------------------------------------- */

static rem_status set_category(rem_pipeline *pipeline, const char *category, rem_error *err) {
  if (!category)
    return REM_OK;
  if (!rem_utf8_valid(category, strlen(category)))
    return rem_error_set(err, REM_INVALID, "the category is not valid UTF-8");
  pipeline->category = rem_strdup(category);
  return pipeline->category ? REM_OK : rem_error_nomem(err);
}

static rem_status start(rem_pipeline *pipeline, const char *path, const rem_ingest_options *options, rem_error *err) {
  rem_registry *registry = pipeline->engine->registry;
  if (options) {
    REM_TRY(set_category(pipeline, options->category, err));
    pipeline->force = options->force;
    pipeline->prune = options->prune;
  }
  pipeline->errors = json_array();
  if (!pipeline->errors)
    return rem_error_nomem(err);
  REM_TRY(rem_registry_table(registry, pipeline->tenant, "files", &pipeline->files, err));
  REM_TRY(rem_registry_table(registry, pipeline->tenant, "resources", &pipeline->resources, err));
  REM_TRY(rem_entity_batch_new(pipeline->engine, pipeline->tenant, &pipeline->batch, err));
  return rem_walker_new(path, rem_kv_path(pipeline->engine->kv), &pipeline->walker, err);
}

rem_status rem_ingest_job_new(rem_engine *engine, const char *tenant, const char *path,
                              const rem_ingest_options *options, rem_job **ret_job, rem_error *err) {
  REM_TRY(rem_engine_check_writable(engine, err));
  rem_pipeline *pipeline = rem_calloc(1, sizeof *pipeline);
  if (!pipeline)
    return rem_error_nomem(err);
  pipeline->engine = rem_engine_ref(engine);
  memcpy(pipeline->tenant, tenant, strlen(tenant) + 1);
  rem_status status = start(pipeline, path, options, err);
  if (status < 0) {
    pipeline_free(pipeline);
    return status;
  }
  return rem_job_new(&ingest_type, pipeline, ret_job, err);
}
