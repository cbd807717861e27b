/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry's cache: one hash map under a read-write lock; a hit is a shared lock, a probe and a reference.
 *
 *   key = tenant NUL table     the tenant's own table, or the shared built-in one when it has none
 *   key = NUL table            the built-in table
 *
 * Loading happens outside the lock. A load that began before a commit must not put the old table back after it: install,
 * forget and clear count the version up, and a loaded table is kept only when the version has not moved.
 */
#include "schema/registry.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/hash_map.h"
#include "base/json.h"
#include "base/text.h"
#include "schema/builtin.h"
#include "storage/key.h"

enum {
  MAX_TENANT = 64,
  MAX_LOADS = 8, /* of one lookup, when commits keep overtaking it */
};

struct rem_registry {
  rem_kv *kv;
  pthread_rwlock_t lock; /* guards what follows */
  rem_hash_map tables;   /* values are references */
  uint64_t version;
};

typedef struct cache_key {
  char bytes[MAX_TENANT + REM_TABLE_NAME_SIZE];
  size_t size;
} cache_key;

/* False when the names are longer than names can be. */
static bool make_key(const char *tenant, const char *table, cache_key *ret_key) {
  size_t tenant_size = strnlen(tenant, MAX_TENANT + 1), table_size = strnlen(table, REM_TABLE_NAME_SIZE);
  if (tenant_size > MAX_TENANT || table_size >= REM_TABLE_NAME_SIZE) return false;
  memcpy(ret_key->bytes, tenant, tenant_size + 1);
  memcpy(ret_key->bytes + tenant_size + 1, table, table_size);
  ret_key->size = tenant_size + 1 + table_size;
  return true;
}

static rem_slice key_slice(const cache_key *key) {
  return rem_slice_of(key->bytes, key->size);
}

rem_status rem_registry_new(rem_kv *kv, rem_registry **ret_registry, rem_error *err) {
  rem_registry *registry = rem_calloc(1, sizeof *registry);
  if (registry == NULL) return rem_error_nomem(err);
  registry->kv = kv;
  if (pthread_rwlock_init(&registry->lock, NULL) != 0) {
    rem_free(registry);
    return rem_error_nomem(err);
  }
  *ret_registry = registry;
  return REM_OK;
}

static void drop_all(rem_registry *registry) {
  size_t cursor = 0;
  for (rem_hash_entry *entry; (entry = rem_hash_map_next(&registry->tables, &cursor)) != NULL;)
    rem_table_unref(entry->value);
  rem_hash_map_clear(&registry->tables);
}

void rem_registry_free(rem_registry *registry) {
  if (registry == NULL) return;
  drop_all(registry);
  rem_hash_map_deinit(&registry->tables);
  pthread_rwlock_destroy(&registry->lock);
  rem_free(registry);
}

/* ---------------------------------------------------------------------------------------------- */
/* One table                                                                                       */

/* A reference, or NULL; and the version at which that was so. */
static rem_table *cached(rem_registry *registry, const cache_key *key, uint64_t *ret_version) {
  pthread_rwlock_rdlock(&registry->lock);
  rem_table *table = rem_hash_map_get(&registry->tables, key_slice(key));
  if (table != NULL) rem_table_ref(table);
  *ret_version = registry->version;
  pthread_rwlock_unlock(&registry->lock);
  return table;
}

/*
 * Keeps `table` (taken) under `key` and gives back a reference to what is kept there: another thread may have been first. False, with the
 * table dropped, when the version has moved. Without memory nothing is kept, which is no error.
 */
static bool keep(rem_registry *registry, const cache_key *key, uint64_t version, rem_table **table) {
  pthread_rwlock_wrlock(&registry->lock);
  bool current = registry->version == version;
  rem_table *first = current ? rem_hash_map_get(&registry->tables, key_slice(key)) : NULL;
  rem_table *extra = NULL;
  if (first != NULL) {
    extra = *table;
    *table = rem_table_ref(first);
  } else if (current && rem_hash_map_put(&registry->tables, key_slice(key), *table, NULL, NULL) == REM_OK) {
    rem_table_ref(*table);
  }
  pthread_rwlock_unlock(&registry->lock);
  rem_table_unref(extra);
  if (!current) rem_table_unref(*table);
  return current;
}

static rem_status make_builtin(const rem_builtin *builtin, rem_table **ret_table, rem_error *err) {
  json_t *schema REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse_object(builtin->schema, builtin->schema_size, &schema, err));
  return rem_table_new(schema, builtin->table, NULL, ret_table, err);
}

/* The built-in schemas do not change, so their version is that of the cache at any time. */
static rem_status builtin_table(rem_registry *registry, const rem_builtin *builtin, rem_table **ret_table,
                                rem_error *err) {
  cache_key key;
  uint64_t version;
  (void)make_key("", builtin->table, &key);
  rem_table *table = cached(registry, &key, &version);
  if (table == NULL) {
    REM_TRY(make_builtin(builtin, &table, err));
    rem_table *mine = rem_table_ref(table);
    if (keep(registry, &key, version, &mine)) {
      rem_table_unref(table);
      table = mine;
    }
  }
  *ret_table = table;
  return REM_OK;
}

static rem_status load_stored(rem_registry *registry, const char *tenant, const char *name, rem_table **ret_table,
                              rem_error *err) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_key_table(&key, tenant, name);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status status = rem_kv_get(registry->kv, NULL, REM_CF_META, rem_buffer_slice(&key), &pin, err);
  if (status != REM_OK) return status;
  status = rem_table_load((const char *)pin.data, pin.size, ret_table, err);
  if (status < 0) rem_error_prefix(err, "table '%s': ", name);
  return status;
}

/* REM_NOT_FOUND when there is no such table. */
static rem_status load(rem_registry *registry, const char *tenant, const char *name, rem_table **ret_table,
                       rem_error *err) {
  rem_status status = load_stored(registry, tenant, name, ret_table, err);
  if (status != REM_NOT_FOUND) return status;
  const rem_builtin *builtin = rem_builtin_find(name);
  return builtin == NULL ? REM_NOT_FOUND : builtin_table(registry, builtin, ret_table, err);
}

/* By canonical name. */
static rem_status find(rem_registry *registry, const char *tenant, const char *name, rem_table **ret_table,
                       rem_error *err) {
  cache_key key;
  if (!make_key(tenant, name, &key)) return REM_NOT_FOUND;
  for (int i = 0; i < MAX_LOADS; i++) {
    uint64_t version;
    rem_table *table = cached(registry, &key, &version);
    if (table == NULL) {
      rem_status status = load(registry, tenant, name, &table, err);
      if (status != REM_OK) return status;
      if (!keep(registry, &key, version, &table)) continue;
    }
    *ret_table = table;
    return REM_OK;
  }
  return rem_error_set(err, REM_CONFLICT, "the schema of '%s' is being changed again and again", name);
}

/* ---------------------------------------------------------------------------------------------- */
/* All tables                                                                                      */

typedef struct name_list {
  rem_arena arena;
  const char **names;
  size_t count, capacity;
} name_list;

static void name_list_deinit(name_list *list) {
  rem_free(list->names);
  rem_arena_deinit(&list->arena);
}

static rem_status add_name(name_list *list, rem_slice name, rem_error *err) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
    const char **names = rem_realloc(list->names, capacity * sizeof *names);
    if (names == NULL) return rem_error_nomem(err);
    list->names = names;
    list->capacity = capacity;
  }
  char *copy = rem_arena_strndup(&list->arena, (const char *)name.data, name.size);
  if (copy == NULL) return rem_error_nomem(err);
  list->names[list->count++] = copy;
  return REM_OK;
}

/* The names of the built-in tables, then those stored that are not among them. */
static rem_status collect_names(rem_registry *registry, const char *tenant, name_list *list, rem_error *err) {
  for (size_t i = 0; i < rem_builtin_count(); i++)
    REM_TRY(add_name(list, rem_slice_text(rem_builtin_at(i)->table), err));
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_key_table_prefix(&prefix, tenant);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(registry->kv, NULL, REM_CF_META, rem_buffer_slice(&prefix), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    rem_slice key = rem_kv_iterator_key(iterator);
    rem_slice name = rem_slice_of(key.data + prefix.size, key.size - prefix.size);
    REM_TRY(add_name(list, name, err));
    const char *added = list->names[list->count - 1];
    if (rem_builtin_find(added) != NULL) list->count--;
  }
  return rem_kv_iterator_status(iterator, err);
}

static rem_status unknown_table(rem_registry *registry, const char *tenant, const char *name, rem_error *err) {
  rem_error_set(err, REM_UNKNOWN, "there is no table '%.100s'", name);
  name_list list REM_CLEANUP(name_list_deinit) = {0};
  rem_error ignored = {0};
  const char *nearest = NULL;
  if (strnlen(name, REM_TABLE_NAME_SIZE) < REM_TABLE_NAME_SIZE &&
      collect_names(registry, tenant, &list, &ignored) == REM_OK)
    nearest = rem_text_nearest(name, list.names, list.count);
  if (nearest != NULL)
    rem_error_hint(err, "Did you mean '%s'?", nearest);
  else
    rem_error_hint(err, "List the tables with `db schema list`, or register a schema with `db schema add`.");
  return REM_UNKNOWN;
}

rem_status rem_registry_table(rem_registry *registry, const char *tenant, const char *name, rem_table **ret_table,
                              rem_error *err) {
  char buffer[REM_TABLE_NAME_SIZE];
  rem_status status = find(registry, tenant, rem_table_canonical_name(name, buffer), ret_table, err);
  return status == REM_NOT_FOUND ? unknown_table(registry, tenant, name, err) : status;
}

void rem_table_list_deinit(rem_table_list *list) {
  for (size_t i = 0; i < list->count; i++)
    rem_table_unref(list->tables[i]);
  rem_free(list->tables);
  *list = (rem_table_list){0};
}

static int compare_tables(const void *a, const void *b) {
  const rem_table *x = *(rem_table *const *)a, *y = *(rem_table *const *)b;
  if (x->builtin != y->builtin) return x->builtin ? -1 : 1;
  return strcmp(x->name, y->name);
}

rem_status rem_registry_list(rem_registry *registry, const char *tenant, rem_table_list *ret_list, rem_error *err) {
  name_list names REM_CLEANUP(name_list_deinit) = {0};
  REM_TRY(collect_names(registry, tenant, &names, err));
  rem_table_list list REM_AUTO_TABLE_LIST = {.tables = rem_calloc(names.count, sizeof *list.tables)};
  if (list.tables == NULL) return rem_error_nomem(err);
  for (size_t i = 0; i < names.count; i++) {
    rem_status status = find(registry, tenant, names.names[i], &list.tables[list.count], err);
    if (status < 0) return status;
    list.count += status == REM_OK; /* not found: removed meanwhile */
  }
  qsort(list.tables, list.count, sizeof *list.tables, compare_tables);
  *ret_list = list;
  list = (rem_table_list){0};
  return REM_OK;
}

rem_status rem_registry_select(rem_registry *registry, const char *tenant, const char *name, rem_table_list *ret_list,
                               rem_error *err) {
  if (!name) return rem_registry_list(registry, tenant, ret_list, err);
  rem_table_list list REM_AUTO_TABLE_LIST = {.tables = rem_calloc(1, sizeof *list.tables)};
  if (!list.tables) return rem_error_nomem(err);
  REM_TRY(rem_registry_table(registry, tenant, name, &list.tables[0], err));
  list.count = 1;
  *ret_list = list;
  list = (rem_table_list){0};
  return REM_OK;
}

/* ---------------------------------------------------------------------------------------------- */
/* Changes                                                                                         */

void rem_registry_install(rem_registry *registry, const char *tenant, rem_table *table) {
  cache_key key;
  if (!make_key(tenant, table->name, &key)) return;
  pthread_rwlock_wrlock(&registry->lock);
  registry->version++;
  rem_table *old = rem_hash_map_remove(&registry->tables, key_slice(&key));
  if (rem_hash_map_put(&registry->tables, key_slice(&key), table, NULL, NULL) == REM_OK) rem_table_ref(table);
  pthread_rwlock_unlock(&registry->lock);
  rem_table_unref(old);
}

void rem_registry_forget(rem_registry *registry, const char *tenant, const char *name) {
  cache_key key;
  if (!make_key(tenant, name, &key)) return;
  pthread_rwlock_wrlock(&registry->lock);
  registry->version++;
  rem_table *old = rem_hash_map_remove(&registry->tables, key_slice(&key));
  pthread_rwlock_unlock(&registry->lock);
  rem_table_unref(old);
}

void rem_registry_clear(rem_registry *registry) {
  pthread_rwlock_wrlock(&registry->lock);
  registry->version++;
  drop_all(registry);
  pthread_rwlock_unlock(&registry->lock);
}
