/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: their shapes, that byte order is value order, and that everything built can be taken apart. */
#include "storage_test.h"

#include <math.h>

#include "base/blake3.h"
#include "storage/key.h"

static const uint8_t id[16] = "0123456789abcdef";
static const uint8_t other_id[16] = {0, 1, 0, 0xFF};

#define assert_key(buffer, bytes)                                                                                      \
  do {                                                                                                                 \
    assert_int_equal((buffer).size, sizeof(bytes) - 1);                                                                \
    assert_memory_equal((buffer).data, bytes, sizeof(bytes) - 1);                                                      \
    rem_buffer_reset(&(buffer));                                                                                       \
  } while (0)

static void test_keys_have_the_documented_shapes(void **state) {
  (void)state;
  rem_buffer b REM_AUTO_BUFFER = {0};
  rem_key_entity(&b, "default", "person", id);
  assert_key(b, "entity:default:person:0123456789abcdef");
  rem_key_large(&b, "t", "x", id);
  assert_key(b, "large:t:x:0123456789abcdef");
  rem_key_vector(&b, "t", "x", 1, id);
  assert_key(b, "vector:t:x:1:0123456789abcdef");
  rem_key_vector_log(&b, "t", "x", 0, 0x0102030405060708u);
  assert_key(b, "vlog:t:x:0:\1\2\3\4\5\6\7\10");
  rem_key_pending(&b, "t", "x", 0, id);
  assert_key(b, "pending:t:x:0:0123456789abcdef");
  rem_key_index_prefix(&b, "t", "x", 1234);
  assert_key(b, "index:t:x:1234:");
  assert_ok(rem_key_key(&b, "t", rem_slice_of("a:b\0c", 5), id, &err));
  assert_key(b, "key:t:a:b\0\377c\0\0010123456789abcdef");
  assert_ok(rem_key_key(&b, "t", text(""), NULL, &err));
  assert_key(b, "key:t:\0\1");
  rem_key_log_entry(&b, "t", 42);
  assert_key(b, "wal:t:entry:00000000000000000042");
  rem_key_log_entry(&b, "t", UINT64_MAX);
  assert_key(b, "wal:t:entry:18446744073709551615");
  rem_key_log_seq(&b, "t");
  assert_key(b, "wal:t:seq");
  rem_key_log_floor(&b, "t");
  assert_key(b, "wal:t:floor");
  rem_key_table(&b, "t", "x");
  assert_key(b, "table:t:x");
  rem_key_counter(&b, "t", "x");
  assert_key(b, "counter:t:x");
  rem_buffer_reset(&b);
  rem_key_graph(&b, "t", "x", 1);
  assert_key(b, "graph:t:x:1");
  rem_key_tenant(&b, "t");
  assert_key(b, "tenant:t");
  rem_key_target target = {.kind = REM_TARGET_TABLE_KEY, .table = text("x"), .key = text("k")};
  assert_ok(rem_key_edge(&b, "t", id, text("knows"), &target, &err));
  assert_key(b, "edge:t:0123456789abcdefknows\0\1\2x\0\1k\0\1");
  assert_ok(rem_key_edge_reverse(&b, "t", id, text("knows"), &target, &err));
  assert_key(b, "edge:t:\2x\0\1k\0\1knows\0\0010123456789abcdef");
}

static void test_values_have_the_documented_shapes(void **state) {
  (void)state;
  rem_buffer b REM_AUTO_BUFFER = {0};
  assert_false(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_NULL}));
  assert_key(b, "\0");
  assert_false(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_BOOL, .integer = 1}));
  assert_key(b, "\2");
  assert_false(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_INT, .integer = 1}));
  assert_key(b, "\3\xbf\xf0\0\0\0\0\0\0\x80\0");
  assert_false(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_INT, .integer = INT64_MAX}));
  assert_key(b, "\3\xc3\xe0\0\0\0\0\0\0\x7f\xff"); /* 2^63 less one */
  assert_false(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_INSTANT, .integer = -1}));
  assert_key(b, "\4\x7f\xff\xff\xff\xff\xff\xff\xff");
  assert_false(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_UUID, .uuid = id}));
  assert_key(b, "\0050123456789abcdef");
  assert_false(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_TEXT, .text = "a\0b", .text_size = 3}));
  assert_key(b, "\6a\0\377b\0\1");
  assert_true(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_JSON, .text = "[]", .text_size = 2}));
  assert_int_equal(b.size, 17);
  assert_int_equal(b.data[0], 7);
}

static void test_long_text_is_cut_and_hashed(void **state) {
  (void)state;
  static char long_text[513];
  memset(long_text, 'x', sizeof long_text);
  rem_buffer b REM_AUTO_BUFFER = {0};
  assert_false(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_TEXT, .text = long_text, .text_size = 512}));
  assert_int_equal(b.size, 1 + 512 + 2);
  rem_buffer_reset(&b);
  assert_true(rem_key_append_value(&b, &(rem_value){.type = REM_TYPE_TEXT, .text = long_text, .text_size = 513}));
  assert_int_equal(b.size, 1 + 512 + 2 + 16);
  assert_int_equal(b.data[513], 0);
  assert_int_equal(b.data[514], 2);
  uint8_t hash[16];
  rem_blake3_hash(long_text, sizeof long_text, hash, sizeof hash);
  assert_memory_equal(b.data + 515, hash, 16);
  rem_slice cursor = rem_buffer_slice(&b), value;
  assert_true(rem_key_skip_value(&cursor, &value));
  assert_int_equal(value.size, b.size);
  rem_value decoded;
  rem_buffer out REM_AUTO_BUFFER = {0};
  assert_false(rem_key_decode_value(rem_buffer_slice(&b), &out, &decoded));
}

static void test_a_key_over_four_kib_is_refused(void **state) {
  (void)state;
  static char long_key[4097];
  memset(long_key, 'k', sizeof long_key);
  rem_buffer b REM_AUTO_BUFFER = {0};
  rem_error err = {0};
  assert_ok(rem_key_key(&b, "t", rem_slice_of(long_key, 4096), id, &err));
  rem_buffer_reset(&b);
  assert_status(rem_key_key(&b, "t", rem_slice_of(long_key, 4097), id, &err), REM_LIMIT);
  assert_int_equal(b.size, 0);
  assert_true(err.hint[0]);
  rem_key_target target = {.kind = REM_TARGET_KEY, .key = rem_slice_of(long_key, 4097)};
  assert_status(rem_key_edge(&b, "t", id, text("a"), &target, &err), REM_LIMIT);
  target.key = text("k");
  assert_status(rem_key_edge_reverse(&b, "t", id, rem_slice_of(long_key, 4097), &target, &err), REM_LIMIT);
}

static void test_the_end_of_a_prefix_is_the_next_key(void **state) {
  (void)state;
  rem_buffer b REM_AUTO_BUFFER = {0};
  rem_key_prefix_end(&b, text("abc"));
  assert_key(b, "abd");
  rem_key_prefix_end(&b, text("a\xff\xff"));
  assert_key(b, "b");
  rem_key_prefix_end(&b, text("\xff\xff"));
  assert_int_equal(b.size, 0);
  rem_key_prefix_end(&b, text(""));
  assert_int_equal(b.size, 0);
}

/* ---- order ---- */

static int sign(int x) {
  return (x > 0) - (x < 0);
}

/* Exact comparison of numbers, by long double, whose 64 bits of mantissa hold every int64 and every double. */
static long double exact(const rem_value *v) {
  return v->type == REM_TYPE_INT ? (long double)v->integer : (long double)v->real;
}

static int rank(const rem_value *v) {
  switch (v->type) {
  case REM_TYPE_NULL:
    return 0;
  case REM_TYPE_BOOL:
    return v->integer ? 2 : 1;
  case REM_TYPE_INT:
  case REM_TYPE_REAL:
    return 3;
  case REM_TYPE_INSTANT:
    return 4;
  case REM_TYPE_UUID:
    return 5;
  default:
    return 6;
  }
}

static int compare_values(const rem_value *a, const rem_value *b) {
  if (rank(a) != rank(b))
    return rank(a) < rank(b) ? -1 : 1;
  switch (rank(a)) {
  case 3:
    return (exact(a) > exact(b)) - (exact(a) < exact(b));
  case 4:
    return (a->integer > b->integer) - (a->integer < b->integer);
  case 5:
    return sign(memcmp(a->uuid, b->uuid, 16));
  case 6:
    return sign(rem_slice_compare(rem_slice_of(a->text, a->text_size), rem_slice_of(b->text, b->text_size)));
  default:
    return 0;
  }
}

static int64_t random_integer(void) {
  switch (random_below(5)) {
  case 0:
    return (int64_t)random_below(21) - 10;
  case 1:
    return (int64_t)((uint64_t)1 << 53) + (int64_t)random_below(9) - 4;
  case 2:
    return INT64_MAX - (int64_t)random_below(2000);
  case 3:
    return INT64_MIN + (int64_t)random_below(2000);
  default:
    return (int64_t)(random_next() >> random_below(64));
  }
}

static double random_real(void) {
  static const double special[] = {0.0, -0.0, 5.0, 5.5, -1e300, 1e-300, 0x1p53, 0x1p63, -0x1p63, INFINITY, -INFINITY, 0x1p62};
  if (random_below(3) == 0)
    return special[random_below(sizeof special / sizeof *special)];
  if (random_below(2))
    return (double)random_integer();
  double real;
  do {
    uint64_t bits = random_next();
    memcpy(&real, &bits, sizeof real);
  } while (isnan(real));
  return real;
}

static rem_value random_text(char *space) {
  size_t size = random_below(6);
  for (size_t i = 0; i < size; i++)
    space[i] = "\0\1\377ab"[random_below(5)];
  return (rem_value){.type = REM_TYPE_TEXT, .text = space, .text_size = size};
}

static rem_value random_value(char space[16]) {
  switch (random_below(8)) {
  case 0:
    return (rem_value){.type = REM_TYPE_NULL};
  case 1:
    return (rem_value){.type = REM_TYPE_BOOL, .integer = (int64_t)random_below(2)};
  case 2:
    return (rem_value){.type = REM_TYPE_INSTANT, .integer = random_integer()};
  case 3:
    for (int i = 0; i < 16; i++)
      space[i] = (char)(random_below(4) ? 0 : random_below(256));
    return (rem_value){.type = REM_TYPE_UUID, .uuid = (uint8_t *)space};
  case 4:
  case 5:
    return random_text(space);
  case 6:
    return (rem_value){.type = REM_TYPE_REAL, .real = random_real()};
  default:
    return (rem_value){.type = REM_TYPE_INT, .integer = random_integer()};
  }
}

static void test_byte_order_is_value_order(void **state) {
  (void)state;
  random_start("order");
  rem_buffer a REM_AUTO_BUFFER = {0}, b REM_AUTO_BUFFER = {0};
  for (int round = 0; round < 300000; round++) {
    char first[16], second[16];
    rem_value x = random_value(first), y = random_value(second);
    rem_buffer_reset(&a);
    rem_buffer_reset(&b);
    rem_key_append_value(&a, &x);
    rem_key_append_value(&b, &y);
    int wanted = compare_values(&x, &y), got = sign(rem_slice_compare(rem_buffer_slice(&a), rem_buffer_slice(&b)));
    if (wanted != got)
      fail_msg("round %d: types %d %d, order %d instead of %d", round, x.type, y.type, got, wanted);
    /* No value is a proper prefix of another: what follows in the key cannot disturb the order. */
    if (got)
      assert_false(rem_slice_starts_with(rem_buffer_slice(&a), rem_buffer_slice(&b)));
  }
}

static void test_every_value_is_decoded_to_its_equal(void **state) {
  (void)state;
  random_start("decode");
  rem_buffer encoded REM_AUTO_BUFFER = {0}, out REM_AUTO_BUFFER = {0};
  for (int round = 0; round < 100000; round++) {
    char space[16];
    rem_value value = random_value(space), decoded;
    rem_buffer_reset(&encoded);
    rem_buffer_reset(&out);
    rem_key_append_value(&encoded, &value);
    rem_buffer_append_text(&encoded, "rest");
    rem_slice cursor = rem_buffer_slice(&encoded), bytes;
    assert_true(rem_key_skip_value(&cursor, &bytes));
    assert_true(rem_slice_equal(cursor, text("rest")));
    assert_true(rem_key_decode_value(bytes, &out, &decoded));
    assert_int_equal(compare_values(&value, &decoded), 0);
    if (value.type == REM_TYPE_INT)
      assert_int_equal(decoded.type, REM_TYPE_INT);
    for (size_t cut = 0; cut < bytes.size; cut++)
      assert_false(rem_key_decode_value(rem_slice_of(bytes.data, cut), &out, &decoded));
  }
}

static void test_a_text_prefix_bounds_exactly_the_texts_that_start_with_it(void **state) {
  (void)state;
  random_start("prefix");
  rem_buffer prefix REM_AUTO_BUFFER = {0}, end REM_AUTO_BUFFER = {0}, key REM_AUTO_BUFFER = {0};
  for (int round = 0; round < 100000; round++) {
    char first[16], second[16];
    rem_value p = random_text(first), value = random_text(second);
    rem_buffer_reset(&prefix);
    rem_buffer_reset(&end);
    rem_buffer_reset(&key);
    assert_true(rem_key_append_value_prefix(&prefix, rem_slice_of(p.text, p.text_size)));
    rem_key_prefix_end(&end, rem_buffer_slice(&prefix));
    rem_key_append_value(&key, &value);
    bool starts = rem_slice_starts_with(rem_slice_of(value.text, value.text_size), rem_slice_of(p.text, p.text_size));
    bool inside = rem_slice_compare(rem_buffer_slice(&key), rem_buffer_slice(&prefix)) >= 0 &&
                  rem_slice_compare(rem_buffer_slice(&key), rem_buffer_slice(&end)) < 0;
    assert_int_equal(starts, inside);
  }
}

/* ---- taking apart ---- */

static void expect_parts(const rem_buffer *key, const char *kind, const char *tenant, const char *table,
                         uint64_t number, size_t rest) {
  rem_key_parts parts;
  assert_true(rem_key_parse(rem_buffer_slice(key), &parts));
  assert_true(rem_slice_equal(parts.kind, text(kind)));
  assert_true(rem_slice_equal(parts.tenant, text(tenant)));
  assert_true(rem_slice_equal(parts.table, text(table)));
  assert_int_equal(parts.number, number);
  assert_int_equal(parts.rest.size, rest);
}

static void test_keys_are_taken_apart(void **state) {
  (void)state;
  rem_buffer b REM_AUTO_BUFFER = {0};
  rem_key_entity(&b, "a.b-c@d", "person", id);
  expect_parts(&b, "entity", "a.b-c@d", "person", 0, 16);
  assert_memory_equal(rem_key_id(rem_buffer_slice(&b)), id, 16);
  rem_buffer_reset(&b);
  rem_key_vector(&b, "t", "x", 1, id);
  expect_parts(&b, "vector", "t", "x", 1, 16);
  rem_buffer_reset(&b);
  rem_key_index_prefix(&b, "t", "x", 1900);
  expect_parts(&b, "index", "t", "x", 1900, 0);
  rem_buffer_reset(&b);
  rem_key_log_entry(&b, "t", UINT64_MAX);
  expect_parts(&b, "wal", "t", "", UINT64_MAX, 26);
  rem_buffer_reset(&b);
  rem_key_table(&b, "t", "x");
  expect_parts(&b, "table", "t", "x", 0, 0);
  rem_buffer_reset(&b);
  rem_key_tenant(&b, "t");
  expect_parts(&b, "tenant", "t", "", 0, 0);
  rem_buffer_reset(&b);
  rem_buffer_append_text(&b, "format");
  expect_parts(&b, "format", "", "", 0, 0);
}

static void test_foreign_keys_are_refused(void **state) {
  (void)state;
  static const char *const foreign[] = {
      "", ":", "entity", "entity:", "entity:t", "entity:t:x", "entity::x:rest", "vector:t:x:one:rest", "index:t:x::",
      "index:t:x:99999999999999999999:", "table:t", "table:t:x:y", "tenant:", "nothing:t:x:", "wal:t:entry:42",
      "wal:t:entry:0000000000000000004x", "wal:t:entry:99999999999999999999", "format:x",
  };
  rem_key_parts parts;
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
    if (rem_key_parse(text(foreign[i]), &parts))
      fail_msg("'%s' was taken for a key", foreign[i]);
}

static rem_slice random_bytes(char *space, size_t most) {
  size_t size = random_below(most + 1);
  for (size_t i = 0; i < size; i++)
    space[i] = "\0\1\2\377:a"[random_below(6)];
  return rem_slice_of(space, size);
}

static void test_edges_are_taken_apart_in_both_directions(void **state) {
  (void)state;
  random_start("edges");
  rem_buffer key REM_AUTO_BUFFER = {0}, out REM_AUTO_BUFFER = {0};
  for (int round = 0; round < 30000; round++) {
    char spaces[3][8];
    rem_slice type = random_bytes(spaces[0], 8), got_type;
    rem_key_target target = {.kind = (rem_key_target_kind)(1 + random_below(3))}, got;
    uint8_t source[16];
    bool reverse = random_below(2);
    if (target.kind == REM_TARGET_ID)
      memcpy(target.id, other_id, 16);
    if (target.kind == REM_TARGET_TABLE_KEY)
      target.table = random_bytes(spaces[1], 8);
    if (target.kind != REM_TARGET_ID)
      target.key = random_bytes(spaces[2], 8);
    rem_buffer_reset(&key);
    rem_buffer_reset(&out);
    assert_ok((reverse ? rem_key_edge_reverse : rem_key_edge)(&key, "t", id, type, &target, &err));
    bool (*parse)(rem_slice, rem_buffer *, uint8_t[16], rem_slice *, rem_key_target *) =
        reverse ? rem_key_parse_edge_reverse : rem_key_parse_edge;
    assert_true(parse(rem_buffer_slice(&key), &out, source, &got_type, &got));
    assert_memory_equal(source, id, 16);
    assert_true(rem_slice_equal(type, got_type));
    assert_int_equal(target.kind, got.kind);
    assert_memory_equal(target.id, got.id, 16);
    assert_true(rem_slice_equal(target.table, got.table));
    assert_true(rem_slice_equal(target.key, got.key));
    for (size_t cut = 0; cut < key.size; cut++)
      assert_false(parse(rem_slice_of(key.data, cut), &out, source, &got_type, &got));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_keys_have_the_documented_shapes),
      cmocka_unit_test(test_values_have_the_documented_shapes),
      cmocka_unit_test(test_long_text_is_cut_and_hashed),
      cmocka_unit_test(test_a_key_over_four_kib_is_refused),
      cmocka_unit_test(test_the_end_of_a_prefix_is_the_next_key),
      cmocka_unit_test(test_byte_order_is_value_order),
      cmocka_unit_test(test_every_value_is_decoded_to_its_equal),
      cmocka_unit_test(test_a_text_prefix_bounds_exactly_the_texts_that_start_with_it),
      cmocka_unit_test(test_keys_are_taken_apart),
      cmocka_unit_test(test_foreign_keys_are_refused),
      cmocka_unit_test(test_edges_are_taken_apart_in_both_directions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
