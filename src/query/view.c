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
  rem_kv_snapshot_release(view->snapshot);
  rem_free(view);
}

rem_status rem_view_count(rem_view *view, const rem_module *module, int64_t *ret_count, rem_error *err) {
  rem_counters counters;
  REM_TRY(rem_counters_read(view->engine->kv, view->snapshot, module->session->tenant, module->table->name, &counters, err));
  *ret_count = counters.live;
  return REM_OK;
}
