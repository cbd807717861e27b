/* SPDX-License-Identifier: Apache-2.0 */
/* modules: base */
/* JSON from anywhere: never a crash; what is accepted survives a round trip through JSON text. */
#include "base/json.h"

#include "fuzz/fuzz.h"
#include "fuzz/json_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rem_error err = {0};
  json_t *json = NULL;
  rem_status status = rem_json_parse((const char *)data, size, &json, &err);
  if (status == REM_OK)
    check_round_trip(json);
  else
    check_error(status, &err, size);
  return 0;
}
