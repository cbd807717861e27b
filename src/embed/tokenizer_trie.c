/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building the double-array trie: states are laid down breadth first, each at the first base where all its children find a
 * free unit. Sorted entries make a state a range of them, so there is no tree in memory beside the queue of ranges.
 */
#include "embed/tokenizer_trie.h"

#include <stdlib.h>

/* Bases have 23 bits. */
#define UNIT_MAX (1u << 23)

/* A state waiting for its children: entries [first, last) agree on their first `depth` bytes. */
typedef struct pending_state {
  uint32_t first, last;
  uint32_t depth;
  uint32_t unit; /* whose base is to be set, or ROOT_UNIT + root */
} pending_state;

#define ROOT_UNIT (UINT32_MAX - 1)

typedef struct trie_builder {
  const rem_tokenizer__trie_entry *entries;
  uint32_t *units;
  uint8_t *taken;      /* bit 0: the unit is in use; bit 1: it is some state's base */
  uint32_t unit_count;
  uint32_t first_free; /* no unit below it is free */
  pending_state *queue;
  size_t queue_head, queue_count, queue_capacity;
  uint32_t root_bases[2];
} trie_builder;

static void builder_deinit(trie_builder *builder) {
  rem_free(builder->units);
  rem_free(builder->taken);
  rem_free(builder->queue);
}

static int compare_entries(const void *a, const void *b) {
  const rem_tokenizer__trie_entry *left = a, *right = b;
  if (left->root != right->root)
    return left->root < right->root ? -1 : 1;
  int order = rem_slice_compare(left->text, right->text);
  if (order != 0)
    return order;
  return left->id > right->id ? -1 : left->id < right->id;
}

static rem_status grow(trie_builder *builder, rem_error *err) {
  uint32_t old = builder->unit_count;
  uint32_t count = old == 0 ? 65536 : old * 2;
  if (count > UNIT_MAX)
    return rem_error_set(err, REM_INVALID, "the vocabulary is too large for its table");
  uint32_t *units = rem_realloc(builder->units, count * sizeof *units);
  if (units == NULL)
    return rem_error_nomem(err);
  builder->units = units;
  uint8_t *taken = rem_realloc(builder->taken, count);
  if (taken == NULL)
    return rem_error_nomem(err);
  builder->taken = taken;
  memset(units + old, 0, (count - old) * sizeof *units);
  memset(taken + old, 0, count - old);
  builder->unit_count = count;
  return REM_OK;
}

static rem_status push_state(trie_builder *builder, pending_state state, rem_error *err) {
  if (builder->queue_count == builder->queue_capacity) {
    size_t capacity = builder->queue_capacity == 0 ? 4096 : builder->queue_capacity * 2;
    pending_state *queue = rem_realloc(builder->queue, capacity * sizeof *queue);
    if (queue == NULL)
      return rem_error_nomem(err);
    builder->queue = queue;
    builder->queue_capacity = capacity;
  }
  builder->queue[builder->queue_count++] = state;
  return REM_OK;
}

static bool base_fits(const trie_builder *builder, uint32_t base, const uint8_t *labels, size_t count) {
  if (builder->taken[base] & 2)
    return false;
  for (size_t i = 0; i < count; i++)
    if (builder->taken[base ^ labels[i]] & 1)
      return false;
  return true;
}

/* The first base at which `labels` find free units. XOR with a byte stays within a group of 256 units,
 * and there are whole groups only, so no index leaves the array. */
static rem_status find_base(trie_builder *builder, const uint8_t *labels, size_t count, uint32_t *ret_base,
                            rem_error *err) {
  for (uint32_t unit = builder->first_free;; unit++) {
    if (unit == builder->unit_count)
      REM_TRY(grow(builder, err));
    if (builder->taken[unit] & 1) {
      if (unit == builder->first_free)
        builder->first_free++;
      continue;
    }
    uint32_t base = unit ^ labels[0];
    if (!base_fits(builder, base, labels, count))
      continue;
    *ret_base = base;
    return REM_OK;
  }
}

/* The byte after the common prefix, or 0 where the entry ends. */
static uint8_t label_at(const rem_tokenizer__trie_entry *entry, uint32_t depth) {
  return depth < entry->text.size ? entry->text.data[depth] : 0;
}

static rem_status place_children(trie_builder *builder, pending_state state, rem_error *err) {
  uint8_t labels[256];
  uint32_t firsts[257];
  size_t count = 0;
  for (uint32_t i = state.first; i < state.last; i++) {
    uint8_t label = label_at(&builder->entries[i], state.depth);
    if (count > 0 && labels[count - 1] == label)
      continue;
    firsts[count] = i;
    labels[count++] = label;
  }
  firsts[count] = state.last;

  uint32_t base = 0;
  REM_TRY(find_base(builder, labels, count, &base, err));
  builder->taken[base] |= 2;
  if (state.unit >= ROOT_UNIT)
    builder->root_bases[state.unit - ROOT_UNIT] = base;
  else
    builder->units[state.unit] |= base << REM_TOKENIZER_TRIE_BASE_SHIFT | (labels[0] == 0 ? REM_TOKENIZER_TRIE_VALUE : 0);
  for (size_t i = 0; i < count; i++) {
    uint32_t unit = base ^ labels[i];
    builder->taken[unit] |= 1;
    if (labels[i] == 0) {
      builder->units[unit] = builder->entries[firsts[i]].id << REM_TOKENIZER_TRIE_ID_SHIFT;
      continue;
    }
    builder->units[unit] = labels[i];
    REM_TRY(push_state(builder, (pending_state){firsts[i], firsts[i + 1], state.depth + 1, unit}, err));
  }
  return REM_OK;
}

static rem_status build(trie_builder *builder, size_t entry_count, rem_error *err) {
  REM_TRY(grow(builder, err));
  uint32_t split = 0;
  while (split < entry_count && builder->entries[split].root == 0)
    split++;
  if (split == 0 || split == entry_count)
    return rem_error_set(err, REM_INVALID, "the vocabulary has no word beginnings or no continuations");
  REM_TRY(push_state(builder, (pending_state){0, split, 0, ROOT_UNIT}, err));
  REM_TRY(push_state(builder, (pending_state){split, (uint32_t)entry_count, 0, ROOT_UNIT + 1}, err));
  while (builder->queue_head < builder->queue_count)
    REM_TRY(place_children(builder, builder->queue[builder->queue_head++], err));
  return REM_OK;
}

/* Whole groups of 256 up to the last unit in use. */
static uint32_t used_units(const trie_builder *builder) {
  uint32_t count = builder->unit_count;
  while (count > 0 && builder->taken[count - 1] == 0)
    count--;
  return (count + 255) / 256 * 256;
}

rem_status rem_tokenizer__trie_build(rem_tokenizer__trie_entry *entries, size_t entry_count,
                                     rem_tokenizer__trie *ret_trie, rem_error *err) {
  qsort(entries, entry_count, sizeof *entries, compare_entries);
  trie_builder builder REM_CLEANUP(builder_deinit) = {.entries = entries};
  REM_TRY(build(&builder, entry_count, err));
  ret_trie->unit_count = used_units(&builder);
  ret_trie->units = REM_TAKE(builder.units);
  ret_trie->root_bases[0] = builder.root_bases[0];
  ret_trie->root_bases[1] = builder.root_bases[1];
  return REM_OK;
}
