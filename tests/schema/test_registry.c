/* SPDX-License-Identifier: Apache-2.0 */
/* The registry over a real store: aliases, tenants, changes, threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "schema/registry.h"
#include "storage/key.h"

typedef struct fixture {
  char folder[64];
  rem_kv *kv;
  rem_registry *registry;
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  strcpy(f->folder, "/tmp/rem-test-registry-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  char *path = rem_path_join(f->folder, "t.db");
  rem_kv_options options;
  rem_kv_options_init(&options);
  options.mode = REM_KV_CREATE;
  rem_error err = {0};
  if (rem_kv_open(path, &options, &f->kv, &err) != REM_OK) fail_msg("%s", err.message);
  rem_free(path);
  assert_int_equal(rem_registry_new(f->kv, &f->registry, NULL), REM_OK);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  rem_registry_free(f->registry);
  assert_int_equal(rem_kv_close(f->kv, NULL), REM_OK);
  assert_int_equal(rem_file_remove_tree(f->folder, NULL), REM_OK);
  free(f);
  return 0;
}

static rem_table *make(const char *schema, const rem_table *previous) {
  json_t *json = NULL;
  rem_table *table = NULL;
  rem_error err = {0};
  assert_int_equal(rem_json_parse(schema, strlen(schema), &json, &err), REM_OK);
  if (rem_table_new(json, NULL, previous, &table, &err) != REM_OK) fail_msg("%s", err.message);
  json_decref(json);
  return table;
}

/* What the writer does: commit, then install. */
static void store(fixture *f, const char *tenant, rem_table *table) {
  rem_buffer key REM_AUTO_BUFFER = {0}, value REM_AUTO_BUFFER = {0};
  rem_kv_batch *batch REM_AUTO_BATCH = NULL;
  rem_key_table(&key, tenant, table->name);
  assert_int_equal(rem_table_store(table, &value, NULL), REM_OK);
  assert_int_equal(rem_kv_batch_new(f->kv, &batch, NULL), REM_OK);
  rem_kv_batch_put(batch, REM_CF_META, rem_buffer_slice(&key), rem_buffer_slice(&value));
  assert_int_equal(rem_kv_write(f->kv, batch, false, NULL), REM_OK);
}

static rem_table *get(fixture *f, const char *tenant, const char *name) {
  rem_table *table = NULL;
  rem_error err = {0};
  if (rem_registry_table(f->registry, tenant, name, &table, &err) != REM_OK) fail_msg("%s", err.message);
  return table;
}

static const char PERSON[] = "{\"short_name\":\"person\",\"properties\":{\"name\":{\"type\":\"string\"}}}";
static const char PERSON2[] = "{\"short_name\":\"person\",\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{}}}";

static void every_tenant_has_the_built_in_tables(void **state) {
  fixture *f = *state;
  static const char *const names[][2] = {{"resources", "resources"}, {"resource", "resources"}, {"Resource", "resources"},
                                         {"schema", "schema"},       {"schemas", "schema"},     {"file", "files"},
                                         {"moment", "moments"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    rem_table *table = get(f, "nobody", names[i][0]);
    assert_string_equal(table->name, names[i][1]);
    assert_true(table->builtin);
    assert_int_equal(table->generation, 1);
    rem_table_unref(table);
  }
  rem_table *a = get(f, "a", "moments"), *b = get(f, "b", "moments");
  assert_ptr_equal(a, b);
  assert_int_equal(a->key_rule, REM_KEY_MOMENT);
  rem_table_unref(a);
  rem_table_unref(b);
}

static void tenants_see_their_own_tables_only(void **state) {
  fixture *f = *state;
  rem_table *person = make(PERSON, NULL), *found = NULL;
  store(f, "a", person);
  found = get(f, "a", "person");
  assert_string_equal(found->name, "person");
  rem_table_unref(found);
  rem_error err = {0};
  assert_int_equal(rem_registry_table(f->registry, "b", "person", &found, &err), REM_UNKNOWN);
  assert_string_equal(err.message, "there is no table 'person'");
  rem_table_unref(person);
}

static void an_unknown_table_is_answered_with_the_nearest(void **state) {
  fixture *f = *state;
  rem_table *person = make(PERSON, NULL), *found = NULL;
  store(f, "a", person);
  rem_table_unref(person);
  rem_error err = {0};
  assert_int_equal(rem_registry_table(f->registry, "a", "persn", &found, &err), REM_UNKNOWN);
  assert_string_equal(err.hint, "Did you mean 'person'?");
  assert_int_equal(rem_registry_table(f->registry, "b", "persn", &found, &err), REM_UNKNOWN);
  assert_null(strstr(err.hint, "person"));
  assert_int_equal(rem_registry_table(f->registry, "a", "", &found, &err), REM_UNKNOWN);
  char name[300];
  memset(name, 'x', 299);
  name[299] = 0;
  assert_int_equal(rem_registry_table(f->registry, "a", name, &found, &err), REM_UNKNOWN);
  assert_int_equal(rem_registry_table(f->registry, name, "person", &found, &err), REM_UNKNOWN);
}

static void the_list_has_built_in_tables_first(void **state) {
  fixture *f = *state;
  rem_table *person = make(PERSON, NULL), *account = make("{\"short_name\":\"account\"}", NULL);
  rem_table *moments = make("{\"short_name\":\"moment\",\"properties\":{\"name\":{},\"start_time\":{},\"mood\":{}}}", NULL);
  store(f, "a", person);
  store(f, "a", account);
  store(f, "a", moments);
  store(f, "ab", person); /* a tenant whose name begins alike */
  rem_table_list list REM_AUTO_TABLE_LIST = {0};
  assert_int_equal(rem_registry_list(f->registry, "a", &list, NULL), REM_OK);
  static const char *const expected[] = {"files", "moments", "resources", "schema", "account", "person"};
  assert_int_equal(list.count, 6);
  for (size_t i = 0; i < 6; i++)
    assert_string_equal(list.tables[i]->name, expected[i]);
  assert_non_null(rem_table_field(list.tables[1], "mood", 4));
  rem_table_unref(person);
  rem_table_unref(account);
  rem_table_unref(moments);
}

static void a_change_is_seen_at_once_and_old_tables_live_on(void **state) {
  fixture *f = *state;
  rem_table *first = make(PERSON, NULL);
  store(f, "a", first);
  rem_table *held = get(f, "a", "person");
  rem_table *second = make(PERSON2, first);
  store(f, "a", second);
  rem_registry_install(f->registry, "a", second);
  rem_table *now = get(f, "a", "person");
  assert_ptr_equal(now, second);
  assert_int_equal(now->generation, 2);
  assert_int_equal(held->generation, 1);
  assert_null(rem_table_field(held, "age", 3));
  rem_table_unref(now);
  rem_registry_clear(f->registry);
  now = get(f, "a", "person");
  assert_int_equal(now->generation, 2);
  assert_ptr_not_equal(now, second);
  rem_table_unref(now);
  rem_table_unref(held);
  rem_table_unref(first);
  rem_table_unref(second);
}

static void a_removed_table_is_unknown(void **state) {
  fixture *f = *state;
  rem_table *person = make(PERSON, NULL), *found = NULL;
  store(f, "a", person);
  rem_table_unref(get(f, "a", "person"));
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_kv_batch *batch REM_AUTO_BATCH = NULL;
  rem_key_table(&key, "a", "person");
  assert_int_equal(rem_kv_batch_new(f->kv, &batch, NULL), REM_OK);
  rem_kv_batch_delete(batch, REM_CF_META, rem_buffer_slice(&key));
  assert_int_equal(rem_kv_write(f->kv, batch, false, NULL), REM_OK);
  rem_registry_forget(f->registry, "a", "person");
  assert_int_equal(rem_registry_table(f->registry, "a", "person", &found, NULL), REM_UNKNOWN);
  rem_table_unref(person);
}

static void a_damaged_table_is_told_by_name(void **state) {
  fixture *f = *state;
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_kv_batch *batch REM_AUTO_BATCH = NULL;
  rem_table *found = NULL;
  rem_error err = {0};
  rem_key_table(&key, "a", "person");
  assert_int_equal(rem_kv_batch_new(f->kv, &batch, NULL), REM_OK);
  rem_kv_batch_put(batch, REM_CF_META, rem_buffer_slice(&key), rem_slice_text("{"));
  assert_int_equal(rem_kv_write(f->kv, batch, false, NULL), REM_OK);
  assert_int_equal(rem_registry_table(f->registry, "a", "person", &found, &err), REM_CORRUPT);
  assert_non_null(strstr(err.message, "table 'person'"));
}

/* Readers never see a generation older than one they have seen. */
typedef struct reader {
  fixture *f;
  atomic_bool *stop;
  bool went_back;
} reader;

static void *read_tables(void *context) {
  reader *r = context;
  uint32_t last = 0;
  while (!atomic_load(r->stop)) {
    rem_table *table = NULL;
    if (rem_registry_table(r->f->registry, "a", "person", &table, NULL) != REM_OK) continue;
    r->went_back |= table->generation < last;
    last = table->generation;
    rem_table_unref(table);
  }
  return NULL;
}

static void readers_beside_a_writer_never_go_back(void **state) {
  fixture *f = *state;
  atomic_bool stop = false;
  rem_table *table = make(PERSON, NULL);
  store(f, "a", table);
  reader readers[3];
  pthread_t threads[3];
  for (size_t i = 0; i < 3; i++) {
    readers[i] = (reader){f, &stop, false};
    assert_int_equal(pthread_create(&threads[i], NULL, read_tables, &readers[i]), 0);
  }
  for (int i = 0; i < 300; i++) {
    rem_table *next = make(i % 2 ? PERSON : PERSON2, table);
    store(f, "a", next);
    rem_registry_install(f->registry, "a", next);
    if (i % 10 == 0) rem_registry_clear(f->registry);
    rem_table_unref(table);
    table = next;
  }
  atomic_store(&stop, true);
  for (size_t i = 0; i < 3; i++) {
    pthread_join(threads[i], NULL);
    assert_false(readers[i].went_back);
  }
  rem_table_unref(table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_tenant_has_the_built_in_tables, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tenants_see_their_own_tables_only, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_unknown_table_is_answered_with_the_nearest, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_list_has_built_in_tables_first, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_change_is_seen_at_once_and_old_tables_live_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_removed_table_is_unknown, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_damaged_table_is_told_by_name, set_up, tear_down),
      cmocka_unit_test_setup_teardown(readers_beside_a_writer_never_go_back, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
