/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokenizer against the reference tokenizer: equal ids on the reference texts, on 20,000 random strings and on every
 * character there is; and what the reference has no say in: cursors, limits, bad bytes, damaged tables.
 */
#include "embed/tokenizer.h"

#include "embed/golden_text.h"
#include "embed/model_fixture.h"

#define ID_MAX 16384

static rem_model *model;
static const rem_tokenizer *tokenizer;
static uint32_t ids[ID_MAX];
static rem_token_span spans[ID_MAX];

static int open_model(void **state) {
  (void)state;
  model = fixture_model();
  tokenizer = rem_model_tokenizer(model);
  return 0;
}

static int close_model(void **state) {
  (void)state;
  rem_model_close(model);
  return 0;
}

static size_t encode(const char *text, size_t size) {
  return rem_tokenizer_encode(tokenizer, text, size, ids, spans, ID_MAX, NULL);
}

/* Compares with ids given as 0-ended list, without the frame. */
static void assert_ids(const char *text, const uint32_t *wanted) {
  size_t count = encode(text, strlen(text));
  assert_int_equal(ids[0], 101);
  assert_int_equal(ids[count - 1], 102);
  size_t i = 1;
  for (; i < count - 1 && wanted[i - 1] != 0; i++)
    if (ids[i] != wanted[i - 1])
      fail_msg("'%s': id %zu is %u, not %u", text, i, ids[i], wanted[i - 1]);
  assert_int_equal(i, count - 1);
  assert_int_equal(wanted[i - 1], 0);
}
#define ASSERT_IDS(text, ...) assert_ids(text, (const uint32_t[]){__VA_ARGS__, 0})

static void ids_equal_those_of_the_reference_texts(void **state) {
  (void)state;
  fixture_reference reference;
  fixture_reference_load(&reference);
  for (size_t t = 0; t < FIXTURE_TEXTS; t++) {
    rem_slice text = fixture_text(&reference, t);
    const json_t *wanted = json_object_get(reference.lines[t], "ids");
    size_t count = rem_tokenizer_encode(tokenizer, (const char *)text.data, text.size, ids, NULL, FIXTURE_MAX_TOKENS, NULL);
    if (count != json_array_size(wanted))
      fail_msg("text %zu: %zu ids, not %zu", t, count, json_array_size(wanted));
    for (size_t i = 0; i < count; i++)
      if (ids[i] != (uint32_t)json_integer_value(json_array_get(wanted, i)))
        fail_msg("text %zu: id %zu is %u", t, i, ids[i]);
  }
  fixture_reference_free(&reference);
}

static uint64_t hash_ids(size_t count) {
  uint64_t hash = GOLDEN_HASH_START;
  for (size_t i = 0; i < count; i++)
    hash = golden_hash(hash, ids[i]);
  return hash;
}

static uint64_t hash_spans(size_t count) {
  uint64_t hash = GOLDEN_HASH_START;
  for (size_t i = 1; i + 1 < count; i++)
    hash = golden_hash(golden_hash(hash, (uint32_t)spans[i].start), (uint32_t)spans[i].end);
  return hash;
}

static rem_bytes read_golden(void) {
  rem_bytes golden = {0};
  rem_error error = {0};
  if (rem_file_read(REM_TEST_DATA "/minilm/random_ids.bin", 16 << 20, &golden, &error) < 0)
    fail_msg("%s", error.message);
  assert_memory_equal(golden.data, "REMGOLD1", 8);
  return golden;
}

static void ids_and_spans_equal_the_reference_on_random_strings(void **state) {
  (void)state;
  rem_bytes golden = read_golden();
  uint64_t seed = rem_load_u64le(golden.data + 8), count = rem_load_u64le(golden.data + 16);
  assert_int_equal(count, 20000);
  for (uint64_t i = 0; i < count; i++) {
    char text[GOLDEN_TEXT_MAX];
    size_t size = golden_text_make(seed, i, text);
    size_t id_count = encode(text, size);
    uint64_t wanted_ids = rem_load_u64le(golden.data + 24 + 16 * i);
    uint64_t wanted_spans = rem_load_u64le(golden.data + 24 + 16 * i + 8);
    if (hash_ids(id_count) != wanted_ids)
      fail_msg("other ids for string %llu of seed %llu", (unsigned long long)i, (unsigned long long)seed);
    if (wanted_spans != 0 && hash_spans(id_count) != wanted_spans)
      fail_msg("other spans for string %llu of seed %llu", (unsigned long long)i, (unsigned long long)seed);
  }
  rem_free(golden.data);
}

static void ids_equal_the_reference_for_every_character(void **state) {
  (void)state;
  rem_bytes golden = read_golden();
  const char *hashes = golden.data + 24 + 16 * rem_load_u64le(golden.data + 16);
  assert_int_equal(golden.data + golden.size - hashes, 0x110000 / 256 * 8);
  for (uint32_t block = 0; block < 0x110000 / 256; block++) {
    uint64_t hash = GOLDEN_HASH_START;
    for (uint32_t c = block * 256; c < (block + 1) * 256; c++) {
      char text[8] = "a";
      size_t size = golden_put(text, 1, c);
      text[size++] = 'b';
      size_t count = encode(text, size);
      for (size_t i = 0; i < count; i++)
        hash = golden_hash(hash, ids[i]);
    }
    if (hash != rem_load_u64le(hashes + 8 * block))
      fail_msg("other ids for a character of U+%04X to U+%04X", block * 256, block * 256 + 255);
  }
  rem_free(golden.data);
}

static void known_texts_have_their_known_ids(void **state) {
  (void)state;
  assert_int_equal(encode("", 0), 2);
  assert_int_equal(encode("  \t\n", 4), 2);
  ASSERT_IDS("Hello, world!", 7592, 1010, 2088, 999);
  ASSERT_IDS("H\u00e9llo", 7592);
  ASSERT_IDS("He\u0301llo", 7592);
  ASSERT_IDS("embeddings", 7861, 8270, 4667, 2015);
}

static void special_tokens_in_the_text_are_found_as_written(void **state) {
  (void)state;
  ASSERT_IDS("a [SEP]b[MASK]", 1037, 102, 1038, 103);
  ASSERT_IDS("[sep]", 1031, 19802, 1033);
  ASSERT_IDS("[[SEP]", 1031, 102);
}

static void a_word_of_more_than_a_hundred_characters_is_unknown(void **state) {
  (void)state;
  char text[256];
  memset(text, 'a', sizeof text);
  size_t whole = encode(text, 100);
  assert_true(whole > 3);
  assert_int_equal(encode(text, 101), 3);
  assert_int_equal(ids[1], 100);
  assert_int_equal(spans[1].start, 0);
  assert_int_equal(spans[1].end, 101);
  /* The same with letters that take the other way through the tokenizer. */
  for (size_t i = 0; i < sizeof text; i += 2)
    memcpy(text + i, "\u00e4", 2);
  assert_int_equal(encode(text, 200), whole);
  assert_int_equal(encode(text, 202), 3);
  assert_int_equal(ids[1], 100);
}

static void marks_beyond_any_limit_cost_no_memory(void **state) {
  (void)state;
  size_t count = 1 << 20;
  char *text = malloc(2 * count + 1);
  text[0] = 'a';
  for (size_t i = 0; i < count; i++)
    memcpy(text + 1 + 2 * i, "\u0301", 2);
  assert_int_equal(encode(text, 2 * count + 1), 3);
  assert_int_equal(ids[1], 1037);
  free(text);
}

static void spans_name_the_bytes_a_token_came_from(void **state) {
  (void)state;
  const char *text = "The caf\u00e9, \u4e2dx";
  size_t count = encode(text, strlen(text));
  assert_int_equal(count, 7);
  const rem_token_span wanted[] = {{0, 0}, {0, 3}, {4, 9}, {9, 10}, {11, 14}, {14, 15}, {15, 15}};
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(spans[i].start, wanted[i].start);
    assert_int_equal(spans[i].end, wanted[i].end);
  }
}

static void a_text_is_cut_at_the_limit_and_the_cut_is_told(void **state) {
  (void)state;
  const char *text = "one two three four unbelievable [SEP] five";
  uint32_t all[64];
  size_t count = rem_tokenizer_encode(tokenizer, text, strlen(text), all, NULL, 64, NULL);
  for (size_t limit = 2; limit <= count + 1; limit++) {
    bool truncated = limit >= count; /* the opposite of what it must become */
    size_t got = rem_tokenizer_encode(tokenizer, text, strlen(text), ids, NULL, limit, &truncated);
    assert_int_equal(got, limit < count ? limit : count);
    assert_int_equal(truncated, limit < count);
    assert_memory_equal(ids, all, (got - 1) * sizeof *ids);
    assert_int_equal(ids[got - 1], 102);
  }
}

static void a_cursor_gives_the_same_tokens_in_pieces_of_any_size(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 500; i++) {
    char text[GOLDEN_TEXT_MAX];
    size_t size = golden_text_make(77, i, text);
    size_t count = encode(text, size) - 2;
    assert_int_equal(rem_tokenizer_count(tokenizer, text, size, SIZE_MAX), count);
    assert_int_equal(rem_tokenizer_count(tokenizer, text, size, 3), count < 3 ? count : 3);
    size_t capacity = 1 + i % 130, at = 0, got;
    uint32_t piece[130];
    rem_token_span piece_spans[130];
    rem_token_cursor cursor;
    rem_token_cursor_init(&cursor, tokenizer, text, size);
    while ((got = rem_token_cursor_next(&cursor, piece, piece_spans, capacity)) > 0) {
      assert_true(got == capacity || at + got == count);
      assert_memory_equal(piece, ids + 1 + at, got * sizeof *piece);
      assert_memory_equal(piece_spans, spans + 1 + at, got * sizeof *piece_spans);
      at += got;
    }
    assert_int_equal(at, count);
  }
}

static void bytes_that_are_not_utf8_vanish(void **state) {
  (void)state;
  ASSERT_IDS("he\xffllo", 7592);
  ASSERT_IDS("hello\xe4\xb8", 7592);
  ASSERT_IDS("\xc0\xaf\xed\xa0\x80 hello", 7592);
}

/* A vocabulary of its own, so that building and damage can be tried without a model. */
static rem_status build_small(const char *const *words, size_t count, rem_buffer *tables, rem_error *error) {
  rem_slice tokens[16];
  for (size_t i = 0; i < count; i++)
    tokens[i] = rem_slice_text(words[i]);
  const rem_tokenizer_added added[] = {{rem_slice_text("[SEP]"), 2, false}};
  const rem_tokenizer_vocabulary vocabulary = {
      .tokens = tokens, .token_count = count, .specials = {0, 1, 2}, .added = added, .added_count = 1};
  return rem_tokenizer_build(&vocabulary, tables, error);
}

static const char *const small_words[] = {"[UNK]", "[CLS]", "[SEP]", "ab", "##c", "abcd", "a", "##bx", "\u4e2d", "."};

static void the_longest_piece_wins_and_a_rest_without_pieces_makes_the_word_unknown(void **state) {
  (void)state;
  rem_buffer tables = {0};
  rem_error error = {0};
  assert_int_equal(build_small(small_words, 10, &tables, &error), REM_OK);
  rem_tokenizer small;
  assert_int_equal(rem_tokenizer_open(rem_buffer_slice(&tables), &small, &error), REM_OK);
  const char *text = "abc abcd abx \u4e2d. abcde [SEP] ABC";
  const uint32_t wanted[] = {1, 3, 4, 5, 0, 8, 9, 0, 2, 3, 4, 2};
  size_t count = rem_tokenizer_encode(&small, text, strlen(text), ids, NULL, ID_MAX, NULL);
  assert_int_equal(count, sizeof wanted / sizeof wanted[0]);
  assert_memory_equal(ids, wanted, sizeof wanted);
  rem_buffer_deinit(&tables);
}

static void special_ids_outside_of_the_vocabulary_are_refused(void **state) {
  (void)state;
  rem_slice tokens[3] = {rem_slice_text("a"), rem_slice_text("b"), rem_slice_text("c")};
  for (size_t which = 0; which < 3; which++) {
    rem_tokenizer_vocabulary vocabulary = {.tokens = tokens, .token_count = 3, .specials = {0, 1, 2}};
    uint32_t *ids_of[] = {&vocabulary.specials.unknown, &vocabulary.specials.start, &vocabulary.specials.end};
    *ids_of[which] = 3;
    rem_buffer tables = {0};
    rem_error error = {0};
    assert_int_equal(rem_tokenizer_build(&vocabulary, &tables, &error), REM_INVALID);
    assert_non_null(strstr(error.message, "special tokens"));
    rem_buffer_deinit(&tables);
  }
}

/* Every damage is either told or harmless: it never leads outside of the tables. */
static void damaged_tables_are_told_or_harmless(void **state) {
  (void)state;
  rem_buffer tables = {0};
  rem_error error = {0};
  assert_int_equal(build_small(small_words, 10, &tables, &error), REM_OK);
  rem_tokenizer small;
  assert_int_equal(rem_tokenizer_open(rem_slice_of(tables.data, 512), &small, &error), REM_CORRUPT);
  assert_int_equal(rem_tokenizer_open(rem_slice_of(tables.data, tables.size - 4), &small, &error), REM_CORRUPT);
  uint64_t random = 5;
  const char *text = "abc abcd abx \u4e2d. abcde [SEP] ABC";
  for (int round = 0; round < 20000; round++) {
    size_t at = golden_pick(&random, 2) ? golden_pick(&random, 128) : golden_pick(&random, tables.size);
    uint8_t *copy = malloc(tables.size);
    memcpy(copy, tables.data, tables.size);
    copy[at] = (uint8_t)golden_pick(&random, 256);
    if (rem_tokenizer_open(rem_slice_of(copy, tables.size), &small, &error) == REM_OK)
      assert_true(rem_tokenizer_encode(&small, text, strlen(text), ids, NULL, ID_MAX, NULL) >= 2);
    free(copy);
  }
  rem_buffer_deinit(&tables);
}

static void building_survives_every_failed_allocation(void **state) {
  (void)state;
  rem_status status = REM_NOMEM;
  for (int64_t countdown = 1; status == REM_NOMEM; countdown++) {
    rem_buffer tables = {0};
    rem_error error = {0};
    rem_alloc_fail_at(countdown, 0);
    status = build_small(small_words, 10, &tables, &error);
    rem_alloc_fail_at(0, 0);
    rem_buffer_deinit(&tables);
    assert_true(countdown < 100);
    if (countdown == 1)
      assert_int_equal(status, REM_NOMEM);
  }
  assert_int_equal(status, REM_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_longest_piece_wins_and_a_rest_without_pieces_makes_the_word_unknown),
      cmocka_unit_test(special_ids_outside_of_the_vocabulary_are_refused),
      cmocka_unit_test(damaged_tables_are_told_or_harmless),
      cmocka_unit_test(building_survives_every_failed_allocation),
  };
  const struct CMUnitTest model_tests[] = {
      cmocka_unit_test(ids_equal_those_of_the_reference_texts),
      cmocka_unit_test(ids_and_spans_equal_the_reference_on_random_strings),
      cmocka_unit_test(ids_equal_the_reference_for_every_character),
      cmocka_unit_test(known_texts_have_their_known_ids),
      cmocka_unit_test(special_tokens_in_the_text_are_found_as_written),
      cmocka_unit_test(a_word_of_more_than_a_hundred_characters_is_unknown),
      cmocka_unit_test(marks_beyond_any_limit_cost_no_memory),
      cmocka_unit_test(spans_name_the_bytes_a_token_came_from),
      cmocka_unit_test(a_text_is_cut_at_the_limit_and_the_cut_is_told),
      cmocka_unit_test(a_cursor_gives_the_same_tokens_in_pieces_of_any_size),
      cmocka_unit_test(bytes_that_are_not_utf8_vanish),
  };
  int failures = cmocka_run_group_tests_name("tables", tests, NULL, NULL);
  return failures + cmocka_run_group_tests_name("with the model", model_tests, open_model, close_model);
}
