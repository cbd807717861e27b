/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing a plan.
 *
 * Every path that the constraints allow is priced and the cheapest taken; what the path does not use becomes a filter. Prices are in units of one row
 * scanned in order (0.3 us); a row fetched by its id costs about six of them, an index entry half of one. How many rows an index picks: selectivity.h.
 *
 * No constraint but a search and a plain list of ids or keys is ever reported as fully dealt with (omit): SQLite repeats them on the few rows that come through,
 * and what it alone knows (the affinity of the other side) can never make an answer wrong. Of a list it is known: every value has the affinity of the column, text,
 * by the time it is handed down. To look each row up in the list again would be a twelfth of the time of a long IN.
 */
#include "query/plan.h"

#include <math.h>
#include <strings.h>

#include "query/selectivity.h"
#include "vector/similarity.h"

#define LEAST_ROWS 256.0 /* a table is taken to have: it may grow under a prepared statement */
#define COST_SEEK  8.0
#define COST_FETCH 6.0
#define COST_ENTRY 0.5
#define MOST_AT_FIRST 32 /* rows of an index fetched at once at first */

typedef struct choice {
  rem_module *module;
  sqlite3_index_info *info;
  rem_plan plan;       /* the best so far */
  int places[REM_PLAN_MAX_TERMS]; /* of its terms: numbers of constraints */
  double cost, rows;
  bool unique;
} choice;

/* ------------------------------------------------------------------------------------------- */
/* Constraints                                                                                  */

static const rem_column *column_of(const choice *c, int number) {
  int column = c->info->aConstraint[number].iColumn;
  return column < 0 || column >= c->module->columns.count ? NULL : &c->module->columns.items[column];
}

static bool is_in(const choice *c, int number) {
  return c->info->aConstraint[number].op == SQLITE_INDEX_CONSTRAINT_EQ && sqlite3_vtab_in(c->info, number, -1);
}

/*
 * May it be a part of `(a, b) IN (…)`? SQLite says only that it is an equality, and carries out a plan that uses it once for every value: fine for
 * finding rows by a value, and for nothing else. Where the other side is known it is a true equality.
 */
static bool may_be_part(const choice *c, int number) {
  sqlite3_value *value = NULL;
  return c->module->session->shape.row_lists && c->info->aConstraint[number].op == SQLITE_INDEX_CONSTRAINT_EQ && !is_in(c, number) &&
         (sqlite3_vtab_rhs_value(c->info, number, &value) != SQLITE_OK || !value);
}

/* Compared as the column itself compares? A COLLATE of the statement's own makes another comparison of it. */
static bool same_collation(const choice *c, int number, const rem_column *column) {
  const char *collation = sqlite3_vtab_collation(c->info, number);
  return collation && strcasecmp(collation, column->kind == REM_FIELD_INSTANT ? "rem_instant" : "BINARY") == 0;
}

static bool is_equality(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_IS;
}

/*
 * SQLite 3.40 offers <>, IS NOT, IS NOT NULL, LIKE, GLOB and functions in the ON clause of an outer join as if they stood in WHERE: using them on the table at
 * the left would drop rows that must come with NULLs. They cannot be told apart, so with outer joins they are left to SQLite. (Found by the differential test.)
 */
static bool is_offered_rightly(const choice *c, int op) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_NE:
  case SQLITE_INDEX_CONSTRAINT_ISNOT:
  case SQLITE_INDEX_CONSTRAINT_ISNOTNULL:
  case SQLITE_INDEX_CONSTRAINT_LIKE:
  case SQLITE_INDEX_CONSTRAINT_GLOB:
  case REM_FUNCTION_ANY: return !c->module->session->shape.outer_joins;
  default: return true;
  }
}

/* May constraint `number` be used, and does it concern a column that terms can judge? */
static bool is_usable(const choice *c, int number) {
  const struct sqlite3_index_constraint *constraint = &c->info->aConstraint[number];
  const rem_column *column = column_of(c, number);
  return constraint->usable && column && rem_term_can_judge(column) && rem_term_knows(constraint->op) &&
         is_offered_rightly(c, constraint->op) && same_collation(c, number, column);
}

static int find_equality(const choice *c, int column) {
  for (int i = 0; i < c->info->nConstraint; i++)
    if (c->info->aConstraint[i].iColumn == column && is_equality(c->info->aConstraint[i].op) && is_usable(c, i))
      return i;
  return -1;
}

static int column_number(const choice *c, uint16_t field_number) {
  for (int i = 0; i < c->module->columns.id; i++)
    if (c->module->columns.items[i].field->number == field_number)
      return i;
  return -1;
}

static rem_plan_role access_role(const choice *c, int number) {
  return is_in(c, number) ? REM_ROLE_IN : REM_ROLE_ACCESS;
}

static void add_term(rem_plan *plan, int *places, const choice *c, int number, rem_plan_role role) {
  if (plan->count == REM_PLAN_MAX_TERMS)
    return;
  const struct sqlite3_index_constraint *constraint = &c->info->aConstraint[number];
  places[plan->count] = number;
  plan->terms[plan->count++] = (rem_plan_term){
      .column = (uint16_t)(constraint->iColumn < 0 ? 0 : constraint->iColumn), .op = constraint->op, .role = (uint8_t)role};
}

static double all_rows(const choice *c) {
  return c->module->rows > LEAST_ROWS ? (double)c->module->rows : LEAST_ROWS;
}

/* Keeps a plan when it is cheaper than what there is. */
static void offer(choice *c, const rem_plan *plan, const int *places, double cost, double rows) {
  if (cost >= c->cost)
    return;
  c->plan = *plan;
  memcpy(c->places, places, sizeof c->places);
  c->cost = cost;
  c->rows = rows;
  c->unique = false;
}

/* ------------------------------------------------------------------------------------------- */
/* Paths                                                                                        */

#define IN_COUNT 16.0 /* values one IN is taken to have: SQLite does not say */

static void offer_unique(choice *c, rem_plan *plan, int *places, int number, int second) {
  rem_plan_role role = access_role(c, number);
  add_term(plan, places, c, number, role);
  if (second >= 0)
    add_term(plan, places, c, second, REM_ROLE_SECOND);
  double rows = role == REM_ROLE_IN ? IN_COUNT : 1;
  double before = c->cost;
  offer(c, plan, places, COST_SEEK + rows * COST_FETCH, rows);
  if (c->cost < before)
    c->unique = role == REM_ROLE_ACCESS;
}

static void consider_id(choice *c) {
  int number = find_equality(c, c->module->columns.id);
  if (number < 0)
    return;
  rem_plan plan = {.path = REM_PATH_ID, .column = (uint16_t)c->module->columns.id};
  int places[REM_PLAN_MAX_TERMS] = {0};
  offer_unique(c, &plan, places, number, -1);
}

/* The field whose value alone is the key, or -1. By precedence that is `uri` only: for the others an earlier field may hold the key. */
static int key_column(const choice *c) {
  const rem_table *table = c->module->table;
  const rem_field *field = NULL;
  if (table->key_rule == REM_KEY_FIELD)
    field = &table->fields[table->key_fields[0]];
  else if (table->key_rule == REM_KEY_PRECEDENCE)
    field = rem_table_field(table, "uri", 3);
  return field && field->kind == REM_FIELD_TEXT ? column_number(c, field->number) : -1;
}

static void consider_key(choice *c) {
  int column = key_column(c), number = column < 0 ? -1 : find_equality(c, column);
  if (number < 0)
    return;
  rem_plan plan = {.path = REM_PATH_KEY, .column = (uint16_t)column};
  int places[REM_PLAN_MAX_TERMS] = {0};
  offer_unique(c, &plan, places, number, -1);
}

/* The two built-in keys: both parts give the row, the first alone all chunks of a file or moments of a name (D11). */
static void consider_pair(choice *c) {
  const rem_table *table = c->module->table;
  if (table->key_rule != REM_KEY_RESOURCE && table->key_rule != REM_KEY_MOMENT)
    return;
  int first = column_number(c, table->key_fields[0]), second = column_number(c, table->key_fields[1]);
  int number = first < 0 ? -1 : find_equality(c, first);
  if (number < 0)
    return;
  rem_plan plan = {.path = REM_PATH_LABEL, .column = (uint16_t)first};
  int places[REM_PLAN_MAX_TERMS] = {0};
  add_term(&plan, places, c, number, access_role(c, number));
  double rows = (is_in(c, number) ? IN_COUNT : 1) * 8;
  offer(c, &plan, places, COST_SEEK + rows * (COST_ENTRY + COST_FETCH), rows);
  int other = second < 0 ? -1 : find_equality(c, second);
  if (other < 0 || is_in(c, number) || is_in(c, other) || may_be_part(c, other))
    return;
  plan = (rem_plan){.path = REM_PATH_KEY, .column = (uint16_t)first};
  offer_unique(c, &plan, places, number, other);
}

/* Can the values of an index on this column be told from its entries, so that the row need not be read? */
static bool is_readable(const rem_column *column) {
  switch (column->kind) {
  case REM_FIELD_ANY:
  case REM_FIELD_LIST:
  case REM_FIELD_OBJECT: return false;
  default: return true;
  }
}

static bool is_covered(const choice *c, int column) {
  const rem_columns *columns = &c->module->columns;
  if (!is_readable(&columns->items[column]) || c->module->deleted_too)
    return false;
  uint64_t mine = 0;
  for (int i = 0; i < columns->count; i++)
    if (i == column || columns->items[i].place == REM_COLUMN_ID || columns->items[i].place == REM_COLUMN_TYPE)
      mine |= i < 63 ? (uint64_t)1 << i : 0;
  return (c->info->colUsed & ~mine) == 0;
}

static bool is_index_bound(int op, rem_plan_role *ret_role) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_GT:
  case SQLITE_INDEX_CONSTRAINT_GE: *ret_role = REM_ROLE_LOWER; return true;
  case SQLITE_INDEX_CONSTRAINT_LT:
  case SQLITE_INDEX_CONSTRAINT_LE: *ret_role = REM_ROLE_UPPER; return true;
  case SQLITE_INDEX_CONSTRAINT_ISNULL: *ret_role = REM_ROLE_ACCESS; return true;
  default: return false;
  }
}

/* What constraint `number` compares with, as far as it is known before the statement runs. */
static rem_comparison comparison_of(const choice *c, int number) {
  rem_comparison comparison = {.op = c->info->aConstraint[number].op};
  if (is_in(c, number) || sqlite3_vtab_rhs_value(c->info, number, &comparison.value) != SQLITE_OK)
    comparison.value = NULL;
  return comparison;
}

/* A share of the rows out of their number when the table was last looked at. */
static double share_of(const choice *c, double rows) {
  return c->module->rows > 0 ? rows / (double)c->module->rows : 0;
}

/* The share of the table's rows that one value of an index picks; where nothing is known as if there were as many values as the square root of the rows. */
static double equality_share(const choice *c, int number, int column) {
  const rem_comparison comparison = comparison_of(c, number);
  double rows = rem_selectivity_equal(c->module, column, &comparison), all = all_rows(c);
  if (rows >= 0)
    return share_of(c, rows);
  if (comparison.op == SQLITE_INDEX_CONSTRAINT_ISNULL)
    return 0.1;
  return c->module->columns.items[column].kind == REM_FIELD_BOOL ? 0.5 : sqrt(all) / all;
}

static bool is_prefix_of(const rem_column *column, int op) {
  return column->kind == REM_FIELD_TEXT && (op == SQLITE_INDEX_CONSTRAINT_LIKE || op == SQLITE_INDEX_CONSTRAINT_GLOB);
}

/* A bound of an index, or what only the index of a list answers. False: not such a constraint. */
static bool bound_role(const choice *c, int number, const rem_column *indexed, rem_plan_role *ret_role) {
  int op = c->info->aConstraint[number].op;
  if (indexed->kind == REM_FIELD_LIST) {
    *ret_role = REM_ROLE_ACCESS;
    return op == REM_FUNCTION_ANY;
  }
  if (is_prefix_of(indexed, op)) {
    *ret_role = REM_ROLE_PREFIX;
    return true;
  }
  if (!is_index_bound(op, ret_role) || !same_collation(c, number, indexed))
    return false;
  return indexed->kind != REM_FIELD_BOOL || *ret_role == REM_ROLE_ACCESS;
}

/* The share of a range whose bounds are not known. */
static double guessed_share(rem_plan_role role) {
  return role == REM_ROLE_PREFIX ? 0.1 : 0.3;
}

#define MOST_BOUNDS 8 /* of one index that are looked at for how much they pick */

/* The constraints of an index on `column`: equality if there is one, else bounds. Returns the share of rows, or a negative number when there is none. */
static double collect_bounds(const choice *c, int column, rem_plan *plan, int *places) {
  const rem_column *indexed = &c->module->columns.items[column];
  rem_comparison bounds[MOST_BOUNDS];
  size_t bound_count = 0;
  double share = -1;
  int number = indexed->kind == REM_FIELD_LIST ? -1 : find_equality(c, column);
  if (number >= 0) {
    add_term(plan, places, c, number, access_role(c, number));
    return equality_share(c, number, column) * (is_in(c, number) ? IN_COUNT : 1);
  }
  for (int i = 0; i < c->info->nConstraint; i++) {
    const struct sqlite3_index_constraint *constraint = &c->info->aConstraint[i];
    rem_plan_role role;
    if (constraint->iColumn != column || !constraint->usable || !is_offered_rightly(c, constraint->op) || !bound_role(c, i, indexed, &role))
      continue;
    add_term(plan, places, c, i, role);
    double this_share = role == REM_ROLE_ACCESS ? equality_share(c, i, column) : guessed_share(role);
    share = share < 0 ? this_share : share * this_share;
    if (indexed->kind == REM_FIELD_LIST)
      break;
    if (role != REM_ROLE_ACCESS && bound_count < MOST_BOUNDS)
      bounds[bound_count++] = comparison_of(c, i);
  }
  double rows = bound_count ? rem_selectivity_range(c->module, column, bounds, bound_count) : -1;
  return rows >= 0 && share_of(c, rows) < share ? share_of(c, rows) : share;
}

static bool is_order_of(const choice *c, int column, bool *ret_reverse) {
  if (c->info->nOrderBy != 1 || c->info->aOrderBy[0].iColumn != column)
    return false;
  *ret_reverse = c->info->aOrderBy[0].desc;
  return true;
}

/* The LIMIT that SQLite will stop at, as far as a plan may know it; 0: none. */
static double limit_of(const choice *c) {
  for (int i = 0; i < c->info->nConstraint; i++) {
    sqlite3_value *value = NULL;
    if (c->info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_LIMIT)
      continue;
    if (sqlite3_vtab_rhs_value(c->info, i, &value) != SQLITE_OK || !value)
      return 100;
    return sqlite3_value_int64(value) > 0 ? (double)sqlite3_value_int64(value) : 1;
  }
  return 0;
}

static bool claims_order(const choice *c, const rem_column *column) {
  return is_readable(column) && column->kind != REM_FIELD_BOOL && (column->kind != REM_FIELD_TEXT || c->module->long_values == 0);
}

/* Of the rows an index picks, those sure to be wanted: few where a LIMIT may end the walk. */
static uint8_t first_rows(double rows, double limit) {
  double wanted = limit > 0 && limit < rows ? limit : rows;
  return wanted < MOST_AT_FIRST ? (uint8_t)wanted : MOST_AT_FIRST;
}

static void consider_index(choice *c, int column) {
  const rem_column *indexed = &c->module->columns.items[column];
  if (indexed->place != REM_COLUMN_FIELD || !indexed->field->indexed || c->module->deleted_too ||
      indexed->kind == REM_FIELD_OBJECT)
    return;
  rem_plan plan = {.path = REM_PATH_INDEX, .column = (uint16_t)column};
  int places[REM_PLAN_MAX_TERMS] = {0};
  bool reverse = false;
  double share = indexed->kind == REM_FIELD_ANY ? -1 : collect_bounds(c, column, &plan, places);
  bool in = plan.count && plan.terms[0].role == REM_ROLE_IN;
  plan.ordered = !in && is_order_of(c, column, &reverse) && claims_order(c, indexed);
  plan.reverse = plan.ordered && reverse;
  plan.covered = is_covered(c, column);
  double limit = limit_of(c);
  if (share < 0 && !plan.covered && !(plan.ordered && limit > 0))
    return;
  double rows = all_rows(c) * (share < 0 ? 1 : share);
  double read = plan.ordered && limit > 0 && limit < rows ? limit : rows;
  plan.together = first_rows(rows, limit);
  double cost = COST_SEEK * (in ? IN_COUNT : 1) + read * (COST_ENTRY + (plan.covered ? 0 : COST_FETCH));
  offer(c, &plan, places, cost, rows);
}

static void consider_scan(choice *c) {
  rem_plan plan = {.path = REM_PATH_SCAN};
  int places[REM_PLAN_MAX_TERMS] = {0};
  bool reverse = false;
  plan.ordered = is_order_of(c, c->module->columns.id, &reverse);
  plan.reverse = plan.ordered && reverse;
  double rows = all_rows(c);
  /* What a DELETE is about is rows, though it uses no column of them. */
  bool counts = c->info->colUsed == 0 && c->info->nConstraint == 0 && c->info->nOrderBy == 0 && !c->module->session->shape.writes;
  if (counts && !c->module->deleted_too)
    plan.path = REM_PATH_COUNT;
  offer(c, &plan, places, COST_SEEK + rows, rows);
}

/* ------------------------------------------------------------------------------------------- */
/* Search                                                                                       */

#define SEARCH_ROWS 32.0 /* that one search is taken to give */

typedef enum search_form {
  SEARCH_NONE,
  SEARCH_POSSIBLE,
  SEARCH_IMPOSSIBLE, /* here: what to search for comes from a table that is read later */
  SEARCH_TWICE,
} search_form;

static search_form find_search(const choice *c, int *ret_number) {
  search_form form = SEARCH_NONE;
  for (int i = 0; i < c->info->nConstraint; i++) {
    const rem_column *column = column_of(c, i);
    if (!column || column->place != REM_COLUMN_SEARCH)
      continue;
    if (!c->info->aConstraint[i].usable || c->info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ || is_in(c, i))
      return SEARCH_IMPOSSIBLE;
    if (form != SEARCH_NONE)
      return SEARCH_TWICE;
    form = SEARCH_POSSIBLE;
    *ret_number = i;
  }
  return form;
}

static bool is_search_order(const choice *c, const rem_column *search) {
  if (c->info->nOrderBy != 1 || c->info->aOrderBy[0].iColumn < 0)
    return false;
  const rem_column *column = &c->module->columns.items[c->info->aOrderBy[0].iColumn];
  return column->place == REM_COLUMN_SCORE && (c->info->aOrderBy[0].desc != 0) == (search->metric != REM_METRIC_L2);
}

static void choose_search(choice *c, int number) {
  rem_plan plan = {.path = REM_PATH_SEARCH, .column = (uint16_t)c->info->aConstraint[number].iColumn};
  int places[REM_PLAN_MAX_TERMS] = {0};
  add_term(&plan, places, c, number, REM_ROLE_ACCESS);
  for (int i = 0; i < c->info->nConstraint; i++) {
    const struct sqlite3_index_constraint *constraint = &c->info->aConstraint[i];
    const rem_column *column = column_of(c, i);
    if (!constraint->usable || is_in(c, i))
      continue;
    if (constraint->op == SQLITE_INDEX_CONSTRAINT_LIMIT)
      add_term(&plan, places, c, i, REM_ROLE_LIMIT);
    else if (constraint->op == SQLITE_INDEX_CONSTRAINT_OFFSET)
      add_term(&plan, places, c, i, REM_ROLE_OFFSET);
    else if (column && column->place == REM_COLUMN_MIN_SCORE && constraint->op == SQLITE_INDEX_CONSTRAINT_EQ)
      add_term(&plan, places, c, i, REM_ROLE_MINIMUM);
  }
  plan.ordered = is_search_order(c, &c->module->columns.items[plan.column]);
  c->plan = plan;
  memcpy(c->places, places, sizeof places);
  c->cost = COST_SEEK * 8 + SEARCH_ROWS * COST_FETCH;
  c->rows = SEARCH_ROWS;
}

/* ------------------------------------------------------------------------------------------- */
/* Filters                                                                                      */

static bool is_in_plan(const choice *c, int number) {
  for (int i = 0; i < c->plan.count; i++)
    if (c->places[i] == number)
      return true;
  return false;
}

static bool has_index(const choice *c, int column) {
  const rem_column *indexed = &c->module->columns.items[column];
  return indexed->place == REM_COLUMN_FIELD && indexed->field->indexed && indexed->kind != REM_FIELD_OBJECT && indexed->kind != REM_FIELD_ANY && indexed->kind != REM_FIELD_LIST &&
         !c->module->deleted_too;
}

/* How much a filter lets through; an index tells also where it is not the way to the rows. */
static double filter_share(const choice *c, int number) {
  const struct sqlite3_index_constraint *constraint = &c->info->aConstraint[number];
  if (!is_equality(constraint->op))
    return 0.4;
  return has_index(c, constraint->iColumn) ? equality_share(c, number, constraint->iColumn) : 0.1;
}

/* Everything else that can be judged on a record. An IN, also of row values, is left to SQLite: taking one part of it would run the whole plan once a value. */
static void add_filters(choice *c) {
  if (c->plan.path == REM_PATH_COUNT)
    return;
  double share = 1;
  for (int i = 0; i < c->info->nConstraint; i++) {
    if (is_in_plan(c, i) || !is_usable(c, i) || is_in(c, i) || may_be_part(c, i))
      continue;
    add_term(&c->plan, c->places, c, i, REM_ROLE_FILTER);
    share *= filter_share(c, i);
  }
  c->rows = c->rows * share > 1 ? c->rows * share : 1;
}

/* Words, NUL, padding, plan; in memory of SQLite. */
static int publish(choice *c) {
  rem_buffer words REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_plan__append_words(&c->plan, c->module, &words);
  rem_buffer_append_byte(&words, 0);
  size_t offset = (words.size + 15) / 16 * 16;
  char *text = words.failure < 0 ? NULL : sqlite3_malloc64(offset + sizeof c->plan);
  if (!text)
    return SQLITE_NOMEM;
  memset(text, 0, offset);
  memcpy(text, words.data, words.size);
  memcpy(text + offset, &c->plan, sizeof c->plan);
  c->info->idxStr = text;
  c->info->needToFreeIdxStr = 1;
  c->info->idxNum = (int)offset;
  return SQLITE_OK;
}

/* Is it an IN whose other side is surely a list? Not of a query, whose column may turn text into numbers; not what SQLite makes of an OR; not in an outer join. */
static bool is_exact(const choice *c) {
  const rem_statement_shape *shape = &c->module->session->shape;
  bool known = c->plan.path == REM_PATH_ID || c->plan.path == REM_PATH_KEY;
  return known && c->plan.terms[0].role == REM_ROLE_IN && shape->plain_lists && !shape->outer_joins && !shape->row_lists;
}

static void report(choice *c) {
  for (int i = 0; i < c->plan.count; i++) {
    rem_plan_role role = (rem_plan_role)c->plan.terms[i].role;
    c->info->aConstraintUsage[c->places[i]].argvIndex = i + 1;
    /* What to search for is no value that SQLite could compare again. */
    bool search = c->plan.path == REM_PATH_SEARCH && (role == REM_ROLE_ACCESS || role == REM_ROLE_MINIMUM);
    c->info->aConstraintUsage[c->places[i]].omit = search || (i == 0 && c->plan.exact);
    if (c->plan.terms[i].role == REM_ROLE_IN)
      (void)sqlite3_vtab_in(c->info, c->places[i], 1);
  }
  c->info->orderByConsumed = c->plan.ordered;
  c->info->estimatedCost = c->cost;
  c->info->estimatedRows = (sqlite3_int64)(c->rows < 1 ? 1 : c->rows);
  if (c->unique)
    c->info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
}

int rem_plan_choose(rem_module *module, sqlite3_vtab *vtab, sqlite3_index_info *info) {
  choice c = {.module = module, .info = info, .cost = INFINITY};
  int search = -1;
  switch (find_search(&c, &search)) {
  case SEARCH_IMPOSSIBLE: return SQLITE_CONSTRAINT;
  case SEARCH_TWICE:
    vtab->zErrMsg = sqlite3_mprintf("one table is searched twice in one FROM: name it twice, and join the two by id");
    return SQLITE_ERROR;
  case SEARCH_POSSIBLE:
    choose_search(&c, search);
    add_filters(&c);
    report(&c);
    return publish(&c);
  case SEARCH_NONE: break;
  }
  consider_scan(&c);
  consider_id(&c);
  consider_key(&c);
  consider_pair(&c);
  for (int i = 0; i < module->columns.id && !c.unique; i++)
    consider_index(&c, i);
  add_filters(&c);
  c.plan.exact = is_exact(&c);
  report(&c);
  return publish(&c);
}
