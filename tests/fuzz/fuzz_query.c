/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL from anywhere against a database with rows: never a crash, never more than the limits, errors that point into the text. The first byte
 * chooses a session that only reads, or one that writes; whatever it writes, the rows can still be counted.
 */
#include "rem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#define CHECK(condition) \
  do { \
    if (!(condition)) abort(); \
  } while (0)

static const char PERSON[] =
    "{\"title\":\"Person\",\"short_name\":\"person\",\"type\":\"object\",\"key_field\":\"email\",\"indexed_fields\":[\"role\",\"age\",\"born\",\"tags\"],"
    "\"properties\":{\"name\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\"},"
    "\"born\":{\"type\":\"string\",\"format\":\"date-time\"},\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"extra\":{\"type\":\"object\"}},"
    "\"required\":[\"email\"]}";

static rem_db *db;
static char folder[] = "/tmp/rem-fuzz-query-XXXXXX";

static void remove_folder(void) {
  char command[128];
  rem_close(db, NULL);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command) != 0) perror(folder);
}

static void open_database(void) {
  rem_config *config = NULL;
  rem_create_options create;
  rem_open_options open;
  char path[64];
  CHECK(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/fuzz.db", folder);
  /* Without models: vectors are pending, and searches say so. */
  CHECK(setenv("P8_HOME", folder, 1) == 0 && setenv("P8_MODELS_DIR", folder, 1) == 0);
  CHECK(rem_config_load(&config, NULL) == REM_OK);
  rem_create_options_init(&create);
  create.path = path;
  CHECK(rem_create(config, NULL, &create, NULL, NULL) == REM_OK);
  rem_open_options_init(&open);
  open.mode = REM_WRITE;
  open.durability = REM_OS;
  open.config = config;
  CHECK(rem_open(path, &open, &db, NULL) == REM_OK);
  rem_config_free(config);
  rem_bytes made = {0};
  CHECK(rem_schema_add(db, PERSON, sizeof PERSON - 1, NULL, &made, NULL) == REM_OK);
  rem_bytes_free(&made);
  for (int i = 0; i < 20; i++) {
    char row[256];
    int size = snprintf(row, sizeof row, "{\"name\":\"p%d\",\"email\":\"%d@x\",\"role\":\"r%d\",\"age\":%d,\"born\":\"19%02d-01-01\",\"tags\":[\"a\",\"t%d\"],\"extra\":{\"k\":[%d]}}",
                        i, i, i % 3, i, 50 + i, i % 4, i);
    CHECK(rem_put(db, "person", row, (size_t)size, NULL, NULL) == REM_OK);
    size = snprintf(row, sizeof row, "{\"name\":\"n%d\",\"uri\":\"file:///%d\",\"content\":\"text %d\",\"ordinal\":%d}", i, i, i, i % 2);
    CHECK(rem_put(db, "resources", row, (size_t)size, NULL, NULL) == REM_OK);
  }
  atexit(remove_folder);
}

static void step_through(rem_statement *statement) {
  rem_error err = {0};
  rem_status status;
  while ((status = rem_statement_step(statement, &err)) == REM_ROW) {
    rem_bytes json = {0};
    if (rem_statement_row_json(statement, &json, &err) == REM_OK) CHECK(json.size >= 2 && json.data[0] == '{');
    rem_bytes_free(&json);
  }
  CHECK(status == REM_DONE || (status < 0 && err.code == status && err.message[0]));
  CHECK(status != REM_INTERNAL && status != REM_CORRUPT);
}

static void run(const char *text, size_t size, bool read_only) {
  rem_session_options options;
  rem_session *session = NULL;
  rem_session_options_init(&options);
  options.read_only = read_only;
  options.timeout_ms = 200;
  options.max_rows = 200;
  options.memory_bytes = 16 << 20;
  CHECK(rem_session_open(db, &options, &session, NULL) == REM_OK);
  for (size_t at = 0, used = 0, count = 0; at < size && count < 8; at += used, count++) {
    rem_statement *statement = NULL;
    rem_error err = {0};
    used = size - at;
    rem_status status = rem_session_prepare(session, text + at, size - at, &statement, &used, &err);
    if (status < 0) {
      CHECK(err.code == status && err.message[0] && err.offset >= -1 && err.offset <= (int64_t)(size - at));
      CHECK(status != REM_INTERNAL && status != REM_CORRUPT);
      break;
    }
    CHECK(used <= size - at);
    if (status == REM_OK) step_through(statement);
    rem_statement_free(statement);
    if (used == 0) break;
  }
  rem_session_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!db) open_database();
  if (size == 0) return 0;
  run((const char *)data + 1, size - 1, data[0] & 1);
  return 0;
}
