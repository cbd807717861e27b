/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a file in `meta`:
 *
 *   graph:{tenant}:{table}:{area}  ->  u8 1 | u64 seq | u64 incarnation | u64 rows | u64 file | u64 previous | i64 superseded_at | u32 crc32c
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ann/ann_internal.h"
#include "base/blake3.h"
#include "base/crc32c.h"
#include "base/instant.h"
#include "base/uuid.h"
#include "storage/key.h"

#define RECORD_VERSION 1
#define RECORD_SIZE (1 + 6 * 8 + 4)
#define PREVIOUS_STAYS_US ((int64_t)60 * 1000 * 1000)

void rem_ann__record_key(const rem_ann__index *index, rem_buffer *key) {
  rem_key_graph(key, index->tenant, index->table, index->area);
}

void rem_ann__record_encode(const rem_ann__record *record, rem_buffer *value) {
  rem_buffer_append_byte(value, RECORD_VERSION);
  rem_buffer_append_u64le(value, record->seq);
  rem_buffer_append_u64le(value, record->incarnation);
  rem_buffer_append_u64le(value, record->rows);
  rem_buffer_append_u64le(value, record->file);
  rem_buffer_append_u64le(value, record->previous);
  rem_buffer_append_u64le(value, (uint64_t)record->superseded_at);
  rem_buffer_append_u32le(value, rem_crc32c(0, value->data, value->size));
}

/* False for what this version did not write: the graph is then made anew, like one that is damaged. */
static bool decode(rem_slice stored, rem_ann__record *ret_record) {
  const uint8_t *at = stored.data;
  if (stored.size != RECORD_SIZE || at[0] != RECORD_VERSION ||
      rem_load_u32le(at + RECORD_SIZE - 4) != rem_crc32c(0, at, RECORD_SIZE - 4))
    return false;
  *ret_record = (rem_ann__record){
      .seq = rem_load_u64le(at + 1),
      .incarnation = rem_load_u64le(at + 9),
      .rows = rem_load_u64le(at + 17),
      .file = rem_load_u64le(at + 25),
      .previous = rem_load_u64le(at + 33),
      .superseded_at = (int64_t)rem_load_u64le(at + 41),
  };
  return ret_record->file != 0;
}

rem_status rem_ann__record_read(const rem_ann__index *index, const rem_kv_snapshot *snapshot, rem_ann__record *ret_record,
                                rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_ann__record_key(index, &key);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status status = rem_kv_get(index->ann->options.kv, snapshot, REM_CF_META, rem_buffer_slice(&key), &pin, err);
  if (status != REM_OK)
    return status;
  return decode(rem_kv_pin_slice(&pin), ret_record) ? REM_OK : REM_NOT_FOUND;
}

/* ---- files ---- */

void rem_ann__path(const rem_ann *ann, uint64_t file, char ret_path[REM_ANN__PATH_SIZE]) {
  snprintf(ret_path, REM_ANN__PATH_SIZE, "%s/%016" PRIx64 ".graph", ann->folder, file);
}

void rem_ann__note(const rem_ann__index *index, const rem_ann__record *record, uint8_t ret_note[REM_ANN__NOTE_SIZE]) {
  rem_blake3 hasher;
  rem_blake3_init(&hasher);
  rem_blake3_update(&hasher, index->ann->options.identity->uuid, 16);
  rem_blake3_update(&hasher, index->tenant, strlen(index->tenant) + 1);
  rem_blake3_update(&hasher, index->table, strlen(index->table) + 1);
  rem_blake3_update(&hasher, &index->area, sizeof index->area);
  rem_blake3_update(&hasher, &record->file, sizeof record->file);
  rem_blake3_update(&hasher, index->model_hash, strlen(index->model_hash) + 1);
  rem_blake3_final(&hasher, ret_note, REM_ANN__NOTE_SIZE);
}

rem_status rem_ann__random(uint64_t *ret_number, rem_error *err) {
  uint8_t bytes[16];
  REM_TRY(rem_uuid_random(bytes, err));
  *ret_number = rem_load_u64le(bytes) | 1; /* never 0 */
  return REM_OK;
}

/* ---- what nothing names ---- */

typedef struct named_files {
  uint64_t *numbers;
  size_t count, capacity;
} named_files;

static rem_status add_named(named_files *named, uint64_t number, rem_error *err) {
  if (named->count == named->capacity) {
    size_t capacity = named->capacity ? named->capacity * 2 : 64;
    uint64_t *numbers = rem_realloc(named->numbers, capacity * sizeof *numbers);
    if (!numbers)
      return rem_error_nomem(err);
    named->numbers = numbers;
    named->capacity = capacity;
  }
  named->numbers[named->count++] = number;
  return REM_OK;
}

static rem_status list_named(rem_ann *ann, named_files *named, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  int64_t now = rem_instant_now();
  REM_TRY(rem_kv_iterator_prefix(ann->options.kv, NULL, REM_CF_META, rem_slice_text("graph:"), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    rem_ann__record record;
    if (!decode(rem_kv_iterator_value(iterator), &record))
      continue;
    REM_TRY(add_named(named, record.file, err));
    bool stays = record.previous && now - record.superseded_at < PREVIOUS_STAYS_US && now >= record.superseded_at;
    if (stays)
      REM_TRY(add_named(named, record.previous, err));
  }
  return rem_kv_iterator_status(iterator, err);
}

/* The number in a name of ours, also of one that was being written; 0 for any other name. */
static uint64_t file_number(const char *name, bool *ret_temporary) {
  char *end;
  if (strlen(name) < 22 || strspn(name, "0123456789abcdef") != 16)
    return 0;
  uint64_t number = strtoull(name, &end, 16);
  *ret_temporary = strcmp(end, ".graph.tmp") == 0;
  return *ret_temporary || strcmp(end, ".graph") == 0 ? number : 0;
}

static bool is_named(const named_files *named, uint64_t number) {
  for (size_t i = 0; i < named->count; i++)
    if (named->numbers[i] == number)
      return true;
  return false;
}

static void remove_unnamed(DIR *folder, const named_files *named) {
  for (struct dirent *entry; (entry = readdir(folder));) {
    bool temporary = false;
    uint64_t number = file_number(entry->d_name, &temporary);
    if (number && (temporary || !is_named(named, number)))
      (void)!unlinkat(dirfd(folder), entry->d_name, 0);
  }
}

/* What cannot be removed now is tried again another time. */
void rem_ann__sweep(rem_ann *ann) {
  named_files named = {0};
  DIR *folder = opendir(ann->folder);
  if (folder && list_named(ann, &named, NULL) >= 0)
    remove_unnamed(folder, &named);
  if (folder)
    closedir(folder);
  rem_free(named.numbers);
}
