/* SPDX-License-Identifier: Apache-2.0 */
/* From the arguments of xFilter to what the cursor will walk. */
#include "query/cursor.h"
#include "query/functions.h"

#include "storage/key.h"

void rem_table_cursor__fall_back(rem_table_cursor *cursor) {
  if (!cursor->ordered || cursor->path != REM_PATH_INDEX)
    cursor->path = REM_PATH_SCAN;
  cursor->covered = cursor->covered && cursor->path == REM_PATH_INDEX;
  cursor->folded_prefix = (rem_slice){0};
}

rem_status rem_table_cursor__open_iterator(rem_table_cursor *cursor, rem_kv_family family, rem_error *err) {
  rem_slice prefix = rem_buffer_slice(&cursor->iterator_prefix);
  REM_TRY(rem_buffer_status(&cursor->iterator_prefix, err));
  if (cursor->iterator && cursor->iterator_family == family)
    return REM_OK;
  rem_kv_iterator_free(REM_TAKE(cursor->iterator));
  cursor->iterator_family = family;
  rem_kv *kv = cursor->view->engine->kv;
  if (family != REM_CF_ENTITIES)
    return rem_kv_iterator_prefix(kv, cursor->view->snapshot, family, prefix, &cursor->iterator, err);
  return rem_kv_iterator_scan(kv, cursor->view->snapshot, family, prefix, rem_kv_scan_again(kv, family),
                              &cursor->iterator, err);
}

rem_status rem_table_cursor__begin_scan(rem_table_cursor *cursor, rem_error *err) {
  rem_buffer_reset(&cursor->iterator_prefix);
  rem_key_entity_prefix(&cursor->iterator_prefix, cursor->module->session->tenant, cursor->module->table->name);
  REM_TRY(rem_table_cursor__open_iterator(cursor, REM_CF_ENTITIES, err));
  REM_TRY(rem_table_cursor__room_for_stretches(cursor, 1, err));
  /* The whole of the iterator, whose own bounds cost nothing. */
  cursor->stretches[cursor->stretch_count++] = (rem_stretch){0};
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

static void forget(rem_table_cursor *cursor) {
  rem_table_cursor__release_chunk(cursor);
  rem_kv_pin_release(&cursor->pin);
  rem_ranking_close(REM_TAKE(cursor->ranking));
  rem_arena_reset(&cursor->arena);
  cursor->ids = NULL;
  cursor->asked = (rem_text_set){0};
  cursor->id_count = cursor->id_capacity = cursor->next_id = 0;
  cursor->stretches = NULL;
  cursor->stretch_count = cursor->next_stretch = 0;
  cursor->positioned = cursor->eof = cursor->has_record = false;
  cursor->folded_prefix = (rem_slice){0};
}

/* Also where no row is there to be compared with, comparing a date-time with what is none is a mistake. */
static rem_status check_instant(const rem_term *term, sqlite3_value *argument, rem_error *err) {
  if (term->column->kind != REM_FIELD_INSTANT || term->operand != REM_OPERAND_UNKNOWN || sqlite3_value_type(argument) != SQLITE_TEXT)
    return REM_OK;
  return rem_functions_no_instant(rem_slice_text((const char *)sqlite3_value_text(argument)), err);
}

static rem_status bind_terms(rem_table_cursor *cursor, const rem_plan *plan, sqlite3_value **arguments, rem_error *err) {
  cursor->term_count = plan->count;
  for (int i = 0; i < plan->count; i++) {
    const rem_plan_term *term = &plan->terms[i];
    const rem_column *column = &cursor->module->columns.items[term->column];
    bool judged = rem_term_knows(term->op) && term->role != REM_ROLE_IN && rem_term_can_judge(column);
    cursor->terms[i] = (rem_term){.column = column, .op = term->op, .operand = REM_OPERAND_UNKNOWN};
    if (!judged)
      continue;
    rem_term_init(&cursor->terms[i], column, term->op, arguments[i]);
    REM_TRY(check_instant(&cursor->terms[i], arguments[i], err));
  }
  return REM_OK;
}

static rem_status begin_path(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  switch (cursor->path) {
  case REM_PATH_SCAN: return rem_table_cursor__begin_scan(cursor, err);
  case REM_PATH_INDEX: return rem_table_cursor__begin_index(cursor, arguments, err);
  case REM_PATH_ID:
  case REM_PATH_KEY: return rem_table_cursor__begin_ids(cursor, arguments, err);
  case REM_PATH_LABEL: return rem_table_cursor__begin_labels(cursor, arguments, err);
  case REM_PATH_COUNT: return rem_view_count(cursor->view, cursor->module, &cursor->left, err);
  case REM_PATH_SEARCH: return rem_table_cursor__begin_search(cursor, arguments, err);
  case REM_PATH_NONE: break;
  }
  return REM_OK;
}

rem_status rem_table_cursor_begin(rem_table_cursor *cursor, const rem_plan *plan, int argument_count,
                                  sqlite3_value **arguments, rem_error *err) {
  rem_session *session = cursor->module->session;
  (void)argument_count;
  forget(cursor);
  if (!session->view)
    return rem_error_set(err, REM_INTERNAL, "a table is read outside a statement");
  if (cursor->view != session->view) {
    rem_view_unref(cursor->view);
    cursor->view = rem_view_ref(session->view);
    rem_kv_iterator_free(REM_TAKE(cursor->iterator));
  }
  cursor->plan = plan;
  cursor->path = plan->path;
  cursor->ordered = plan->ordered;
  cursor->reverse = plan->reverse;
  cursor->covered = plan->covered;
  cursor->together = plan->together;
  REM_TRY(bind_terms(cursor, plan, arguments, err));
  /* Rows that are read to be written, or in a transaction, are noted with their sequence number, which only the record has. */
  if (cursor->view->transaction)
    cursor->covered = false;
  REM_TRY(begin_path(cursor, arguments, err));
  return rem_table_cursor__begin_pending(cursor, err);
}

void rem_table_cursor_deinit(rem_table_cursor *cursor) {
  forget(cursor);
  rem_free(cursor->chunk);
  rem_kv_iterator_free(cursor->iterator);
  rem_buffer_deinit(&cursor->iterator_prefix);
  rem_buffer_deinit(&cursor->key);
  rem_buffer_deinit(&cursor->value_text);
  rem_buffer_deinit(&cursor->scratch);
  rem_arena_deinit(&cursor->arena);
  rem_view_unref(cursor->view);
}
