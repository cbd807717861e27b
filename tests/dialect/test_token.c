/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens end where SQLite ends them; keywords are found in any case. */
#include "dialect/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void tokens_end_where_they_should(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t size;
    rem_token_kind kind;
  } cases[] = {
      {" \t\n\f\rx", 5, REM_TOKEN_SPACE}, {"\xEF\xBB\xBFx", 3, REM_TOKEN_SPACE}, {"-- a\nb", 4, REM_TOKEN_SPACE}, {"/* a */b", 7, REM_TOKEN_SPACE},
      {"/* a", 4, REM_TOKEN_SPACE}, {"/*", 1, REM_TOKEN_OPERATOR}, {"/**/x", 4, REM_TOKEN_SPACE}, {"/*/ */x", 6, REM_TOKEN_SPACE},
      {"'it''s'x", 7, REM_TOKEN_TEXT}, {"''", 2, REM_TOKEN_TEXT}, {"'a", 2, REM_TOKEN_BAD}, {"\"a\"\"b\"c", 6, REM_TOKEN_QUOTED},
      {"`a`", 3, REM_TOKEN_QUOTED}, {"[a]]", 3, REM_TOKEN_QUOTED}, {"[a", 2, REM_TOKEN_BAD}, {"x'0aF0'z", 7, REM_TOKEN_BLOB},
      {"X'0'", 4, REM_TOKEN_BAD}, {"x'0g'", 5, REM_TOKEN_BAD}, {"12.5e-3x", 8, REM_TOKEN_BAD}, {"12.5e-3,", 7, REM_TOKEN_NUMBER},
      {".5", 2, REM_TOKEN_NUMBER}, {".a", 1, REM_TOKEN_DOT}, {"0x1F ", 4, REM_TOKEN_NUMBER}, {"1.e2)", 4, REM_TOKEN_NUMBER}, {"1e", 2, REM_TOKEN_BAD},
      {"?12a", 3, REM_TOKEN_PARAMETER}, {":a1 ", 3, REM_TOKEN_PARAMETER}, {":", 1, REM_TOKEN_BAD}, {"@a::b(c)d", 8, REM_TOKEN_PARAMETER},
      {"$x", 2, REM_TOKEN_PARAMETER}, {"na\xC3\xAFve$1 ", 9 - 1, REM_TOKEN_NAME}, {"_a.b", 2, REM_TOKEN_NAME}, {"->>x", 3, REM_TOKEN_OPERATOR},
      {"->x", 2, REM_TOKEN_OPERATOR}, {"-1", 1, REM_TOKEN_OPERATOR}, {"||a", 2, REM_TOKEN_OPERATOR}, {"<=1", 2, REM_TOKEN_LESS_EQUAL},
      {"<>1", 2, REM_TOKEN_UNEQUAL}, {"<<1", 2, REM_TOKEN_OPERATOR}, {"==1", 2, REM_TOKEN_EQUAL}, {"!=1", 2, REM_TOKEN_UNEQUAL}, {"!1", 1, REM_TOKEN_BAD},
      {">>1", 2, REM_TOKEN_OPERATOR}, {">=1", 2, REM_TOKEN_GREATER_EQUAL}, {"\v", 1, REM_TOKEN_BAD}, {"#", 1, REM_TOKEN_BAD}, {"*", 1, REM_TOKEN_STAR}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rem_token_kind kind;
    size_t size = rem_token_cut(cases[i].text, strlen(cases[i].text), &kind);
    if (size != cases[i].size || kind != cases[i].kind) fail_msg("%s: %zu bytes, kind %d", cases[i].text, size, kind);
  }
}

static void every_keyword_is_found_in_any_case(void **state) {
  (void)state;
  for (int word = REM_WORD_NONE + 1; word < REM_WORD_COUNT; word++) {
    char text[32];
    strcpy(text, rem_word_text((rem_word)word));
    assert_true(text[0] != 0);
    assert_int_equal(rem_word_of(text, strlen(text)), word);
    for (char *c = text; *c; c++)
      *c |= 0x20;
    assert_int_equal(rem_word_of(text, strlen(text)), word);
    assert_int_equal(rem_word_of(text, strlen(text) - 1) == (rem_word)word, 0);
  }
  assert_int_equal(rem_word_of("selec", 5), REM_WORD_NONE);
  assert_int_equal(rem_word_of("\xC3\xA9", 2), REM_WORD_NONE);
  assert_int_equal(rem_word_of("_", 1), REM_WORD_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tokens_end_where_they_should), cmocka_unit_test(every_keyword_is_found_in_any_case)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
