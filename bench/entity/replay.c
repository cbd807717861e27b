/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash_map.h"
#include "storage/key.h"

#define SEQ_OFFSET 32 /* docs/format.md, record */

/* One put; its bytes are in the pool. */
typedef struct item {
  uint64_t seq; /* of the row */
  size_t at;
  const uint8_t *key; /* once the pool is complete */
  uint32_t key_size, value_size;
  rem_kv_family family;
} item;

struct replay {
  item *items;
  size_t count, capacity, rows;
  uint8_t *pool;
  size_t pool_size, pool_capacity;
  rem_hash_map seqs; /* id -> seq; pointers carry the number */
  item meta[3];
  size_t meta_count;
};

static void *grow(void *array, size_t *capacity, size_t wanted, size_t element) {
  if (wanted <= *capacity)
    return array;
  while (*capacity < wanted)
    *capacity = *capacity ? *capacity * 2 : 1024;
  array = realloc(array, *capacity * element);
  if (!array)
    measure_fail("out of memory");
  return array;
}

static item store(replay *r, rem_kv_family family, uint64_t seq, rem_slice key, rem_slice value) {
  r->pool = grow(r->pool, &r->pool_capacity, r->pool_size + key.size + value.size, 1);
  item it = {.seq = seq, .at = r->pool_size, .key_size = (uint32_t)key.size, .value_size = (uint32_t)value.size,
             .family = family};
  memcpy(r->pool + r->pool_size, key.data, key.size);
  if (value.size)
    memcpy(r->pool + r->pool_size + key.size, value.data, value.size);
  r->pool_size += key.size + value.size;
  return it;
}

static void add(replay *r, rem_kv_family family, uint64_t seq, rem_slice key, rem_slice value) {
  r->items = grow(r->items, &r->capacity, r->count + 1, sizeof *r->items);
  r->items[r->count] = store(r, family, seq, key, value);
  r->count++;
}

static rem_kv_iterator *iterate(rem_kv *kv, rem_kv_family family, const rem_buffer *prefix) {
  rem_error err = {0};
  rem_kv_iterator *it = NULL;
  measure_need(rem_kv_iterator_prefix(kv, NULL, family, rem_buffer_slice(prefix), &it, &err), &err);
  rem_kv_iterator_first(it);
  return it;
}

static void capture_rows(replay *r, rem_kv *kv, const rem_buffer *prefix) {
  rem_error err = {0};
  rem_kv_iterator *it = iterate(kv, REM_CF_ENTITIES, prefix);
  for (; rem_kv_iterator_valid(it); rem_kv_iterator_next(it)) {
    rem_slice key = rem_kv_iterator_key(it), value = rem_kv_iterator_value(it);
    uint64_t seq = rem_load_u64le(value.data + SEQ_OFFSET);
    rem_slice id = rem_slice_of(key.data + key.size - 16, 16);
    measure_need(rem_hash_map_put(&r->seqs, id, (void *)(uintptr_t)seq, NULL, &err), &err);
    add(r, REM_CF_ENTITIES, seq, key, value);
    r->rows++;
  }
  rem_kv_iterator_free(it);
}

static void capture_entries(replay *r, rem_kv *kv, rem_kv_family family, const char *prefix_text) {
  rem_buffer prefix = {0};
  rem_buffer_append_text(&prefix, prefix_text);
  rem_kv_iterator *it = iterate(kv, family, &prefix);
  for (; rem_kv_iterator_valid(it); rem_kv_iterator_next(it)) {
    rem_slice key = rem_kv_iterator_key(it);
    uintptr_t seq = (uintptr_t)rem_hash_map_get(&r->seqs, rem_slice_of(key.data + key.size - 16, 16));
    if (seq)
      add(r, family, seq, key, rem_kv_iterator_value(it));
  }
  rem_kv_iterator_free(it);
  rem_buffer_deinit(&prefix);
}

/* Entries of the log carry their sequence number at offset 8 (storage/log.h). */
static void capture_log(replay *r, rem_kv *kv, const char *tenant, uint64_t first) {
  rem_buffer prefix = {0};
  rem_key_log_prefix(&prefix, tenant);
  rem_kv_iterator *it = iterate(kv, REM_CF_WAL, &prefix);
  for (; rem_kv_iterator_valid(it); rem_kv_iterator_next(it)) {
    rem_slice value = rem_kv_iterator_value(it);
    uint64_t seq = rem_load_u64le(value.data + 8);
    if (seq >= first)
      add(r, REM_CF_WAL, seq, rem_kv_iterator_key(it), value);
  }
  rem_kv_iterator_free(it);
  rem_buffer_deinit(&prefix);
}

static void capture_meta(replay *r, rem_kv *kv, const rem_buffer *key) {
  rem_error err = {0};
  rem_kv_pin pin = {0};
  if (rem_kv_get(kv, NULL, REM_CF_META, rem_buffer_slice(key), &pin, &err) == REM_OK)
    r->meta[r->meta_count++] = store(r, REM_CF_META, 0, rem_buffer_slice(key), rem_kv_pin_slice(&pin));
  rem_kv_pin_release(&pin);
}

static int compare_seqs(const void *a, const void *b) {
  const item *x = a, *y = b;
  return (x->seq > y->seq) - (x->seq < y->seq);
}

static int compare_keys(const void *a, const void *b) {
  const item *x = a, *y = b;
  if (x->family != y->family)
    return x->family < y->family ? -1 : 1;
  return rem_slice_compare(rem_slice_of(x->key, x->key_size), rem_slice_of(y->key, y->key_size));
}

/* Where the batch that starts at item `i` ends. */
static size_t batch_end(const replay *r, size_t i, size_t batch_rows) {
  size_t end = i;
  while (end < r->count && r->items[end].seq < r->items[i].seq + batch_rows)
    end++;
  return end;
}

/* Batches in the order of the load, each in key order, as the library writes them. */
static void sort_items(replay *r, size_t batch_rows) {
  qsort(r->items, r->count, sizeof *r->items, compare_seqs);
  for (size_t i = 0; i < r->count; i++)
    r->items[i].key = r->pool + r->items[i].at;
  for (size_t i = 0, end; i < r->count; i = end) {
    end = batch_end(r, i, batch_rows);
    uint64_t seq = r->items[i].seq;
    qsort(r->items + i, end - i, sizeof *r->items, compare_keys);
    for (size_t k = i; k < end; k++)
      r->items[k].seq = seq; /* of the batch, from here on */
  }
}

static void capture_all_meta(replay *r, rem_kv *kv, const char *tenant, const char *table) {
  rem_buffer key = {0};
  rem_key_counter(&key, tenant, table);
  capture_meta(r, kv, &key);
  rem_buffer_reset(&key);
  rem_key_log_seq(&key, tenant);
  capture_meta(r, kv, &key);
  rem_buffer_reset(&key);
  rem_key_log_floor(&key, tenant);
  capture_meta(r, kv, &key);
  rem_buffer_deinit(&key);
}

replay *replay_capture(rem_kv *kv, const char *tenant, const char *table, size_t batch_rows) {
  replay *r = calloc(1, sizeof *r);
  if (!r)
    measure_fail("out of memory");
  char text[200];
  rem_buffer prefix = {0};
  rem_key_entity_prefix(&prefix, tenant, table);
  capture_rows(r, kv, &prefix);
  rem_buffer_deinit(&prefix);
  snprintf(text, sizeof text, "key:%s:", tenant);
  capture_entries(r, kv, REM_CF_KEY_INDEX, text);
  snprintf(text, sizeof text, "index:%s:%s:", tenant, table);
  capture_entries(r, kv, REM_CF_FIELD_INDEX, text);
  qsort(r->items, r->count, sizeof *r->items, compare_seqs);
  if (r->count)
    capture_log(r, kv, tenant, r->items[0].seq);
  capture_all_meta(r, kv, tenant, table);
  sort_items(r, batch_rows);
  return r;
}

void replay_free(replay *captured) {
  if (!captured)
    return;
  rem_hash_map_deinit(&captured->seqs);
  free(captured->items);
  free(captured->pool);
  free(captured);
}

static void put(const replay *r, rem_kv_batch *batch, const item *it) {
  rem_kv_batch_put(batch, it->family, rem_slice_of(r->pool + it->at, it->key_size),
                   rem_slice_of(r->pool + it->at + it->key_size, it->value_size));
}

static measure_time write_all(const replay *r, rem_kv *kv, bool sync) {
  rem_error err = {0};
  rem_kv_batch *batch = NULL;
  measure_need(rem_kv_batch_new(kv, &batch, &err), &err);
  measure_time start = measure_now(), spent = {0};
  for (size_t i = 0; i < r->count;) {
    for (uint64_t seq = r->items[i].seq; i < r->count && r->items[i].seq == seq; i++)
      put(r, batch, &r->items[i]);
    for (size_t m = 0; m < r->meta_count; m++)
      put(r, batch, &r->meta[m]);
    measure_need(rem_kv_write(kv, batch, sync, &err), &err);
    rem_kv_batch_clear(batch);
  }
  if (!sync)
    measure_need(rem_kv_sync(kv, &err), &err);
  measure_since(start, &spent);
  rem_kv_batch_free(batch);
  return spent;
}

measure_time replay_run(const replay *captured, const char *path, const rem_kv_options *options, bool sync) {
  rem_error err = {0};
  rem_kv_options fresh = *options;
  fresh.mode = REM_KV_CREATE;
  rem_kv *kv = NULL;
  measure_need(rem_kv_open(path, &fresh, &kv, &err), &err);
  measure_time spent = write_all(captured, kv, sync);
  measure_need(rem_kv_close(kv, &err), &err);
  return spent;
}

double replay_row_bytes(const replay *captured) {
  return captured->rows ? (double)captured->pool_size / (double)captured->rows : 0;
}

double replay_row_puts(const replay *captured) {
  return captured->rows ? (double)captured->count / (double)captured->rows : 0;
}
