/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening one RocksDB handle.
 *
 * A reader beside a live writer cannot trust a single open: files named by the manifest it read may be compacted away before they are
 * opened ("Corruption … No such file"), and a flush between reading the manifest and listing the logs hides acknowledged
 * rows. So an open is a seqlock:
 *
 *   note CURRENT and the manifest's size -> open, every file -> note again -> the same? take it : drop it, back off, again
 *
 * A reader that is unlucky too often raises the gate (kv_gate.c).
 *
 * Every flush and compaction appends to the manifest before it removes a file, so an unmoved manifest proves that nothing the handle holds or
 * replayed was replaced meanwhile. An error counts only when the manifest stood still, several times over: a vanished
 * empty log, which no manifest names, must not look like damage.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "storage/kv_internal.h"

#define UNMOVED_FAILURES 4
#define GATE_ATTEMPTS 6
#define BACKOFF_LEAST_US 500
#define BACKOFF_MOST_US 20000
#define FORMAT_KEY "format" /* identity.h: written last when a database is made */

typedef struct family_lists {
  const char *names[REM_CF_COUNT + 1];
  const rocksdb_options_t *options[REM_CF_COUNT + 1];
  rocksdb_column_family_handle_t *handles[REM_CF_COUNT + 1];
} family_lists;

static void list_families(const rem_kv__setup *setup, family_lists *lists) {
  for (int f = 0; f < REM_CF_COUNT; f++) {
    lists->names[f] = rem_kv_family_name((rem_kv_family)f);
    lists->options[f] = setup->families[f];
  }
  lists->names[REM_CF_COUNT] = "default";
  lists->options[REM_CF_COUNT] = setup->database;
}

static rem_status wrap(rocksdb_t *db, const family_lists *lists, bool writer, rem_kv_handle **ret_handle,
                       rem_error *err) {
  rem_kv_handle *handle = rem_calloc(1, sizeof *handle);
  if (!handle) {
    for (int f = 0; f <= REM_CF_COUNT; f++)
      rocksdb_column_family_handle_destroy(lists->handles[f]);
    rocksdb_close(db);
    return rem_error_nomem(err);
  }
  handle->db = db;
  memcpy(handle->families, lists->handles, sizeof handle->families);
  handle->unused_family = lists->handles[REM_CF_COUNT];
  handle->read_options = rocksdb_readoptions_create();
  handle->references = 1;
  handle->fork_generation = rem_kv__fork_generation();
  handle->writer = writer;
  *ret_handle = handle;
  return REM_OK;
}

static rem_status open_once(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err) {
  rem_kv__setup setup REM_CLEANUP(rem_kv__setup_deinit) = {0};
  REM_TRY(rem_kv__setup_init(&setup, &kv->options, err));
  family_lists lists = {0};
  list_families(&setup, &lists);
  bool writer = kv->options.mode != REM_KV_READ;
  char *message = NULL;
  rocksdb_t *db =
      writer ? rocksdb_open_column_families(setup.database, kv->path, REM_CF_COUNT + 1, lists.names, lists.options,
                                            lists.handles, &message)
             : rocksdb_open_for_read_only_column_families(setup.database, kv->path, REM_CF_COUNT + 1, lists.names,
                                                          lists.options, lists.handles, 0, &message);
  if (message)
    return rem_kv__error(message, "open the database", err);
  return wrap(db, &lists, writer, ret_handle, err);
}

static void back_off(unsigned attempt) {
  int64_t pause_us = BACKOFF_LEAST_US << (attempt < 6 ? attempt : 6);
  if (pause_us > BACKOFF_MOST_US)
    pause_us = BACKOFF_MOST_US;
  struct timespec pause = {.tv_nsec = pause_us * 1000};
  nanosleep(&pause, NULL);
}

static rem_status set_unknown(const char *path, rem_error *err) {
  rem_error_set(err, REM_UNKNOWN, "there is no database in '%s'", path);
  rem_error_hint(err, "check the path, or make one with `db init`");
  return REM_UNKNOWN;
}

static rem_status position_of(const char *path, rem_kv_position *ret_position, rem_error *err) {
  rem_status found = rem_kv__position_read(path, ret_position, err);
  return found == REM_NOT_FOUND ? set_unknown(path, err) : found;
}

static rem_status set_restless(const rem_kv *kv, rem_error *err) {
  rem_error_set(err, REM_TIMEOUT, "the database '%s' was changing all the time for %lld ms and could not be opened for reading",
                kv->path, (long long)kv->options.open_wait_ms);
  rem_error_hint(err, "try again when the writer is less busy");
  return REM_TIMEOUT;
}

typedef struct reader_open {
  int64_t deadline_us;
  unsigned attempts, unmoved_failures;
  int gate; /* -1 until it is wanted */
} reader_open;

/* After a failed try: REM_OK to try again, else the status to give up with. */
static rem_status prepare_next_try(rem_kv *kv, reader_open *run, bool moved, rem_status status, rem_error *err) {
  if (!moved && ++run->unmoved_failures >= UNMOVED_FAILURES)
    return status;
  if (rem_clock_monotonic_us() > run->deadline_us)
    return moved ? set_restless(kv, err) : status;
  atomic_fetch_add(&kv->open_retries, 1);
  if (++run->attempts >= GATE_ATTEMPTS) {
    if (run->gate < 0)
      run->gate = rem_kv__gate_open(kv->path, false);
    rem_kv__gate_raise(run->gate, run->attempts - GATE_ATTEMPTS);
  }
  back_off(run->attempts);
  return REM_OK;
}

/* One try. REM_OK with a handle, REM_NOT_FOUND to try again, or the status to give up with. */
static rem_status try_open_reader(rem_kv *kv, reader_open *run, rem_kv_handle **ret_handle, rem_error *err) {
  rem_kv_position before, behind;
  rem_kv_handle *handle = NULL;
  REM_TRY(position_of(kv->path, &before, err));
  rem_status status = open_once(kv, &handle, err);
  rem_status found = position_of(kv->path, &behind, err);
  bool moved = found < 0 || !rem_kv__position_same_manifest(&before, &behind);
  if (!moved && status == REM_OK) {
    kv->position = before;
    *ret_handle = handle;
    return REM_OK;
  }
  rem_kv__handle_release(handle);
  REM_TRY(found);
  REM_TRY(prepare_next_try(kv, run, moved, status, err));
  return REM_NOT_FOUND;
}

static rem_status open_reader(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err) {
  reader_open run = {.deadline_us = rem_clock_monotonic_us() + kv->options.open_wait_ms * 1000, .gate = -1};
  rem_status status;
  do
    status = try_open_reader(kv, &run, ret_handle, err);
  while (status == REM_NOT_FOUND);
  rem_kv__gate_lower(run.gate);
  rem_kv__gate_close(run.gate);
  return status;
}

/* Was the database that is there made to the end? A creation that was killed leaves one without the format record, perhaps without families. */
static bool is_complete(const char *path) {
  const char *names[2] = {"default", rem_kv_family_name(REM_CF_META)};
  rocksdb_options_t *options = rocksdb_options_create();
  const rocksdb_options_t *both[2] = {options, options};
  rocksdb_column_family_handle_t *handles[2];
  char *message = NULL;
  rocksdb_t *db = rocksdb_open_for_read_only_column_families(options, path, 2, names, both, handles, 0, &message);
  bool complete = message && !strstr(message, "Column family not found");
  if (message) {
    rocksdb_free(message);
    rocksdb_options_destroy(options);
    return complete;
  }
  rocksdb_readoptions_t *read = rocksdb_readoptions_create();
  size_t size;
  char *value = rocksdb_get_cf(db, read, handles[1], FORMAT_KEY, strlen(FORMAT_KEY), &size, &message);
  complete = value || message;
  rocksdb_free(value);
  rocksdb_free(message);
  rocksdb_readoptions_destroy(read);
  for (int i = 0; i < 2; i++)
    rocksdb_column_family_handle_destroy(handles[i]);
  rocksdb_close(db);
  rocksdb_options_destroy(options);
  return complete;
}

static rem_status open_writer(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err) {
  rem_kv_position position;
  rem_status found = rem_kv__position_read(kv->path, &position, err);
  if (found < 0)
    return found;
  if (kv->options.mode == REM_KV_WRITE && found == REM_NOT_FOUND)
    return set_unknown(kv->path, err);
  if (kv->options.mode == REM_KV_CREATE) {
    if (found == REM_OK && is_complete(kv->path))
      return rem_error_set(err, REM_EXISTS, "there is a database in '%s' already", kv->path);
    if (mkdir(kv->path, 0700) != 0 && errno != EEXIST)
      return rem_error_errno(err, errno, "cannot make the folder", kv->path);
  }
  REM_TRY(rem_kv__files_check_space(kv->path, err));
  REM_TRY(open_once(kv, ret_handle, err));
  rem_kv__files_tidy(kv->path);
  kv->options.mode = REM_KV_WRITE; /* a reopen finds what this made */
  return REM_OK;
}

rem_status rem_kv__handle_open(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err) {
  return kv->options.mode == REM_KV_READ ? open_reader(kv, ret_handle, err) : open_writer(kv, ret_handle, err);
}
