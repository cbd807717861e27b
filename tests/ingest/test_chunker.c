/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks: bounded, complete, and cut where the text divides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/utf8.h"
#include "ingest/chunker.h"
#include "ingest/reader.h"

/* One token a word, as a stand-in for a tokenizer: additive over white space. A long word has more. */
static size_t count_words(void *context, const char *text, size_t size) {
  (void)context;
  size_t count = 0, run = 0;
  for (size_t i = 0; i < size; i++) {
    bool space = isspace((unsigned char)text[i]);
    count += !space && run % 8 == 0;
    run = space ? 0 : run + 1;
  }
  return count;
}

typedef struct chunks {
  rem_text_document document;
  size_t count;
  rem_chunk list[512];
} chunks;

static chunks result;

/* Cuts `text`; the chunks' strings are copied and live until free_chunks(). */
static void cut_bytes(const char *format, const char *text, size_t size, const rem_chunk_options *options) {
  rem_error err = {0};
  memset(&result, 0, sizeof result);
  assert_int_equal(rem_reader_read_text(format, text, size, &result.document, &err), REM_OK);
  rem_chunker *chunker = NULL;
  assert_int_equal(rem_chunker_new(&result.document, "guide.md", options, &chunker, &err), REM_OK);
  rem_chunk chunk;
  rem_status status;
  while ((status = rem_chunker_next(chunker, &chunk, &err)) == REM_ROW) {
    assert_true(result.count < 512);
    assert_int_equal(chunk.ordinal, result.count);
    assert_int_equal(strlen(chunk.content), chunk.content_size);
    chunk.content = strdup(chunk.content);
    chunk.name = strdup(chunk.name);
    result.list[result.count++] = chunk;
  }
  assert_int_equal(status, REM_DONE);
  assert_int_equal(rem_chunker_next(chunker, &chunk, &err), REM_DONE);
  rem_chunker_free(chunker);
}

static void free_chunks(void) {
  for (size_t i = 0; i < result.count; i++) {
    free((char *)result.list[i].content);
    free((char *)result.list[i].name);
  }
  rem_text_document_deinit(&result.document);
}

static rem_chunk_options words(size_t max) {
  rem_chunk_options options;
  rem_chunk_options_init(&options, (rem_token_counter){count_words, NULL}, max);
  return options;
}

static void cut(const char *format, const char *text, size_t max) {
  rem_chunk_options options = words(max);
  cut_bytes(format, text, strlen(text), &options);
}

static void headings_begin_chunks_and_lead_them(void **state) {
  (void)state;
  cut("markdown", "# Guide\n\nWelcome.\n\n## Install\n\nRun make.\n\n## Use\n\n### Deep\n\nType db.\n", 40);
  assert_int_equal(result.count, 3);
  assert_string_equal(result.list[0].name, "guide.md - Chunk 1");
  assert_string_equal(result.list[2].name, "guide.md - Chunk 3");
  assert_string_equal(result.list[0].content, "Guide\n\nWelcome.");
  assert_string_equal(result.list[1].content, "Guide > Install\n\nRun make.");
  assert_string_equal(result.list[2].content, "Guide > Use > Deep\n\nType db.");
  assert_int_equal(result.list[2].heading_count, 3);
  assert_memory_equal(result.list[2].headings[1].data, "Use", 3);
  free_chunks();
}

static void small_blocks_share_a_chunk(void **state) {
  (void)state;
  cut("markdown", "One.\n\nTwo.\n\n- a\n- b\n\nThree.\n", 40);
  assert_int_equal(result.count, 1);
  assert_string_equal(result.list[0].content, "One.\n\nTwo.\n\n- a\n- b\n\nThree.");
  free_chunks();
}

static void offsets_name_the_source(void **state) {
  (void)state;
  const char *text = "# H\r\n\r\nfirst *paragraph* here\r\n\r\n## Two\r\n\r\nsecond one\r\n";
  cut("markdown", text, 40);
  assert_int_equal(result.count, 2);
  assert_memory_equal(text + result.list[0].start, "first", 5);
  assert_memory_equal(text + result.list[0].end - 4, "here", 4);
  assert_memory_equal(text + result.list[1].start, "second one", 10);
  assert_int_equal(result.list[1].end - result.list[1].start, 10);
  free_chunks();
}

static void empty_headings_are_not_lost(void **state) {
  (void)state;
  cut("markdown", "# A\n\n## Nothing here\n\n## B\n\ntext\n\n# Last\n", 40);
  assert_int_equal(result.count, 3);
  assert_string_equal(result.list[0].content, "A > Nothing here");
  assert_string_equal(result.list[1].content, "A > B\n\ntext");
  assert_string_equal(result.list[2].content, "Last");
  free_chunks();
}

static void long_headings_become_text(void **state) {
  (void)state;
  cut("markdown", "# one two three four five six seven eight nine ten\n\n## B\n\nbody\n", 40);
  assert_int_equal(result.count, 1);
  assert_string_equal(result.list[0].content, "B\n\none two three four five six seven eight nine ten\n\nbody");
  free_chunks();
}

static void long_paragraphs_are_cut_at_sentences_with_overlap(void **state) {
  (void)state;
  rem_buffer text = {0};
  for (int i = 0; i < 20; i++)
    rem_buffer_append_format(&text, "%sSentence %d has just six words.", i ? " " : "", i);
  rem_chunk_options options = words(50); /* target 40, overlap 6 */
  cut_bytes("text", (char *)text.data, text.size, &options);
  assert_true(result.count >= 3 && result.count <= 4);
  for (size_t i = 0; i + 1 < result.count; i++) {
    const char *content = result.list[i].content;
    assert_memory_equal(content, "Sentence ", 9);
    assert_int_equal(content[result.list[i].content_size - 1], '.');
    /* The next one begins with the last sentence of this one. */
    const char *last = strstr(result.list[i + 1].content, ".") + 1;
    size_t size = (size_t)(last - result.list[i + 1].content);
    assert_memory_equal(content + result.list[i].content_size - size, result.list[i + 1].content, size);
    assert_true(result.list[i + 1].start < result.list[i].end);
  }
  free_chunks();
  rem_buffer_deinit(&text);
}

static void a_line_that_announces_goes_with_what_follows(void **state) {
  (void)state;
  rem_buffer text = {0};
  for (int i = 0; i < 4; i++)
    rem_buffer_append_text(&text, "A sentence of exactly seven words here.\n\n");
  rem_buffer_append_text(&text, "When something is wrong\n\nTurn it off and on again, slowly, and wait for a while before.\n");
  rem_chunk_options options = words(42); /* target 33: the four sentences and the title fit, the rest does not */
  cut_bytes("text", (char *)text.data, text.size, &options);
  assert_int_equal(result.count, 2);
  assert_null(strstr(result.list[0].content, "When"));
  assert_memory_equal(result.list[1].content, "When something is wrong\n\nTurn", 29);
  free_chunks();
  rem_buffer_deinit(&text);
}

static void sections_do_not_overlap(void **state) {
  (void)state;
  cut("markdown", "# A\n\nAlpha one. Alpha two.\n\n# B\n\nBeta one.\n", 40);
  assert_int_equal(result.count, 2);
  assert_string_equal(result.list[1].content, "B\n\nBeta one.");
  free_chunks();
}

static void code_is_cut_at_lines(void **state) {
  (void)state;
  rem_buffer text = {0};
  rem_buffer_append_text(&text, "```\n");
  for (int i = 0; i < 30; i++)
    rem_buffer_append_format(&text, "    call(%d) and more;\n", i);
  rem_buffer_append_text(&text, "```\n");
  rem_chunk_options options = words(40);
  cut_bytes("markdown", (char *)text.data, text.size, &options);
  assert_true(result.count > 2);
  for (size_t i = 0; i < result.count; i++) {
    assert_memory_equal(result.list[i].content, "    call(", 9);
    assert_int_equal(result.list[i].content[result.list[i].content_size - 1], ';');
  }
  free_chunks();
  rem_buffer_deinit(&text);
}

static void tables_repeat_their_header(void **state) {
  (void)state;
  rem_buffer text = {0};
  rem_buffer_append_text(&text, "| Name | Role |\n|---|---|\n");
  for (int i = 0; i < 40; i++)
    rem_buffer_append_format(&text, "| n%d | r%d |\n", i, i);
  rem_chunk_options options = words(40);
  cut_bytes("markdown", (char *)text.data, text.size, &options);
  assert_true(result.count >= 4);
  for (size_t i = 0; i < result.count; i++) {
    assert_memory_equal(result.list[i].content, "Name | Role\nn", 13);
    assert_true(result.list[i].token_count <= 40);
  }
  free_chunks();
  rem_buffer_deinit(&text);
}

static void words_and_characters_are_the_last_resort(void **state) {
  (void)state;
  rem_buffer text = {0};
  for (int i = 0; i < 3000; i++)
    rem_buffer_append_text(&text, "é\xCC\x81"); /* with a combining mark, no space anywhere */
  rem_chunk_options options = words(40);
  cut_bytes("text", (char *)text.data, text.size, &options);
  assert_true(result.count > 10);
  size_t total = 0;
  for (size_t i = 0; i < result.count; i++) {
    assert_true(rem_utf8_valid(result.list[i].content, result.list[i].content_size));
    assert_memory_equal(result.list[i].content, "é", 2);
    assert_true(result.list[i].token_count <= 40);
    total += result.list[i].content_size;
  }
  assert_int_equal(total, text.size);
  free_chunks();
  rem_buffer_deinit(&text);
}

static size_t count_one(void *context, const char *text, size_t size) {
  (void)context;
  (void)text;
  return size > 0;
}

static void bytes_are_bounded_where_tokens_are_not(void **state) {
  (void)state;
  size_t size = 100000;
  char *text = malloc(size);
  assert_non_null(text);
  memset(text, 'x', size);
  rem_chunk_options options = words(40);
  options.counter.count = count_one;
  cut_bytes("text", text, size, &options);
  assert_true(result.count > 100);
  for (size_t i = 0; i < result.count; i++)
    assert_true(result.list[i].content_size <= options.max_bytes);
  free_chunks();
  free(text);
}

static void an_empty_document_has_no_chunk(void **state) {
  (void)state;
  cut("markdown", "", 40);
  assert_int_equal(result.count, 0);
  free_chunks();
  cut("text", "\n \n", 40);
  assert_int_equal(result.count, 0);
  free_chunks();
}

static void metadata_is_json(void **state) {
  (void)state;
  cut("markdown", "# A \"b\"\n\ntext here\n", 40);
  rem_buffer json = {0};
  rem_chunk_metadata_append(&result.list[0], &json);
  rem_buffer_append_byte(&json, 0);
  assert_string_equal((char *)json.data, "{\"headings\":[\"A \\\"b\\\"\"],\"start\":9,\"end\":18,\"tokens\":4}");
  rem_buffer_deinit(&json);
  free_chunks();
}

/* --- property: every word stands in some chunk, every chunk keeps its bounds ------------------- */

static uint64_t random_state;

static uint32_t draw(uint32_t below) {
  random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)(random_state >> 33) % below;
}

static unsigned next_word;

static void put_words(rem_buffer *text, uint32_t count) {
  static const char *const ends[] = {" ", " ", " ", " ", ", ", ". ", "? ", "\n", "。"};
  for (uint32_t i = 0; i < count; i++)
    rem_buffer_append_format(text, "w%ux%s%s", next_word++, draw(6) ? "" : "é", ends[draw(9)]);
}

static void put_random_block(rem_buffer *text) {
  switch (draw(8)) {
  case 0:
    rem_buffer_append_format(text, "%.*s ", (int)draw(6) + 1, "######");
    rem_buffer_append_format(text, "w%ux heading w%ux", next_word, next_word + 1);
    next_word += 2;
    for (uint32_t more = draw(4) ? 0 : 20; more > 0; more--)
      rem_buffer_append_format(text, " w%ux", next_word++);
    break;
  case 1:
    rem_buffer_append_text(text, "```\n");
    for (uint32_t line = draw(30); line > 0; line--) {
      rem_buffer_append_format(text, "%*s", (int)draw(5), "");
      for (uint32_t word = draw(12) + (draw(20) ? 0 : 80); word > 0; word--)
        rem_buffer_append_format(text, "w%ux ", next_word++);
      rem_buffer_append_byte(text, '\n');
    }
    rem_buffer_append_text(text, "```");
    break;
  case 2:
    rem_buffer_append_text(text, "| a | b |\n|---|---|\n");
    for (uint32_t row = draw(40); row > 0; row--, next_word += 2)
      rem_buffer_append_format(text, "| w%ux | w%ux |\n", next_word, next_word + 1);
    break;
  case 3:
    for (uint32_t item = draw(10) + 1; item > 0; item--, next_word++)
      rem_buffer_append_format(text, "- w%ux item\n", next_word);
    break;
  case 4:
    rem_buffer_append_text(text, "> ");
    put_words(text, 1);
    break;
  default:
    put_words(text, draw(3) ? draw(40) + 1 : draw(400) + 1);
  }
  rem_buffer_append_text(text, "\n\n");
}

static bool appears(const char *word, size_t from) {
  for (size_t i = from; i < result.count; i++) {
    const char *found = result.list[i].content;
    while ((found = strstr(found, word)))
      return true;
  }
  return false;
}

static void every_word_stands_in_a_bounded_chunk(void **state) {
  (void)state;
  const char *given = getenv("REM_TEST_SEED");
  uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
  print_message("seed %llu (REM_TEST_SEED)\n", (unsigned long long)seed);
  static const char *const formats[] = {"markdown", "text", "code", "csv"};
  for (unsigned round = 0; round < 120; round++) {
    random_state = seed + round;
    next_word = 0;
    rem_buffer text = {0};
    for (uint32_t blocks = draw(25) + 1; blocks > 0; blocks--)
      put_random_block(&text);
    rem_chunk_options options = words(32 + draw(100));
    if (draw(4) == 0)
      options.target_tokens = options.max_tokens;
    if (draw(5) == 0)
      options.counter = (rem_token_counter){0};
    cut_bytes(formats[draw(4)], (char *)text.data, text.size, &options);
    size_t start = 0;
    for (size_t i = 0; i < result.count; i++) {
      const rem_chunk *chunk = &result.list[i];
      assert_true(chunk->token_count <= options.max_tokens);
      assert_true(chunk->content_size <= options.max_bytes);
      assert_true(rem_utf8_valid(chunk->content, chunk->content_size));
      assert_true(chunk->start >= start && chunk->start <= chunk->end && chunk->end <= text.size);
      start = chunk->start;
    }
    for (unsigned i = 0; i < next_word; i++) {
      char word[32];
      snprintf(word, sizeof word, "w%ux", i);
      if (!appears(word, 0))
        fail_msg("round %u: %s is in no chunk", round, word);
    }
    free_chunks();
    rem_buffer_deinit(&text);
  }
}

static void failing_allocations_are_clean(void **state) {
  (void)state;
  const char *text = "# A\n\nOne two. Three four.\n\n## B\n\n- x\n- y\n";
  rem_text_document document = {0};
  rem_error err = {0};
  assert_int_equal(rem_reader_read_text("markdown", text, strlen(text), &document, &err), REM_OK);
  rem_chunk_options options = words(40);
  for (int64_t n = 1;; n++) {
    size_t live = rem_alloc_live_count();
    rem_chunker *chunker = NULL;
    rem_chunk chunk;
    rem_alloc_fail_at(n, 0);
    rem_status status = rem_chunker_new(&document, "f", &options, &chunker, &err);
    while (status == REM_OK || status == REM_ROW)
      status = rem_chunker_next(chunker, &chunk, &err);
    rem_alloc_fail_at(0, 0);
    rem_chunker_free(chunker);
    assert_int_equal(rem_alloc_live_count(), live);
    if (status == REM_DONE)
      break;
    assert_int_equal(status, REM_NOMEM);
  }
  rem_text_document_deinit(&document);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(headings_begin_chunks_and_lead_them),
      cmocka_unit_test(small_blocks_share_a_chunk),
      cmocka_unit_test(offsets_name_the_source),
      cmocka_unit_test(empty_headings_are_not_lost),
      cmocka_unit_test(long_headings_become_text),
      cmocka_unit_test(long_paragraphs_are_cut_at_sentences_with_overlap),
      cmocka_unit_test(a_line_that_announces_goes_with_what_follows),
      cmocka_unit_test(sections_do_not_overlap),
      cmocka_unit_test(code_is_cut_at_lines),
      cmocka_unit_test(tables_repeat_their_header),
      cmocka_unit_test(words_and_characters_are_the_last_resort),
      cmocka_unit_test(bytes_are_bounded_where_tokens_are_not),
      cmocka_unit_test(an_empty_document_has_no_chunk),
      cmocka_unit_test(metadata_is_json),
      cmocka_unit_test(every_word_stands_in_a_bounded_chunk),
      cmocka_unit_test(failing_allocations_are_clean),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
