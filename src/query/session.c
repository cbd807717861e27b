/* SPDX-License-Identifier: Apache-2.0 */
#include "query/session.h"

#include <time.h>

#include "query/entities_module.h"
#include "query/functions.h"
#include "query/search_vector.h"
#include "query/session_internal.h"
#include "query/verbs.h"

#define DEFAULT_MEMORY ((int64_t)512 << 20)
#define DEFAULT_TEXT   ((int64_t)1 << 20)
#define DEFAULT_DEPTH  200
#define MOST_DEPTH     1000
#define MOST_COLUMNS   2000

void rem_session_options_init(rem_session_options *options) {
  *options = (rem_session_options){.struct_size = sizeof *options,
                                   .timeout_ms = -1,
                                   .max_rows = -1,
                                   .memory_bytes = -1,
                                   .max_text_bytes = -1,
                                   .temp_bytes = -1,
                                   .max_depth = -1,
                                   .max_columns = -1};
}

/* 0 sets no limit. */
static int64_t temp_bytes_of(const rem_config *config) {
  int64_t mib = rem_config_int(config, REM_CONFIG_QUERY_TEMP_SIZE);
  return mib > 0 ? mib << 20 : INT64_MAX;
}

static void settle_options(rem_session *session, const rem_session_options *given) {
  rem_session_options *options = &session->options;
  *options = *given;
  if (options->timeout_ms < 0)
    options->timeout_ms = rem_config_int(session->engine->config, REM_CONFIG_QUERY_TIMEOUT) * 1000;
  if (options->memory_bytes <= 0)
    options->memory_bytes = DEFAULT_MEMORY;
  if (options->temp_bytes <= 0)
    options->temp_bytes = temp_bytes_of(session->engine->config);
  if (options->max_text_bytes <= 0)
    options->max_text_bytes = DEFAULT_TEXT;
  if (options->max_depth <= 0)
    options->max_depth = DEFAULT_DEPTH;
  if (options->max_depth > MOST_DEPTH)
    options->max_depth = MOST_DEPTH;
  if (options->max_columns <= 0 || options->max_columns > MOST_COLUMNS)
    options->max_columns = MOST_COLUMNS;
  if (!session->engine->writer)
    options->read_only = true;
}

/* What SQLite may keep of a sort or a group before it goes to temporary files (temp_files.h): a quarter of the bound, in KiB. */
static rem_status set_cache(rem_session *session, rem_error *err) {
  char pragma[96];
  int64_t kib = session->options.memory_bytes / 4096;
  snprintf(pragma, sizeof pragma, "PRAGMA cache_size=-%lld; PRAGMA temp.cache_size=-%lld", (long long)(kib < 1024 ? 1024 : kib),
           (long long)(kib < 1024 ? 1024 : kib));
  return sqlite3_exec(session->sqlite, pragma, NULL, NULL, NULL) == SQLITE_OK ? REM_OK : rem_error_nomem(err);
}

static rem_status fill(rem_session *session, rem_error *err) {
  REM_TRY(rem_temp_files_init(&session->temp_files, session, session->options.temp_bytes, err));
  REM_TRY(rem_temp_files_connect(&session->temp_files, &session->sqlite, err));
  REM_TRY(rem_catalog_new(session, &session->catalog, err));
  REM_TRY(rem_dialect_new(&session->dialect, err));
  REM_TRY(set_cache(session, err));
  REM_TRY(rem_functions_add(session, err));
  REM_TRY(rem_entities_add(session, err));
  REM_TRY(rem_verbs_add(session, err));
  return rem_session__add_guard(session, err);
}

rem_status rem_query_open(rem_engine *engine, const char *tenant, const rem_session_options *options, rem_session **ret_session,
                          rem_error *err) {
  REM_TRY(rem_engine_check_usable(engine, err));
  rem_session *session = rem_calloc(1, sizeof *session);
  if (!session)
    return rem_error_nomem(err);
  session->engine = rem_engine_ref(engine);
  memcpy(session->tenant, tenant, strlen(tenant) + 1);
  settle_options(session, options);
  rem_status status = fill(session, err);
  if (status < 0)
    rem_query_close(session);
  else
    *ret_session = session;
  return status;
}

void rem_query_close(rem_session *session) {
  if (!session)
    return;
  for (rem_statement *statement = session->statements; statement; statement = statement->next) {
    rem_statement__end(statement);
    statement->session = NULL;
  }
  if (session->sqlite)
    (void)sqlite3_close_v2(session->sqlite);
  rem_view_unref(session->transaction_view);
  rem_catalog_free(session->catalog);
  rem_dialect_free(session->dialect);
  rem_search_vector_forget(session);
  (void)rem_engine_unref(session->engine, NULL);
  rem_free(session);
}

int rem_session__fail(rem_session *session, rem_status status, const rem_error *err) {
  if (session->failed < 0)
    return SQLITE_ERROR;
  session->failed = status;
  session->failure = *err;
  return SQLITE_ERROR;
}

static int64_t monotonic_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t rem_session__deadline(const rem_session *session) {
  return session->options.timeout_ms > 0 ? monotonic_us() + session->options.timeout_ms * 1000 : 0;
}

rem_status rem_session__check(rem_session *session, rem_error *err) {
  REM_TRY(rem_engine_check_usable(session->engine, err));
  if (session->deadline_us == 0 || monotonic_us() < session->deadline_us)
    return REM_OK;
  rem_error_set(err, REM_TIMEOUT, "the statement took longer than %.3g s", (double)session->options.timeout_ms / 1000);
  rem_error_hint(err, "narrow it, add an index, or raise P8_QUERY_TIMEOUT");
  return REM_TIMEOUT;
}

bool rem_session_in_transaction(const rem_session *session) {
  return session && sqlite3_get_autocommit(session->sqlite) == 0;
}

void rem_session_commit_result(const rem_session *session, rem_batch_result *ret_result) {
  if (session && ret_result)
    *ret_result = session->commit_result;
}

rem_status rem_query_tables_json(rem_session *session, rem_bytes *ret_json, rem_error *err) {
  rem_buffer buffer REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_catalog_append_json(session->catalog, &buffer, err));
  return rem_buffer_take(&buffer, ret_json, err);
}
