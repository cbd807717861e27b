/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and log entries as they might come from a damaged disk. modules: base storage
 *
 * The first byte chooses the parser; whatever one accepts must
 * build the same bytes again.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>

#include "storage/key.h"
#include "storage/log.h"

static void require(bool condition) {
  if (!condition)
    abort();
}

static void parse_edge(rem_slice input, bool reverse) {
  rem_buffer texts REM_AUTO_BUFFER = {0}, again REM_AUTO_BUFFER = {0};
  uint8_t source[16];
  rem_slice type;
  rem_key_target target;
  rem_key_parts parts;
  bool ok = reverse ? rem_key_parse_edge_reverse(input, &texts, source, &type, &target)
                    : rem_key_parse_edge(input, &texts, source, &type, &target);
  if (!ok)
    return;
  require(rem_key_parse(input, &parts));
  char *tenant REM_AUTO_FREE = rem_strndup((const char *)parts.tenant.data, parts.tenant.size);
  if (!tenant || memchr(tenant, 0, parts.tenant.size))
    return;
  rem_status status = reverse ? rem_key_edge_reverse(&again, tenant, source, type, &target, NULL)
                              : rem_key_edge(&again, tenant, source, type, &target, NULL);
  if (status == REM_OK)
    require(rem_slice_equal(rem_buffer_slice(&again), input));
}

static void parse_value(rem_slice input) {
  rem_buffer text REM_AUTO_BUFFER = {0}, again REM_AUTO_BUFFER = {0};
  rem_slice cursor = input, encoded;
  rem_value value, second;
  if (!rem_key_skip_value(&cursor, &encoded))
    return;
  require(encoded.size + cursor.size == input.size);
  if (!rem_key_decode_value(encoded, &text, &value))
    return;
  /* Several damaged forms decode to one number, so the values are compared, not the bytes. */
  rem_buffer decoded REM_AUTO_BUFFER = {0};
  if (rem_key_append_value(&again, &value))
    return; /* text that was longer than any writer makes it */
  require(rem_key_decode_value(rem_buffer_slice(&again), &decoded, &second));
  require(value.type == second.type);
}

static void decode_entry(rem_slice input) {
  rem_log_entry entry;
  rem_log_payload payload;
  if (rem_log_entry_decode(input, &entry, NULL) == REM_OK)
    (void)!rem_log_payload_decode(entry.payload, &payload, NULL);
}

/* A payload that is accepted is encoded to the same bytes. */
static void decode_payload(rem_slice input) {
  rem_buffer again REM_AUTO_BUFFER = {0};
  rem_log_payload payload;
  if (rem_log_payload_decode(input, &payload, NULL) != REM_OK)
    return;
  if (rem_log_payload_encode(&payload, &again, NULL) == REM_OK)
    require(rem_slice_equal(rem_buffer_slice(&again), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  rem_slice input = rem_slice_of(data + 1, size - 1);
  rem_key_parts parts;
  switch (data[0] % 6) {
  case 0:
    (void)rem_key_parse(input, &parts);
    break;
  case 1:
    parse_edge(input, false);
    break;
  case 2:
    parse_edge(input, true);
    break;
  case 3:
    parse_value(input);
    break;
  case 4:
    decode_entry(input);
    break;
  default:
    decode_payload(input);
    break;
  }
  return 0;
}
