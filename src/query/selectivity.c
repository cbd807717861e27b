/* SPDX-License-Identifier: Apache-2.0 */
#include "query/selectivity.h"

#include "query/bounds.h"
#include "query/plan.h"
#include "query/session_internal.h"
#include "storage/key.h"

#define COUNTED 32       /* entries of a value that are looked at, from each end */
#define SAMPLED 16       /* rows that stand for a table */
#define FEWEST_ROWS 256  /* of a table for which sampling is worth while */
#define KEPT 16          /* counts of one statement */

typedef struct mean_run {
  int64_t live; /* rows when it was found; 0: it was not */
  double rows;
} mean_run;

typedef struct known_count {
  uint64_t key; /* hash of the bounds */
  double rows;
} known_count;

struct rem_selectivity {
  uint64_t preparation; /* that `counts` are of */
  known_count counts[KEPT];
  size_t count;
  mean_run means[]; /* by column */
};

void rem_selectivity_free(rem_selectivity *selectivity) {
  rem_free(selectivity);
}

static rem_selectivity *kept_of(rem_module *module) {
  if (!module->selectivity)
    module->selectivity = rem_calloc(1, sizeof *module->selectivity + (size_t)module->columns.count * sizeof(mean_run));
  rem_selectivity *kept = module->selectivity;
  if (kept && kept->preparation != module->session->preparations) {
    kept->preparation = module->session->preparations;
    kept->count = 0;
  }
  return kept;
}

/* ------------------------------------------------------------------------------------------- */
/* Counting                                                                                     */

/* The index of a column, open for looking. */
typedef struct probe {
  rem_kv_iterator *iterator;
  rem_buffer prefix, lower, upper;
} probe;

static void probe_close(probe *p) {
  rem_kv_iterator_free(p->iterator);
  rem_buffer_deinit(&p->prefix);
  rem_buffer_deinit(&p->lower);
  rem_buffer_deinit(&p->upper);
}

static rem_status probe_open(probe *p, const rem_module *module, int column) {
  rem_key_index_prefix(&p->prefix, module->session->tenant, module->table->name, module->columns.items[column].field->number);
  REM_TRY(rem_buffer_status(&p->prefix, NULL));
  return rem_kv_iterator_prefix(module->session->engine->kv, NULL, REM_CF_FIELD_INDEX, rem_buffer_slice(&p->prefix), &p->iterator, NULL);
}

static uint64_t place_of(const uint8_t *id) {
  uint64_t place = 0;
  for (int i = 0; i < 8; i++)
    place = place << 8 | id[i];
  return place;
}

/* Goes over up to COUNTED entries from where the iterator stands. Returns how many; the places of the first and the last of them. */
static size_t look(rem_kv_iterator *it, bool back, uint64_t *ret_first, uint64_t *ret_last) {
  size_t count = 0;
  while (count < COUNTED && rem_kv_iterator_valid(it)) {
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(it));
    if (!id)
      break;
    *ret_last = place_of(id);
    if (count++ == 0)
      *ret_first = *ret_last;
    (void)(back ? rem_kv_iterator_prev(it) : rem_kv_iterator_next(it));
  }
  return count;
}

/* Entries within the probe's bounds; negative: more than were looked at, and of several values, whose ids tell nothing. */
static double count_entries(probe *p, bool one_value, double most) {
  uint64_t first = 0, front = 0, last = 0, back = 0;
  if (rem_buffer_status(&p->lower, NULL) < 0 || rem_buffer_status(&p->upper, NULL) < 0 ||
      rem_kv_iterator_narrow(p->iterator, rem_buffer_slice(&p->lower), rem_buffer_slice(&p->upper), NULL) < 0)
    return -1;
  rem_kv_iterator_first(p->iterator);
  size_t count = look(p->iterator, false, &first, &front);
  if (!rem_kv_iterator_valid(p->iterator))
    return rem_kv_iterator_status(p->iterator, NULL) < 0 ? -1 : (double)count;
  if (!one_value)
    return -1;
  rem_kv_iterator_last(p->iterator);
  (void)look(p->iterator, true, &last, &back);
  double whole = (double)(last - first), looked_at = (double)(front - first) + (double)(last - back);
  double rows = looked_at > 0 ? 2 * (COUNTED - 1) * whole / looked_at + 1 : most;
  return rows < COUNTED + 1 ? COUNTED + 1 : rows > most ? most : rows;
}

static double count_bounds(rem_module *module, probe *p, bool one_value) {
  rem_selectivity *kept = kept_of(module);
  uint64_t key = rem_hash_bytes(p->lower.data, p->lower.size) * 3 + rem_hash_bytes(p->upper.data, p->upper.size);
  for (size_t i = 0; kept && i < kept->count; i++)
    if (kept->counts[i].key == key)
      return kept->counts[i].rows;
  double rows = count_entries(p, one_value, (double)module->rows);
  if (kept && kept->count < KEPT)
    kept->counts[kept->count++] = (known_count){key, rows};
  return rows;
}

/* ------------------------------------------------------------------------------------------- */
/* Means                                                                                        */

/* The value of the first live row from `place` on; false: it cannot be told. */
static bool value_from(const rem_module *module, const rem_field *field, rem_kv_iterator *rows, rem_slice prefix, uint64_t place,
                       rem_buffer *scratch, rem_record *record, rem_value *ret_value) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_buffer_append_slice(&key, prefix);
  rem_buffer_append_u64be(&key, place);
  rem_kv_iterator_seek(rows, rem_buffer_slice(&key));
  for (int tries = 0; tries < 4 && rem_kv_iterator_valid(rows); tries++, rem_kv_iterator_next(rows)) {
    rem_slice bytes = rem_kv_iterator_value(rows);
    if (rem_record_open(bytes.data, bytes.size, record, NULL) < 0)
      return false;
    if (rem_record_is_deleted(record))
      continue;
    rem_buffer_reset(scratch);
    return !rem_record_is_external(record) && rem_record_value(record, module->table, field, scratch, ret_value, NULL) == REM_OK &&
           ret_value->type != REM_TYPE_NULL;
  }
  return false;
}

static bool ends_of(rem_kv_iterator *rows, uint64_t *ret_first, uint64_t *ret_last) {
  rem_kv_iterator_first(rows);
  if (!rem_kv_iterator_valid(rows))
    return false;
  *ret_first = place_of(rem_key_id(rem_kv_iterator_key(rows)));
  rem_kv_iterator_last(rows);
  if (!rem_kv_iterator_valid(rows))
    return false;
  *ret_last = place_of(rem_key_id(rem_kv_iterator_key(rows)));
  return true;
}

static double sample(const rem_module *module, const rem_field *field, probe *p, rem_kv_iterator *rows, rem_slice prefix) {
  rem_buffer scratch REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_record record;
  rem_value value;
  uint64_t first, last;
  double shares = 0;
  int told = 0;
  if (!ends_of(rows, &first, &last))
    return -1;
  for (uint64_t i = 0; i < SAMPLED; i++) {
    if (!value_from(module, field, rows, prefix, first + (last - first) / SAMPLED * i, &scratch, &record, &value))
      continue;
    rem_bounds_equal(rem_buffer_slice(&p->prefix), &value, &p->lower, &p->upper);
    double count = count_entries(p, true, (double)module->rows);
    if (count < 1)
      continue;
    shares += 1 / count;
    told++;
  }
  return told ? told / shares : -1;
}

static double find_mean(const rem_module *module, int column) {
  rem_kv_iterator *rows REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  probe p REM_CLEANUP(probe_close) = {0};
  rem_key_entity_prefix(&prefix, module->session->tenant, module->table->name);
  if (rem_buffer_status(&prefix, NULL) < 0 || probe_open(&p, module, column) < 0 ||
      rem_kv_iterator_prefix(module->session->engine->kv, NULL, REM_CF_ENTITIES, rem_buffer_slice(&prefix), &rows, NULL) < 0)
    return -1;
  return sample(module, module->columns.items[column].field, &p, rows, rem_buffer_slice(&prefix));
}

static double mean_of(rem_module *module, int column) {
  rem_selectivity *kept = kept_of(module);
  const rem_column *indexed = &module->columns.items[column];
  if (!kept || module->rows < FEWEST_ROWS || indexed->kind == REM_FIELD_LIST || indexed->kind == REM_FIELD_BOOL)
    return -1;
  mean_run *mean = &kept->means[column];
  int64_t change = module->rows > mean->live ? module->rows - mean->live : mean->live - module->rows;
  if (mean->live == 0 || change > mean->live / 8)
    *mean = (mean_run){.live = module->rows, .rows = find_mean(module, column)};
  return mean->rows;
}

/* ------------------------------------------------------------------------------------------- */

/* The bounds of what is compared with. False: `ret_rows` is known without them, or negative. */
static bool bound_equal(const rem_column *indexed, probe *p, const rem_comparison *comparison, double *ret_rows) {
  rem_slice prefix = rem_buffer_slice(&p->prefix);
  rem_value value;
  *ret_rows = -1;
  if (comparison->op == REM_FUNCTION_ANY) {
    if (!rem_bounds_element(comparison->value, &value) || rem_bounds_may_be_boolean(comparison->value))
      return false;
    rem_bounds_equal(prefix, &value, &p->lower, &p->upper);
    return true;
  }
  rem_term term;
  rem_term_init(&term, indexed, comparison->op, comparison->value);
  value = term.value;
  if (term.operand == REM_OPERAND_UNKNOWN)
    return false;
  *ret_rows = 0;
  if (term.operand == REM_OPERAND_NEVER || (term.operand == REM_OPERAND_VALUE && !rem_bounds_as_indexed(indexed, &value)))
    return false;
  rem_bounds_equal(prefix, term.operand == REM_OPERAND_NULL ? NULL : &value, &p->lower, &p->upper);
  return true;
}

double rem_selectivity_equal(rem_module *module, int column, const rem_comparison *comparison) {
  probe p REM_CLEANUP(probe_close) = {0};
  double rows;
  if (!comparison->value && comparison->op != SQLITE_INDEX_CONSTRAINT_ISNULL)
    return mean_of(module, column);
  if (probe_open(&p, module, column) < 0)
    return -1;
  return bound_equal(&module->columns.items[column], &p, comparison, &rows) ? count_bounds(module, &p, true) : rows;
}

static bool is_pattern(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_LIKE || op == SQLITE_INDEX_CONSTRAINT_GLOB;
}

static bool bound_pattern(probe *p, const rem_comparison *like) {
  char folded[REM_KEY_VALUE_MAX];
  if (sqlite3_value_type(like->value) != SQLITE_TEXT || !sqlite3_value_text(like->value))
    return false;
  rem_slice pattern = rem_slice_of(sqlite3_value_text(like->value), (size_t)sqlite3_value_bytes(like->value));
  return rem_bounds_like(rem_buffer_slice(&p->prefix), like->op, pattern, folded, &p->lower, &p->upper) > 0;
}

double rem_selectivity_range(rem_module *module, int column, const rem_comparison *bounds, size_t count) {
  probe p REM_CLEANUP(probe_close) = {0};
  bool bounded = false;
  if (probe_open(&p, module, column) < 0)
    return -1;
  rem_slice prefix = rem_buffer_slice(&p.prefix);
  rem_bounds_all(prefix, &p.lower, &p.upper);
  for (size_t i = 0; i < count; i++) {
    rem_term term;
    if (!bounds[i].value)
      continue;
    if (is_pattern(bounds[i].op)) {
      bounded = bounded || bound_pattern(&p, &bounds[i]);
      continue;
    }
    rem_term_init(&term, &module->columns.items[column], bounds[i].op, bounds[i].value);
    if (term.operand == REM_OPERAND_NEVER)
      return 0;
    if (term.operand != REM_OPERAND_VALUE)
      continue;
    rem_bounds_narrow(prefix, &term, &p.lower, &p.upper);
    bounded = true;
  }
  if (!bounded)
    return -1;
  rem_bounds_leave_nulls(prefix, &p.lower);
  if (rem_slice_compare(rem_buffer_slice(&p.lower), rem_buffer_slice(&p.upper)) >= 0)
    return 0;
  return count_bounds(module, &p, false);
}
