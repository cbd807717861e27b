/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When what was found at s0 may grow: all commits beyond s0 must still be to be told. A commit is told after it can be seen, so one beyond s0 may have been told while
 * the ids were gathered; the last number told of the tenant shows it.
 */
#include "entity/filter_cache.h"

#include <pthread.h>
#include <stdio.h>

#include "base/hash_map.h"

typedef struct entry {
  char *key; /* owned: tenant, table, generation, filter; NULL: free */
  char tenant[65], table[64];
  rem_ann_ids *ids; /* owned reference */
  uint64_t from, to; /* sequence numbers */
  bool grows;
  uint64_t used; /* when: larger is later */
} entry;

struct rem_filter_cache {
  pthread_mutex_t lock;
  entry entries[REM_FILTER_CACHE_ENTRIES];
  rem_hash_map told; /* tenant -> the last number told, as a pointer */
  bool blind;        /* some were not remembered: nothing grows any more */
  uint64_t clock, ticket, hits, misses;
};

rem_status rem_filter_cache_new(rem_filter_cache **ret_cache, rem_error *err) {
  rem_filter_cache *cache = rem_calloc(1, sizeof *cache);
  if (!cache)
    return rem_error_nomem(err);
  pthread_mutex_init(&cache->lock, NULL);
  *ret_cache = cache;
  return REM_OK;
}

static void forget(entry *e) {
  rem_free(e->key);
  rem_ann_ids_unref(e->ids);
  *e = (entry){0};
}

void rem_filter_cache_free(rem_filter_cache *cache) {
  if (!cache)
    return;
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++)
    forget(&cache->entries[i]);
  rem_hash_map_deinit(&cache->told);
  pthread_mutex_destroy(&cache->lock);
  rem_free(cache);
}

void rem_filter_cache_clear(rem_filter_cache *cache) {
  pthread_mutex_lock(&cache->lock);
  cache->ticket++;
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++)
    forget(&cache->entries[i]);
  pthread_mutex_unlock(&cache->lock);
}

/* Names have no ':'. */
static char *make_key(const rem_filter_spot *spot) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_buffer_append_format(&key, "%s:%s:%u:%s", spot->tenant, spot->table->name, spot->table->generation, spot->where_json);
  if (rem_buffer_status(&key, NULL) < 0)
    return NULL;
  return rem_strndup((const char *)key.data, key.size);
}

/* ---- finding ---- */

static entry *find_entry(rem_filter_cache *cache, const char *key, uint64_t seq) {
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++) {
    entry *e = &cache->entries[i];
    if (e->key && e->from <= seq && seq <= e->to && strcmp(e->key, key) == 0)
      return e;
  }
  return NULL;
}

rem_ann_ids *rem_filter_cache_find(rem_filter_cache *cache, rem_filter_spot *spot) {
  char *key REM_AUTO_FREE = make_key(spot);
  if (!key)
    return NULL;
  pthread_mutex_lock(&cache->lock);
  spot->ticket = cache->ticket;
  entry *e = find_entry(cache, key, spot->seq);
  rem_ann_ids *ids = e ? rem_ann_ids_ref(e->ids) : NULL;
  if (e)
    e->used = ++cache->clock;
  cache->hits += ids != NULL;
  cache->misses += ids == NULL;
  pthread_mutex_unlock(&cache->lock);
  return ids;
}

/* ---- keeping ---- */

static size_t bytes_of(const rem_filter_cache *cache) {
  size_t sum = 0;
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++)
    sum += cache->entries[i].key ? rem_ann_ids_bytes(cache->entries[i].ids) : 0;
  return sum;
}

static entry *oldest(rem_filter_cache *cache) {
  entry *found = NULL;
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++) {
    entry *e = &cache->entries[i];
    if (e->key && (!found || e->used < found->used))
      found = e;
  }
  return found;
}

static entry *free_entry(rem_filter_cache *cache) {
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++)
    if (!cache->entries[i].key)
      return &cache->entries[i];
  entry *e = oldest(cache);
  forget(e);
  return e;
}

static void make_room(rem_filter_cache *cache, size_t bytes) {
  for (size_t have = bytes_of(cache); have + bytes > REM_FILTER_CACHE_BYTES && have; have = bytes_of(cache))
    forget(oldest(cache));
}

/* Another one of the same key that ends before `seq` serves fewer and fewer. */
static void forget_older(rem_filter_cache *cache, const char *key, uint64_t seq) {
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++) {
    entry *e = &cache->entries[i];
    if (e->key && e->to < seq && strcmp(e->key, key) == 0)
      forget(e);
  }
}

static void take(rem_filter_cache *cache, const rem_filter_spot *spot, char *key, rem_ann_ids *ids) {
  entry *e = free_entry(cache);
  uint64_t told = (uint64_t)(uintptr_t)rem_hash_map_get(&cache->told, rem_slice_text(spot->tenant));
  *e = (entry){.key = key, .ids = rem_ann_ids_ref(ids), .from = spot->seq, .to = spot->seq, .grows = !cache->blind && told <= spot->seq, .used = ++cache->clock};
  snprintf(e->tenant, sizeof e->tenant, "%s", spot->tenant);
  snprintf(e->table, sizeof e->table, "%s", spot->table->name);
}

void rem_filter_cache_keep(rem_filter_cache *cache, const rem_filter_spot *spot, rem_ann_ids *ids) {
  size_t bytes = rem_ann_ids_bytes(ids);
  char *key REM_AUTO_FREE = bytes > REM_FILTER_CACHE_BYTES / 4 ? NULL : make_key(spot);
  if (!key)
    return;
  pthread_mutex_lock(&cache->lock);
  if (spot->ticket == cache->ticket && !find_entry(cache, key, spot->seq)) {
    forget_older(cache, key, spot->seq);
    make_room(cache, bytes);
    take(cache, spot, REM_TAKE(key), ids);
  }
  pthread_mutex_unlock(&cache->lock);
}

/* ---- commits ---- */

static void follow(entry *e, uint64_t seq, bool written) {
  if (!e->grows || e->to >= seq)
    return;
  e->grows = !written;
  e->to = written ? e->to : seq;
}

void rem_filter_cache_committed(rem_filter_cache *cache, const char *tenant, uint64_t seq,
                                bool (*is_written)(const void *context, const char *table), const void *context) {
  pthread_mutex_lock(&cache->lock);
  if (rem_hash_map_put(&cache->told, rem_slice_text(tenant), (void *)(uintptr_t)seq, NULL, NULL) < 0)
    cache->blind = true;
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++) {
    entry *e = &cache->entries[i];
    if (e->key && strcmp(e->tenant, tenant) == 0)
      follow(e, seq, cache->blind || is_written(context, e->table));
  }
  pthread_mutex_unlock(&cache->lock);
}

void rem_filter_cache_stats_get(rem_filter_cache *cache, rem_filter_cache_stats *ret_stats) {
  pthread_mutex_lock(&cache->lock);
  *ret_stats = (rem_filter_cache_stats){.bytes = bytes_of(cache), .hits = cache->hits, .misses = cache->misses};
  for (size_t i = 0; i < REM_FILTER_CACHE_ENTRIES; i++)
    ret_stats->entries += cache->entries[i].key != NULL;
  pthread_mutex_unlock(&cache->lock);
}
