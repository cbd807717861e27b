/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: names, fields, keys, embedding, generations, the stored form, defaults. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "schema/compat.h"
#include "schema/table.h"

static json_t *parse(const char *text) {
  json_t *json = NULL;
  rem_error err = {0};
  if (rem_json_parse(text, strlen(text), &json, &err) != REM_OK) fail_msg("%s", err.message);
  return json;
}

static rem_table *table_of(const char *schema, const rem_table *previous) {
  json_t *json = parse(schema);
  rem_table *table = NULL;
  rem_error err = {0};
  if (rem_table_new(json, NULL, previous, &table, &err) != REM_OK) fail_msg("%s", err.message);
  json_decref(json);
  return table;
}

static void assert_refused(const char *schema, const char *message) {
  json_t *json = parse(schema);
  rem_table *table = NULL;
  rem_error err = {0};
  assert_true(rem_table_new(json, NULL, NULL, &table, &err) < 0);
  assert_null(table);
  assert_string_equal(err.message, message);
  json_decref(json);
}

static const rem_field *field(const rem_table *table, const char *name) {
  const rem_field *found = rem_table_field(table, name, strlen(name));
  if (found == NULL) fail_msg("no field %s", name);
  return found;
}

static const char PERSON[] =
    "{\"title\":\"Person\",\"description\":\"A person entity.\",\"type\":\"object\",\"version\":\"1.0.0\","
    "\"category\":\"user\",\"fully_qualified_name\":\"myapp.Person\",\"indexed_fields\":[\"email\",\"role\"],"
    "\"embedding_fields\":[\"bio\"],\"embedding_provider\":\"default\",\"key_field\":\"email\",\"properties\":{"
    "\"name\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},"
    "\"bio\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null}},"
    "\"required\":[\"name\",\"email\",\"role\"]}";

static void the_example_of_the_specification_is_understood(void **state) {
  (void)state;
  rem_table *table = table_of(PERSON, NULL);
  assert_string_equal(table->name, "person");
  assert_string_equal(table->type, "person");
  assert_string_equal(table->category, "user");
  assert_string_equal(table->version, "1.0.0");
  assert_string_equal(table->description, "A person entity.");
  assert_false(table->builtin);
  assert_int_equal(table->generation, 1);
  assert_int_equal(table->field_count, 4);
  assert_int_equal(field(table, "email")->number, 1);
  assert_true(field(table, "email")->indexed);
  assert_false(field(table, "name")->indexed);
  assert_int_equal(table->indexed_count, 2);
  assert_int_equal(table->indexed[0], 1);
  assert_int_equal(table->indexed[1], 2);
  assert_int_equal(table->key_rule, REM_KEY_FIELD);
  assert_int_equal(table->key_fields[0], 1);
  assert_int_equal(table->embedding_field_count, 1);
  assert_int_equal(table->embedding_fields[0], 3);
  assert_string_equal(table->embedding_provider, "default");
  assert_true(field(table, "bio")->nullable);
  assert_int_equal(field(table, "bio")->kind, REM_FIELD_TEXT);
  assert_null(rem_table_field(table, "none", 4));
  rem_table_unref(table);
}

static void nested_extension_keys_count_as_top_level(void **state) {
  (void)state;
  rem_table *table = table_of("{\"title\":\"X\",\"json_schema_extra\":{\"short_name\":\"note\",\"key_field\":\"slug\","
                              "\"indexed_fields\":[\"slug\"],\"category\":\"user\"},"
                              "\"properties\":{\"slug\":{\"type\":\"string\"}}}",
                              NULL);
  assert_string_equal(table->name, "note");
  assert_string_equal(table->category, "user");
  assert_int_equal(table->key_rule, REM_KEY_FIELD);
  assert_int_equal(table->indexed_count, 1);
  assert_string_equal(json_string_value(rem_table_extension(table, "short_name")), "note");
  rem_table_unref(table);
}

static void kinds_come_from_types_formats_unions_and_references(void **state) {
  (void)state;
  static const struct {
    const char *schema;
    rem_field_kind kind, element;
    bool nullable;
  } cases[] = {
      {"{\"type\":\"string\"}", REM_FIELD_TEXT, 0, false},
      {"{\"type\":\"integer\"}", REM_FIELD_INT, 0, false},
      {"{\"type\":\"number\"}", REM_FIELD_REAL, 0, false},
      {"{\"type\":\"boolean\"}", REM_FIELD_BOOL, 0, false},
      {"{\"type\":\"object\"}", REM_FIELD_OBJECT, 0, false},
      {"{\"type\":\"array\"}", REM_FIELD_LIST, REM_FIELD_ANY, false},
      {"{\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":\"uuid\"}}", REM_FIELD_LIST, REM_FIELD_UUID, false},
      {"{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},{\"type\":\"null\"}]}", REM_FIELD_LIST,
       REM_FIELD_INT, true},
      {"{\"type\":\"string\",\"format\":\"date-time\"}", REM_FIELD_INSTANT, 0, false},
      {"{\"anyOf\":[{\"type\":\"string\",\"format\":\"date-time\"},{\"type\":\"null\"}]}", REM_FIELD_INSTANT, 0, true},
      {"{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}", REM_FIELD_UUID, 0, true},
      {"{\"type\":\"string\",\"format\":\"date\"}", REM_FIELD_TEXT, 0, false},
      {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", REM_FIELD_REAL, 0, false},
      {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", REM_FIELD_ANY, 0, false},
      {"{\"anyOf\":[{\"type\":\"string\",\"format\":\"date-time\"},{\"type\":\"string\"}]}", REM_FIELD_TEXT, 0, false},
      {"{\"enum\":[\"a\",\"b\",null]}", REM_FIELD_TEXT, 0, true},
      {"{\"const\":7}", REM_FIELD_INT, 0, false},
      {"{\"$ref\":\"#/$defs/Color\"}", REM_FIELD_TEXT, 0, false},
      {"{\"allOf\":[{\"$ref\":\"#/$defs/a~1b\"}]}", REM_FIELD_OBJECT, 0, false},
      {"{\"$ref\":\"#/$defs/Loop\"}", REM_FIELD_ANY, 0, true},
      {"{\"$ref\":\"#/$defs/Nowhere\"}", REM_FIELD_ANY, 0, true},
      {"{\"$ref\":\"#/$defs/Tree\"}", REM_FIELD_ANY, 0, true},
      {"{}", REM_FIELD_ANY, 0, true},
      {"true", REM_FIELD_ANY, 0, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[1024];
    snprintf(text, sizeof text,
             "{\"short_name\":\"t\",\"properties\":{\"f\":%s},\"$defs\":{\"Color\":{\"enum\":[\"red\"]},"
             "\"a/b\":{\"type\":\"object\"},\"Loop\":{\"$ref\":\"#/$defs/Loop\"},"
             "\"Tree\":{\"anyOf\":[{\"$ref\":\"#/$defs/Tree\"},{\"$ref\":\"#/$defs/Tree\"}]}}}",
             cases[i].schema);
    rem_table *table = table_of(text, NULL);
    const rem_field *f = field(table, "f");
    if (f->kind != cases[i].kind || f->nullable != cases[i].nullable || f->element != cases[i].element)
      fail_msg("%s: kind %d, element %d, nullable %d", cases[i].schema, f->kind, f->element, f->nullable);
    rem_table_unref(table);
  }
}

static void tables_are_named_by_short_name_else_class_in_snake_case(void **state) {
  (void)state;
  static const struct {
    const char *schema, *name, *type;
  } cases[] = {
      {"{\"short_name\":\"deal\",\"title\":\"SalesDeal\"}", "deal", "deal"},
      {"{\"title\":\"SalesDeal\"}", "sales_deal", "sales_deal"},
      {"{\"title\":\"HTTPServerLog\"}", "http_server_log", "http_server_log"},
      {"{\"title\":\"OrderV2\"}", "order_v2", "order_v2"},
      {"{\"title\":\"Sales Order\"}", "sales_order", "sales_order"},
      {"{\"title\":\"Response[int]\"}", "response_int", "response_int"},
      {"{\"fully_qualified_name\":\"my.app.UserNote\"}", "user_note", "user_note"},
      {"{\"title\":\"File\",\"properties\":{\"uri\":{}}}", "files", "file"},
      {"{\"short_name\":\"resource\",\"properties\":{\"uri\":{},\"ordinal\":{}}}", "resources", "resource"},
      {"{\"$ref\":\"#/$defs/Node\",\"$defs\":{\"Node\":{\"title\":\"Node\",\"properties\":{\"n\":{}}}}}", "node", "node"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rem_table *table = table_of(cases[i].schema, NULL);
    assert_string_equal(table->name, cases[i].name);
    assert_string_equal(table->type, cases[i].type);
    rem_table_unref(table);
  }
  json_t *json = parse(PERSON);
  rem_table *table = NULL;
  assert_int_equal(rem_table_new(json, "people", NULL, &table, NULL), REM_OK);
  assert_string_equal(table->name, "people");
  assert_string_equal(table->type, "people");
  rem_table_unref(table);
  json_decref(json);
}

static void names_that_cannot_be_tables_are_refused(void **state) {
  (void)state;
  rem_error err = {0};
  static const char *const bad[] = {"",       "Person",  "9lives",   "a-b",      "ä",        "a b",      "sqlite_x",
                                    "lookup", "search",  "fuzzy",    "traverse", "entities", "resource", "file",
                                    "moment", "schemas"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (rem_table_check_name(bad[i], &err) != REM_INVALID) fail_msg("'%s' was accepted", bad[i]);
  }
  static const char *const good[] = {"person", "select", "_x", "a9", "resources", "schema"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_int_equal(rem_table_check_name(good[i], &err), REM_OK);
  char name[66] = "";
  memset(name, 'a', 63);
  assert_int_equal(rem_table_check_name(name, &err), REM_OK);
  name[63] = 'a';
  assert_int_equal(rem_table_check_name(name, &err), REM_INVALID);
  assert_int_equal(rem_table_check_name("My Table", &err), REM_INVALID);
  assert_string_equal(err.message, "'My Table' cannot name a table");
  assert_string_equal(err.hint, "Use lower-case letters, digits and '_', at most 63, for example 'my_table'.");
  assert_refused("{\"properties\":{}}", "the schema has neither a short_name nor a title to name its table by");
}

static void tenants_have_their_own_alphabet(void **state) {
  (void)state;
  char name[66] = "";
  assert_int_equal(rem_tenant_check_name("Team-7_a@x.org", NULL), REM_OK);
  assert_int_equal(rem_tenant_check_name("", NULL), REM_INVALID);
  assert_int_equal(rem_tenant_check_name("a:b", NULL), REM_INVALID);
  memset(name, 'x', 64);
  assert_int_equal(rem_tenant_check_name(name, NULL), REM_OK);
  name[64] = 'x';
  assert_int_equal(rem_tenant_check_name(name, NULL), REM_INVALID);
}

static void aliases_lead_to_canonical_names(void **state) {
  (void)state;
  char buffer[REM_TABLE_NAME_SIZE];
  assert_string_equal(rem_table_canonical_name("resource", buffer), "resources");
  assert_string_equal(rem_table_canonical_name("Moment", buffer), "moments");
  assert_string_equal(rem_table_canonical_name("schemas", buffer), "schema");
  assert_string_equal(rem_table_canonical_name("files", buffer), "files");
  assert_string_equal(rem_table_canonical_name("Person", buffer), "person");
}

static void fields_that_clash_are_refused(void **state) {
  (void)state;
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"_x\":{}}}",
                 "field '_x' begins with '_', which is kept for the database");
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"Name\":{},\"name\":{}}}",
                 "field 'name' differs only in case from the field 'Name'");
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"ID\":{}}}", "field 'ID' differs only in case from the field 'id'");
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"id\":{\"type\":\"integer\"}}}",
                 "field 'id' has the name of a system field but not its type");
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"edges\":{\"type\":\"string\"}}}",
                 "field 'edges' has the name of a system field but not its type");
  assert_refused("{\"short_name\":\"t\",\"properties\":[]}", "`properties` of the schema must be an object, not array");
  rem_table *table = table_of("{\"short_name\":\"t\",\"properties\":{\"type\":{},\"öä :\":{},"
                              "\"id\":{\"type\":\"string\",\"format\":\"uuid\"},\"created_at\":{\"type\":\"string\","
                              "\"format\":\"date-time\"}}}",
                              NULL);
  assert_int_equal(table->field_count, 2);
  assert_null(rem_table_field(table, "id", 2));
  assert_int_equal(field(table, "öä :")->number, 1);
  rem_table_unref(table);
}

static void too_many_fields_are_refused(void **state) {
  (void)state;
  for (size_t count = 1900; count <= 1901; count++) {
    json_t *schema = json_pack("{s:s,s:{}}", "short_name", "wide", "properties");
    for (size_t i = 0; i < count; i++) {
      char name[16];
      snprintf(name, sizeof name, "f%zu", i);
      json_object_set_new(json_object_get(schema, "properties"), name, json_object());
    }
    rem_table *table = NULL;
    assert_int_equal(rem_table_new(schema, NULL, NULL, &table, NULL), count == 1900 ? REM_OK : REM_LIMIT);
    rem_table_unref(table);
    json_decref(schema);
  }
}

static void lists_of_fields_must_name_fields(void **state) {
  (void)state;
  json_t *json = parse("{\"short_name\":\"t\",\"properties\":{\"email\":{\"type\":\"string\"}},\"indexed_fields\":[\"emial\"]}");
  rem_error err = {0};
  rem_table *table = NULL;
  assert_int_equal(rem_table_new(json, NULL, NULL, &table, &err), REM_INVALID);
  assert_string_equal(err.message, "`indexed_fields` names 'emial', which is not a field of the schema");
  assert_string_equal(err.hint, "Did you mean 'email'?");
  json_decref(json);
  assert_refused("{\"short_name\":\"t\",\"key_field\":\"k\"}", "`key_field` names 'k', which is not a field of the schema");
  assert_refused("{\"short_name\":\"t\",\"key_field\":7}", "`key_field` of the schema must be a string, not integer");
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"n\":{\"type\":\"integer\"}},\"embedding_fields\":[\"n\"]}",
                 "`embedding_fields` names 'n', which does not hold text");
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"o\":{\"type\":\"object\"}},\"indexed_fields\":[\"o\"]}",
                 "field 'o' holds objects and cannot be indexed");
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"o\":{\"type\":\"array\"}},\"key_field\":\"o\"}",
                 "`key_field` names 'o', which holds lists or objects and cannot be a key");
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"a\":{}},\"key_field\":\"a\",\"key_fields\":[\"a\"]}",
                 "the schema gives both `key_field` and `key_fields`; one is allowed");
  assert_refused("{\"short_name\":\"t\",\"indexed_fields\":\"a\"}", "`indexed_fields` must be a list of field names, not string");
}

static void content_and_description_are_embedded_when_a_provider_is_named(void **state) {
  (void)state;
  rem_table *table = table_of("{\"short_name\":\"t\",\"embedding_provider\":\"default\",\"properties\":{"
                              "\"description\":{\"type\":\"string\"},\"content\":{\"type\":\"string\"},\"x\":{}}}",
                              NULL);
  assert_int_equal(table->embedding_field_count, 2);
  assert_int_equal(table->embedding_fields[0], 0);
  assert_int_equal(table->embedding_fields[1], 1);
  rem_table_unref(table);
  table = table_of("{\"short_name\":\"t\",\"properties\":{\"content\":{\"type\":\"string\"}}}", NULL);
  assert_int_equal(table->embedding_field_count, 0);
  assert_null(table->embedding_provider);
  rem_table_unref(table);
  table = table_of("{\"short_name\":\"t\",\"embedding_fields\":[\"b\",\"a\"],\"properties\":{\"a\":{\"type\":\"string\"},"
                   "\"b\":{\"type\":\"string\"}}}",
                   NULL);
  assert_int_equal(table->embedding_fields[0], 1);
  assert_int_equal(table->embedding_fields[1], 0);
  assert_string_equal(table->embedding_provider, "default");
  rem_table_unref(table);
  table = table_of("{\"short_name\":\"t\",\"properties\":{\"a\":{\"type\":\"string\"},"
                   "\"b\":{\"type\":\"string\",\"embedding_provider\":\"m\"}}}",
                   NULL);
  assert_int_equal(table->embedding_field_count, 1);
  assert_int_equal(table->embedding_fields[0], 1);
  assert_string_equal(table->embedding_provider, "m");
  rem_table_unref(table);
  assert_refused("{\"short_name\":\"t\",\"properties\":{\"a\":{\"type\":\"string\",\"embedding_provider\":\"x\"},"
                 "\"b\":{\"type\":\"string\",\"embedding_provider\":\"m\"}}}",
                 "the embedded fields name two providers, 'x' and 'm'; one is allowed");
}

static const char V1[] = "{\"short_name\":\"t\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"}}}";
static const char V2[] = "{\"short_name\":\"t\",\"properties\":{\"c\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"}}}";

static void field_numbers_are_never_used_again(void **state) {
  (void)state;
  rem_table *first = table_of(V1, NULL), *second = table_of(V2, first), *third = table_of(V1, second);
  assert_int_equal(second->generation, 2);
  assert_int_equal(second->field_count, 3);
  assert_true(second->fields[0].removed);
  assert_null(rem_table_field(second, "a", 1));
  assert_int_equal(field(second, "b")->number, 1);
  assert_int_equal(field(second, "c")->number, 2);
  assert_int_equal(third->generation, 3);
  assert_int_equal(third->field_count, 4);
  assert_int_equal(field(third, "a")->number, 3);
  assert_true(third->fields[2].removed);
  rem_table_unref(first);
  rem_table_unref(second);
  rem_table_unref(third);
}

static rem_table *reload(const rem_table *table) {
  rem_buffer stored REM_AUTO_BUFFER = {0};
  rem_error err = {0};
  rem_table *loaded = NULL;
  assert_int_equal(rem_table_store(table, &stored, &err), REM_OK);
  if (rem_table_load((const char *)stored.data, stored.size, &loaded, &err) != REM_OK) fail_msg("%s", err.message);
  return loaded;
}

static void the_stored_form_gives_the_same_table(void **state) {
  (void)state;
  rem_table *first = table_of(V1, NULL), *second = table_of(V2, first), *third = table_of(V1, second), *pinned = NULL;
  const rem_slot slot = {.model = "all-MiniLM-L6-v2", .sha256 = "ab", .dimension = 384};
  assert_int_equal(rem_table_with_slot(third, 1, &slot, NULL, &pinned, NULL), REM_OK);
  assert_int_equal(pinned->generation, 3);
  rem_table *loaded = reload(pinned);
  assert_string_equal(loaded->name, "t");
  assert_int_equal(loaded->generation, 3);
  assert_int_equal(loaded->field_count, 4);
  for (size_t i = 0; i < 4; i++) {
    assert_string_equal(loaded->fields[i].name, third->fields[i].name);
    assert_int_equal(loaded->fields[i].removed, third->fields[i].removed);
    assert_int_equal(loaded->fields[i].kind, third->fields[i].kind);
  }
  assert_null(loaded->slots[0].model);
  assert_string_equal(loaded->slots[1].model, "all-MiniLM-L6-v2");
  assert_string_equal(loaded->slots[1].sha256, "ab");
  assert_int_equal(loaded->slots[1].dimension, 384);
  assert_true(rem_json_equal(loaded->schema, third->schema));
  rem_table *successor = table_of(V2, loaded);
  assert_string_equal(successor->slots[1].model, "all-MiniLM-L6-v2");
  rem_table_unref(successor);
  rem_table_unref(loaded);
  rem_table_unref(pinned);
  rem_table_unref(third);
  rem_table_unref(second);
  rem_table_unref(first);
}

static void a_damaged_stored_form_is_told(void **state) {
  (void)state;
  static const char *const damaged[] = {
      "", "{", "[]", "{}", "{\"name\":\"t\"}",
      "{\"name\":\"t\",\"type\":\"t\",\"generation\":0,\"schema\":{},\"fields\":[],\"slots\":[]}",
      "{\"name\":\"t\",\"type\":\"t\",\"generation\":1,\"schema\":{},\"slots\":[]}",
      "{\"name\":\"t\",\"type\":\"t\",\"generation\":1,\"schema\":{\"properties\":{\"a\":{}}},\"fields\":[],\"slots\":[]}",
      "{\"name\":\"t\",\"type\":\"t\",\"generation\":1,\"schema\":{},\"fields\":[{\"name\":\"a\",\"number\":0}],\"slots\":[]}",
      ("{\"name\":\"t\",\"type\":\"t\",\"generation\":1,\"schema\":{\"properties\":{\"a\":{}}},"
       "\"fields\":[{\"name\":\"a\",\"number\":1}],\"slots\":[]}"),
      "{\"name\":\"t\",\"type\":\"t\",\"generation\":1,\"schema\":{\"indexed_fields\":[\"x\"]},\"fields\":[],\"slots\":[]}",
  };
  for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
    rem_table *table = NULL;
    rem_error err = {0};
    if (rem_table_load(damaged[i], strlen(damaged[i]), &table, &err) != REM_CORRUPT) fail_msg("accepted: %s", damaged[i]);
    assert_null(table);
    assert_non_null(strstr(err.message, "damaged"));
  }
}

static void defaults_fill_what_is_absent(void **state) {
  (void)state;
  rem_table *table = table_of("{\"short_name\":\"t\",\"properties\":{\"n\":{\"default\":3},\"o\":{\"default\":{\"x\":[]}},"
                              "\"z\":{\"default\":null},\"plain\":{}}}",
                              NULL);
  json_t *row = parse("{\"n\":9}"), *expected = parse("{\"n\":9,\"o\":{\"x\":[]},\"z\":null}");
  assert_int_equal(rem_table_apply_defaults(table, row, NULL), REM_OK);
  assert_true(rem_json_equal(row, expected));
  json_array_append_new(json_object_get(json_object_get(row, "o"), "x"), json_integer(1));
  json_t *other = json_object();
  assert_int_equal(rem_table_apply_defaults(table, other, NULL), REM_OK);
  assert_int_equal(json_array_size(json_object_get(json_object_get(other, "o"), "x")), 0);
  json_decref(other);
  json_decref(row);
  json_decref(expected);
  rem_table_unref(table);
}

static const char RESOURCE[] = "{\"short_name\":\"resource\",\"properties\":{\"uri\":{\"type\":\"string\"},"
                               "\"ordinal\":{\"type\":\"integer\",\"default\":0}},\"key_field\":\"uri\"}";

static void chunk_ordinal_is_ordinal_in_resources(void **state) {
  (void)state;
  rem_table *table = table_of(RESOURCE, NULL);
  assert_int_equal(table->key_rule, REM_KEY_RESOURCE);
  assert_true(table->builtin);
  json_t *row = parse("{\"uri\":\"u\",\"chunk_ordinal\":4}"), *expected = parse("{\"uri\":\"u\",\"ordinal\":4}");
  assert_int_equal(rem_table_apply_defaults(table, row, NULL), REM_OK);
  assert_true(rem_json_equal(row, expected));
  json_decref(row);
  json_decref(expected);
  rem_table_unref(table);
}

static void *use_often(void *context) {
  rem_table *table = context;
  for (int i = 0; i < 20; i++) {
    rem_table *pinned = NULL;
    rem_schema_report report = {0};
    rem_slot slot = {.model = "m", .sha256 = "0", .dimension = 3};
    json_t *row = parse("{\"name\":\"A\",\"email\":\"a@b.c\",\"role\":\"x\"}");
    if (rem_table_apply_defaults(table, row, NULL) != REM_OK || rem_table_validate(table, row, NULL) != REM_OK ||
        rem_table_with_slot(table, 0, &slot, NULL, &pinned, NULL) != REM_OK || rem_table_validate(pinned, row, NULL) != REM_OK ||
        rem_schema_compare(table->schema, pinned->schema, &report, NULL) != REM_OK || report.count != 0)
      return table;
    rem_schema_report_deinit(&report);
    rem_table_unref(pinned);
    json_decref(row);
  }
  return NULL;
}

/* jansson counts references without regard to threads: what a table shares it must not count on. ThreadSanitizer is the judge. */
static void threads_share_a_table(void **state) {
  (void)state;
  rem_table *table = table_of(PERSON, NULL);
  pthread_t threads[4];
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, use_often, table), 0);
  for (size_t i = 0; i < 4; i++) {
    void *wrong = NULL;
    pthread_join(threads[i], &wrong);
    assert_null(wrong);
  }
  rem_table_unref(table);
}

static void declared_system_fields_do_not_bind_rows(void **state) {
  (void)state;
  rem_table *table = table_of("{\"short_name\":\"t\",\"properties\":{\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"
                              "\"a\":{\"type\":\"string\"}},\"required\":[\"id\",\"a\"]}",
                              NULL);
  json_t *row = parse("{\"a\":\"x\"}"), *bad = parse("{}");
  rem_error err = {0};
  if (rem_table_validate(table, row, &err) != REM_OK) fail_msg("%s", err.message);
  assert_int_equal(rem_table_validate(table, bad, &err), REM_INVALID);
  json_decref(row);
  json_decref(bad);
  rem_table_unref(table);
}

static void every_failed_allocation_is_told_and_leaks_nothing(void **state) {
  (void)state;
  json_t *json = parse(PERSON);
  size_t before = rem_alloc_live_count();
  for (int64_t n = 1;; n++) {
    rem_table *table = NULL;
    rem_alloc_fail_at(n, 1);
    rem_status status = rem_table_new(json, NULL, NULL, &table, NULL);
    rem_alloc_fail_at(0, 0);
    rem_table_unref(table);
    assert_int_equal(rem_alloc_live_count(), before);
    if (status == REM_OK) break;
    assert_int_equal(status, REM_NOMEM);
    assert_true(n < 1000);
  }
  json_decref(json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_example_of_the_specification_is_understood),
      cmocka_unit_test(nested_extension_keys_count_as_top_level),
      cmocka_unit_test(kinds_come_from_types_formats_unions_and_references),
      cmocka_unit_test(tables_are_named_by_short_name_else_class_in_snake_case),
      cmocka_unit_test(names_that_cannot_be_tables_are_refused),
      cmocka_unit_test(tenants_have_their_own_alphabet),
      cmocka_unit_test(aliases_lead_to_canonical_names),
      cmocka_unit_test(fields_that_clash_are_refused),
      cmocka_unit_test(too_many_fields_are_refused),
      cmocka_unit_test(lists_of_fields_must_name_fields),
      cmocka_unit_test(content_and_description_are_embedded_when_a_provider_is_named),
      cmocka_unit_test(field_numbers_are_never_used_again),
      cmocka_unit_test(the_stored_form_gives_the_same_table),
      cmocka_unit_test(a_damaged_stored_form_is_told),
      cmocka_unit_test(defaults_fill_what_is_absent),
      cmocka_unit_test(chunk_ordinal_is_ordinal_in_resources),
      cmocka_unit_test(declared_system_fields_do_not_bind_rows),
      cmocka_unit_test(threads_share_a_table),
      cmocka_unit_test(every_failed_allocation_is_told_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
