/* SPDX-License-Identifier: Apache-2.0 */
#include "index/edge.h"

#include "base/uuid.h"
#include "schema/builtin.h"

static rem_slice text_of(const json_t *json) {
  return json_is_string(json) ? rem_slice_of(json_string_value(json), json_string_length(json)) : (rem_slice){0};
}

static rem_status append_data(const json_t *json, rem_buffer *data, rem_error *err) {
  json_t *weight = json_object_get(json, "weight"), *properties = json_object_get(json, "properties");
  if (!weight && !properties)
    return REM_OK;
  json_t *object REM_AUTO_JSON = json_object();
  if (!object || (weight && json_object_set(object, "weight", weight)) ||
      (properties && json_object_set(object, "properties", properties)))
    return rem_error_nomem(err);
  return rem_json_append(data, object, err);
}

rem_status rem_edge_of_json(const json_t *json, rem_edge *ret_edge, rem_buffer *data, rem_error *err) {
  rem_edge edge = {0};
  bool is_object = json_is_object(json);
  rem_slice target = text_of(is_object ? json_object_get(json, "target") : json);
  rem_slice table = is_object ? text_of(json_object_get(json, "table")) : (rem_slice){0};
  if (is_object)
    edge.type = text_of(json_object_get(json, "type"));
  if (target.size == 0)
    return rem_error_set(err, REM_CORRUPT, "a stored edge has no target");
  edge.target.key = target;
  if (rem_uuid_parse((const char *)target.data, target.size, edge.target.id)) {
    edge.target.kind = REM_TARGET_ID;
  } else if (table.size) {
    /* Aliases (D1) name the same table. */
    const char *canonical = rem_builtin_canonical((const char *)table.data);
    edge.target.kind = REM_TARGET_TABLE_KEY;
    edge.target.table = canonical ? rem_slice_text(canonical) : table;
  } else {
    edge.target.kind = REM_TARGET_KEY;
  }
  if (is_object)
    REM_TRY(append_data(json, data, err));
  *ret_edge = edge;
  return REM_OK;
}
