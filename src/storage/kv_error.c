/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RocksDB's C API gives a failure as text only ("Corruption: block checksum mismatch … in /x/000012.sst offset …"); the kind is its
 * first words. The rest is kept in our message, because it holds the path.
 */
#include <string.h>

#include "storage/kv_internal.h"

static bool has(const char *message, const char *part) {
  return strstr(message, part) != NULL;
}

static const char *after(const char *message, const char *prefix) {
  size_t size = strlen(prefix);
  return strncmp(message, prefix, size) == 0 ? message + size : NULL;
}

/* A table file that is missing is looked for under its old name last, and that name is in the message. */
static void correct_suffix(char *message) {
  for (char *at = message; (at = strstr(at, ".ldb")); at++)
    memcpy(at, ".sst", 4);
}

static rem_status set_corrupt(rem_error *err, const char *detail) {
  const char *inner = after(detail, "Corruption: ");
  rem_error_set(err, REM_CORRUPT, "the database is damaged: %s", inner ? inner : detail);
  rem_error_hint(err, "run `db check` to see how far the damage goes, and restore the last backup");
  return REM_CORRUPT;
}

static rem_status set_io(rem_error *err, const char *message, const char *doing, const char *detail) {
  if (has(message, "No space left on device") || has(message, "Disk quota exceeded")) {
    rem_error_set(err, REM_FULL, "cannot %s: no space left: %s", doing, detail);
    rem_error_hint(err, "free some space, then try again");
    return REM_FULL;
  }
  if (has(message, "While lock file") || has(message, "lock hold by current process")) {
    rem_error_set(err, REM_LOCKED, "the database is open for writing elsewhere: %s", detail);
    rem_error_hint(err, "wait until that one is done, or open the database for reading");
    return REM_LOCKED;
  }
  if (has(message, "No such file or directory"))
    return set_corrupt(err, detail);
  return rem_error_set(err, REM_IO, "cannot %s: %s", doing, detail);
}

static rem_status classify(const char *message, const char *doing, rem_error *err) {
  const char *detail;
  if ((detail = after(message, "Corruption: ")))
    return set_corrupt(err, detail);
  if ((detail = after(message, "IO error: ")))
    return set_io(err, message, doing, detail);
  if (has(message, "Column families not opened")) {
    rem_error_set(err, REM_FORMAT, "the database was written by a newer version: %s", message);
    rem_error_hint(err, "update this program");
    return REM_FORMAT;
  }
  if (has(message, "Column family not found") || has(message, "Invalid argument: Column family"))
    return set_corrupt(err, message);
  return rem_error_set(err, REM_IO, "cannot %s: %s", doing, message);
}

rem_status rem_kv__error(char *message, const char *doing, rem_error *err) {
  correct_suffix(message);
  rem_status status = classify(message, doing, err);
  rocksdb_free(message);
  return status;
}

rem_status rem_kv__write_error(rem_kv *kv, char *message, rem_error *err) {
  rem_error reason = {0};
  rem_status status = rem_kv__error(message, "write", &reason);
  rem_kv_fail(kv, &reason);
  if (err)
    *err = reason;
  return status;
}
