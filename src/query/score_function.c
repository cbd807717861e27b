/* SPDX-License-Identifier: Apache-2.0 */
#include "query/score_function.h"

#include "query/search_vector.h"
#include "vector/similarity.h"

static bool metric_of(const char *name, rem_metric *ret_metric) {
  static const char *const names[] = {"cosine", "inner_product", "l2"}; /* in the order of rem_metric */
  for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0) {
      *ret_metric = (rem_metric)i;
      return true;
    }
  return false;
}

static rem_status score(rem_session *session, sqlite3_value **arguments, double *ret_score, rem_error *err) {
  rem_metric metric;
  rem_sought sought;
  rem_query query;
  const char *table = (const char *)sqlite3_value_text(arguments[1]);
  int slot = sqlite3_value_int(arguments[2]);
  bool known = metric_of((const char *)sqlite3_value_text(arguments[0]), &metric) && table && slot >= 0 && slot < REM_SLOT_COUNT;
  const rem_catalog_entry *entry = known ? rem_catalog_peek(session->catalog, table) : NULL;
  if (!entry)
    return rem_error_set(err, REM_INVALID, "_rem_score() is what embedding.cosine() and its kin become; use those");
  if (sqlite3_value_type(arguments[3]) == SQLITE_NULL)
    return REM_NOT_FOUND;
  rem_status status = rem_search_vector_of(session, entry->table, (unsigned)slot, arguments[4], &sought, err);
  if (status != REM_OK)
    return status;
  const void *vector = sqlite3_value_blob(arguments[3]);
  if ((size_t)sqlite3_value_bytes(arguments[3]) != sought.dimension * sizeof(float))
    return rem_error_set(err, REM_INVALID, "the vectors compared have not the same dimension");
  rem_query_init(&query, metric, sought.values, sought.dimension);
  *ret_score = rem_query_score(&query, vector);
  return REM_OK;
}

static void call(sqlite3_context *context, int count, sqlite3_value **arguments) {
  rem_session *session = sqlite3_user_data(context);
  rem_error err;
  double result = 0;
  (void)count;
  rem_status status = score(session, arguments, &result, &err);
  if (status == REM_OK)
    sqlite3_result_double(context, result);
  else if (status == REM_NOT_FOUND)
    sqlite3_result_null(context);
  else {
    (void)rem_session__fail(session, status, &err);
    sqlite3_result_error(context, err.message, -1);
  }
}

rem_status rem_score_function_add(rem_session *session, rem_error *err) {
  int code = sqlite3_create_function_v2(session->sqlite, "_rem_score", 5, SQLITE_UTF8 | SQLITE_DIRECTONLY, session, call, NULL, NULL, NULL);
  return code == SQLITE_OK ? REM_OK : rem_error_nomem(err);
}
