/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pruning: Files below the folder that the walk did not find.
 *
 * Not gone are files that the walk could not see: those behind a folder that it could not read, and hidden ones, which it
 * passes over and which may have been ingested by name.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/uuid.h"
#include "ingest/file_uri.h"
#include "ingest/pipeline_internal.h"

#define COMMIT_ROWS 1000

static int compare_with_file(const void *path, const void *file) {
  return strcmp(path, ((const rem_walker_file *)file)->path);
}

static bool was_walked(const rem_walker *walker, const char *path) {
  size_t count = rem_walker_file_count(walker);
  return count &&
         bsearch(path, rem_walker_file_at(walker, 0), count, sizeof(rem_walker_file), compare_with_file) != NULL;
}

/* Whether the walk had a problem with the path or with a folder above it. */
static bool was_unreadable(const rem_walker *walker, const char *path) {
  for (size_t i = 0; i < rem_walker_problem_count(walker); i++) {
    const char *problem = rem_walker_problem_at(walker, i)->path;
    size_t size = strlen(problem);
    if (strncmp(path, problem, size) == 0 && (path[size] == 0 || path[size] == '/'))
      return true;
  }
  return false;
}

/* The part of the path below the folder, with the slash before it; NULL: it is not below. */
static const char *below(const char *folder, const char *path) {
  size_t size = strlen(folder);
  while (size && folder[size - 1] == '/')
    size--;
  return strncmp(path, folder, size) == 0 && path[size] == '/' ? path + size : NULL;
}

static bool is_gone(const rem_walker *walker, const char *path) {
  struct stat info;
  const char *rest = below(rem_walker_root(walker), path);
  if (!rest || was_walked(walker, path) || was_unreadable(walker, path))
    return false;
  return !strstr(rest, "/.") || lstat(path, &info) != 0;
}

static rem_status delete_id(rem_pipeline *pipeline, const char *table, const uint8_t id[16], rem_error *err) {
  char text[37];
  rem_uuid_format(id, text);
  return rem_entity_batch_delete(pipeline->batch, table, rem_slice_text(text), err);
}

static rem_status remove_file(rem_pipeline *pipeline, const rem_row *row, rem_slice uri, rem_error *err) {
  rem_stored_chunks chunks REM_CLEANUP(rem_stored_chunks_deinit) = {0};
  REM_TRY(rem_stored_chunks_read(pipeline->engine, pipeline->tenant, uri, &chunks, err));
  REM_TRY(delete_id(pipeline, "files", row->id, err));
  for (size_t i = 0; i < chunks.count; i++)
    if (chunks.items[i].live)
      REM_TRY(delete_id(pipeline, "resources", chunks.items[i].id, err));
  pipeline->staged.removed++;
  return rem_entity_batch_count(pipeline->batch) >= COMMIT_ROWS ? rem_pipeline__commit(pipeline, err) : REM_OK;
}

static rem_status judge(rem_pipeline *pipeline, rem_row *row, rem_error *err) {
  rem_buffer path REM_AUTO_BUFFER = {0}, uri REM_AUTO_BUFFER = {0};
  const rem_field *field = rem_table_field(row->table, "uri", strlen("uri"));
  rem_value value = {.type = REM_TYPE_NULL};
  if (field)
    REM_TRY(rem_record_value(&row->record, row->table, field, &row->scratch, &value, err));
  if (value.type != REM_TYPE_TEXT)
    return REM_OK;
  rem_buffer_append(&uri, value.text, value.text_size);
  bool is_path = rem_file_uri_path(rem_buffer_slice(&uri), &path);
  rem_buffer_append_byte(&path, 0);
  REM_TRY(rem_buffer_status(&uri, err));
  REM_TRY(rem_buffer_status(&path, err));
  if (!is_path || !is_gone(pipeline->walker, (const char *)path.data))
    return REM_OK;
  return remove_file(pipeline, row, rem_buffer_slice(&uri), err);
}

rem_status rem_pipeline__prune(rem_pipeline *pipeline, rem_error *err) {
  rem_row row REM_CLEANUP(rem_row__deinit);
  rem_row__init(&row, pipeline->engine);
  rem_read_options options;
  rem_read_options_init(&options);
  if (!pipeline->stored_files)
    REM_TRY(rem_entity_list(pipeline->engine, pipeline->tenant, "files", &options, &pipeline->stored_files, err));
  rem_status status = rem_entity_cursor_next(pipeline->stored_files, &row, err);
  if (status == REM_DONE) {
    REM_TRY(rem_pipeline__commit(pipeline, err));
    return REM_DONE;
  }
  REM_TRY(status);
  REM_TRY(judge(pipeline, &row, err));
  return REM_ROW;
}
