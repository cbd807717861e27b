/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/commit_puts.h"

#include <stdlib.h>

/* A few rows are not worth sorting. */
#define SORT_LEAST 64

void rem_puts_deinit(rem_puts *puts) {
  rem_arena_deinit(&puts->arena);
  rem_free(puts->items);
  rem_free(puts->order);
  *puts = (rem_puts){0};
}

void rem_puts_reset(rem_puts *puts) {
  rem_arena_reset(&puts->arena);
  puts->count = 0;
  puts->bytes = 0;
}

static bool grow_items(rem_puts *puts) {
  if (puts->count < puts->capacity)
    return true;
  size_t capacity = puts->capacity ? puts->capacity * 2 : 64;
  rem_puts_item *items = rem_realloc(puts->items, capacity * sizeof *items);
  if (!items)
    return false;
  puts->items = items;
  puts->capacity = capacity;
  return true;
}

bool rem_puts_add(rem_puts *puts, rem_kv_family family, rem_slice key, const rem_slice *parts, size_t part_count) {
  size_t value_size = 0;
  for (size_t i = 0; i < part_count; i++)
    value_size += parts[i].size;
  uint8_t *bytes = grow_items(puts) ? rem_arena_alloc(&puts->arena, key.size + value_size) : NULL;
  if (!bytes)
    return false;
  if (key.size)
    memcpy(bytes, key.data, key.size);
  uint8_t *at = bytes + key.size;
  for (size_t i = 0; i < part_count; i++) {
    if (parts[i].size)
      memcpy(at, parts[i].data, parts[i].size);
    at += parts[i].size;
  }
  puts->items[puts->count++] = (rem_puts_item){.key = bytes, .value = parts ? bytes + key.size : NULL,
                                               .value_size = value_size, .key_size = (uint32_t)key.size,
                                               .family = (uint32_t)family};
  puts->bytes += key.size + value_size;
  return true;
}

/* ---- order ---- */

static size_t common_size(rem_slice a, rem_slice b) {
  size_t least = a.size < b.size ? a.size : b.size, at = 0;
  while (at < least && a.data[at] == b.data[at])
    at++;
  return at;
}

static rem_slice key_of(const rem_puts_item *item) {
  return rem_slice_of(item->key, item->key_size);
}

/* The 8 bytes from `from` on as a number; zeros behind the end, which sort first as a shorter key does. */
static uint64_t head_of(const rem_puts_item *item, size_t from) {
  uint8_t bytes[8] = {0};
  size_t left = item->key_size > from ? item->key_size - from : 0;
  memcpy(bytes, item->key + from, left < 8 ? left : 8);
  return rem_load_u64be(bytes);
}

/* By key, then as they were put. */
static int compare(const void *a, const void *b) {
  const rem_puts_order *x = a, *y = b;
  if (x->head != y->head)
    return x->head < y->head ? -1 : 1;
  int keys = rem_slice_compare(key_of(x->item), key_of(y->item));
  return keys ? keys : (x->item > y->item) - (x->item < y->item);
}

static void sort_family(rem_puts_order *order, size_t count) {
  rem_slice first = count ? key_of(order[0].item) : (rem_slice){0};
  size_t shared = first.size;
  bool sorted = true;
  for (size_t i = 1; i < count; i++) {
    shared = common_size(rem_slice_of(first.data, shared), key_of(order[i].item));
    sorted = sorted && rem_slice_compare(key_of(order[i - 1].item), key_of(order[i].item)) <= 0;
  }
  if (sorted)
    return;
  for (size_t i = 0; i < count; i++)
    order[i].head = head_of(order[i].item, shared);
  qsort(order, count, sizeof *order, compare);
}

/* Groups the items by family, each in the order put, then sorts each group. False without memory: the order put will do. */
static bool make_order(rem_puts *puts) {
  if (puts->order_capacity < puts->count) {
    rem_puts_order *order = rem_realloc(puts->order, puts->capacity * sizeof *order);
    if (!order)
      return false;
    puts->order = order;
    puts->order_capacity = puts->capacity;
  }
  size_t starts[REM_CF_COUNT + 1] = {0}, filled[REM_CF_COUNT];
  for (size_t i = 0; i < puts->count; i++)
    starts[puts->items[i].family + 1]++;
  for (size_t f = 0; f < REM_CF_COUNT; f++)
    starts[f + 1] += starts[f];
  memcpy(filled, starts, sizeof filled);
  for (size_t i = 0; i < puts->count; i++)
    puts->order[filled[puts->items[i].family]++].item = &puts->items[i];
  for (size_t f = 0; f < REM_CF_COUNT; f++)
    sort_family(puts->order + starts[f], starts[f + 1] - starts[f]);
  return true;
}

/* ---- emitting ---- */

static void emit(const rem_puts_item *item, rem_kv_batch *batch) {
  if (item->value)
    rem_kv_batch_put(batch, (rem_kv_family)item->family, key_of(item), rem_slice_of(item->value, item->value_size));
  else
    rem_kv_batch_delete(batch, (rem_kv_family)item->family, key_of(item));
}

void rem_puts_emit(rem_puts *puts, rem_kv_batch *batch) {
  bool ordered = puts->count >= SORT_LEAST && make_order(puts);
  for (size_t i = 0; i < puts->count; i++)
    emit(ordered ? puts->order[i].item : &puts->items[i], batch);
  rem_puts_reset(puts);
}
