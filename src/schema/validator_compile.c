/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling: one node for each schema object of the document.
 *
 * The walk goes down from the root through every keyword that holds schemas, `$defs` included, so that a mistake anywhere is
 * found at once. References are only noted on the way, since what they name may come later; then they are resolved in
 * turn, and a target that no keyword led to (such as #/components/schemas/A) is compiled too.
 *
 * Keywords that apply a schema to the same value ($ref, allOf, if, …) must not form a circle: checking would never end. With a
 * step into the value on the way, a circle is recursion and welcome.
 */
#include <stdarg.h>
#include <stdio.h>

#include "schema/validator_internal.h"

enum {
  MAX_SCHEMA_DEPTH = 256,
  MAX_NODES = 200000,
  MAX_CHAIN = 500, /* of schemas applied to the same value */
};
#define MAX_ARENA_SIZE ((size_t)256 << 20)

/* A reference to be resolved; one list, in the arena. */
struct rem_pending {
  rem_pending *next;
  const char *reference;
  rem_line at;
  rem_node **slot;
};

rem_status rem_compiler__fail(rem_compiler *c, const rem_place *at, const char *format, ...) {
  char reason[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  rem_line pointer = {0};
  rem_place__pointer(at, &pointer);
  return rem_error_set(c->err, REM_INVALID, "schema at '%s': %s", pointer.text, reason);
}

void *rem_compiler__alloc(rem_compiler *c, size_t count, size_t size) {
  return rem_arena_calloc(&c->validator->arena, count > 0 ? count : 1, size);
}

static rem_status new_node(rem_compiler *c, const json_t *schema, rem_node **ret_node) {
  if (++c->node_count > MAX_NODES)
    return rem_error_set(c->err, REM_LIMIT, "the schema has more than %d parts", MAX_NODES);
  rem_node *node = rem_compiler__alloc(c, 1, sizeof *node);
  if (node == NULL) return rem_error_nomem(c->err);
  node->schema = schema;
  node->types = REM_NODE_ANY;
  *ret_node = node;
  return REM_OK;
}

static rem_slice address_of(const json_t *const *schema) {
  return rem_slice_of(schema, sizeof *schema);
}

rem_status rem_compiler__schema(rem_compiler *c, const json_t *schema, const rem_place *at, rem_node **ret_node) {
  if (json_is_boolean(schema)) {
    REM_TRY(new_node(c, schema, ret_node));
    (*ret_node)->never = json_is_false(schema);
    if ((*ret_node)->never) (*ret_node)->types = 0;
    return REM_OK;
  }
  if (!json_is_object(schema))
    return rem_compiler__fail(c, at, "a schema must be an object, true or false, not %s", rem_json_type_name(schema));
  rem_node *node = rem_hash_map_get(&c->nodes, address_of(&schema));
  if (node == NULL) {
    if (++c->depth > MAX_SCHEMA_DEPTH)
      return rem_error_set(c->err, REM_LIMIT, "the schema is nested deeper than %d levels", MAX_SCHEMA_DEPTH);
    REM_TRY(new_node(c, schema, &node));
    REM_TRY(rem_hash_map_put(&c->nodes, address_of(&schema), node, NULL, c->err));
    REM_TRY(rem_compiler__keywords(c, node, schema, at));
    c->depth--;
  }
  *ret_node = node;
  return REM_OK;
}

rem_status rem_compiler__refer(rem_compiler *c, const char *reference, const rem_place *at, rem_node **slot) {
  rem_pending *pending = rem_compiler__alloc(c, 1, sizeof *pending);
  if (pending == NULL) return rem_error_nomem(c->err);
  pending->next = c->pending;
  pending->reference = reference;
  pending->slot = slot;
  rem_place__pointer(at, &pending->at);
  c->pending = pending;
  return REM_OK;
}

/* The fragment of a reference into this document, without '#'; NULL when it names another document. */
static const char *fragment_of(const rem_compiler *c, const char *reference) {
  if (reference[0] == '#') return reference + 1;
  if (reference[0] == 0) return reference;
  const char *id = json_string_value(json_object_get(c->validator->document, "$id"));
  size_t size = id != NULL ? strcspn(id, "#") : 0;
  if (size == 0 || strncmp(reference, id, size) != 0) return NULL;
  if (reference[size] == '#') return reference + size + 1;
  return reference[size] == 0 ? reference + size : NULL;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place: %41 becomes A. */
static size_t decode_percent(char *text) {
  size_t out = 0;
  for (size_t i = 0; text[i] != 0; i++, out++) {
    bool escape = text[i] == '%' && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    text[out] = escape ? (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  text[out] = 0;
  return out;
}

/* In place: ~1 becomes '/', ~0 '~'. */
static size_t decode_token(char *token, size_t size) {
  size_t out = 0;
  for (size_t i = 0; i < size; i++, out++) {
    bool escape = token[i] == '~' && i + 1 < size && (token[i + 1] == '0' || token[i + 1] == '1');
    token[out] = !escape ? token[i] : token[++i] == '0' ? '~' : '/';
  }
  return out;
}

static const json_t *step_into(const json_t *json, const char *token, size_t size) {
  if (json_is_object(json)) return json_object_getn(json, token, size);
  if (!json_is_array(json) || size == 0 || size > 9 || (size > 1 && token[0] == '0')) return NULL;
  size_t index = 0;
  for (size_t i = 0; i < size; i++) {
    if (token[i] < '0' || token[i] > '9') return NULL;
    index = index * 10 + (size_t)(token[i] - '0');
  }
  return json_array_get(json, index);
}

static const json_t *follow_pointer(const json_t *document, char *pointer, size_t size) {
  const json_t *json = document;
  for (char *end = pointer + size; pointer < end && json != NULL;) {
    char *token = ++pointer;
    pointer = memchr(token, '/', (size_t)(end - token));
    if (pointer == NULL) pointer = end;
    size_t raw = (size_t)(pointer - token);
    json = step_into(json, token, decode_token(token, raw));
  }
  return json;
}

static const json_t *find_target(rem_compiler *c, const char *fragment) {
  char *copy = rem_arena_strdup(&c->validator->arena, fragment);
  if (copy == NULL) return NULL;
  size_t size = decode_percent(copy);
  if (size == 0) return c->validator->document;
  if (copy[0] == '/') return follow_pointer(c->validator->document, copy, size);
  return rem_hash_map_get(&c->anchors, rem_slice_of(copy, size));
}

static rem_status other_document(rem_compiler *c, const rem_pending *pending) {
  rem_error_set(c->err, REM_UNSUPPORTED, "schema at '%s': '%.200s' is in another document, and those are not fetched",
                pending->at.text, pending->reference);
  rem_error_hint(c->err, "Put the schema it names under `$defs` of this document and refer to it as '#/$defs/NAME'.");
  return REM_UNSUPPORTED;
}

static rem_status resolve(rem_compiler *c, const rem_pending *pending) {
  const char *fragment = fragment_of(c, pending->reference);
  if (fragment == NULL) return other_document(c, pending);
  const json_t *target = find_target(c, fragment);
  if (target == NULL) {
    rem_error_set(c->err, REM_INVALID, "schema at '%s': '%.200s' names nothing in this document", pending->at.text,
                  pending->reference);
    rem_error_hint(c->err, "Define it, for example under `$defs`.");
    return REM_INVALID;
  }
  rem_place place = {.key = fragment, .key_size = strlen(fragment)};
  return rem_compiler__schema(c, target, &place, pending->slot);
}

/* Resolving may compile further schemas and so note further references. */
static rem_status resolve_all(rem_compiler *c) {
  while (c->pending != NULL) {
    const rem_pending *pending = c->pending;
    c->pending = pending->next;
    REM_TRY(resolve(c, pending));
  }
  return REM_OK;
}

enum { MARK_OPEN = 1, MARK_DONE = 2 };

static rem_status search_loop(rem_compiler *c, rem_node *node, unsigned depth);

static rem_status search_list(rem_compiler *c, const rem_node_list *list, unsigned depth) {
  for (size_t i = 0; i < list->count; i++)
    REM_TRY(search_loop(c, list->nodes[i], depth));
  return REM_OK;
}

static rem_status search_logic(rem_compiler *c, const rem_logic_rules *logic, unsigned depth) {
  rem_node *single[] = {logic->reference, logic->negated, logic->condition, logic->consequence, logic->alternative};
  for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
    if (single[i] != NULL) REM_TRY(search_loop(c, single[i], depth));
  }
  REM_TRY(search_list(c, &logic->all, depth));
  REM_TRY(search_list(c, &logic->any, depth));
  return search_list(c, &logic->one, depth);
}

static rem_status search_loop(rem_compiler *c, rem_node *node, unsigned depth) {
  if (node->mark == MARK_DONE) return REM_OK;
  if (node->mark == MARK_OPEN) {
    const char *reference = json_string_value(json_object_get(node->schema, "$ref"));
    rem_error_set(c->err, REM_INVALID, "the schema refers to itself without end%s%.200s%s",
                  reference != NULL ? " at '$ref': '" : "", reference != NULL ? reference : "",
                  reference != NULL ? "'" : "");
    rem_error_hint(c->err, "A schema may refer to itself only through `properties`, `items` and the like.");
    return REM_INVALID;
  }
  if (depth > MAX_CHAIN)
    return rem_error_set(c->err, REM_LIMIT, "more than %d schemas apply to one value", MAX_CHAIN);
  node->mark = MARK_OPEN;
  if (node->logic != NULL) REM_TRY(search_logic(c, node->logic, depth + 1));
  for (size_t i = 0; node->object != NULL && i < node->object->dependent_count; i++) {
    if (node->object->dependents[i].node != NULL) REM_TRY(search_loop(c, node->object->dependents[i].node, depth + 1));
  }
  node->mark = MARK_DONE;
  return REM_OK;
}

static rem_status search_all(rem_compiler *c) {
  size_t cursor = 0;
  for (rem_hash_entry *e; (e = rem_hash_map_next(&c->nodes, &cursor)) != NULL;)
    REM_TRY(search_loop(c, e->value, 0));
  return REM_OK;
}

/* All drafts say much the same; what they call their own is listed in validator.h. */
static rem_status read_dialect(rem_compiler *c, const json_t *document) {
  const json_t *dialect = json_object_get(document, "$schema");
  const char *text = json_string_value(dialect);
  rem_place root = {0}, at = rem_place_key(&root, "$schema", 7);
  if (dialect == NULL) return REM_OK;
  if (text == NULL) return rem_compiler__fail(c, &at, "expected string, found %s", rem_json_type_name(dialect));
  if (strstr(text, "json-schema.org/") == NULL) {
    rem_error_set(c->err, REM_UNSUPPORTED, "schema at '/$schema': the dialect '%.200s' is not known", text);
    rem_error_hint(c->err, "Leave `$schema` out, or set it to 'https://json-schema.org/draft/2020-12/schema'.");
    return REM_UNSUPPORTED;
  }
  c->old_items = strstr(text, "/draft-0") != NULL || strstr(text, "/2019-09/") != NULL;
  return REM_OK;
}

static rem_status compile(rem_compiler *c, const json_t *document) {
  rem_place root = {0};
  REM_TRY(read_dialect(c, document));
  REM_TRY(rem_compiler__schema(c, document, &root, &c->validator->root));
  REM_TRY(resolve_all(c));
  return search_all(c);
}

static void validator_cleanup(rem_validator **validator) {
  rem_validator_free(*validator);
}

rem_status rem_validator_new(const json_t *schema, rem_validator **ret_validator, rem_error *err) {
  rem_validator *validator REM_CLEANUP(validator_cleanup) = rem_calloc(1, sizeof *validator);
  if (validator == NULL) return rem_error_nomem(err);
  rem_arena_init(&validator->arena, MAX_ARENA_SIZE);
  validator->document = json_incref((json_t *)schema);
  rem_compiler c = {.validator = validator, .err = err};
  rem_status status = compile(&c, schema);
  rem_hash_map_deinit(&c.nodes);
  rem_hash_map_deinit(&c.anchors);
  REM_TRY(status);
  *ret_validator = REM_TAKE(validator);
  return REM_OK;
}
