/* SPDX-License-Identifier: Apache-2.0 */
#include "query/session_internal.h"

rem_status rem_view_new(rem_engine *engine, rem_kv_snapshot *snapshot, rem_view **ret_view, rem_error *err) {
  rem_view *view = rem_calloc(1, sizeof *view);
  if (!view) {
    rem_kv_snapshot_release(snapshot);
    return rem_error_nomem(err);
  }
  *view = (rem_view){.references = 1, .engine = engine, .snapshot = snapshot};
  *ret_view = view;
  return REM_OK;
}

rem_view *rem_view_ref(rem_view *view) {
  if (view)
    view->references++;
  return view;
}

void rem_view_unref(rem_view *view) {
  if (!view || --view->references > 0)
    return;
  rem_transaction_free(view->transaction);
  rem_kv_snapshot_release(view->snapshot);
  rem_free(view->savepoints);
  rem_free(view);
}

void rem_view_note(rem_view *view, const rem_table *table, const uint8_t id[16], const rem_record *record) {
  rem_record_system system;
  rem_record_system_get(record, &system);
  rem_transaction_note(view->transaction, table, id, system.seq);
  view->reads = true;
}

rem_status rem_view_count(rem_view *view, const rem_module *module, int64_t *ret_count, rem_error *err) {
  rem_counters counters;
  REM_TRY(rem_counters_read(view->engine->kv, view->snapshot, module->session->tenant, module->table->name, &counters, err));
  *ret_count = counters.live;
  if (view->transaction)
    *ret_count += rem_transaction_live_delta(view->transaction, module->table);
  return REM_OK;
}
