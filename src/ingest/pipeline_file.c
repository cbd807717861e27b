/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file on its way into the batch.
 *
 * What goes wrong is told apart by where it happens: the file is to blame for what its bytes, its format or its rows are
 * refused for, and becomes "failed"; everything else (the store, memory, an interrupt) ends the job.
 */
#include "base/uuid.h"
#include "ingest/file_rows.h"
#include "ingest/file_uri.h"
#include "ingest/pipeline_internal.h"

void rem_pipeline__file_reset(rem_pipeline_file *file) {
  rem_chunker_free(file->chunker);
  rem_text_document_deinit(&file->document);
  rem_source_deinit(&file->source);
  rem_stored_chunks_deinit(&file->stored);
  rem_buffer_reset(&file->uri);
  *file = (rem_pipeline_file){.uri = file->uri};
}

rem_status rem_pipeline__commit(rem_pipeline *pipeline, rem_error *err) {
  rem_pipeline_staged *staged = &pipeline->staged;
  rem_batch_result result = {0};
  if (rem_entity_batch_count(pipeline->batch))
    REM_TRY(rem_entity_batch_commit(pipeline->batch, &result, NULL, err));
  pipeline->pending += result.pending;
  pipeline->mark = 0;
  pipeline->fresh_chunks = 0;
  pipeline->file_count += staged->completed;
  pipeline->chunk_count += (int64_t)staged->chunks;
  pipeline->removed += staged->removed;
  pipeline->files_done += (int64_t)staged->files;
  pipeline->bytes_done += staged->bytes;
  *staged = (rem_pipeline_staged){0};
  return REM_OK;
}

static rem_slice uri_of(const rem_pipeline *pipeline) {
  return rem_slice_of(pipeline->file.uri.data, pipeline->file.uri.size - 1);
}

static int64_t walked_bytes(const rem_pipeline *pipeline) {
  return rem_walker_file_at(pipeline->walker, pipeline->next_file - 1)->size_bytes;
}

/* ------------------------------------------------------------------------------------------- */
/* Ends                                                                                         */

static rem_status skip_file(rem_pipeline *pipeline) {
  pipeline->skipped++;
  pipeline->files_done++;
  pipeline->bytes_done += walked_bytes(pipeline);
  rem_pipeline__file_reset(&pipeline->file);
  return REM_ROW;
}

/* All rows of the file are in the batch. */
static rem_status end_file(rem_pipeline *pipeline, rem_error *err) {
  pipeline->staged.files++;
  pipeline->staged.bytes += walked_bytes(pipeline);
  rem_pipeline__file_reset(&pipeline->file);
  if (pipeline->staged.files >= REM_PIPELINE_GROUP_FILES || pipeline->staged.chunks >= REM_PIPELINE_GROUP_CHUNKS)
    REM_TRY(rem_pipeline__commit(pipeline, err));
  return REM_ROW;
}

static bool is_fault_of_file(rem_status status) {
  return status == REM_IO || status == REM_UNKNOWN || status == REM_LIMIT || status == REM_INVALID ||
         status == REM_UNSUPPORTED || status == REM_CONFLICT;
}

/* Writes the File row to `text`. */
static rem_status file_row(rem_pipeline *pipeline, const char *status, int64_t chunk_count, const json_t *metadata,
                           rem_slice edges, rem_error *err) {
  const rem_pipeline_file *file = &pipeline->file;
  rem_file_row row = {
      .uri = uri_of(pipeline),
      .path = file->path,
      .file_type = file->source.file_type ? file->source.file_type : rem_reader_type_of(file->path),
      .size_bytes = file->source.sha256[0] ? file->source.size_bytes : walked_bytes(pipeline),
      .content_hash = file->source.sha256,
      .status = status,
      .chunk_count = chunk_count,
      .metadata = metadata,
      .edges = edges,
  };
  rem_buffer_reset(&pipeline->text);
  return rem_file_row_append(&row, &pipeline->text, err);
}

static rem_status put_text(rem_pipeline *pipeline, const char *table, rem_error *err) {
  REM_TRY(rem_buffer_status(&pipeline->text, err));
  return rem_entity_batch_put(pipeline->batch, table, (const char *)pipeline->text.data, pipeline->text.size, err);
}

static rem_status count_live_chunks(rem_pipeline *pipeline, int64_t *ret_count, rem_error *err) {
  rem_stored_chunks chunks REM_CLEANUP(rem_stored_chunks_deinit) = {0};
  REM_TRY(rem_stored_chunks_read(pipeline->engine, pipeline->tenant, uri_of(pipeline), &chunks, err));
  for (size_t i = 0; i < chunks.count; i++)
    *ret_count += chunks.items[i].live;
  return REM_OK;
}

/* The File row of a failure. What was stored of the file before stays: it is the last that could be read. */
static rem_status put_failed(rem_pipeline *pipeline, const char *message, rem_error *err) {
  int64_t chunk_count = 0;
  REM_TRY(count_live_chunks(pipeline, &chunk_count, err));
  json_t *metadata REM_AUTO_JSON = json_pack("{s:o}", "error", rem_file_text_json(message));
  if (!metadata)
    return rem_error_nomem(err);
  REM_TRY(file_row(pipeline, "failed", chunk_count, metadata, (rem_slice){0}, err));
  return put_text(pipeline, "files", err);
}

/* Records the failure `reason` of the file under work, unless it is one that ends the job. */
static rem_status fail_file(rem_pipeline *pipeline, const rem_error *reason, rem_error *err) {
  if (!is_fault_of_file(reason->code)) {
    if (err)
      *err = *reason;
    return reason->code;
  }
  rem_error refused = {0};
  rem_entity_batch_truncate(pipeline->batch, pipeline->mark);
  rem_status status = put_failed(pipeline, reason->message, &refused);
  if (status < 0 && !is_fault_of_file(status)) {
    if (err)
      *err = refused;
    return status;
  }
  REM_TRY(rem_pipeline__add_error(pipeline, (const char *)pipeline->file.uri.data, reason->message, err));
  pipeline->failed++;
  return end_file(pipeline, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Begin                                                                                        */

static size_t count_tokens(void *context, const char *text, size_t size) {
  return rem_tokenizer_count(context, text, size, SIZE_MAX);
}

/* Chunks are measured by the model of `resources`; by an estimate while that cannot be had. */
static rem_status choose_counter(rem_pipeline *pipeline, rem_error *err) {
  rem_embedder *embedder;
  rem_error reason = {0};
  if (pipeline->model_tried)
    return REM_OK;
  rem_status status = rem_engine_table_embedder(pipeline->engine, pipeline->resources, 0, &embedder, &reason);
  bool unavailable = status == REM_MODEL || status == REM_PROVIDER || status == REM_UNSUPPORTED;
  if (status < 0 && !unavailable) {
    if (err)
      *err = reason;
    return status;
  }
  pipeline->model_tried = true;
  /* A service tells nobody how it counts, and its window is far beyond what makes a good chunk. */
  if (unavailable || rem_embedder_is_remote(embedder))
    return REM_OK;
  uint32_t max_tokens = rem_embedder_info(embedder)->max_tokens;
  pipeline->counter = (rem_token_counter){count_tokens, (void *)rem_embedder_tokenizer(embedder)};
  pipeline->max_tokens = max_tokens >= REM_CHUNK_MIN_TOKENS + 2 ? max_tokens - 2 : REM_CHUNK_MIN_TOKENS;
  return REM_OK;
}

/* Parses the source and makes its chunker. */
static rem_status open_document(rem_pipeline *pipeline, rem_error *err) {
  rem_pipeline_file *file = &pipeline->file;
  rem_chunk_options options;
  rem_buffer name REM_AUTO_BUFFER = {0};
  REM_TRY(rem_reader_read(&file->source, &file->document, err));
  rem_chunk_options_init(&options, pipeline->counter, pipeline->max_tokens);
  rem_file_name_append(&name, file->path);
  rem_buffer_append_byte(&name, 0);
  REM_TRY(rem_buffer_status(&name, err));
  return rem_chunker_new(&file->document, (const char *)name.data, &options, &file->chunker, err);
}

static rem_status set_file(rem_pipeline *pipeline, const char *path, rem_error *err) {
  pipeline->file.path = path;
  rem_file_uri_append(&pipeline->file.uri, path);
  rem_buffer_append_byte(&pipeline->file.uri, 0);
  pipeline->mark = rem_entity_batch_count(pipeline->batch);
  return rem_buffer_status(&pipeline->file.uri, err);
}

/* Whether there is nothing to do: the content is as stored, or it is no text and nobody asked for this file by name. */
static bool may_skip(const rem_pipeline *pipeline, const rem_stored_file *stored) {
  const rem_source *source = &pipeline->file.source;
  if (!stored->live)
    return rem_walker_is_folder(pipeline->walker) && strcmp(source->file_type, "unknown") == 0;
  return !pipeline->force && stored->completed && strcmp(stored->content_hash, source->sha256) == 0;
}

static rem_status begin_file(rem_pipeline *pipeline, rem_error *err) {
  const char *path = rem_walker_file_at(pipeline->walker, pipeline->next_file++)->path;
  if (rem_walker_is_folder(pipeline->walker) && !rem_reader_may_read(path))
    return skip_file(pipeline);
  rem_error reason = {0};
  rem_stored_file stored;
  REM_TRY(set_file(pipeline, path, err));
  if (rem_source_load(path, &pipeline->file.source, &reason) < 0)
    return fail_file(pipeline, &reason, err);
  REM_TRY(rem_stored_file_read(pipeline->engine, pipeline->tenant, pipeline->files, uri_of(pipeline), &stored, err));
  if (may_skip(pipeline, &stored))
    return skip_file(pipeline);
  REM_TRY(choose_counter(pipeline, err));
  if (open_document(pipeline, &reason) < 0)
    return fail_file(pipeline, &reason, err);
  REM_TRY(rem_stored_chunks_read(pipeline->engine, pipeline->tenant, uri_of(pipeline), &pipeline->file.stored, err));
  return REM_ROW;
}

/* ------------------------------------------------------------------------------------------- */
/* Chunks                                                                                       */

/* The File of one that is too large for one commit goes with its first part. */
static rem_status put_processing(rem_pipeline *pipeline, rem_error *err) {
  REM_TRY(file_row(pipeline, "processing", (int64_t)pipeline->file.chunk_count, NULL, (rem_slice){0}, err));
  return put_text(pipeline, "files", err);
}

/* Commits what the batch has of the file when that is as much as fits one commit. */
static rem_status commit_part(rem_pipeline *pipeline, rem_error *err) {
  rem_error reason = {0};
  if (rem_entity_batch_count(pipeline->batch) - pipeline->mark < REM_PIPELINE_COMMIT_CHUNKS)
    return REM_OK;
  if (!pipeline->file.processing && put_processing(pipeline, &reason) < 0)
    return fail_file(pipeline, &reason, err);
  pipeline->file.processing = true;
  return rem_pipeline__commit(pipeline, err);
}

static rem_status put_chunk(rem_pipeline *pipeline, const rem_chunk *chunk, rem_error *err) {
  rem_buffer_reset(&pipeline->text);
  rem_chunk_row_append(uri_of(pipeline), chunk, pipeline->category, &pipeline->text);
  REM_TRY(put_text(pipeline, "resources", err));
  pipeline->file.chunk_count++;
  pipeline->fresh_chunks++;
  return REM_ROW;
}

/* Chunks it had before and has no more. */
static rem_status delete_stale(rem_pipeline *pipeline, rem_error *err) {
  const rem_pipeline_file *file = &pipeline->file;
  for (size_t i = 0; i < file->stored.count; i++) {
    const rem_stored_chunk *chunk = &file->stored.items[i];
    char id[37];
    if (!chunk->live || (chunk->ordinal >= 0 && (uint64_t)chunk->ordinal < file->chunk_count))
      continue;
    rem_uuid_format(chunk->id, id);
    REM_TRY(rem_entity_batch_delete(pipeline->batch, "resources", rem_slice_text(id), err));
  }
  return REM_OK;
}

static rem_status put_completed(rem_pipeline *pipeline, rem_slice edges, rem_error *err) {
  json_t *metadata REM_AUTO_JSON = NULL;
  REM_TRY(rem_file_metadata(&pipeline->file.document, &metadata, err));
  REM_TRY(file_row(pipeline, "completed", (int64_t)pipeline->file.chunk_count, metadata, edges, err));
  return rem_entity_batch_replace(pipeline->batch, "files", (const char *)pipeline->text.data, pipeline->text.size, err);
}

static rem_status complete_file(rem_pipeline *pipeline, rem_error *err) {
  const rem_pipeline_file *file = &pipeline->file;
  rem_buffer edges REM_AUTO_BUFFER = {0};
  rem_error reason = {0};
  REM_TRY(rem_stored_file_edges(pipeline->engine, pipeline->tenant, pipeline->files, uri_of(pipeline), &file->stored,
                                file->chunk_count, &edges, err));
  if (put_completed(pipeline, rem_buffer_slice(&edges), &reason) < 0)
    return fail_file(pipeline, &reason, err);
  REM_TRY(delete_stale(pipeline, err));
  pipeline->staged.completed++;
  pipeline->staged.chunks += file->chunk_count;
  return end_file(pipeline, err);
}

/* Puts the next chunk: REM_ROW, or REM_DONE when there is none; REM_OK when the file failed and is done with. */
static rem_status next_chunk(rem_pipeline *pipeline, rem_error *err) {
  rem_chunk chunk;
  rem_error reason = {0};
  rem_status status = rem_chunker_next(pipeline->file.chunker, &chunk, &reason);
  if (status == REM_ROW)
    status = put_chunk(pipeline, &chunk, &reason);
  if (status < 0) {
    REM_TRY(fail_file(pipeline, &reason, err));
    return REM_OK;
  }
  if (status == REM_DONE)
    return REM_DONE;
  pipeline->file.source_offset = chunk.end;
  return REM_ROW;
}

/* The next chunks of the file under work, until there are enough to embed. */
static rem_status continue_file(rem_pipeline *pipeline, rem_error *err) {
  while (pipeline->fresh_chunks < REM_PIPELINE_EMBED_CHUNKS) {
    rem_status status = next_chunk(pipeline, err);
    if (status == REM_DONE)
      return complete_file(pipeline, err);
    if (status != REM_ROW)
      return status < 0 ? status : REM_ROW;
  }
  pipeline->fresh_chunks = 0;
  REM_TRY(rem_entity_batch_embed(pipeline->batch, err));
  REM_TRY(commit_part(pipeline, err));
  return REM_ROW;
}

rem_status rem_pipeline__files(rem_pipeline *pipeline, rem_error *err) {
  REM_TRY(rem_engine_check_usable(pipeline->engine, err));
  if (pipeline->file.path)
    return continue_file(pipeline, err);
  if (pipeline->next_file < rem_walker_file_count(pipeline->walker))
    return begin_file(pipeline, err);
  REM_TRY(rem_pipeline__commit(pipeline, err));
  return REM_DONE;
}
