/* SPDX-License-Identifier: Apache-2.0 */
/* What a document's own names collide with (D8), said alike by the statement that finds it and by the apply order. */
#include "entity/batch_internal.h"

#include "base/uuid.h"

rem_status rem_change__key_taken(const rem_change *change, const uint8_t owner[16], rem_error *err) {
  char given[37], other[37];
  rem_uuid_format(change->id, given);
  rem_uuid_format(owner, other);
  rem_error_set(err, REM_CONFLICT, "id %s cannot have the key '%.*s' in '%s': row %s has it", given,
                (int)change->key.size, change->key.data, change->table->name, other);
  rem_error_hint(err, "leave 'id' out to write the row that has this key, or delete that row and run 'db vacuum'");
  return REM_CONFLICT;
}

rem_status rem_change__id_taken(const rem_change *change, rem_slice table, rem_error *err) {
  char text[37];
  rem_uuid_format(change->id, text);
  rem_error_set(err, REM_CONFLICT, "id %s is that of a row of '%.*s'", text, (int)table.size, table.data);
  rem_error_hint(err, "an id names one row in all tables: leave 'id' out of the document, or choose another");
  return REM_CONFLICT;
}

rem_status rem_change__key_changed(const rem_change *change, rem_slice key, rem_error *err) {
  char id[37];
  rem_uuid_format(change->id, id);
  rem_error_set(err, REM_CONFLICT, "row %s of '%s' has the key '%.*s', and a key cannot change", id,
                change->table->name, (int)key.size, key.data);
  rem_error_hint(err, "leave 'id' out to write a row of its own under the new key");
  return REM_CONFLICT;
}
