/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookup: every row of every table by key, id, URI or name (D11).
 *
 * Exact and prefix lookups are one prefix scan of key_index. The widened forms (any case, fuzzy) read the tenant's key entries once;
 * a trigram index can take over for them without a change here in what is found.
 */
#include <math.h>
#include <stdlib.h>

#include "entity/cursor.h"
#include "index/entries.h"
#include "entity/likeness.h"
#include "storage/key.h"

#define FUZZY_LEAST 0.5 /* share of the wanted text's trigrams that must be there */

typedef struct lookup_run {
  rem_cursor *cursor;
  rem_slice wanted;
  unsigned flags;
  rem_likeness likeness;
  rem_hash_map seen; /* table, NUL, id -> index of the hit + 1 */
  rem_buffer value, name;
  uint64_t moment; /* of the cursor's transaction */
} lookup_run;

static void lookup_run_deinit(lookup_run *run) {
  rem_likeness_deinit(&run->likeness);
  rem_hash_map_deinit(&run->seen);
  rem_buffer_deinit(&run->value);
  rem_buffer_deinit(&run->name);
}

static const char *label_name(uint8_t labels) {
  if (labels & REM_LABEL_KEY)
    return "key";
  if (labels & REM_LABEL_ID)
    return "id";
  return labels & REM_LABEL_URI ? "uri" : "name";
}

/* How the value of an entry answers the wanted text: NULL when it does not. */
static const char *judge(lookup_run *run, rem_slice value, uint8_t labels, double *ret_score) {
  *ret_score = NAN;
  if (rem_slice_equal(value, run->wanted))
    return label_name(labels);
  if ((run->flags & REM_LOOKUP_IGNORE_CASE) && rem_likeness_same_folded(&run->likeness, value))
    return "ignore-case";
  if ((run->flags & REM_LOOKUP_PREFIX) && rem_slice_starts_with(value, run->wanted))
    return "prefix";
  if ((run->flags & REM_LOOKUP_PREFIX) && (run->flags & REM_LOOKUP_IGNORE_CASE) &&
      rem_likeness_starts_folded(&run->likeness, value))
    return "prefix";
  /* Ids are random: likeness of them says nothing. */
  if (!(run->flags & REM_LOOKUP_FUZZY) || labels == REM_LABEL_ID)
    return NULL;
  *ret_score = rem_likeness_score(&run->likeness, value);
  return *ret_score >= FUZZY_LEAST ? "fuzzy" : NULL;
}

/* Exact beats any case beats prefix beats fuzzy. */
static int rank(const char *match) {
  static const char *const order[] = {"key", "id", "uri", "name", "ignore-case", "prefix", "fuzzy"};
  int place = 0;
  while (strcmp(match, order[place]) != 0)
    place++;
  return place < 4 ? 0 : place;
}

static bool better(const char *match, double score, const rem_hit *than) {
  int mine = rank(match), theirs = rank(than->match);
  if (mine != theirs)
    return mine < theirs;
  return !isnan(score) && score > than->score;
}

/* `stored`: the entry is of the store, where what the transaction has written since is not. */
static rem_status add_hit(lookup_run *run, rem_slice table, const uint8_t id[16], bool stored, const char *match, double score,
                          rem_error *err) {
  rem_transaction *transaction = run->cursor->transaction;
  rem_buffer_reset(&run->name);
  rem_buffer_append_slice(&run->name, table);
  rem_buffer_append_byte(&run->name, 0);
  rem_buffer_append(&run->name, id, 16);
  REM_TRY(rem_buffer_status(&run->name, err));
  uintptr_t place = (uintptr_t)rem_hash_map_get(&run->seen, rem_buffer_slice(&run->name));
  if (place) {
    rem_hit *hit = &run->cursor->hits[place - 1];
    if (better(match, score, hit)) {
      hit->match = match;
      hit->score = score;
    }
    return REM_OK;
  }
  rem_table *definition;
  REM_TRY(rem_registry_table(run->cursor->engine->registry, run->cursor->tenant, (const char *)run->name.data,
                             &definition, err));
  bool written = stored && transaction && rem_transaction_wrote(transaction, definition, id, run->moment);
  rem_status status = written ? REM_OK : rem_cursor__add_hit(run->cursor, definition, id, score, match, err);
  rem_table_unref(definition);
  REM_TRY(status);
  if (written)
    return REM_OK;
  return rem_hash_map_put(&run->seen, rem_buffer_slice(&run->name), (void *)(uintptr_t)run->cursor->hit_count, NULL, err);
}

static rem_status damaged_entry(rem_error *err) {
  rem_error_set(err, REM_CORRUPT, "an entry of the key index is damaged");
  rem_error_hint(err, "run 'db check', then 'db reindex'");
  return REM_CORRUPT;
}

static rem_status visit_entry(lookup_run *run, rem_slice key, size_t prefix_size, rem_slice entry, bool stored, rem_error *err) {
  uint8_t labels;
  bool deleted;
  rem_slice table, cursor = rem_slice_of(key.data + prefix_size, key.size - prefix_size);
  rem_buffer_reset(&run->value);
  bool good = rem_index_key_value(entry, &labels, &deleted, &table) && rem_key_read_text(&cursor, &run->value) &&
              cursor.size == 16;
  REM_TRY(rem_buffer_status(&run->value, err));
  if (!good)
    return damaged_entry(err);
  if (deleted && !(run->flags & REM_LOOKUP_DELETED))
    return REM_OK;
  double score;
  const char *match = judge(run, rem_buffer_slice(&run->value), labels, &score);
  if (run->likeness.failed)
    return rem_error_nomem(err);
  return match ? add_hit(run, table, cursor.data, stored, match, score, err) : REM_OK;
}

/* The entries to look at: those of the value, those that start with it, or all of the tenant. */
static rem_status scan_prefix(const lookup_run *run, rem_buffer *prefix, rem_error *err) {
  rem_key_key_prefix(prefix, run->cursor->tenant);
  if (run->flags & (REM_LOOKUP_IGNORE_CASE | REM_LOOKUP_FUZZY))
    return rem_buffer_status(prefix, err);
  if (run->flags & REM_LOOKUP_PREFIX)
    rem_key_append_text_open(prefix, run->wanted);
  else
    rem_key_append_text(prefix, run->wanted);
  return rem_buffer_status(prefix, err);
}

/* The entries of the transaction that begin with `prefix`. */
static rem_status scan_written(lookup_run *run, rem_slice prefix, size_t base_size, rem_error *err) {
  rem_buffer end REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_pending_walk walk;
  rem_key_prefix_end(&end, prefix);
  REM_TRY(rem_buffer_status(&end, err));
  REM_TRY(rem_transaction_walk(run->cursor->transaction, REM_CF_KEY_INDEX, prefix, rem_buffer_slice(&end), &walk, err));
  while (rem_pending_walk_next(&walk))
    REM_TRY(visit_entry(run, walk.key, base_size, walk.value, false, err));
  return REM_OK;
}

static rem_status scan(lookup_run *run, rem_error *err) {
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0}, base REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  REM_TRY(scan_prefix(run, &prefix, err));
  rem_key_key_prefix(&base, run->cursor->tenant);
  REM_TRY(rem_buffer_status(&base, err));
  REM_TRY(rem_kv_iterator_prefix(run->cursor->engine->kv, run->cursor->snapshot, REM_CF_KEY_INDEX,
                                 rem_buffer_slice(&prefix), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    REM_TRY(rem_engine_check_usable(run->cursor->engine, err));
    REM_TRY(visit_entry(run, rem_kv_iterator_key(iterator), base.size, rem_kv_iterator_value(iterator), true, err));
  }
  REM_TRY(rem_kv_iterator_status(iterator, err));
  return scan_written(run, rem_buffer_slice(&prefix), base.size, err);
}

static int compare_hits(const void *a, const void *b) {
  const rem_hit *x = a, *y = b;
  int order = rank(x->match) - rank(y->match);
  if (order)
    return order;
  if (!isnan(x->score) && !isnan(y->score) && x->score != y->score)
    return x->score > y->score ? -1 : 1;
  order = strcmp(x->table->name, y->table->name);
  return order ? order : memcmp(x->id, y->id, 16);
}

rem_status rem_entity_lookup(rem_engine *engine, const char *tenant, rem_slice key, unsigned flags, int64_t limit,
                             rem_cursor **ret_cursor, rem_error *err) {
  return rem_entity_lookup_at(engine, tenant, NULL, NULL, key, flags, limit, ret_cursor, err);
}

rem_status rem_entity_lookup_at(rem_engine *engine, const char *tenant, rem_kv_snapshot *snapshot, rem_transaction *transaction, rem_slice key,
                                unsigned flags, int64_t limit, rem_cursor **ret_cursor, rem_error *err) {
  lookup_run run REM_CLEANUP(lookup_run_deinit) = {
      .wanted = key, .flags = flags, .moment = transaction ? rem_transaction_moment(transaction) : 0};
  REM_TRY(rem_engine_check_usable(engine, err));
  if (flags & (REM_LOOKUP_IGNORE_CASE | REM_LOOKUP_FUZZY))
    REM_TRY(rem_likeness_init(&run.likeness, key, err));
  rem_cursor *cursor;
  REM_TRY(rem_cursor__new(engine, tenant, snapshot, &cursor, err));
  run.cursor = cursor;
  cursor->transaction = transaction;
  rem_status status = scan(&run, err);
  if (status < 0) {
    rem_entity_cursor_free(cursor);
    return status;
  }
  if (cursor->hit_count)
    qsort(cursor->hits, cursor->hit_count, sizeof *cursor->hits, compare_hits);
  cursor->left = limit < 0 ? -1 : limit;
  *ret_cursor = cursor;
  return REM_OK;
}
