/* SPDX-License-Identifier: Apache-2.0 */
/* The REM log: entries, their chain, reading, blanking, trimming, and damage. */
#include "store.h"

#include "storage/key.h"
#include "storage/log.h"

static const float vector[3] = {1, 2, 3};

static rem_log_payload payload_of(const char *key, const char *record) {
  rem_log_payload payload = {.table = text("person"), .key = text(key), .record = text(record)};
  memset(payload.id, 7, 16);
  payload.vectors[0] = (rem_log_vector){0, 3, vector};
  payload.vectors[1] = (rem_log_vector){1, 1, vector + 2};
  payload.vector_count = 2;
  return payload;
}

/* ---- codec ---- */

static void encode(rem_buffer *payload_bytes, rem_buffer *buffer, rem_log_entry *entry) {
  rem_log_payload payload = payload_of("alice", "the record");
  assert_ok(rem_log_payload_encode(&payload, payload_bytes, &err));
  *entry = (rem_log_entry){.operation = REM_LOG_PUT, .flags = REM_LOG_TXN_END, .epoch = 3, .seq = 77,
                           .transaction_seq = 70, .timestamp_ns = -5, .previous_crc = 123,
                           .payload = rem_buffer_slice(payload_bytes)};
  assert_ok(rem_log_entry_encode(entry, buffer, &err));
}

static void test_an_entry_is_decoded_as_it_was_encoded(void **state) {
  (void)state;
  rem_buffer bytes REM_AUTO_BUFFER = {0}, buffer REM_AUTO_BUFFER = {0};
  rem_log_entry entry, got;
  rem_log_payload payload;
  encode(&bytes, &buffer, &entry);
  assert_int_equal(buffer.data[0], REM_LOG_VERSION);
  assert_int_equal(rem_load_u64le(buffer.data + 8), 77);
  assert_ok(rem_log_entry_decode(rem_buffer_slice(&buffer), &got, &err));
  assert_int_equal(got.operation, REM_LOG_PUT);
  assert_int_equal(got.flags, REM_LOG_TXN_END);
  assert_int_equal(got.epoch, 3);
  assert_int_equal(got.seq, 77);
  assert_int_equal(got.transaction_seq, 70);
  assert_int_equal(got.timestamp_ns, -5);
  assert_int_equal(got.previous_crc, 123);
  assert_int_equal(got.crc, entry.crc);
  assert_ok(rem_log_payload_decode(got.payload, &payload, &err));
  assert_true(rem_slice_equal(payload.table, text("person")));
  assert_true(rem_slice_equal(payload.key, text("alice")));
  assert_true(rem_slice_equal(payload.record, text("the record")));
  assert_int_equal(payload.id[15], 7);
  assert_int_equal(payload.vector_count, 2);
  assert_int_equal(payload.vectors[0].dimension, 3);
  assert_memory_equal(payload.vectors[0].values, vector, 12);
  assert_int_equal(payload.vectors[1].slot, 1);
  assert_memory_equal(payload.vectors[1].values, vector + 2, 4);
}

static void test_every_cut_and_every_flipped_bit_is_found(void **state) {
  (void)state;
  rem_buffer bytes REM_AUTO_BUFFER = {0}, buffer REM_AUTO_BUFFER = {0};
  rem_log_entry entry, got;
  rem_error err = {0};
  encode(&bytes, &buffer, &entry);
  for (size_t cut = 0; cut < buffer.size; cut++)
    assert_status(rem_log_entry_decode(rem_slice_of(buffer.data, cut), &got, &err), REM_CORRUPT);
  for (size_t bit = 0; bit < buffer.size * 8; bit++) {
    buffer.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    rem_status status = rem_log_entry_decode(rem_buffer_slice(&buffer), &got, &err);
    bool version = bit / 8 == 0;
    assert_true(status == REM_CORRUPT || (version && status == REM_FORMAT));
    buffer.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_ok(rem_log_entry_decode(rem_buffer_slice(&buffer), &got, &err));
}

static void test_damaged_payloads_are_refused_without_reading_past_them(void **state) {
  (void)state;
  random_start("payload");
  rem_buffer bytes REM_AUTO_BUFFER = {0};
  rem_log_payload payload = payload_of("alice", "the record"), got;
  rem_error err = {0};
  assert_ok(rem_log_payload_encode(&payload, &bytes, &err));
  for (size_t cut = 0; cut < bytes.size; cut++) {
    uint8_t *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees a step too far */
    memcpy(exact, bytes.data, cut);
    assert_status(rem_log_payload_decode(rem_slice_of(exact, cut), &got, &err), REM_CORRUPT);
    free(exact);
  }
  for (int round = 0; round < 20000; round++) {
    size_t size = bytes.size;
    uint8_t *exact = malloc(size);
    memcpy(exact, bytes.data, size);
    for (int n = 0; n < 3; n++)
      exact[random_below(size)] = (uint8_t)random_next();
    (void)!rem_log_payload_decode(rem_slice_of(exact, size), &got, &err);
    free(exact);
  }
}

static void test_parts_that_are_too_long_are_refused(void **state) {
  (void)state;
  static char long_key[5000];
  memset(long_key, 'k', sizeof long_key - 1);
  rem_buffer bytes REM_AUTO_BUFFER = {0};
  rem_log_payload payload = payload_of(long_key, "");
  rem_error err = {0};
  assert_status(rem_log_payload_encode(&payload, &bytes, &err), REM_LIMIT);
  payload = payload_of("k", "");
  payload.vectors[0].dimension = 1 << 20;
  assert_status(rem_log_payload_encode(&payload, &bytes, &err), REM_LIMIT);
}

/* ---- writing and reading ---- */

typedef struct write_run {
  const char *tenant;
  int count;
  bool disabled, fails;
  uint64_t last_seq;
} write_run;

static rem_status write_entries(void *context, rem_commit_group *group, rem_error *err) {
  write_run *run = context;
  uint64_t first = 0;
  for (int i = 0; i < run->count; i++) {
    char key[32];
    uint64_t next, seq;
    REM_TRY(rem_log_next_seq(group, run->tenant, &next, err));
    snprintf(key, sizeof key, "key %llu", (unsigned long long)next);
    rem_log_payload payload = payload_of(key, "some record of a length that fills things a little");
    rem_log_append append = {.tenant = run->tenant, .operation = REM_LOG_PUT, .epoch = 1, .transaction_seq = first,
                             .flags = i == run->count - 1 ? REM_LOG_TXN_END : 0, .enabled = !run->disabled,
                             .payload = &payload};
    REM_TRY(rem_log_put(group, &append, &seq, err));
    assert_int_equal(seq, next);
    if (!first)
      first = seq;
    run->last_seq = seq;
  }
  return run->fails ? rem_error_set(err, REM_INVALID, "on purpose") : REM_OK;
}

static rem_status run_write(write_run *run) {
  rem_error err = {0};
  rem_commit_request request = {.apply = write_entries, .context = run};
  return rem_commit_submit(committer, &request, &err);
}

static void write_log(const char *tenant, int count) {
  write_run run = {.tenant = tenant, .count = count};
  assert_int_equal(run_write(&run), REM_OK);
}

static uint64_t last_seq(const char *tenant) {
  uint64_t seq = UINT64_MAX;
  assert_ok(rem_log_last_seq(kv, NULL, tenant, &seq, &err));
  return seq;
}

/* Reads all after `after` and checks their numbers and keys; how many. */
static int read_log(const char *tenant, uint64_t after) {
  rem_log_reader *reader = NULL;
  rem_log_entry entry;
  rem_error err = {0};
  assert_ok(rem_log_reader_new(kv, NULL, tenant, after, &reader, &err));
  int count = 0;
  rem_status status;
  while ((status = rem_log_reader_next(reader, &entry, &err)) == REM_ROW) {
    rem_log_payload payload;
    char key[32];
    snprintf(key, sizeof key, "key %llu", (unsigned long long)entry.seq);
    assert_int_equal(entry.seq, after + (uint64_t)++count);
    if (entry.flags & REM_LOG_BLANKED)
      continue;
    assert_ok(rem_log_payload_decode(entry.payload, &payload, &err));
    assert_true(rem_slice_equal(payload.key, text(key)));
  }
  if (status != REM_DONE)
    fail_msg("reading: %s", err.message);
  rem_log_reader_free(reader);
  return count;
}

static void test_sequences_are_whole_and_apart_for_each_tenant(void **state) {
  (void)state;
  assert_int_equal(last_seq("a"), 0);
  write_log("a", 3);
  write_log("b", 1);
  write_log("a", 2);
  assert_int_equal(last_seq("a"), 5);
  assert_int_equal(last_seq("b"), 1);
  assert_int_equal(read_log("a", 0), 5);
  assert_int_equal(read_log("a", 3), 2);
  assert_int_equal(read_log("a", 5), 0);
  assert_int_equal(read_log("b", 0), 1);
  rem_log_reader *reader = NULL;
  rem_log_entry entry;
  rem_error err = {0};
  assert_ok(rem_log_reader_new(kv, NULL, "a", 3, &reader, &err));
  assert_status(rem_log_reader_next(reader, &entry, &err), REM_ROW);
  assert_int_equal(entry.transaction_seq, 4);
  assert_int_equal(entry.flags, 0);
  assert_true(entry.timestamp_ns > 0);
  assert_status(rem_log_reader_next(reader, &entry, &err), REM_ROW);
  assert_int_equal(entry.transaction_seq, 4);
  assert_int_equal(entry.flags, REM_LOG_TXN_END);
  assert_int_equal(rem_log_reader_value(reader).size, REM_LOG_HEADER_SIZE + entry.payload.size);
  rem_log_reader_free(reader);
}

static void test_a_failed_request_uses_up_no_numbers(void **state) {
  (void)state;
  write_log("a", 2);
  write_run bad = {.tenant = "a", .count = 3, .fails = true};
  assert_int_equal(run_write(&bad), REM_INVALID);
  assert_int_equal(bad.last_seq, 5);
  assert_int_equal(last_seq("a"), 2);
  write_log("a", 1);
  assert_int_equal(read_log("a", 0), 3);
}

static void test_numbers_go_on_after_reopening(void **state) {
  (void)state;
  write_log("a", 2);
  rem_committer_free(committer);
  assert_ok(rem_kv_close(kv, &err));
  kv = kv_open(folder, REM_KV_WRITE);
  assert_ok(rem_committer_new(kv, 0, &committer, &err));
  write_log("a", 2);
  assert_int_equal(read_log("a", 0), 4);
}

static void test_without_the_log_numbers_advance_and_the_floor_follows(void **state) {
  (void)state;
  write_log("a", 3);
  write_run off = {.tenant = "a", .count = 2, .disabled = true};
  assert_int_equal(run_write(&off), REM_OK);
  assert_int_equal(last_seq("a"), 5);
  uint64_t floor, bytes;
  assert_ok(rem_log_floor(kv, NULL, "a", &floor, &err));
  assert_ok(rem_log_bytes(kv, NULL, "a", &bytes, &err));
  assert_int_equal(floor, 5);
  assert_int_equal(bytes, 0);
  rem_log_reader *reader = NULL;
  rem_error err = {0};
  assert_status(rem_log_reader_new(kv, NULL, "a", 4, &reader, &err), REM_LIMIT);
  assert_int_equal(read_log("a", 5), 0);
  write_log("a", 2); /* switched on again */
  assert_int_equal(read_log("a", 5), 2);
  kv_expect(kv, NULL, REM_CF_WAL, "wal:a:entry:00000000000000000003", NULL);
}

typedef struct blank_run {
  uint64_t seq;
} blank_run;

static rem_status blank(void *context, rem_commit_group *group, rem_error *err) {
  return rem_log_blank(group, "a", ((blank_run *)context)->seq, err);
}

static rem_status run_blank(uint64_t seq) {
  blank_run run = {seq};
  rem_error err = {0};
  rem_commit_request request = {.apply = blank, .context = &run};
  return rem_commit_submit(committer, &request, &err);
}

static void test_blanking_takes_the_payload_and_keeps_the_chain(void **state) {
  (void)state;
  uint64_t before, behind;
  write_log("a", 5);
  assert_ok(rem_log_bytes(kv, NULL, "a", &before, &err));
  assert_int_equal(run_blank(3), REM_OK);
  assert_int_equal(run_blank(3), REM_OK);
  assert_int_equal(run_blank(9), REM_NOT_FOUND);
  assert_ok(rem_log_bytes(kv, NULL, "a", &behind, &err));
  assert_int_equal((before - 5 * REM_LOG_HEADER_SIZE) / 5, before - behind);
  assert_int_equal(read_log("a", 0), 5);
  rem_kv_pin pin REM_AUTO_PIN = {0};
  assert_ok(rem_kv_get(kv, NULL, REM_CF_WAL, text("wal:a:entry:00000000000000000003"), &pin, &err));
  assert_int_equal(pin.size, REM_LOG_HEADER_SIZE);
}

static void expect_damage(const char *what) {
  rem_log_reader *reader = NULL;
  rem_log_entry entry;
  rem_error err = {0};
  rem_status status;
  assert_ok(rem_log_reader_new(kv, NULL, "a", 0, &reader, &err));
  do
    status = rem_log_reader_next(reader, &entry, &err);
  while (status == REM_ROW);
  assert_int_equal(status, REM_CORRUPT);
  if (!strstr(err.message, what))
    fail_msg("'%s' does not say '%s'", err.message, what);
  rem_log_reader_free(reader);
}

static void delete_key(const char *key) {
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_delete(batch, REM_CF_WAL, text(key));
  assert_ok(rem_kv_write(kv, batch, false, &err));
  rem_kv_batch_free(batch);
}

static void test_gaps_at_the_start_the_middle_and_the_end_are_found(void **state) {
  (void)state;
  write_log("a", 5);
  delete_key("wal:a:entry:00000000000000000005");
  expect_damage("entry 5 of the log is missing");
  delete_key("wal:a:entry:00000000000000000003");
  expect_damage("entry 3 of the log is missing");
  delete_key("wal:a:entry:00000000000000000001");
  expect_damage("entry 1 of the log is missing");
}

static void test_an_entry_of_another_history_breaks_the_chain(void **state) {
  (void)state;
  write_log("a", 4);
  rem_buffer bytes REM_AUTO_BUFFER = {0}, buffer REM_AUTO_BUFFER = {0};
  rem_log_payload payload = payload_of("key 3", "forged");
  assert_ok(rem_log_payload_encode(&payload, &bytes, &err));
  rem_log_entry entry = {.operation = REM_LOG_PUT, .epoch = 1, .seq = 3, .payload = rem_buffer_slice(&bytes)};
  assert_ok(rem_log_entry_encode(&entry, &buffer, &err));
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_put(batch, REM_CF_WAL, text("wal:a:entry:00000000000000000003"), rem_buffer_slice(&buffer));
  assert_ok(rem_kv_write(kv, batch, false, &err));
  rem_kv_batch_free(batch);
  expect_damage("entry 3 of the log does not continue");
}

static void test_trimming_keeps_the_newest_and_moves_the_floor(void **state) {
  (void)state;
  write_log("a", 100);
  write_log("b", 10);
  uint64_t bytes, dropped = 99, floor;
  assert_ok(rem_log_bytes(kv, NULL, "a", &bytes, &err));
  uint64_t one = bytes / 100;
  assert_ok(rem_log_trim(committer, "a", bytes, &dropped, &err));
  assert_int_equal(dropped, 0);
  assert_ok(rem_log_trim(committer, "a", bytes - 10 * one, &dropped, &err)); /* within a quarter: not worth it */
  assert_int_equal(dropped, 0);
  assert_ok(rem_log_trim(committer, "a", bytes / 2, &dropped, &err));
  assert_in_range(dropped, 48, 52);
  assert_ok(rem_log_floor(kv, NULL, "a", &floor, &err));
  assert_int_equal(floor, dropped);
  assert_int_equal(read_log("a", floor), 100 - (int)floor);
  rem_log_reader *reader = NULL;
  rem_error err = {0};
  assert_status(rem_log_reader_new(kv, NULL, "a", floor - 1, &reader, &err), REM_LIMIT);
  assert_int_equal(read_log("b", 0), 10);
  write_log("a", 1);
  assert_int_equal(read_log("a", floor), 101 - (int)floor);
  assert_ok(rem_log_trim(committer, "a", 0, &dropped, &err));
  assert_ok(rem_log_bytes(kv, NULL, "a", &bytes, &err));
  assert_int_equal(bytes, 0);
  assert_int_equal(last_seq("a"), 101);
  assert_int_equal(read_log("a", 101), 0);
  write_log("a", 1);
  assert_int_equal(read_log("a", 101), 1);
}

/* ---- a replica ---- */

typedef struct copy_run {
  rem_slice value;
} copy_run;

static rem_status copy_entry(void *context, rem_commit_group *group, rem_error *err) {
  return rem_log_put_entry(group, "copy", ((copy_run *)context)->value, err);
}

static rem_status run_copy(rem_slice value) {
  copy_run run = {value};
  rem_error err = {0};
  rem_commit_request request = {.apply = copy_entry, .context = &run};
  return rem_commit_submit(committer, &request, &err);
}

static void test_a_copy_takes_entries_in_order_and_refuses_gaps(void **state) {
  (void)state;
  write_log("a", 4);
  rem_log_reader *reader = NULL;
  rem_log_entry entry;
  rem_error err = {0};
  assert_ok(rem_log_reader_new(kv, NULL, "a", 0, &reader, &err));
  for (int i = 1; i <= 4; i++) {
    assert_status(rem_log_reader_next(reader, &entry, &err), REM_ROW);
    if (i == 3)
      continue;
    assert_int_equal(run_copy(rem_log_reader_value(reader)), i < 3 ? REM_OK : REM_CONFLICT);
    assert_int_equal(run_copy(rem_log_reader_value(reader)), REM_CONFLICT); /* twice */
  }
  rem_log_reader_free(reader);
  assert_int_equal(last_seq("copy"), 2);
  assert_int_equal(read_log("copy", 0), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_entry_is_decoded_as_it_was_encoded),
      cmocka_unit_test(test_every_cut_and_every_flipped_bit_is_found),
      cmocka_unit_test(test_damaged_payloads_are_refused_without_reading_past_them),
      cmocka_unit_test(test_parts_that_are_too_long_are_refused),
      with_committer(test_sequences_are_whole_and_apart_for_each_tenant),
      with_committer(test_a_failed_request_uses_up_no_numbers),
      with_committer(test_numbers_go_on_after_reopening),
      with_committer(test_without_the_log_numbers_advance_and_the_floor_follows),
      with_committer(test_blanking_takes_the_payload_and_keeps_the_chain),
      with_committer(test_gaps_at_the_start_the_middle_and_the_end_are_found),
      with_committer(test_an_entry_of_another_history_breaks_the_chain),
      with_committer(test_trimming_keeps_the_newest_and_moves_the_floor),
      with_committer(test_a_copy_takes_entries_in_order_and_refuses_gaps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
