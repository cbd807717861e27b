/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: sources and their order, checks, messages, what is shown. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "fault_sweep.h"

static char home[] = "/tmp/rem-test-XXXXXX";

static int make_home(void **state) {
  (void)state;
  return mkdtemp(home) ? 0 : -1;
}

static int remove_home(void **state) {
  (void)state;
  return rem_file_remove_tree(home, NULL) == REM_OK ? 0 : -1;
}

/* A file of `text` (NULL: none) and an environment of nothing but P8_HOME. */
static void start(const char *text) {
  char path[128];
  rem_error err = {0};
  assert_int_equal(clearenv(), 0);
  assert_int_equal(setenv("HOME", "/home/someone", 1), 0);
  assert_int_equal(setenv("P8_HOME", home, 1), 0);
  snprintf(path, sizeof path, "%s/config.toml", home);
  assert_int_equal(rem_file_remove_tree(path, &err), REM_OK);
  if (text)
    assert_int_equal(rem_file_write_atomic(path, text, strlen(text), 0600, &err), REM_OK);
}

static void set_variable(const char *name, const char *value) {
  assert_int_equal(setenv(name, value, 1), 0);
}

static rem_config *load(void) {
  rem_config *config = NULL;
  rem_error err = {0};
  if (rem_config_load(&config, &err) != REM_OK)
    fail_msg("%s", err.message);
  return config;
}

static void assert_load_fails(const char *part, const char *hint) {
  rem_config *config = NULL;
  rem_error err = {0};
  assert_int_equal(rem_config_load(&config, &err), REM_INVALID);
  assert_null(config);
  if (!strstr(err.message, part) || !strstr(err.hint, hint))
    fail_msg("'%s' (%s) does not say '%s' (%s)", err.message, err.hint, part, hint);
}

static void assert_text(const rem_config *config, rem_config_key key, const char *expected) {
  const char *text = rem_config_text(config, key);
  if (!expected)
    assert_null(text);
  else
    assert_string_equal(text, expected);
}

static void defaults_are_those_of_the_specification(void **state) {
  (void)state;
  start(NULL);
  assert_int_equal(unsetenv("P8_HOME"), 0);
  rem_config *config = load();
  assert_text(config, REM_CONFIG_HOME, "/home/someone/.p8");
  assert_text(config, REM_CONFIG_DB_PATH, "/home/someone/.p8/db");
  assert_text(config, REM_CONFIG_MODELS_DIR, "/home/someone/.p8/models");
  assert_text(config, REM_CONFIG_CACHE_DIR, "/home/someone/.p8/cache");
  assert_text(config, REM_CONFIG_LOG_DIR, "/home/someone/.p8/logs");
  assert_text(config, REM_CONFIG_DEFAULT_TENANT, "default");
  assert_text(config, REM_CONFIG_DEFAULT_EMBEDDING, "all-MiniLM-L6-v2");
  assert_text(config, REM_CONFIG_ALT_EMBEDDING, NULL);
  assert_text(config, REM_CONFIG_DB, NULL);
  assert_text(config, REM_CONFIG_DEFAULT_LLM, "gpt-4.1");
  assert_text(config, REM_CONFIG_REPLICATION_MODE, "standalone");
  assert_text(config, REM_CONFIG_LOG_LEVEL, "INFO");
  assert_text(config, REM_CONFIG_PARQUET_COMPRESSION, "snappy");
  assert_int_equal(rem_config_int(config, REM_CONFIG_EMBEDDING_BATCH_SIZE), 32);
  assert_int_equal(rem_config_int(config, REM_CONFIG_ROCKSDB_WRITE_BUFFER_SIZE), 64);
  assert_int_equal(rem_config_int(config, REM_CONFIG_ROCKSDB_MAX_OPEN_FILES), 1000);
  assert_int_equal(rem_config_int(config, REM_CONFIG_MEMORY_BUDGET_MB), 512);
  assert_int_equal(rem_config_int(config, REM_CONFIG_WAL_DISK_SIZE), 256);
  assert_int_equal(rem_config_int(config, REM_CONFIG_CACHE_TTL), 3600);
  assert_int_equal(rem_config_int(config, REM_CONFIG_HNSW_M), 16);
  assert_int_equal(rem_config_int(config, REM_CONFIG_HNSW_EF_CONSTRUCTION), 200);
  assert_int_equal(rem_config_int(config, REM_CONFIG_HNSW_EF_SEARCH), 50);
  assert_int_equal(rem_config_int(config, REM_CONFIG_QUERY_TIMEOUT), 30);
  assert_true(rem_config_real(config, REM_CONFIG_LLM_TEMPERATURE) == 0.0);
  assert_true(rem_config_real(config, REM_CONFIG_VECTOR_RECALL_TARGET) == 0.95);
  assert_true(rem_config_bool(config, REM_CONFIG_ENABLE_WAL));
  assert_false(rem_config_bool(config, REM_CONFIG_LOG_PERFORMANCE));
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++)
    assert_int_equal(rem_config_origin_of(config, key), REM_CONFIG_FROM_DEFAULT);
  rem_config_free(config);
}

static void every_default_is_within_its_own_range(void **state) {
  (void)state;
  start(NULL);
  rem_config *config = load();
  rem_error err = {0};
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++) {
    const char *text = rem_config_text(config, key);
    char copy[512];
    if (!text)
      continue;
    snprintf(copy, sizeof copy, "%s", text);
    assert_int_equal(rem_config_set(config, rem_config_name(key), copy, &err), REM_OK);
    assert_text(config, key, copy); /* canonical text reads as itself */
  }
  rem_config_free(config);
}

static void flag_beats_environment_beats_file_beats_default(void **state) {
  (void)state;
  rem_error err = {0};
  start("[vector_search]\nhnsw_m = 20\nhnsw_ef_search = 60\nhnsw_ef_construction = 220\n");
  set_variable("P8_HNSW_M", "24");
  set_variable("P8_HNSW_EF_SEARCH", "70");
  rem_config *config = load();
  assert_int_equal(rem_config_set(config, "P8_HNSW_M", "32", &err), REM_OK);
  assert_int_equal(rem_config_int(config, REM_CONFIG_HNSW_M), 32);
  assert_int_equal(rem_config_origin_of(config, REM_CONFIG_HNSW_M), REM_CONFIG_FROM_FLAG);
  assert_int_equal(rem_config_int(config, REM_CONFIG_HNSW_EF_SEARCH), 70);
  assert_int_equal(rem_config_origin_of(config, REM_CONFIG_HNSW_EF_SEARCH), REM_CONFIG_FROM_ENVIRONMENT);
  assert_int_equal(rem_config_int(config, REM_CONFIG_HNSW_EF_CONSTRUCTION), 220);
  assert_int_equal(rem_config_origin_of(config, REM_CONFIG_HNSW_EF_CONSTRUCTION), REM_CONFIG_FROM_FILE);
  assert_int_equal(rem_config_int(config, REM_CONFIG_WORKER_THREADS), 4);
  assert_int_equal(rem_config_origin_of(config, REM_CONFIG_WORKER_THREADS), REM_CONFIG_FROM_DEFAULT);
  rem_config_free(config);
}

static void the_example_of_the_specification_is_read(void **state) {
  (void)state;
  start("[core]\nhome = \"~/.p8\"\ndefault_tenant = \"acme\"\n"
        "[embeddings]\ndefault_model = \"text-embedding-3-small\"\nalt_model = \"all-mpnet-base-v2\"\nbatch_size = 16\n"
        "[llm]\ndefault_model = \"gpt-4o\"\ntemperature = 0.5\nmax_tokens = 100\n"
        "[database]\npath = \"~/dbs\"\nrocksdb_write_buffer_size = 32\nrocksdb_max_open_files = 500\nenable_wal = false\n"
        "[replication]\nmode = \"primary\"\nreplica_endpoints = [\"replica1:9001\", \"replica2:9002\"]\n"
        "wal_retention_size = 10\nwal_batch_size = 5\n"
        "[cache]\nenabled = false\ndirectory = \"/c\"\nttl = 60\nmax_size_mb = 7\n"
        "[logging]\nlevel = \"debug\"\ndirectory = \"/l\"\nformat = \"text\"\nperformance = true\n"
        "[vector_search]\nindex_type = \"flat\"\nhnsw_m = 8\nhnsw_ef_construction = 100\nhnsw_ef_search = 20\n"
        "[performance]\nworker_threads = 2\nquery_timeout = 5\n"
        "[export]\nparquet_compression = \"zstd\"\nparquet_row_group_size = 99\n");
  assert_int_equal(unsetenv("P8_HOME"), 0);
  set_variable("HOME", home);
  char folder[128], moved[160];
  rem_error err = {0};
  snprintf(folder, sizeof folder, "%s/.p8", home);
  assert_int_equal(rem_file_make_folders(folder, 0700, &err), REM_OK);
  snprintf(folder, sizeof folder, "%s/config.toml", home);
  snprintf(moved, sizeof moved, "%s/.p8/config.toml", home);
  assert_int_equal(rename(folder, moved), 0);
  rem_config *config = load();
  static const struct {
    rem_config_key key;
    const char *text;
  } expected[] = {{REM_CONFIG_DEFAULT_TENANT, "acme"},
                  {REM_CONFIG_DEFAULT_EMBEDDING, "text-embedding-3-small"},
                  {REM_CONFIG_ALT_EMBEDDING, "all-mpnet-base-v2"},
                  {REM_CONFIG_EMBEDDING_BATCH_SIZE, "16"},
                  {REM_CONFIG_DEFAULT_LLM, "gpt-4o"},
                  {REM_CONFIG_LLM_TEMPERATURE, "0.5"},
                  {REM_CONFIG_LLM_MAX_TOKENS, "100"},
                  {REM_CONFIG_ROCKSDB_WRITE_BUFFER_SIZE, "32"},
                  {REM_CONFIG_ROCKSDB_MAX_OPEN_FILES, "500"},
                  {REM_CONFIG_ENABLE_WAL, "false"},
                  {REM_CONFIG_REPLICATION_MODE, "primary"},
                  {REM_CONFIG_REPLICA_ENDPOINTS, "replica1:9001,replica2:9002"},
                  {REM_CONFIG_WAL_RETENTION_SIZE, "10"},
                  {REM_CONFIG_WAL_BATCH_SIZE, "5"},
                  {REM_CONFIG_ENABLE_CACHE, "false"},
                  {REM_CONFIG_CACHE_DIR, "/c"},
                  {REM_CONFIG_CACHE_TTL, "60"},
                  {REM_CONFIG_CACHE_MAX_SIZE, "7"},
                  {REM_CONFIG_LOG_LEVEL, "DEBUG"},
                  {REM_CONFIG_LOG_DIR, "/l"},
                  {REM_CONFIG_LOG_FORMAT, "text"},
                  {REM_CONFIG_LOG_PERFORMANCE, "true"},
                  {REM_CONFIG_VECTOR_INDEX_TYPE, "flat"},
                  {REM_CONFIG_HNSW_M, "8"},
                  {REM_CONFIG_HNSW_EF_CONSTRUCTION, "100"},
                  {REM_CONFIG_HNSW_EF_SEARCH, "20"},
                  {REM_CONFIG_WORKER_THREADS, "2"},
                  {REM_CONFIG_QUERY_TIMEOUT, "5"},
                  {REM_CONFIG_PARQUET_COMPRESSION, "zstd"},
                  {REM_CONFIG_PARQUET_ROW_GROUP_SIZE, "99"}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_text(config, expected[i].key, expected[i].text);
    assert_int_equal(rem_config_origin_of(config, expected[i].key), REM_CONFIG_FROM_FILE);
  }
  snprintf(folder, sizeof folder, "%s/dbs", home);
  assert_text(config, REM_CONFIG_DB_PATH, folder);
  rem_config_free(config);
}

static void home_moves_what_lies_below_it(void **state) {
  (void)state;
  rem_error err = {0};
  char path[128];
  start(NULL);
  set_variable("P8_CACHE_DIR", "/elsewhere");
  rem_config *config = load();
  snprintf(path, sizeof path, "%s/db", home);
  assert_text(config, REM_CONFIG_DB_PATH, path);
  assert_text(config, REM_CONFIG_CACHE_DIR, "/elsewhere");
  assert_int_equal(rem_config_set(config, "P8_HOME", "/new/./home", &err), REM_OK);
  assert_text(config, REM_CONFIG_DB_PATH, "/new/home/db");
  assert_text(config, REM_CONFIG_MODELS_DIR, "/new/home/models");
  assert_text(config, REM_CONFIG_CACHE_DIR, "/elsewhere");
  rem_config_free(config);
  start("[core]\nhome = '/from/file'\n");
  assert_int_equal(unsetenv("P8_DB_PATH"), 0);
  set_variable("HOME", "/nowhere");
  config = load(); /* P8_HOME of the environment still wins over the file */
  assert_text(config, REM_CONFIG_DB_PATH, path);
  rem_config_free(config);
}

static void an_empty_variable_counts_as_unset(void **state) {
  (void)state;
  start("[vector_search]\nhnsw_m = 20\n[embeddings]\nalt_model = ''\n");
  set_variable("P8_HNSW_M", "");
  set_variable("P8_WORKER_THREADS", "");
  rem_config *config = load();
  assert_int_equal(rem_config_int(config, REM_CONFIG_HNSW_M), 20);
  assert_int_equal(rem_config_int(config, REM_CONFIG_WORKER_THREADS), 4);
  assert_text(config, REM_CONFIG_ALT_EMBEDDING, NULL);
  assert_int_equal(rem_config_origin_of(config, REM_CONFIG_ALT_EMBEDDING), REM_CONFIG_FROM_DEFAULT);
  rem_config_free(config);
}

static void synonyms_are_accepted_and_p8_wins(void **state) {
  (void)state;
  start(NULL);
  set_variable("REM_POLL_INTERVAL_MS", "250");
  set_variable("REM_CATCHUP_BATCH_SIZE", "77");
  set_variable("REM_WAL_BATCH_SIZE", "5");
  set_variable("P8_WAL_BATCH_SIZE", "6");
  set_variable("CO_API_KEY", "secret");
  rem_config *config = load();
  assert_int_equal(rem_config_int(config, REM_CONFIG_REPLICATION_POLL_INTERVAL), 250);
  assert_int_equal(rem_config_int(config, REM_CONFIG_CATCHUP_BATCH_SIZE), 77);
  assert_int_equal(rem_config_int(config, REM_CONFIG_WAL_BATCH_SIZE), 6);
  assert_text(config, REM_CONFIG_COHERE_API_KEY, "secret");
  assert_string_equal(rem_config_get(config, "REM_POLL_INTERVAL_MS"), "250");
  assert_string_equal(rem_config_get(config, "P8_REPLICATION_POLL_INTERVAL"), "250");
  assert_null(rem_config_get(config, "P8_NOTHING"));
  rem_config_free(config);
}

static void booleans_have_eight_words_in_any_case(void **state) {
  (void)state;
  static const char *const words[][2] = {{"true", "false"}, {"1", "0"}, {"YES", "No"}, {"on", "OFF"}};
  rem_error err = {0};
  start(NULL);
  rem_config *config = load();
  for (size_t i = 0; i < 4; i++)
    for (size_t j = 0; j < 2; j++) {
      assert_int_equal(rem_config_set(config, "P8_ENABLE_WAL", words[i][j], &err), REM_OK);
      assert_int_equal(rem_config_bool(config, REM_CONFIG_ENABLE_WAL), j == 0);
      assert_text(config, REM_CONFIG_ENABLE_WAL, j == 0 ? "true" : "false");
    }
  assert_int_equal(rem_config_set(config, "P8_ENABLE_WAL", "2", &err), REM_INVALID);
  rem_config_free(config);
}

static void bad_values_name_variable_value_and_range(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"P8_HNSW_M", "3", "P8_HNSW_M is '3' in the environment: it must be an integer from 4 to 64"},
      {"P8_HNSW_M", "16x", "must be an integer"},
      {"P8_HNSW_M", " 16", "must be an integer"},
      {"P8_HNSW_M", "16.0", "must be an integer"},
      {"P8_HNSW_M", "99999999999999999999", "must be an integer"},
      {"P8_LLM_TEMPERATURE", "2.1", "must be a number from 0 to 2"},
      {"P8_LLM_TEMPERATURE", "nan", "must be a number from 0 to 2"},
      {"P8_LLM_TEMPERATURE", "1.0f", "must be a number"},
      {"P8_ENABLE_CACHE", "maybe", "P8_ENABLE_CACHE is 'maybe' in the environment: it must be true or false"},
      {"P8_LOG_LEVEL", "loud", "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"},
      {"P8_DB_PATH", "/a\nb", "not one line of UTF-8"},
      {"P8_DB", "\xff", "not one line of UTF-8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(NULL);
    set_variable(cases[i][0], cases[i][1]);
    assert_load_fails(cases[i][2], "");
  }
}

static void a_bad_flag_keeps_the_old_value(void **state) {
  (void)state;
  rem_error err = {0};
  start(NULL);
  rem_config *config = load();
  assert_int_equal(rem_config_set(config, "P8_HNSW_M", "1000", &err), REM_INVALID);
  assert_non_null(strstr(err.message, "P8_HNSW_M is '1000' in a flag"));
  assert_int_equal(rem_config_int(config, REM_CONFIG_HNSW_M), 16);
  assert_int_equal(rem_config_origin_of(config, REM_CONFIG_HNSW_M), REM_CONFIG_FROM_DEFAULT);
  assert_int_equal(rem_config_set(config, "P8_HNSM_M", "16", &err), REM_UNKNOWN);
  assert_string_equal(err.hint, "did you mean 'P8_HNSW_M'?");
  assert_int_equal(rem_config_set(config, "P8_HNSW_M", NULL, &err), REM_MISUSE);
  assert_int_equal(rem_config_set(config, "P8_ALT_EMBEDDING", "m", &err), REM_OK);
  assert_int_equal(rem_config_set(config, "P8_ALT_EMBEDDING", "", &err), REM_OK);
  assert_text(config, REM_CONFIG_ALT_EMBEDDING, NULL);
  rem_config_free(config);
}

static void a_wrong_file_is_an_error_with_file_and_line(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"[database]\n\npth = 'x'", "config.toml', line 3: there is no key 'database.pth'", "did you mean 'database.path'?"},
      {"[databse]\npath = 'x'", "line 2: there is no key 'databse.path'", "'database.path'"},
      {"[embeddings]\nhnsw_m = 8", "line 2: there is no key 'embeddings.hnsw_m'", "'vector_search.hnsw_m'"},
      {"path = 'x'", "line 1: there is no key 'path'", "'database.path'"},
      {"\n[nothing]", "line 2: there is no key 'nothing'", "db config"},
      {"[cache.more]\nx = 1", "line 1: there is no key 'cache.more'", "db config"},
      {"[cache]\nttl = 'soon'", "line 2: P8_CACHE_TTL is 'soon' in this file: it must be an integer", "default, 3600"},
      {"[cache]\nttl = 1.5", "line 2: P8_CACHE_TTL is '1.5'", ""},
      {"[cache]\nttl = [1]", "'cache.ttl' cannot be of type array", ""},
      {"[core]\ndefault_tenant = 5", "'core.default_tenant' cannot be of type integer", "in quotes"},
      {"[replication]\nreplica_endpoints = ['a', 1]", "cannot be of type array", ""},
      {"[core\n", "config.toml': invalid TOML at line 1, column 6", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(cases[i][0]);
    assert_load_fails(cases[i][1], cases[i][2]);
  }
}

static void json_shows_values_origins_and_no_secrets(void **state) {
  (void)state;
  rem_error err = {0};
  rem_bytes text = {0};
  json_t *json REM_AUTO_JSON = NULL;
  start("[providers]\nanthropic_api_key = 'sk-from-file'\n");
  set_variable("OPENAI_API_KEY", "sk-very-secret");
  rem_config *config = load();
  assert_int_equal(rem_config_json(config, &text, &err), REM_OK);
  assert_null(strstr(text.data, "sk-"));
  assert_int_equal(rem_json_parse_object(text.data, text.size, &json, &err), REM_OK);
  assert_int_equal(json_object_size(json), REM_CONFIG_KEY_COUNT);
  const json_t *key = json_object_get(json, "OPENAI_API_KEY");
  assert_string_equal(json_string_value(json_object_get(key, "value")), "set");
  assert_string_equal(json_string_value(json_object_get(key, "origin")), "environment");
  assert_true(json_is_null(json_object_get(json_object_get(json, "COHERE_API_KEY"), "value")));
  const json_t *m = json_object_get(json, "P8_HNSW_M");
  assert_int_equal(json_integer_value(json_object_get(m, "value")), 16);
  assert_true(json_string_length(json_object_get(m, "description")) > 10);
  assert_true(json_is_true(json_object_get(json_object_get(json, "P8_ENABLE_WAL"), "value")));
  assert_string_equal(json_string_value(json_object_get(json_object_get(json, "P8_HOME"), "value")), home);
  assert_string_equal(rem_config_get(config, "ANTHROPIC_API_KEY"), "sk-from-file");
  rem_bytes_free(&text);
  rem_config_free(config);
}

static void a_copy_stands_alone(void **state) {
  (void)state;
  rem_error err = {0};
  rem_config *copy = NULL;
  start(NULL);
  set_variable("P8_HNSW_M", "24");
  rem_config *config = load();
  assert_int_equal(rem_config_copy(config, &copy, &err), REM_OK);
  assert_int_equal(rem_config_set(config, "P8_HNSW_M", "32", &err), REM_OK);
  rem_config_free(config);
  assert_int_equal(rem_config_int(copy, REM_CONFIG_HNSW_M), 24);
  assert_int_equal(rem_config_origin_of(copy, REM_CONFIG_HNSW_M), REM_CONFIG_FROM_ENVIRONMENT);
  assert_text(copy, REM_CONFIG_HOME, home);
  rem_config_free(copy);
  rem_config_free(NULL);
}

static rem_status load_set_copy_show(void *context, rem_error *err) {
  rem_config *config = NULL, *copy = NULL;
  rem_bytes text = {0};
  (void)context;
  rem_status status = rem_config_load(&config, err);
  if (status == REM_OK)
    status = rem_config_set(config, "P8_HOME", "/x", err);
  if (status == REM_OK)
    status = rem_config_copy(config, &copy, err);
  if (status == REM_OK)
    status = rem_config_json(copy, &text, err);
  rem_bytes_free(&text);
  rem_config_free(config);
  rem_config_free(copy);
  return status;
}

static void everything_survives_every_allocation_failure(void **state) {
  (void)state;
  start("[core]\ndefault_tenant = 'a'\n[replication]\nreplica_endpoints = ['x:1', 'y:2']\n");
  assert_true(fault_sweep(load_set_copy_show, NULL) > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_those_of_the_specification),
      cmocka_unit_test(every_default_is_within_its_own_range),
      cmocka_unit_test(flag_beats_environment_beats_file_beats_default),
      cmocka_unit_test(the_example_of_the_specification_is_read),
      cmocka_unit_test(home_moves_what_lies_below_it),
      cmocka_unit_test(an_empty_variable_counts_as_unset),
      cmocka_unit_test(synonyms_are_accepted_and_p8_wins),
      cmocka_unit_test(booleans_have_eight_words_in_any_case),
      cmocka_unit_test(bad_values_name_variable_value_and_range),
      cmocka_unit_test(a_bad_flag_keeps_the_old_value),
      cmocka_unit_test(a_wrong_file_is_an_error_with_file_and_line),
      cmocka_unit_test(json_shows_values_origins_and_no_secrets),
      cmocka_unit_test(a_copy_stands_alone),
      cmocka_unit_test(everything_survives_every_allocation_failure),
  };
  return cmocka_run_group_tests(tests, make_home, remove_home);
}
