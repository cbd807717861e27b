/* SPDX-License-Identifier: Apache-2.0 */
#include "query/loops.h"

#include <string.h>

#include "entity/engine.h"
#include "measure.h"
#include "query/products.h"
#include "schema/record.h"
#include "storage/key.h"
#include "storage/kv_internal.h"

enum { FIELD_QTY = 5, FIELD_OWNER = 7 };

/* One word of the offset table, then the value. */
static int64_t quantity(const char *record) {
  uint32_t word, count = rem_load_u16le(record + 2);
  int64_t value;
  memcpy(&word, record + REM_RECORD_HEADER_SIZE + 4 * FIELD_QTY, sizeof word);
  memcpy(&value, record + REM_RECORD_HEADER_SIZE + 4 * count + (word & 0x0fffffff), sizeof value);
  return value;
}

static rocksdb_iterator_t *iterate(const rem_kv_handle *handle, rem_kv_family family, rem_buffer *prefix, rem_buffer *end, rocksdb_readoptions_t **ret_options) {
  *ret_options = rocksdb_readoptions_create();
  rem_key_prefix_end(end, rem_buffer_slice(prefix));
  rocksdb_readoptions_set_iterate_upper_bound(*ret_options, (const char *)end->data, end->size);
  rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(handle->db, *ret_options, handle->families[family]);
  rocksdb_iter_seek(iterator, (const char *)prefix->data, prefix->size);
  return iterator;
}

int64_t loop_scan(rem_db *db, int64_t least) {
  const rem_kv_handle *handle = db->engine->kv->handle;
  rem_buffer prefix = {0}, end = {0};
  rocksdb_readoptions_t *options;
  int64_t count = 0;
  rem_key_entity_prefix(&prefix, db->tenant, PRODUCTS_TABLE);
  rocksdb_iterator_t *iterator = iterate(handle, REM_CF_ENTITIES, &prefix, &end, &options);
  for (; rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
    size_t size;
    const char *record = rocksdb_iter_value(iterator, &size);
    count += !(record[1] & REM_RECORD_DELETED) && quantity(record) > least;
  }
  rocksdb_iter_destroy(iterator);
  rocksdb_readoptions_destroy(options);
  rem_buffer_deinit(&prefix);
  rem_buffer_deinit(&end);
  return count;
}

static int64_t get(rem_db *db, rem_buffer *key) {
  const rem_kv_handle *handle = db->engine->kv->handle;
  char *message = NULL;
  size_t size;
  rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(handle->db, handle->read_options, handle->families[REM_CF_ENTITIES],
                                                         (const char *)key->data, key->size, &message);
  if (!slice)
    measure_fail("a row is missing");
  int64_t value = quantity(rocksdb_pinnableslice_value(slice, &size));
  rocksdb_pinnableslice_destroy(slice);
  return value;
}

int64_t loop_owner(rem_db *db, const char *owner) {
  const rem_kv_handle *handle = db->engine->kv->handle;
  rem_buffer prefix = {0}, end = {0}, key = {0};
  rocksdb_readoptions_t *options;
  int64_t sum = 0;
  const rem_value value = {.type = REM_TYPE_TEXT, .text = owner, .text_size = strlen(owner)};
  rem_key_index_prefix(&prefix, db->tenant, PRODUCTS_TABLE, FIELD_OWNER);
  rem_key_append_value(&prefix, &value);
  rocksdb_iterator_t *iterator = iterate(handle, REM_CF_FIELD_INDEX, &prefix, &end, &options);
  for (; rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
    size_t size;
    const char *entry = rocksdb_iter_key(iterator, &size);
    rem_buffer_reset(&key);
    rem_key_entity(&key, db->tenant, PRODUCTS_TABLE, (const uint8_t *)entry + size - 16);
    sum += get(db, &key);
  }
  rocksdb_iter_destroy(iterator);
  rocksdb_readoptions_destroy(options);
  rem_buffer_deinit(&prefix);
  rem_buffer_deinit(&end);
  rem_buffer_deinit(&key);
  return sum;
}

int64_t loop_id(rem_db *db, const uint8_t id[16]) {
  rem_buffer key = {0};
  rem_key_entity(&key, db->tenant, PRODUCTS_TABLE, id);
  int64_t value = get(db, &key);
  rem_buffer_deinit(&key);
  return value;
}
