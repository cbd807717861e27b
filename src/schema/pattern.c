/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns on PCRE2's interpreter. The just-in-time compiler is not used: patterns are short, it needs writable code pages
 * that hardened systems refuse, and a cold command would pay for compiling what it matches once.
 *
 * Limits: a million steps from one starting point and 16 MiB of backtracking; the text is bounded too, since PCRE2 counts steps for
 * each starting point anew. What exceeds them is REM_LIMIT, never a hang and never a wrong answer.
 *
 * A match needs working memory. Each pattern keeps one spare block that whoever comes first takes and puts back;
 * a second thread at the same moment makes its own.
 */
#include "schema/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdatomic.h>

#include "base/utf8.h"
#include "schema/pattern_internal.h"

enum {
  MATCH_STEPS = 1000000,
  MATCH_HEAP_KIB = 16384,
  MATCH_DEPTH = 100000,
};

struct rem_pattern {
  pcre2_code *code;
  pcre2_match_context *limits;
  _Atomic(pcre2_match_data *) spare;
  char *text;
};

void rem_pattern_free(rem_pattern *pattern) {
  if (pattern == NULL) return;
  pcre2_match_data_free(atomic_load(&pattern->spare));
  pcre2_match_context_free(pattern->limits);
  pcre2_code_free(pattern->code);
  rem_free(pattern->text);
  rem_free(pattern);
}

static void pattern_cleanup(rem_pattern **pattern) {
  rem_pattern_free(*pattern);
}

static pcre2_match_context *make_limits(void) {
  pcre2_match_context *limits = pcre2_match_context_create(NULL);
  if (limits == NULL) return NULL;
  pcre2_set_match_limit(limits, MATCH_STEPS);
  pcre2_set_heap_limit(limits, MATCH_HEAP_KIB);
  pcre2_set_depth_limit(limits, MATCH_DEPTH);
  return limits;
}

/* PCRE2's reasons stand for themselves; its offset is into the translated text and of no use to the user. */
static rem_status compile_failed(const char *text, size_t size, int code, rem_error *err) {
  if (code == PCRE2_ERROR_HEAP_FAILED) return rem_error_nomem(err);
  char reason[160];
  if (pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason) < 0) strcpy(reason, "not understood");
  return rem_error_set(err, REM_INVALID, "invalid regular expression '%.*s': %s",
                       (int)rem_utf8_floor(text, size, size < 120 ? size : 120), text, reason);
}

static rem_status compile(rem_pattern *pattern, const char *text, size_t size, rem_error *err) {
  rem_buffer pcre REM_AUTO_BUFFER = {.max = 64 * REM_PATTERN_MAX_SIZE};
  REM_TRY(rem_pattern__translate(text, size, &pcre, err));
  const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF |
                           PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP;
  int code;
  PCRE2_SIZE offset;
  PCRE2_SPTR source = pcre.size > 0 ? pcre.data : (PCRE2_SPTR) "";
  pattern->code = pcre2_compile(source, pcre.size, options, &code, &offset, NULL);
  return pattern->code != NULL ? REM_OK : compile_failed(text, size, code, err);
}

rem_status rem_pattern_new(const char *text, size_t size, rem_pattern **ret_pattern, rem_error *err) {
  if (size > REM_PATTERN_MAX_SIZE)
    return rem_error_set(err, REM_LIMIT, "a regular expression of %zu bytes is longer than the %zu allowed", size,
                         REM_PATTERN_MAX_SIZE);
  if (!rem_utf8_valid(text, size)) return rem_error_set(err, REM_INVALID, "a regular expression must be UTF-8");
  rem_pattern *pattern REM_CLEANUP(pattern_cleanup) = rem_calloc(1, sizeof *pattern);
  if (pattern == NULL) return rem_error_nomem(err);
  REM_TRY(compile(pattern, text, size, err));
  pattern->limits = make_limits();
  pattern->text = rem_strndup(text, size);
  if (pattern->limits == NULL || pattern->text == NULL) return rem_error_nomem(err);
  *ret_pattern = REM_TAKE(pattern);
  return REM_OK;
}

const char *rem_pattern_text(const rem_pattern *pattern) {
  return pattern->text;
}

static rem_status match_failed(const rem_pattern *pattern, int code, rem_error *err) {
  if (code == PCRE2_ERROR_NOMEMORY) return rem_error_nomem(err);
  if (code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT || code == PCRE2_ERROR_HEAPLIMIT) {
    rem_error_set(err, REM_LIMIT, "matching the pattern '%.120s' took more than the allowed steps", pattern->text);
    rem_error_hint(err, "Rewrite the pattern without nested repetition, such as (a+)+.");
    return REM_LIMIT;
  }
  if (code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21)
    return rem_error_set(err, REM_INVALID, "a text that is not UTF-8 cannot be matched against a pattern");
  return rem_error_set(err, REM_INTERNAL, "matching the pattern '%.120s' failed with code %d", pattern->text, code);
}

rem_status rem_pattern_match(const rem_pattern *pattern, const char *subject, size_t size, bool *ret_matches,
                             rem_error *err) {
  if (size > REM_PATTERN_MAX_SUBJECT_SIZE)
    return rem_error_set(err, REM_LIMIT, "a text of %zu bytes is too long for a pattern; %zu are allowed", size,
                         REM_PATTERN_MAX_SUBJECT_SIZE);
  rem_pattern *shared = (rem_pattern *)pattern; /* only the spare block changes, atomically */
  pcre2_match_data *data = atomic_exchange_explicit(&shared->spare, NULL, memory_order_acquire);
  if (data == NULL) data = pcre2_match_data_create(1, NULL);
  if (data == NULL) return rem_error_nomem(err);
  int code = pcre2_match(pattern->code, (PCRE2_SPTR)subject, size, 0, 0, data, pattern->limits);
  pcre2_match_data *other = NULL;
  if (!atomic_compare_exchange_strong_explicit(&shared->spare, &other, data, memory_order_release,
                                               memory_order_relaxed))
    pcre2_match_data_free(data);
  if (code < 0 && code != PCRE2_ERROR_NOMATCH) return match_failed(pattern, code, err);
  *ret_matches = code >= 0;
  return REM_OK;
}
