/* SPDX-License-Identifier: Apache-2.0 */
/* modules: base dialect */
/* SQL from anywhere: never a crash; errors and positions point into the text; UTF-8 stays UTF-8. */
#include "dialect/dialect.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "dialect/dialect_fixture.h"
#include "fuzz/fuzz.h"

static void check_statement(rem_dialect *dialect, const rem_dialect_statement *statement, const char *text, size_t size) {
  for (size_t i = 0; i <= statement->sql_size; i += 1 + i / 64) {
    int64_t at = rem_dialect_source_offset(dialect, (int64_t)i);
    if (at < 0 || (size_t)at > size) abort();
  }
  if (rem_utf8_valid(text, size) && !rem_utf8_valid(statement->sql, statement->sql_size)) abort();
  if (statement->text_size > size) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static rem_dialect *dialect;
  rem_error err = {0};
  if (!dialect && rem_dialect_new(&dialect, &err) != REM_OK) abort();
  const char *text = (const char *)data;
  rem_dialect_statement statement;
  rem_status status = rem_dialect_rewrite(dialect, text, size, &fixture_catalog, &statement, &err);
  if (status == REM_OK) {
    check_statement(dialect, &statement, text, size);
    status = rem_dialect_explain_error(dialect, "no such column: x.y", (int64_t)(statement.sql_size / 2), &err);
    status = rem_dialect_explain_error(dialect, "near \"x\": syntax error", (int64_t)(statement.sql_size / 3), &err);
  }
  if (err.code != status || err.offset < -1 || err.offset > (int64_t)size) abort();
  if (rem_dialect_statement_size(text, size) > size) abort();
  (void)rem_dialect_writes(text, size);
  return 0;
}
