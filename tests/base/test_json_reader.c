/* SPDX-License-Identifier: Apache-2.0 */
/* The short way through JSON gives jansson's values, and takes nothing that jansson refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_reader.h"
#include "base/utf8.h"

#define FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY)

static const char *const texts[] = {
    "{\"name\":\"Ada\",\"age\":36,\"tags\":[\"a\",\"b\"],\"nested\":{\"x\":null,\"y\":true,\"z\":false},\"real\":-1.5e3}",
    " [ 1 , -2 , 0 , -0 , 123456789012345678 , 3.25 , 1E5 , 0.1 , \"\\n\\t\\\"\\\\\\/\\b\\f\\r\" , \"h\xC3\xA9\" , {} , [] ] ",
    "{\"a\":{\"a\":[{\"a\":1},{\"a\":\"\"}]},\"\":\"empty key\"}",
    "\"text\"", "17", "null", "true",
};

static void assert_same(const char *text, size_t size) {
  json_t *ours = rem_json__read(text, size), *theirs = json_loadb(text, size, FLAGS, NULL);
  if (ours && !(theirs && json_equal(ours, theirs)))
    print_error("differs: %.*s\n", (int)size, text);
  if (ours) {
    assert_non_null(theirs);
    assert_true(json_equal(ours, theirs));
  }
  json_decref(ours);
  json_decref(theirs);
}

static void well_formed_text_is_taken(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    json_t *json = rem_json__read(texts[i], strlen(texts[i]));
    assert_non_null(json);
    json_decref(json);
    assert_same(texts[i], strlen(texts[i]));
  }
}

static void what_it_does_not_know_is_left(void **state) {
  (void)state;
  static const char *const others[] = {"", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "-", "1 2", "\"\\u0041\"", "\"\x01\"",
                                       "9223372036854775808", "nul", "{\"a\" 1}", "[1 2]", "\"a", "\"a\\", "1.", "{\"a\":1,}",
                                       "]", "'a'", "{a:1}", "\"\\x\"", "1e999", "{\"a\":1}}"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_null(rem_json__read(others[i], strlen(others[i])));
}

static void order_of_keys_is_kept(void **state) {
  (void)state;
  json_t *json = rem_json__read("{\"z\":1,\"a\":2,\"m\":3}", 19);
  char *text = json_dumps(json, JSON_COMPACT);
  assert_string_equal(text, "{\"z\":1,\"a\":2,\"m\":3}");
  free(text);
  json_decref(json);
}

/* Texts with bytes replaced, removed and doubled at random: whatever is taken is what jansson reads. */
static void changed_text_is_read_as_jansson_reads_it(void **state) {
  (void)state;
  static const char alphabet[] = "{}[]\",:\\ntu019-+.eE \t\n/ab";
  unsigned seed = (unsigned)time(NULL);
  print_message("seed %u\n", seed);
  srand(seed);
  for (int round = 0; round < 100000; round++) {
    char text[256];
    const char *from = texts[(size_t)rand() % (sizeof texts / sizeof *texts)];
    size_t size = strlen(from);
    memcpy(text, from, size);
    for (int changes = rand() % 4; changes >= 0 && size > 1; changes--) {
      size_t at = (size_t)rand() % size;
      if (rand() % 3 == 0)
        memmove(text + at, text + at + 1, --size - at);
      else
        text[at] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
    }
    if (rem_utf8_valid(text, size))
      assert_same(text, size);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(well_formed_text_is_taken),
      cmocka_unit_test(what_it_does_not_know_is_left),
      cmocka_unit_test(order_of_keys_is_kept),
      cmocka_unit_test(changed_text_is_read_as_jansson_reads_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
