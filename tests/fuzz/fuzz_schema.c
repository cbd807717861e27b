/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas from anywhere. modules: base storage schema
 *
 * The input is a JSON array [schema, instance, other schema]. A schema is refused with a reason, or it gives every instance a verdict
 * with a reason; defaults are filled in once; comparing two schemas ends, and a schema does not differ from itself.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>

#include "schema/compat.h"
#include "schema/validator.h"

static void must(bool condition) {
  if (!condition) abort();
}

static void judge(const rem_validator *validator, json_t *instance) {
  rem_error err = {0};
  rem_status status = rem_validator_check(validator, instance, &err);
  must(status == REM_OK || status == REM_INVALID || status == REM_LIMIT);
  must(status == REM_OK || err.message[0] != 0);
  must(status != REM_INVALID || strstr(err.message, ": expected ") != NULL || strstr(err.message, "UTF-8") != NULL);
}

static void fill(const rem_validator *validator, json_t *instance) {
  json_t *once REM_AUTO_JSON = json_deep_copy(instance);
  must(rem_validator_apply_defaults(validator, once, NULL) == REM_OK);
  json_t *twice REM_AUTO_JSON = json_deep_copy(once);
  must(rem_validator_apply_defaults(validator, twice, NULL) == REM_OK);
  /* A default may itself lack defaults, which the second turn adds; what was there stays. */
  must(json_object_size(twice) == json_object_size(once));
  judge(validator, twice);
}

static void compare(const json_t *a, const json_t *b) {
  rem_schema_report report REM_AUTO_SCHEMA_REPORT = {0};
  rem_error err = {0};
  rem_status status = rem_schema_compare(a, b, &report, &err);
  must(status == REM_OK || status == REM_LIMIT);
  must(status != REM_OK || a != b || report.count == 0);
  must(report.incompatible_count <= report.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *input REM_AUTO_JSON = NULL;
  rem_error err = {0};
  if (rem_json_parse((const char *)data, size, &input, NULL) != REM_OK || json_array_size(input) < 2) return 0;
  const json_t *schema = json_array_get(input, 0), *other = json_array_get(input, 2);
  json_t *instance = json_array_get(input, 1);
  rem_validator *validator = NULL;
  rem_status status = rem_validator_new(schema, &validator, &err);
  must(status == REM_OK || status == REM_INVALID || status == REM_UNSUPPORTED || status == REM_LIMIT);
  must(status == REM_OK || err.message[0] != 0);
  if (status == REM_OK) {
    judge(validator, instance);
    fill(validator, instance);
    compare(schema, schema);
  }
  if (other != NULL) compare(schema, other);
  rem_validator_free(validator);
  return 0;
}
