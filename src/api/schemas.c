/* SPDX-License-Identifier: Apache-2.0 */
/* Registering and showing schemas. */
#include "api/api_internal.h"
#include "base/json.h"
#include "entity/schema_change.h"
#include "schema/source.h"

void rem_schema_options_init(rem_schema_options *options) {
  *options = (rem_schema_options){.struct_size = sizeof *options};
}

rem_status rem_schema_add(rem_db *db, const char *json, size_t json_size, const rem_schema_options *options,
                          rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(db && json && ret_json, err);
  REM_READ_OPTIONS(rem_schema_options, chosen, options);
  json_t *schema REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse_object(json, json_size, &schema, err));
  return rem_schema_register(db->engine, db->tenant, schema, chosen.name, ret_json, err);
}

rem_status rem_schema_add_source(rem_db *db, const char *source, const rem_schema_options *options, rem_bytes *ret_json,
                                 rem_error *err) {
  REM_CHECK_ARG(db && source && ret_json, err);
  REM_READ_OPTIONS(rem_schema_options, chosen, options);
  json_t *schema REM_AUTO_JSON = NULL;
  REM_TRY(rem_engine_check_writable(db->engine, err));
  const char *python = chosen.python ? chosen.python : rem_config_text(db->engine->config, REM_CONFIG_PYTHON);
  REM_TRY(rem_schema_source_read(source, python, &schema, err));
  return rem_schema_register(db->engine, db->tenant, schema, chosen.name, ret_json, err);
}

rem_status rem_schema_list(rem_db *db, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(db && ret_json, err);
  return rem_schema_list_json(db->engine, db->tenant, ret_json, err);
}

rem_status rem_schema_show(rem_db *db, const char *table, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(db && table && ret_json, err);
  return rem_schema_show_json(db->engine, db->tenant, table, ret_json, err);
}

rem_status rem_schema_remove(rem_db *db, const char *table, bool with_rows, rem_error *err) {
  REM_CHECK_ARG(db && table, err);
  return rem_schema_unregister(db->engine, db->tenant, table, with_rows, err);
}
