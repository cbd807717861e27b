/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validators: life, and the two walks of a check. The first walk only asks whether; it keeps no account of anything, since nearly
 * every row is valid. When it says no, a second walk over the same nodes finds the first failure and explains it.
 */
#include "schema/validator.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"
#include "schema/validator_internal.h"

enum {
  MAX_DEPTH = 1200,      /* of schemas within schemas applied; about a kilobyte of stack each */
  MAX_WORK = 100000000,  /* nodes visited: a second or two */
};

void rem_validator_free(rem_validator *validator) {
  if (validator == NULL) return;
  for (size_t i = 0; i < validator->pattern_count; i++)
    rem_pattern_free(validator->patterns[i]);
  for (size_t i = 0; i < validator->set_count; i++) {
    rem_hash_map_deinit(validator->sets[i]);
    rem_free(validator->sets[i]);
  }
  rem_free(validator->patterns);
  rem_free(validator->sets);
  rem_arena_deinit(&validator->arena);
  json_decref(validator->document);
  rem_free(validator);
}

static rem_status walk(rem_run *run, const rem_validator *validator, const json_t *instance, bool *ret_valid) {
  rem_place root = {.node = validator->root};
  run->depth = 0;
  run->work = 0;
  *ret_valid = rem_run__check(run, validator->root, instance, &root);
  return run->trouble;
}

rem_status rem_validator_check(const rem_validator *validator, const json_t *instance, rem_error *err) {
  bool valid = false;
  rem_run run = {.err = err};
  REM_TRY(walk(&run, validator, instance, &valid));
  if (valid) return REM_OK;
  rem_failure failure = {0};
  run.failure = &failure;
  REM_TRY(walk(&run, validator, instance, &valid));
  return rem_failure__report(&failure, validator->root, err);
}

static rem_status too_costly(rem_run *run) {
  if (run->depth > MAX_DEPTH)
    return rem_error_set(run->err, REM_LIMIT, "the document is nested too deeply to be validated (%d levels of schemas)",
                         MAX_DEPTH);
  return rem_error_set(run->err, REM_LIMIT, "validating the document takes too many steps (%d)", MAX_WORK);
}

bool rem_run__trouble(rem_run *run, rem_status status) {
  if (run->trouble == REM_OK) run->trouble = status;
  return false;
}

bool rem_run__check(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  if (run->trouble != REM_OK) return false;
  if (++run->depth > MAX_DEPTH || ++run->work > MAX_WORK) return rem_run__trouble(run, too_costly(run));
  bool valid = rem_run__apply(run, node, value, at);
  run->depth--;
  return valid;
}

bool rem_run__would_pass(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  rem_failure *failure = run->failure;
  run->failure = NULL;
  bool valid = rem_run__check(run, node, value, at);
  run->failure = failure;
  return valid;
}

bool rem_run__matches(rem_run *run, const rem_pattern *pattern, const char *text, size_t size) {
  bool matches = false;
  run->work += 16 + size / 16;
  rem_status status = rem_pattern_match(pattern, text, size, &matches, run->err);
  return status == REM_OK ? matches : rem_run__trouble(run, status);
}

bool rem_run__fail_key(rem_run *run, const rem_node *node, rem_rule rule, const json_t *found, const rem_place *at,
                       const char *key, size_t key_size) {
  rem_failure *failure = run->failure;
  if (failure == NULL || failure->set || run->trouble != REM_OK) return false;
  failure->set = true;
  failure->rule = rule;
  failure->node = node;
  failure->field = at->node;
  failure->found = found;
  failure->key = key;
  failure->key_size = key_size;
  for (const rem_place *place = at; place->parent != NULL; place = place->parent)
    failure->depth++;
  rem_place__pointer(at, &failure->pointer);
  return false;
}

bool rem_run__fail(rem_run *run, const rem_node *node, rem_rule rule, const json_t *found, const rem_place *at) {
  return rem_run__fail_key(run, node, rule, found, at, NULL, 0);
}

void rem_line__put(rem_line *line, const char *text, size_t size) {
  static const char ellipsis[] = "\xe2\x80\xa6";
  if (line->full) return;
  size_t room = sizeof line->text - sizeof ellipsis - line->size;
  if (size > room) {
    size = rem_utf8_floor(text, size, room);
    line->full = true;
  }
  memcpy(line->text + line->size, text, size);
  line->size += size;
  if (line->full) {
    memcpy(line->text + line->size, ellipsis, sizeof ellipsis - 1);
    line->size += sizeof ellipsis - 1;
  }
  line->text[line->size] = 0;
}

void rem_line__format(rem_line *line, const char *format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (size > 0) rem_line__put(line, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static void put_token(rem_line *line, const char *key, size_t size) {
  rem_line__put(line, "/", 1);
  for (size_t i = 0; i < size; i++) {
    size_t plain = i;
    while (plain < size && key[plain] != '~' && key[plain] != '/')
      plain++;
    rem_line__put(line, key + i, plain - i);
    if (plain < size) rem_line__put(line, key[plain] == '~' ? "~0" : "~1", 2);
    i = plain;
  }
}

/* Recursion as deep as the place, which the walks bound. A root may carry the pointer to where it stands. */
void rem_place__pointer(const rem_place *place, rem_line *line) {
  if (place->parent == NULL) {
    if (place->key != NULL) rem_line__put(line, place->key, place->key_size);
    return;
  }
  rem_place__pointer(place->parent, line);
  if (place->key != NULL)
    put_token(line, place->key, place->key_size);
  else
    rem_line__format(line, "/%zu", place->key_size);
}
