/* SPDX-License-Identifier: Apache-2.0 */
/* What this library is. */
#include "base/cpu.h"
#include "base/json.h"
#include "base/uuid.h"
#include "embed/encoder.h"
#include "storage/identity.h"
#include "storage/kv.h"
#include "vector/kernel.h"

void rem_id_format(const uint8_t id[16], char ret_text[REM_ID_TEXT_SIZE]) {
  rem_uuid_format(id, ret_text);
}

bool rem_id_parse(const char *text, size_t text_size, uint8_t ret_id[16]) {
  return text && rem_uuid_parse(text, text_size, ret_id);
}

const char *rem_version(void) {
  return REM_VERSION_TEXT;
}

rem_status rem_version_json(rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(ret_json, err);
  json_t *json REM_AUTO_JSON = json_pack(
      "{s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "version", rem_version(), "format", REM_FORMAT_VERSION, "jansson",
      jansson_version_str(), "cpu", rem_cpu_name(), "cpu_level", rem_cpu_level(), "encoder",
      rem_encoder_layout_name(rem_encoder_preferred_layout()), "vector_kernel", rem_kernel_get()->name);
  return json ? rem_json_text(json, ret_json, err) : rem_error_nomem(err);
}
