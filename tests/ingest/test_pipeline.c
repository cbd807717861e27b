/* SPDX-License-Identifier: Apache-2.0 */
/* Ingestion from folder to rows: what is stored, what is skipped, what fails, what is removed, and what a crash leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/uuid.h"
#include "entity/batch.h"
#include "entity/cursor.h"
#include "entity/edges.h"
#include "entity/job.h"
#include "entity/maintenance.h"
#include "fault_sweep.h"
#include "ingest/file_uri.h"
#include "ingest/pipeline.h"

#define TENANT "default"

static char root[64];
static rem_engine *engine;

/* ------------------------------------------------------------------------------------------- */
/* The database                                                                                 */

static const char *at(const char *name) {
  static char paths[8][512];
  static unsigned next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", root, name);
  return path;
}

/* The configuration of a database below the root; `models` NULL: none is installed. */
static rem_config *make_config(const char *models) {
  rem_config *config = NULL;
  setenv("P8_HOME", root, 1);
  unsetenv("P8_MODELS_DIR");
  assert_int_equal(rem_config_load(&config, NULL), REM_OK);
  if (models)
    assert_int_equal(rem_config_set(config, "P8_MODELS_DIR", models, NULL), REM_OK);
  return config;
}

static void open_database(const char *models) {
  rem_error err = {0};
  rem_config *config = make_config(models);
  rem_open_options options = {.struct_size = sizeof options, .mode = REM_WRITE, .durability = REM_OS};
  if (!rem_file_exists(at("notes.db")) && rem_engine_create(at("notes.db"), config, &err) < 0)
    fail_msg("create: %s", err.message);
  if (rem_engine_open(at("notes.db"), &options, config, &engine, &err) < 0)
    fail_msg("open: %s", err.message);
  rem_config_free(config);
}

static void close_database(void) {
  assert_int_equal(rem_engine_unref(engine, NULL), REM_OK);
  engine = NULL;
}

static int set_up(void **state) {
  (void)state;
  strcpy(root, "/tmp/rem-pipeline-XXXXXX");
  if (!mkdtemp(root) || mkdir(at("docs"), 0700))
    return -1;
  open_database(NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  if (engine)
    rem_engine_unref(engine, NULL);
  engine = NULL;
  return rem_file_remove_tree(root, NULL) == REM_OK ? 0 : -1;
}

static void put(const char *name, const void *content, size_t size) {
  FILE *file = fopen(at(name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(content, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void put_text(const char *name, const char *content) {
  put(name, content, strlen(content));
}

/* ------------------------------------------------------------------------------------------- */
/* Jobs                                                                                         */

/* Runs a job to its end and frees it; its result, owned. */
static json_t *run(rem_job *job) {
  rem_error err = {0};
  rem_status status;
  while ((status = rem_job_step(job, NULL, &err)) == REM_ROW)
    continue;
  if (status != REM_DONE)
    fail_msg("step: %s", err.message);
  rem_bytes text = {0};
  assert_int_equal(rem_job_result(job, &text, &err), REM_OK);
  json_t *json = NULL;
  assert_int_equal(rem_json_parse_object(text.data, text.size, &json, &err), REM_OK);
  rem_bytes_free(&text);
  rem_job_free(job);
  return json;
}

static rem_job *new_job(const char *tenant, const char *name, bool force, bool prune) {
  rem_error err = {0};
  rem_job *job = NULL;
  rem_ingest_options options = {.struct_size = sizeof options, .category = "manual", .force = force, .prune = prune};
  if (rem_ingest_job_new(engine, tenant, at(name), &options, &job, &err) < 0)
    fail_msg("%s", err.message);
  return job;
}

/* Every invariant of the database holds. */
static void check(void) {
  rem_error err = {0};
  rem_job *job = NULL;
  assert_int_equal(rem_maintenance_check(engine, false, &job, &err), REM_OK);
  json_t *report = run(job);
  if (!json_is_true(json_object_get(report, "ok")))
    fail_msg("%s", json_dumps(report, 0));
  json_decref(report);
}

/* Ingests and compares the counts "files chunks skipped failed removed"; the result, until the next call. */
static json_t *last_result;
static void ingest_with(const char *name, bool force, bool prune, const char *expected) {
  static const char *const names[] = {"files", "chunks", "skipped", "failed", "removed"};
  char counts[128];
  int used = 0;
  json_decref(last_result);
  last_result = run(new_job(TENANT, name, force, prune));
  for (size_t i = 0; i < 5; i++)
    used += snprintf(counts + used, sizeof counts - (size_t)used, i ? " %lld" : "%lld",
                     (long long)json_integer_value(json_object_get(last_result, names[i])));
  assert_string_equal(counts, expected);
  assert_int_equal(json_array_size(json_object_get(last_result, "errors")),
                   json_integer_value(json_object_get(last_result, "failed")));
  check();
}

static void ingest(const char *name, const char *expected) {
  ingest_with(name, false, false, expected);
}

/* The message of the only error, which must be about `name`. */
static const char *error_about(const char *name) {
  rem_buffer uri = {0};
  const json_t *errors = json_object_get(last_result, "errors");
  const json_t *error = json_array_get(errors, json_array_size(errors) - 1);
  rem_file_uri_append(&uri, at(name));
  rem_buffer_append_byte(&uri, 0);
  assert_string_equal(json_string_value(json_object_get(error, "uri")), (const char *)uri.data);
  rem_buffer_deinit(&uri);
  return json_string_value(json_object_get(error, "message"));
}

/* ------------------------------------------------------------------------------------------- */
/* Rows                                                                                         */

static const char *uri_of(const char *name) {
  static char uris[4][512];
  static unsigned next;
  char *uri = uris[next++ % 4];
  rem_buffer buffer = {0};
  rem_file_uri_append(&buffer, at(name));
  snprintf(uri, sizeof uris[0], "%.*s", (int)buffer.size, (const char *)buffer.data);
  rem_buffer_deinit(&buffer);
  return uri;
}

/* The entity of D26, owned; NULL: none, or deleted. */
static json_t *row_of(const char *tenant, const char *table, const char *key) {
  rem_error err = {0};
  rem_table *definition = NULL;
  rem_row row;
  uint8_t id[16];
  json_t *json = NULL;
  rem_row__init(&row, engine);
  assert_int_equal(rem_registry_table(engine->registry, tenant, table, &definition, &err), REM_OK);
  rem_status status = rem_read_resolve(engine, tenant, definition, rem_slice_text(key), id, &row, &err);
  if (status == REM_OK && !rem_record_is_deleted(&row.record)) {
    rem_buffer text = {0};
    assert_int_equal(rem_record_append_entity(&row.record, definition, row.id, NULL, &text, &err), REM_OK);
    assert_int_equal(rem_json_parse((const char *)text.data, text.size, &json, &err), REM_OK);
    rem_buffer_deinit(&text);
  }
  rem_row__deinit(&row);
  rem_table_unref(definition);
  return json;
}

static json_t *file_of(const char *name) {
  return row_of(TENANT, "files", uri_of(name));
}

static json_t *chunk_of(const char *name, size_t ordinal) {
  char key[600];
  snprintf(key, sizeof key, "%s:%zu", uri_of(name), ordinal);
  return row_of(TENANT, "resources", key);
}

static const json_t *property(const json_t *entity, const char *name) {
  assert_non_null(entity);
  return json_object_get(json_object_get(entity, "properties"), name);
}

static const char *text_property(const json_t *entity, const char *name) {
  return json_string_value(property(entity, name));
}

static void assert_file(const char *name, const char *status, int64_t chunk_count) {
  json_t *file = file_of(name);
  assert_string_equal(text_property(file, "status"), status);
  assert_int_equal(json_integer_value(property(file, "chunk_count")), chunk_count);
  json_decref(file);
}

static int64_t live_rows(const char *tenant, const char *table) {
  rem_error err = {0};
  rem_cursor *cursor = NULL;
  rem_row row;
  rem_read_options options;
  int64_t count = 0;
  rem_read_options_init(&options);
  rem_row__init(&row, engine);
  assert_int_equal(rem_entity_list(engine, tenant, table, &options, &cursor, &err), REM_OK);
  while (rem_entity_cursor_next(cursor, &row, &err) == REM_ROW)
    count++;
  rem_row__deinit(&row);
  rem_entity_cursor_free(cursor);
  return count;
}

/* The edges of a File are the ids of its chunks 0 to count - 1, in order, behind `others` more; and each chunk knows the File. */
static void assert_edges(const char *name, size_t count, size_t others) {
  json_t *file = file_of(name);
  const json_t *edges = json_object_get(file, "edges");
  assert_int_equal(json_array_size(edges), count + others);
  for (size_t i = 0; i < count; i++) {
    json_t *chunk = chunk_of(name, i);
    const char *id = json_string_value(json_object_get(chunk, "id"));
    rem_bytes text = {0};
    json_t *incoming = NULL;
    assert_string_equal(json_string_value(json_array_get(edges, others + i)), id);
    assert_int_equal(rem_entity_edges(engine, TENANT, "resources", rem_slice_text(id), REM_IN, &text, NULL), REM_OK);
    assert_int_equal(rem_json_parse(text.data, text.size, &incoming, NULL), REM_OK);
    assert_int_equal(json_array_size(incoming), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(incoming, 0), "source")),
                        json_string_value(json_object_get(file, "id")));
    json_decref(incoming);
    rem_bytes_free(&text);
    json_decref(chunk);
  }
  assert_null(chunk_of(name, count));
  json_decref(file);
}

/* A text of `count` paragraphs that each make a chunk, owned by the caller. */
static char *paragraphs(size_t count, const char *word) {
  rem_buffer text = {0};
  for (size_t i = 0; i < count; i++) {
    rem_buffer_append_format(&text, "# Section %zu\n\nParagraph %zu is about the %s. ", i, i, word);
    for (size_t k = 0; k < 8; k++)
      rem_buffer_append_format(&text, "Sentence %zu of %s number %zu says a little. ", k, word, i);
    rem_buffer_append_text(&text, "\n\n");
  }
  rem_buffer_append_byte(&text, 0);
  return (char *)text.data;
}

static void put_paragraphs(const char *name, size_t count, const char *word) {
  char *text = paragraphs(count, word);
  put_text(name, text);
  rem_free(text);
}

/* ------------------------------------------------------------------------------------------- */
/* Tests                                                                                        */

static void a_folder_becomes_files_and_chunks(void **state) {
  (void)state;
  assert_int_equal(mkdir(at("docs/sub"), 0700), 0);
  put_text("docs/guide.md", "---\ntitle: The Guide\ntags: [a, b]\n---\n# Install\n\nRun it.\n\n# Use\n\nUse it.\n");
  put_text("docs/a note.txt", "Plain text here.");
  put_text("docs/sub/c.md", "Something below.");
  ingest("docs", "3 4 0 0 0");
  json_t *file = file_of("docs/guide.md");
  assert_string_equal(text_property(file, "uri"), uri_of("docs/guide.md"));
  assert_string_equal(text_property(file, "name"), "guide.md");
  assert_string_equal(text_property(file, "file_type"), "markdown");
  assert_string_equal(text_property(file, "status"), "completed");
  assert_int_equal(json_integer_value(property(file, "chunk_count")), 2);
  assert_int_equal(json_integer_value(property(file, "size_bytes")), 73);
  assert_int_equal(strlen(text_property(file, "content_hash")), 64);
  assert_string_equal(json_string_value(json_object_get(property(file, "metadata"), "title")), "The Guide");
  assert_int_equal(json_array_size(json_object_get(property(file, "metadata"), "tags")), 2);
  json_decref(file);
  assert_edges("docs/guide.md", 2, 0);
  json_t *chunk = chunk_of("docs/guide.md", 1);
  assert_string_equal(text_property(chunk, "uri"), uri_of("docs/guide.md"));
  assert_string_equal(text_property(chunk, "name"), "guide.md - Chunk 2");
  assert_string_equal(text_property(chunk, "content"), "The Guide > Use\n\nUse it.");
  assert_string_equal(text_property(chunk, "category"), "manual");
  assert_int_equal(json_integer_value(property(chunk, "ordinal")), 1);
  const json_t *metadata = property(chunk, "metadata");
  assert_string_equal(json_string_value(json_array_get(json_object_get(metadata, "headings"), 1)), "Use");
  assert_true(json_integer_value(json_object_get(metadata, "tokens")) > 0);
  assert_int_equal(json_integer_value(json_object_get(metadata, "end")), 72);
  json_decref(chunk);
  assert_non_null(strstr(uri_of("docs/a note.txt"), "a%20note.txt"));
  assert_file("docs/a note.txt", "completed", 1);
  /* No model is installed: the chunks are stored and their vectors wait. */
  assert_int_equal(json_integer_value(json_object_get(last_result, "pending")), 4);
}

static void unchanged_files_are_skipped(void **state) {
  (void)state;
  put_text("docs/a.md", "One.");
  put_text("docs/b.md", "Two.");
  ingest("docs", "2 2 0 0 0");
  json_t *before = file_of("docs/a.md");
  ingest("docs", "0 0 2 0 0");
  json_t *after = file_of("docs/a.md");
  assert_true(json_equal(before, after));
  json_decref(before);
  json_decref(after);
  put_text("docs/b.md", "Two, changed.");
  ingest("docs", "1 1 1 0 0");
  ingest_with("docs", true, false, "2 2 0 0 0");
  ingest("docs/a.md", "0 0 1 0 0");
}

static void a_changed_file_replaces_its_chunks(void **state) {
  (void)state;
  put_paragraphs("docs/a.md", 5, "apple");
  ingest("docs", "1 5 0 0 0");
  assert_edges("docs/a.md", 5, 0);
  put_paragraphs("docs/a.md", 2, "pear");
  ingest("docs", "1 2 0 0 0");
  assert_edges("docs/a.md", 2, 0);
  assert_int_equal(live_rows(TENANT, "resources"), 2);
  json_t *chunk = chunk_of("docs/a.md", 0);
  assert_non_null(strstr(text_property(chunk, "content"), "pear"));
  json_decref(chunk);
  put_paragraphs("docs/a.md", 7, "plum");
  ingest("docs", "1 7 0 0 0");
  assert_edges("docs/a.md", 7, 0);
  put_text("docs/a.md", "");
  ingest("docs", "1 0 0 0 0");
  assert_file("docs/a.md", "completed", 0);
  assert_edges("docs/a.md", 0, 0);
}

static void edges_of_others_stay(void **state) {
  (void)state;
  put_paragraphs("docs/a.md", 3, "apple");
  ingest("docs", "1 3 0 0 0");
  rem_batch *batch = NULL;
  const char *more = "{\"edges\": [{\"target\": \"alice\", \"type\": \"written by\"}]}";
  json_t *file = file_of("docs/a.md");
  json_t *patch = json_loads(more, 0, NULL);
  assert_int_equal(json_array_extend(json_object_get(file, "edges"), json_object_get(patch, "edges")), 0);
  json_object_set(patch, "edges", json_object_get(file, "edges"));
  char *text = json_dumps(patch, 0);
  assert_int_equal(rem_entity_batch_new(engine, TENANT, &batch, NULL), REM_OK);
  assert_int_equal(rem_entity_batch_update(batch, "files", rem_slice_text(uri_of("docs/a.md")), rem_slice_text(text), NULL),
                   REM_OK);
  assert_int_equal(rem_entity_batch_commit(batch, NULL, NULL, NULL), REM_OK);
  rem_entity_batch_free(batch);
  free(text);
  json_decref(patch);
  json_decref(file);
  put_paragraphs("docs/a.md", 2, "pear");
  ingest("docs", "1 2 0 0 0");
  assert_edges("docs/a.md", 2, 1);
}

static void what_cannot_be_read_fails_alone(void **state) {
  (void)state;
  put_text("docs/good.md", "Good.");
  put("docs/latin.txt", "caf\xE9 au lait", 12);
  put("docs/image.png", "\x89PNG\r\n\x1a\n\0\0", 10);
  put("docs/program", "\x7f" "ELF\0\0\0\0\0", 9);
  put_text("docs/empty.txt", "");
  ingest("docs", "2 1 2 1 0");
  assert_non_null(strstr(error_about("docs/latin.txt"), "UTF-8"));
  json_t *file = file_of("docs/latin.txt");
  assert_string_equal(text_property(file, "status"), "failed");
  assert_string_equal(json_string_value(json_object_get(property(file, "metadata"), "error")), error_about("docs/latin.txt"));
  json_decref(file);
  assert_file("docs/empty.txt", "completed", 0);
  assert_null(file_of("docs/image.png"));
  assert_null(file_of("docs/program"));
  assert_int_equal(live_rows(TENANT, "files"), 3);
  /* Asked for by name it is an error, not something to pass over. */
  ingest("docs/image.png", "0 0 0 1 0");
  assert_file("docs/image.png", "failed", 0);
  ingest("docs/program", "0 0 0 1 0");
  /* A failed file is tried again each time, and repaired it is whole. */
  put_text("docs/latin.txt", "café au lait");
  ingest("docs/latin.txt", "1 1 0 0 0");
  file = file_of("docs/latin.txt");
  assert_null(json_object_get(property(file, "metadata"), "error"));
  json_decref(file);
}

static void names_may_be_any_bytes(void **state) {
  (void)state;
  put_text("docs/\xFF.md", "Good.");
  put("docs/\xFE.txt", "\0\1\2", 3);
  ingest("docs", "1 1 0 1 0");
  assert_non_null(error_about("docs/\xFE.txt"));
  json_t *file = file_of("docs/\xFF.md");
  assert_string_equal(text_property(file, "name"), "\xEF\xBF\xBD.md");
  assert_non_null(strstr(text_property(file, "uri"), "/%FF.md"));
  json_decref(file);
  assert_int_equal(unlink(at("docs/\xFF.md")), 0);
  ingest_with("docs", false, true, "0 0 0 1 1");
}

/* Three bytes of URI for one of path: past the 4 KiB that a key may have. */
static void a_path_too_long_for_a_key_fails_alone(void **state) {
  (void)state;
  char path[2048] = "docs", folder[201];
  memset(folder, ' ', sizeof folder - 1);
  folder[200] = 0;
  for (int i = 0; i < 8; i++) {
    snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", folder);
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    assert_int_equal(mkdir(whole, 0700), 0);
    if (i == 7) {
      strcat(whole, "/a.md");
      FILE *file = fopen(whole, "wb");
      assert_non_null(file);
      fputs("Far below.", file);
      fclose(file);
    }
  }
  put_text("docs/b.md", "Near.");
  ingest("docs", "1 1 0 1 0");
  assert_int_equal(live_rows(TENANT, "files"), 1);
}

static void an_interrupt_ends_the_job(void **state) {
  (void)state;
  put_text("docs/a.md", "One.");
  rem_job *job = new_job(TENANT, "docs", false, false);
  rem_error err = {0};
  atomic_store(&engine->interrupted, true);
  assert_int_equal(rem_job_step(job, NULL, &err), REM_CANCELLED);
  assert_int_equal(rem_job_step(job, NULL, &err), REM_CANCELLED);
  atomic_store(&engine->interrupted, false);
  rem_job_free(job);
  ingest("docs", "1 1 0 0 0");
}

static void a_file_that_fails_keeps_what_was_read(void **state) {
  (void)state;
  put_paragraphs("docs/a.md", 3, "apple");
  ingest("docs", "1 3 0 0 0");
  put("docs/a.md", "\0\1\2\3", 4);
  ingest("docs", "0 0 0 1 0");
  assert_file("docs/a.md", "failed", 3);
  assert_edges("docs/a.md", 3, 0);
  put_paragraphs("docs/a.md", 1, "pear");
  ingest("docs", "1 1 0 0 0");
  assert_edges("docs/a.md", 1, 0);
}

static void what_the_walk_cannot_read_is_reported(void **state) {
  (void)state;
  put_text("docs/a.md", "Good.");
  assert_int_equal(symlink("nowhere", at("docs/broken.md")), 0);
  ingest("docs", "1 1 0 1 0");
  assert_string_equal(error_about("docs/broken.md"), "the link points to nothing");
  rem_job *job = NULL;
  rem_error err = {0};
  assert_int_equal(rem_ingest_job_new(engine, TENANT, at("nothing"), NULL, &job, &err), REM_UNKNOWN);
}

static void pruning_removes_what_is_gone(void **state) {
  (void)state;
  assert_int_equal(mkdir(at("docs/sub"), 0700), 0);
  assert_int_equal(mkdir(at("docs-too"), 0700), 0);
  put_paragraphs("docs/a.md", 2, "apple");
  put_paragraphs("docs/sub/b.md", 3, "pear");
  put_text("docs/c d.md", "Stays.");
  put_text("docs/.hidden.md", "Hidden.");
  put_text("docs-too/x.md", "Elsewhere.");
  ingest("docs", "3 6 0 0 0");
  ingest("docs/.hidden.md", "1 1 0 0 0");
  ingest("docs-too", "1 1 0 0 0");
  json_t *before = file_of("docs/a.md");
  assert_int_equal(unlink(at("docs/a.md")), 0);
  assert_int_equal(unlink(at("docs-too/x.md")), 0);
  assert_int_equal(rem_file_remove_tree(at("docs/sub"), NULL), REM_OK);
  ingest("docs", "0 0 1 0 0");
  assert_non_null(before);
  ingest_with("docs", false, true, "0 0 1 0 2");
  assert_null(file_of("docs/a.md"));
  assert_null(file_of("docs/sub/b.md"));
  assert_null(chunk_of("docs/sub/b.md", 2));
  assert_file("docs/c d.md", "completed", 1);
  assert_file("docs/.hidden.md", "completed", 1);
  assert_file("docs-too/x.md", "completed", 1);
  assert_int_equal(live_rows(TENANT, "resources"), 3);
  /* What comes back is the same row again. */
  put_paragraphs("docs/a.md", 2, "apple");
  ingest_with("docs", false, true, "1 2 1 0 0");
  json_t *after = file_of("docs/a.md");
  assert_string_equal(json_string_value(json_object_get(after, "created_at")),
                      json_string_value(json_object_get(before, "created_at")));
  assert_edges("docs/a.md", 2, 0);
  json_decref(before);
  json_decref(after);
}

static void a_folder_that_cannot_be_read_is_not_pruned(void **state) {
  (void)state;
  assert_int_equal(mkdir(at("docs/sub"), 0700), 0);
  put_text("docs/sub/b.md", "Below.");
  ingest("docs", "1 1 0 0 0");
  /* A dangling link in the folder's place: unreadable also for those whom permissions do not stop. */
  assert_int_equal(rem_file_remove_tree(at("docs/sub"), NULL), REM_OK);
  assert_int_equal(symlink("unmounted", at("docs/sub")), 0);
  ingest_with("docs", false, true, "0 0 0 1 0");
  assert_file("docs/sub/b.md", "completed", 1);
}

/* What a crash leaves behind: a File under work and chunks beyond those it says it has. */
static void a_file_left_processing_is_done_again(void **state) {
  (void)state;
  rem_batch *batch = NULL;
  char row[1024];
  put_paragraphs("docs/a.md", 2, "apple");
  assert_int_equal(rem_entity_batch_new(engine, TENANT, &batch, NULL), REM_OK);
  snprintf(row, sizeof row,
           "{\"uri\":\"%s\",\"name\":\"a.md\",\"file_type\":\"markdown\",\"size_bytes\":1,\"status\":\"processing\"}",
           uri_of("docs/a.md"));
  assert_int_equal(rem_entity_batch_put(batch, "files", row, strlen(row), NULL), REM_OK);
  for (int i = 1; i < 9; i += 2) {
    snprintf(row, sizeof row, "{\"uri\":\"%s\",\"ordinal\":%d,\"name\":\"old\",\"content\":\"old %d\"}",
             uri_of("docs/a.md"), i, i);
    assert_int_equal(rem_entity_batch_put(batch, "resources", row, strlen(row), NULL), REM_OK);
  }
  /* One has an id of its own. */
  snprintf(row, sizeof row,
           "{\"id\":\"00000000-0000-4000-8000-000000000001\",\"uri\":\"%s\",\"ordinal\":0,\"name\":\"old\",\"content\":\"old\"}",
           uri_of("docs/a.md"));
  assert_int_equal(rem_entity_batch_put(batch, "resources", row, strlen(row), NULL), REM_OK);
  assert_int_equal(rem_entity_batch_commit(batch, NULL, NULL, NULL), REM_OK);
  rem_entity_batch_free(batch);
  ingest("docs", "1 2 0 0 0");
  assert_edges("docs/a.md", 2, 0);
  assert_int_equal(live_rows(TENANT, "resources"), 2);
  json_t *chunk = chunk_of("docs/a.md", 0);
  assert_string_equal(json_string_value(json_object_get(chunk, "id")), "00000000-0000-4000-8000-000000000001");
  assert_non_null(strstr(text_property(chunk, "content"), "apple"));
  json_decref(chunk);
}

static void a_large_file_is_resumed(void **state) {
  (void)state;
  put_paragraphs("docs/large.md", 2300, "apple");
  /* A piece at a time, so that the job is left in the middle on a machine of any speed. */
  rem_job_set_step_us(-1);
  rem_job *job = new_job(TENANT, "docs", false, false);
  rem_error err = {0};
  json_t *file = NULL;
  while (!file) {
    assert_int_equal(rem_job_step(job, NULL, &err), REM_ROW);
    file = file_of("docs/large.md");
  }
  assert_string_equal(text_property(file, "status"), "processing");
  json_decref(file);
  int64_t stored = live_rows(TENANT, "resources");
  assert_true(stored >= 1000 && stored < 2300);
  rem_job_set_step_us(100000);
  rem_job_free(job);
  check();
  close_database();
  open_database(NULL);
  ingest("docs", "1 2300 0 0 0");
  assert_file("docs/large.md", "completed", 2300);
  assert_int_equal(live_rows(TENANT, "resources"), 2300);
  put_paragraphs("docs/large.md", 1, "pear");
  ingest("docs", "1 1 0 0 0");
  assert_edges("docs/large.md", 1, 0);
  assert_int_equal(live_rows(TENANT, "resources"), 1);
}

static void many_small_files_share_commits(void **state) {
  (void)state;
  char name[64];
  rem_kv_counters before, after;
  for (int i = 0; i < 300; i++) {
    snprintf(name, sizeof name, "docs/%03d.md", i);
    put_text(name, name);
  }
  put_text("docs/300.md", "the tenant's tables are stored before the count");
  ingest("docs/300.md", "1 1 0 0 0");
  rem_kv_counters_get(engine->kv, &before);
  ingest("docs", "300 300 1 0 0");
  rem_kv_counters_get(engine->kv, &after);
  assert_in_range(after.write_count - before.write_count, 300 / 64, 300 / 64 + 2);
}

static void tenants_do_not_share(void **state) {
  (void)state;
  put_text("docs/a.md", "One.");
  ingest("docs", "1 1 0 0 0");
  json_t *result = run(new_job("other", "docs", false, false));
  assert_int_equal(json_integer_value(json_object_get(result, "files")), 1);
  json_decref(result);
  check();
  json_t *mine = file_of("docs/a.md"), *theirs = row_of("other", "files", uri_of("docs/a.md"));
  assert_string_not_equal(json_string_value(json_object_get(mine, "id")), json_string_value(json_object_get(theirs, "id")));
  json_decref(mine);
  json_decref(theirs);
  assert_int_equal(live_rows("other", "resources"), 1);
}

static void the_database_itself_is_not_ingested(void **state) {
  (void)state;
  put_text("docs/a.md", "One.");
  put_text("notes.db/stray.md", "Within the database's folder.");
  ingest("", "1 1 0 0 0");
  assert_null(file_of("notes.db/stray.md"));
}

static void progress_counts_what_is_committed(void **state) {
  (void)state;
  put_paragraphs("docs/a.md", 70, "apple");
  put_text("docs/b.md", "Two.");
  rem_job *job = new_job(TENANT, "docs", false, false);
  rem_progress progress = {0};
  rem_error err = {0};
  int64_t done = 0;
  while (rem_job_step(job, &progress, &err) == REM_ROW) {
    if (strcmp(progress.phase, "ingest") != 0)
      continue;
    assert_true(progress.done >= done);
    done = progress.done;
    if (done > 0)
      assert_file("docs/a.md", "completed", 70);
  }
  assert_string_equal(progress.phase, "ingest");
  assert_int_equal(progress.done, 2);
  assert_int_equal(progress.total, 2);
  assert_int_equal(progress.bytes_done, progress.bytes_total);
  assert_string_equal(progress.item, at("docs/b.md"));
  rem_job_free(job);
}

static rem_status ingest_once(void *context, rem_error *err) {
  rem_job *job = NULL;
  rem_ingest_options options = {.struct_size = sizeof options, .force = true, .prune = true, .category = context};
  REM_TRY(rem_ingest_job_new(engine, TENANT, at("docs"), &options, &job, err));
  rem_status status = REM_ROW;
  while (status == REM_ROW)
    status = rem_job_step(job, NULL, err);
  rem_job_free(job);
  return status == REM_DONE ? REM_OK : status;
}

static void memory_that_runs_out_leaves_whole_commits(void **state) {
  (void)state;
  char category[] = "manual";
  put_paragraphs("docs/a.md", 3, "apple");
  put("docs/b.txt", "\xFF\xFE\xFD", 3);
  put_text("docs/gone.md", "Gone.");
  ingest("docs", "2 4 0 1 0");
  assert_int_equal(unlink(at("docs/gone.md")), 0);
  fault_sweep(ingest_once, category);
  check();
  assert_edges("docs/a.md", 3, 0);
  assert_null(file_of("docs/gone.md"));
}

static void chunks_are_found_by_meaning(void **state) {
  (void)state;
  const char *models = getenv("REM_TEST_MODELS");
  if (!models)
    skip();
  close_database();
  assert_int_equal(rem_file_remove_tree(at("notes.db"), NULL), REM_OK);
  open_database(models);
  put_text("docs/a.md", "# Cats\n\nThe cat sleeps on the warm roof.\n\n# Money\n\nThe bank raised its interest rates.\n");
  put_paragraphs("docs/b.md", 70, "apple");
  ingest("docs", "2 72 0 0 0");
  assert_null(json_object_get(last_result, "pending"));
  rem_cursor *cursor = NULL;
  rem_row row;
  rem_read_options options;
  rem_error err = {0};
  rem_read_options_init(&options);
  rem_row__init(&row, engine);
  assert_int_equal(rem_entity_search(engine, TENANT, rem_slice_text("a pet animal having a nap"), "resources", &options,
                                     &cursor, NULL, &err), REM_OK);
  assert_int_equal(rem_entity_cursor_next(cursor, &row, &err), REM_ROW);
  json_t *cats = chunk_of("docs/a.md", 0);
  char id[37];
  rem_uuid_format(row.id, id);
  assert_string_equal(json_string_value(json_object_get(cats, "id")), id);
  json_decref(cats);
  rem_row__deinit(&row);
  rem_entity_cursor_free(cursor);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_folder_becomes_files_and_chunks),
      CASE(unchanged_files_are_skipped),
      CASE(a_changed_file_replaces_its_chunks),
      CASE(edges_of_others_stay),
      CASE(what_cannot_be_read_fails_alone),
      CASE(names_may_be_any_bytes),
      CASE(a_path_too_long_for_a_key_fails_alone),
      CASE(an_interrupt_ends_the_job),
      CASE(a_file_that_fails_keeps_what_was_read),
      CASE(what_the_walk_cannot_read_is_reported),
      CASE(pruning_removes_what_is_gone),
      CASE(a_folder_that_cannot_be_read_is_not_pruned),
      CASE(a_file_left_processing_is_done_again),
      CASE(a_large_file_is_resumed),
      CASE(many_small_files_share_commits),
      CASE(tenants_do_not_share),
      CASE(the_database_itself_is_not_ingested),
      CASE(progress_counts_what_is_committed),
      CASE(memory_that_runs_out_leaves_whole_commits),
      CASE(chunks_are_found_by_meaning),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  json_decref(last_result);
  return failed;
}
