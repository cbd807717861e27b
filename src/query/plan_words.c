/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as EXPLAIN QUERY PLAN shows it. */
#include "query/plan.h"

const char *rem_plan_operator(int op) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_EQ: return "=";
  case SQLITE_INDEX_CONSTRAINT_GT: return ">";
  case SQLITE_INDEX_CONSTRAINT_LE: return "<=";
  case SQLITE_INDEX_CONSTRAINT_LT: return "<";
  case SQLITE_INDEX_CONSTRAINT_GE: return ">=";
  case SQLITE_INDEX_CONSTRAINT_NE: return "<>";
  case SQLITE_INDEX_CONSTRAINT_IS: return "IS";
  case SQLITE_INDEX_CONSTRAINT_ISNOT: return "IS NOT";
  case SQLITE_INDEX_CONSTRAINT_LIKE: return "LIKE";
  case SQLITE_INDEX_CONSTRAINT_GLOB: return "GLOB";
  case REM_FUNCTION_ANY: return "contains";
  default: return "?";
  }
}

static void append_term(const rem_module *module, const rem_plan_term *term, rem_buffer *words) {
  const char *name = module->columns.items[term->column].name;
  if (term->op == SQLITE_INDEX_CONSTRAINT_ISNULL)
    rem_buffer_append_format(words, "%s IS NULL", name);
  else if (term->op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL)
    rem_buffer_append_format(words, "%s IS NOT NULL", name);
  else if (term->role == REM_ROLE_IN)
    rem_buffer_append_format(words, "%s IN ?", name);
  else
    rem_buffer_append_format(words, "%s %s ?", name, rem_plan_operator(term->op));
}

static void append_terms(const rem_plan *plan, const rem_module *module, rem_buffer *words, bool filters, const char *separator) {
  for (int i = 0; i < plan->count; i++) {
    rem_plan_role role = (rem_plan_role)plan->terms[i].role;
    if ((role == REM_ROLE_FILTER) != filters || role == REM_ROLE_LIMIT || role == REM_ROLE_OFFSET)
      continue;
    rem_buffer_append_text(words, separator);
    append_term(module, &plan->terms[i], words);
    separator = " AND ";
  }
}

static const char *path_words(const rem_plan *plan) {
  switch ((rem_path)plan->path) {
  case REM_PATH_SCAN: return "all rows";
  case REM_PATH_NONE: return "no row";
  case REM_PATH_COUNT: return "the counter of rows";
  case REM_PATH_ID: return "id";
  case REM_PATH_KEY: return "key";
  case REM_PATH_LABEL: return "key index";
  case REM_PATH_INDEX: return plan->covered ? "covering index" : "index";
  case REM_PATH_SEARCH: return "search";
  }
  return "";
}

void rem_plan__append_words(const rem_plan *plan, const rem_module *module, rem_buffer *words) {
  const char *name = module->columns.items[plan->column].name;
  rem_buffer_append_text(words, path_words(plan));
  if (plan->path == REM_PATH_INDEX)
    rem_buffer_append_format(words, " of %s", name);
  append_terms(plan, module, words, false, ": ");
  if (plan->ordered)
    rem_buffer_append_text(words, plan->reverse ? ", in order, descending" : ", in order");
  append_terms(plan, module, words, true, "; filter: ");
}
