/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: telling the kinds apart, and reading the two that are documents themselves. */
#include "schema/source.h"

#include <strings.h>

#include "base/file.h"
#include "base/yaml.h"
#include "schema/source_internal.h"

static bool ends_in(const char *text, const char *suffix) {
  size_t size = strlen(text), suffix_size = strlen(suffix);
  return size > suffix_size && strcasecmp(text + size - suffix_size, suffix) == 0;
}

static rem_status read_document(const char *path, bool yaml, json_t **ret_schema, rem_error *err) {
  rem_bytes text = {0};
  json_t *document REM_AUTO_JSON = NULL;
  REM_TRY(rem_file_read(path, REM_SOURCE_MAX_SIZE, &text, err));
  rem_status status = yaml ? rem_yaml_parse(text.data, text.size, &document, err)
                           : rem_json_parse(text.data, text.size, &document, err);
  rem_bytes_free(&text);
  if (status < 0) {
    rem_error_prefix(err, "'%.300s': ", path);
    return status;
  }
  if (!json_is_object(document)) {
    rem_error_set(err, REM_INVALID, "'%.300s': a schema must be an object, not %s", path, rem_json_type_name(document));
    rem_error_hint(err, "A schema looks like {\"title\": \"Person\", \"type\": \"object\", \"properties\": {…}}.");
    return REM_INVALID;
  }
  *ret_schema = REM_TAKE(document);
  return REM_OK;
}

static rem_status read_model(const char *source, size_t path_size, const char *class_name, const char *python,
                             json_t **ret_schema, rem_error *err) {
  char *path REM_AUTO_FREE = rem_strndup(source, path_size);
  if (path == NULL) return rem_error_nomem(err);
  if (!ends_in(path, ".py")) {
    rem_error_set(err, REM_INVALID, "'%.300s' is not a Python file", path);
    rem_error_hint(err, "A Pydantic model is named as person.py::Person.");
    return REM_INVALID;
  }
  if (!rem_file_exists(path) || rem_file_is_folder(path))
    return rem_error_set(err, REM_UNKNOWN, "there is no file '%.300s'", path);
  return rem_source__python(path, class_name, python, ret_schema, err);
}

/* The last "::", since a folder's name may hold one. */
static const char *find_separator(const char *source) {
  const char *found = NULL;
  for (const char *p = strstr(source, "::"); p != NULL; p = strstr(p + 2, "::"))
    found = p;
  return found;
}

rem_status rem_schema_source_read(const char *source, const char *python, json_t **ret_schema, rem_error *err) {
  const char *separator = find_separator(source);
  if (separator != NULL)
    return read_model(source, (size_t)(separator - source), separator + 2, python, ret_schema, err);
  /* Without a class Python is asked all the same: its answer lists those there are. */
  if (ends_in(source, ".py")) return read_model(source, strlen(source), "", python, ret_schema, err);
  bool yaml = ends_in(source, ".yaml") || ends_in(source, ".yml");
  if (yaml || ends_in(source, ".json")) return read_document(source, yaml, ret_schema, err);
  rem_error_set(err, REM_INVALID, "'%.300s' is not a kind of schema file that is known", source);
  rem_error_hint(err, "Give a .json, .yaml or .yml file, or a Pydantic model as person.py::Person.");
  return REM_INVALID;
}
