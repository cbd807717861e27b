/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of random operations, each done to the database and to the model of model.h; what both hold is compared again and again,
 * and every invariant is checked. The seed is printed: REM_SEED=n runs the same again. REM_SOAK=1 runs many more.
 *
 * No embedding model is installed here, so every row of `note` stays pending.
 */
#include "model.h"

#include <time.h>

static uint64_t random_state;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 0x2545F4914F6CDD1Dull >> 11;
}

static int pick(int count) {
  return (int)(next_random() % (uint64_t)count);
}

static bool chance(int percent) {
  return pick(100) < percent;
}

typedef struct world {
  test_db *test;
  rem_db *db[MODEL_TENANTS];
  model *model;
  int level[MODEL_TENANTS][MODEL_TABLES];   /* how many of the extra fields the schema has; -1: not registered */
  unsigned indexed[MODEL_TENANTS][MODEL_TABLES];
  int64_t put, refused, batches, compared;
} world;

/* ------------------------------------------------------------------------------------------- */
/* Random values                                                                                */

static json_t *text_json(const char *text) {
  return json_string(text);
}

static json_t *random_key(void) {
  static const char *const odd[] = {"a:b", "a", "\xc3\xa4\xe2\x82\xac", " ", "%s\\", "\"q\"",
                                    "aaaaaaaa-0000-0000-0000-000000000001", "file:///x y:0"};
  char text[640];
  if (chance(3))
    return json_stringn("nul\0key", 7);
  if (chance(25))
    return text_json(odd[pick(8)]);
  if (chance(6)) {
    memset(text, 'k', 600);
    snprintf(text + 600, 16, "%d", pick(2));
    return text_json(text);
  }
  snprintf(text, sizeof text, "k%d", pick(14));
  return text_json(text);
}

static void random_id(char id[37]) {
  snprintf(id, 37, "00000000-0000-0000-0000-00000000000%d", pick(8));
}

static json_t *random_text(void) {
  char text[640];
  if (chance(10)) {
    memset(text, 's', 600);
    snprintf(text + 600, 8, "%d", pick(2));
    return text_json(text);
  }
  static const char *const some[] = {"", "red", "green", "Red", "1", "null"};
  return text_json(some[pick(6)]);
}

/* One of a few instants: as it is read, and as it may be written. */
static json_t *random_instant(json_t **ret_given) {
  static const char *const forms[][3] = {
      {"2025-10-17T07:00:00Z", "2025-10-17T09:00:00+02:00", "2025-10-17T07:00:00.000Z"},
      {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z", "1970-01-01T00:59:59.5+01:00"},
      {"2025-10-17T00:00:00Z", "2025-10-17T00:00:00Z", "2025-10-16T23:00:00-01:00"}};
  int which = pick(3);
  *ret_given = text_json(forms[which][pick(3)]);
  return text_json(forms[which][0]);
}

static json_t *random_uuid(json_t **ret_given) {
  bool upper = chance(50), second = chance(50);
  *ret_given = text_json(second ? (upper ? "ABCDEF00-1111-2222-3333-444444444444" : "abcdef00-1111-2222-3333-444444444444")
                                : "01020304-0506-0708-090a-0b0c0d0e0f10");
  return text_json(second ? "abcdef00-1111-2222-3333-444444444444" : "01020304-0506-0708-090a-0b0c0d0e0f10");
}

static json_t *random_object(void) {
  return json_pack("{s:i, s:{s:i, s:s}}", "a", pick(3), "deep", "b", pick(3), "c", "t");
}

static json_t *random_tags(void) {
  static const char *const some[] = {"x", "y", "z", ""};
  json_t *tags = json_array();
  for (int i = pick(4); i > 0; i--)
    json_array_append_new(tags, text_json(some[pick(4)]));
  return tags;
}

static json_t *big_text(void) {
  size_t size = 60000 + (size_t)pick(100000);
  char *text = malloc(size);
  memset(text, 'a' + pick(3), size);
  json_t *json = json_stringn(text, size);
  free(text);
  return json;
}

static const char *const field_names[] = {"n", "x", "flag", "s", "when", "ref", "tags", "obj", "extra0", "extra1", "extra2"};
#define FIELD_COUNT 11

/* A value for a field: as it is read; `*ret_given` as it is written. */
static json_t *random_value(int field, json_t **ret_given) {
  json_t *value;
  switch (field) {
  case 0: case 8: value = chance(10) ? json_integer(9007199254740993 + pick(2)) : json_integer(pick(5) - 1); break;
  case 1: value = json_real(pick(5) / 4.0); break;
  case 2: value = json_boolean(pick(2)); break;
  case 3: case 9: value = random_text(); break;
  case 4: return random_instant(ret_given);
  case 10: /* in its canonical form, as it may stand outside the schema */
    value = random_instant(ret_given);
    json_decref(*ret_given);
    break;
  case 5: return random_uuid(ret_given);
  case 6: value = random_tags(); break;
  default: value = random_object(); break;
  }
  *ret_given = json_deep_copy(value);
  return value;
}

/* Fills the fields of a document, without its key. A patch may hold null. */
static void random_fields(json_t *props, json_t *given, bool patch) {
  for (int i = 0; i < FIELD_COUNT; i++) {
    if (!chance(patch ? 20 : 55))
      continue;
    json_t *as_given, *value;
    if (patch && chance(20))
      value = json_null(), as_given = json_null();
    else
      value = random_value(i, &as_given);
    json_object_set_new(props, field_names[i], value);
    json_object_set_new(given, field_names[i], as_given);
  }
  json_t *more = NULL;
  const char *name = chance(50) ? "free" : "level";
  if (chance(15))
    more = json_integer(pick(6));
  else if (chance(2)) {
    name = "big";
    more = big_text();
  }
  if (more) {
    json_object_set(given, name, more);
    json_object_set_new(props, name, more);
  }
}

static json_t *random_target(world *w) {
  char id[37];
  if (chance(25) && w->model->count)
    return text_json(w->model->rows[pick((int)w->model->count)].id);
  if (chance(15)) {
    random_id(id);
    return text_json(id);
  }
  json_t *key = random_key();
  if (json_string_length(key) == strlen(json_string_value(key)) && !is_uuid(json_string_value(key)))
    return key;
  json_decref(key);
  return text_json("k0");
}

static json_t *random_edges(world *w) {
  json_t *edges = json_array();
  for (int i = pick(4); i > 0; i--) {
    json_t *target = random_target(w);
    if (chance(40)) {
      json_array_append_new(edges, target);
      continue;
    }
    json_t *edge = json_pack("{s:o}", "target", target);
    if (chance(30))
      json_object_set_new(edge, "table", text_json(model_tables[pick(2)]));
    if (chance(50))
      json_object_set_new(edge, "type", text_json(chance(50) ? "knows" : "part:of"));
    if (chance(30))
      json_object_set_new(edge, "weight", json_real(pick(5) / 4.0));
    json_array_append_new(edges, edge);
  }
  return edges;
}

/* ------------------------------------------------------------------------------------------- */
/* Schemas                                                                                      */

static void register_schema(world *w, int tenant, int table) {
  static const char *const types[] = {"{\"type\":\"integer\"}", "{\"type\":\"string\"}",
                                      "{\"type\":\"string\",\"format\":\"date-time\"}"};
  json_t *schema = json_loads(
      table == ITEM ? "{\"type\":\"object\",\"short_name\":\"item\",\"description\":\"An item.\",\"key_field\":\"code\","
                      "\"properties\":{\"code\":{\"type\":\"string\"},\"level\":{\"type\":\"integer\",\"default\":3}},\"required\":[\"code\"]}"
                    : "{\"type\":\"object\",\"short_name\":\"note\",\"description\":\"A note.\",\"embedding_provider\":\"default\","
                      "\"embedding_fields\":[\"s\"],\"additionalProperties\":true,"
                      "\"properties\":{\"name\":{\"type\":\"string\"}}}", 0, NULL);
  static const char *const plain[] = {"{\"type\":\"integer\"}", "{\"type\":\"number\"}", "{\"type\":\"boolean\"}", "{\"type\":\"string\"}",
                                      "{\"type\":\"string\",\"format\":\"date-time\"}", "{\"type\":\"string\",\"format\":\"uuid\"}",
                                      "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", "{\"type\":\"object\"}"};
  json_t *fields = json_object_get(schema, "properties"), *indexed = json_array();
  int count = 8 + w->level[tenant][table];
  for (int i = 0; i < count; i++) {
    json_object_set_new(fields, field_names[i], json_loads(i < 8 ? plain[i] : types[i - 8], 0, NULL));
    if (i != 7 && (w->indexed[tenant][table] >> i & 1)) /* objects cannot be indexed */
      json_array_append_new(indexed, text_json(field_names[i]));
  }
  json_object_set_new(schema, "indexed_fields", indexed);
  char *text = json_dumps(schema, 0);
  rem_bytes result = {0};
  OK(rem_schema_add(w->db[tenant], text, strlen(text), NULL, &result, err));
  rem_bytes_free(&result);
  free(text);
  json_decref(schema);
}

static void change_schema(world *w, int tenant, int table) {
  if (w->level[tenant][table] < 3 && chance(20))
    w->level[tenant][table]++;
  unsigned known = (1u << (8 + w->level[tenant][table])) - 1;
  w->indexed[tenant][table] = (unsigned)next_random() & known;
  register_schema(w, tenant, table);
}

static void remove_schema(world *w, int tenant, int table) {
  OK(rem_schema_remove(w->db[tenant], model_tables[table], true, err));
  for (size_t i = w->model->count; i-- > 0;)
    if (w->model->rows[i].tenant == tenant && w->model->rows[i].table == table)
      model_drop(w->model, i);
  w->level[tenant][table] = pick(3);
  w->indexed[tenant][table] = (unsigned)next_random() & 0xff;
  register_schema(w, tenant, table);
}

/* ------------------------------------------------------------------------------------------- */
/* One change                                                                                   */

typedef enum change_kind { PUT, UPDATE, DELETE } change_kind;

typedef struct change {
  change_kind kind;
  int table;
  bool has_id;
  char id[37];
  json_t *name;         /* UPDATE and DELETE: key or id */
  json_t *props, *edges; /* as the model keeps them; edges NULL: not given */
  char *text;           /* the document */
} change;

static void change_deinit(change *c) {
  json_decref(c->name);
  json_decref(c->props);
  json_decref(c->edges);
  free(c->text);
}

/* A key or id, mostly of a row that is there. */
static json_t *random_name(world *w, int tenant, int table) {
  for (int i = 0; i < 20 && w->model->count; i++) {
    const model_row *row = &w->model->rows[pick((int)w->model->count)];
    if (row->tenant != tenant || row->table != table)
      continue;
    return row->key && chance(70) ? json_incref(row->key) : text_json(row->id);
  }
  return random_key();
}

static change random_change(world *w, int tenant) {
  change c = {.kind = chance(60) ? PUT : chance(60) ? UPDATE : DELETE, .table = pick(2), .props = json_object()};
  json_t *given = json_object();
  if (c.kind != PUT)
    c.name = random_name(w, tenant, c.table);
  const char *key_field = c.table == ITEM ? "code" : "name";
  if (c.kind == PUT && (c.table == ITEM || chance(75)))
    json_object_set_new(c.props, key_field, random_key());
  if (c.kind == UPDATE && chance(8))
    json_object_set_new(c.props, key_field, random_key());
  json_object_update(given, c.props);
  random_fields(c.props, given, c.kind == UPDATE);
  if (c.kind == PUT && chance(20)) {
    c.has_id = true;
    random_id(c.id);
    const model_row *row = w->model->count ? &w->model->rows[pick((int)w->model->count)] : NULL;
    /* The id that belongs to a key is given with that key only: for another row it is a clash of hashes made by hand. */
    if (row && chance(30) && row->tenant == tenant && row->table == c.table) {
      strcpy(c.id, row->id);
      if (row->key)
        json_object_set(c.props, key_field, row->key);
      json_object_update(given, c.props);
    }
    json_object_set_new(given, "id", text_json(c.id));
  }
  if (chance(45)) {
    c.edges = random_edges(w);
    json_object_set(given, "edges", c.edges);
  }
  c.text = json_dumps(given, 0);
  json_decref(given);
  return c;
}

/* Applies it to `m`. */
static rem_status change_model(model *m, int tenant, const change *c, model_row **ret_row, rem_outcome *ret_outcome) {
  *ret_outcome = c->kind == UPDATE ? REM_UPDATED : REM_DELETED;
  if (c->kind == PUT)
    return model_put(m, tenant, c->table, c->has_id ? c->id : NULL, c->props, c->edges, ret_row, ret_outcome);
  if (c->kind == UPDATE)
    return model_update(m, tenant, c->table, c->name, c->props, c->edges, ret_row);
  return model_delete(m, tenant, c->table, c->name, ret_row);
}

static void id_text(const uint8_t id[16], char text[37]) {
  for (int i = 0, at = 0; i < 16; i++)
    at += sprintf(text + at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}

/* A row of which the model does not know the id has the one the database gave it. */
static void settle_id(model_row *row, const rem_write_result *result) {
  char text[37];
  id_text(result->id, text);
  if (row->id[0])
    assert_string_equal(row->id, text);
  else
    strcpy(row->id, text);
}

static void check_outcome(rem_outcome got, rem_outcome wanted, const change *c) {
  bool either = (wanted == REM_UNCHANGED && got == REM_UPDATED) ||
                (c->kind == UPDATE && wanted == REM_UPDATED && got == REM_UNCHANGED);
  if (got != wanted && !either)
    fail_msg("outcome %d where %d was wanted: %.300s", got, wanted, c->text);
}

static void change_one(world *w, int tenant) {
  change c = random_change(w, tenant);
  model_row *row = NULL;
  rem_outcome outcome;
  rem_error error = {0};
  rem_write_result result = {0};
  rem_db *db = w->db[tenant];
  const char *table = model_tables[c.table], *name = json_string_value(c.name);
  size_t name_size = json_string_length(c.name);
  rem_status wanted = change_model(w->model, tenant, &c, &row, &outcome), got;
  if (c.kind == PUT)
    got = rem_put(db, table, c.text, strlen(c.text), &result, &error);
  else if (c.kind == UPDATE)
    got = rem_update(db, table, name, name_size, c.text, strlen(c.text), &result, &error);
  else
    got = rem_delete(db, table, name, name_size, &result, &error);
  if (got != wanted)
    fail_msg("%s where %s was wanted: %s: %s %.300s", rem_status_name(got), rem_status_name(wanted), error.message,
             name ? name : "", c.text);
  if (got < 0)
    assert_int_equal(error.code, got);
  if (got == REM_OK) {
    settle_id(row, &result);
    check_outcome(result.outcome, outcome, &c);
    w->put++;
  } else {
    w->refused++;
  }
  change_deinit(&c);
}

/* ------------------------------------------------------------------------------------------- */
/* Batches                                                                                      */

static bool deleted_in(const change *changes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (changes[i].kind == DELETE)
      return true;
  return false;
}

static rem_status add_to_batch(rem_batch *batch, const change *c, rem_error *error) {
  const char *table = model_tables[c->table], *name = json_string_value(c->name);
  size_t name_size = json_string_length(c->name);
  if (c->kind == PUT)
    return rem_batch_put(batch, table, c->text, strlen(c->text), error);
  if (c->kind == UPDATE)
    return rem_batch_update(batch, table, name, name_size, c->text, strlen(c->text), error);
  return rem_batch_delete(batch, table, name, name_size, error);
}

#define BATCH_MAX 12

static void change_batch(world *w, int tenant) {
  change changes[BATCH_MAX];
  rem_outcome outcomes[BATCH_MAX];
  json_t *tags[BATCH_MAX];
  size_t count = 0;
  int64_t failing = -1, failed = -2;
  rem_batch *batch;
  rem_error error = {0};
  model *after = model_copy(w->model);
  char names[BATCH_MAX][37];
  OK(rem_batch_new(w->db[tenant], &batch, err));
  for (int i = 1 + pick(BATCH_MAX); i > 0; i--) {
    change c = random_change(w, tenant);
    model_row *row = NULL;
    rem_outcome outcome;
    rem_status wanted = failing >= 0 ? REM_OK : change_model(after, tenant, &c, &row, &outcome);
    rem_status got = wanted == REM_OK && failing >= 0 ? REM_DONE : add_to_batch(batch, &c, &error);
    /* An update of a row deleted earlier in the batch is refused at once, or else fails the commit. */
    if (c.kind == UPDATE && wanted == REM_NOT_FOUND && got == REM_OK && deleted_in(changes, count))
      wanted = REM_CONFLICT;
    if (got == REM_DONE || (got == REM_OK && wanted == REM_CONFLICT)) {
      if (got == REM_OK) {
        failing = (int64_t)count;
        changes[count++] = c;
      } else {
        change_deinit(&c);
      }
      continue;
    }
    if (c.kind == DELETE && wanted == REM_NOT_FOUND) {
      outcome = REM_MISSING;
      wanted = REM_OK;
    }
    if (got != wanted)
      fail_msg("batch: %s where %s was wanted: %s: %.300s", rem_status_name(got), rem_status_name(wanted), error.message, c.text);
    if (got != REM_OK) {
      change_deinit(&c);
      continue;
    }
    tags[count] = row ? (row->id[0] ? NULL : json_incref(row->props)) : NULL;
    names[count][0] = 0;
    if (row)
      strcpy(names[count], row->id);
    outcomes[count] = outcome;
    changes[count++] = c;
  }
  assert_int_equal(rem_batch_count(batch), count);
  rem_batch_result result = {0};
  rem_status got = rem_batch_commit(batch, &result, &failed, &error);
  if (failing >= 0) {
    assert_int_equal(got, REM_CONFLICT);
    assert_int_equal(failed, failing);
  } else {
    if (got != REM_OK)
      fail_msg("batch: %s at %d: %.300s", error.message, (int)failed, failed >= 0 ? changes[failed].text : "");
    for (size_t i = 0; i < count; i++) {
      rem_write_result one;
      char id[37];
      assert_true(rem_batch_outcome(batch, i, &one));
      check_outcome(one.outcome, outcomes[i], &changes[i]);
      id_text(one.id, id);
      if (names[i][0])
        assert_string_equal(names[i], id);
      for (size_t j = 0; tags[i] && j < after->count; j++)
        if (!after->rows[j].id[0] && after->rows[j].props == tags[i])
          strcpy(after->rows[j].id, id);
    }
    /* Rows first written here and changed again here: by key. */
    for (size_t i = 0; i < count; i++) {
      rem_write_result one;
      json_t *key = changes[i].kind == PUT ? model_key_of(changes[i].table, changes[i].props) : NULL;
      model_row *row = model_by_key(after, tenant, changes[i].table, key);
      if (row && !row->id[0] && rem_batch_outcome(batch, i, &one))
        id_text(one.id, row->id);
      json_decref(key);
    }
    model *before = w->model;
    w->model = after;
    after = before;
    w->batches++;
  }
  for (size_t i = 0; i < count; i++) {
    if (failing < 0 || (int64_t)i < failing)
      json_decref(tags[i]);
    change_deinit(&changes[i]);
  }
  rem_batch_free(batch);
  model_free(after);
}

/* ------------------------------------------------------------------------------------------- */
/* Comparing                                                                                    */

static json_t *row_entity(rem_row *row) {
  rem_bytes json = {0};
  OK(rem_row_json(row, 0, &json, err));
  json_t *parsed = json_loadb(json.data, json.size, JSON_ALLOW_NUL, NULL);
  assert_non_null(parsed);
  rem_bytes_free(&json);
  return parsed;
}

static void compare_row(const model_row *wanted, rem_row *row) {
  json_t *entity = row_entity(row);
  json_t *props = json_object_get(entity, "properties"), *edges = json_object_get(entity, "edges");
  if (!same_props(props, wanted->props))
    fail_msg("row %s is\n%.800s\nand should be\n%.800s", wanted->id, json_dumps(props, JSON_SORT_KEYS),
             json_dumps(wanted->props, JSON_SORT_KEYS));
  if (!json_equal(edges, wanted->edges))
    fail_msg("edges of %s are %s and should be %s", wanted->id, json_dumps(edges, 0), json_dumps(wanted->edges, 0));
  assert_int_equal(!json_is_null(json_object_get(entity, "deleted_at")), wanted->deleted);
  assert_string_equal(json_string_value(json_object_get(entity, "type")), model_tables[wanted->table]);
  json_decref(entity);
}

/* Every row the list gives is one that is wanted, as it should be, and none is left out. */
static void compare_list(world *w, int tenant, int table, json_t *where, bool deleted_too) {
  rem_read_options options;
  rem_cursor *cursor;
  rem_row *row;
  int64_t wanted = 0, found = 0;
  for (size_t i = 0; i < w->model->count; i++) {
    const model_row *one = &w->model->rows[i];
    wanted += one->tenant == tenant && one->table == table && (deleted_too || !one->deleted) && model_matches(one, where);
  }
  char *text = where ? json_dumps(where, 0) : NULL;
  rem_read_options_init(&options);
  options.where_json = text;
  options.include_deleted = deleted_too;
  OK(rem_list(w->db[tenant], model_tables[table], &options, &cursor, err));
  OK(rem_row_new(w->db[tenant], &row, err));
  for (rem_status status = REM_ROW; status == REM_ROW;) {
    OK(status = rem_cursor_next(cursor, row, err));
    if (status != REM_ROW)
      break;
    char id[37];
    id_text(rem_row_id(row), id);
    const model_row *one = model_by_id(w->model, tenant, table, id);
    if (!one || (one->deleted && !deleted_too) || !model_matches(one, where))
      fail_msg("row %s of '%s' does not belong in the list %s", id, model_tables[table], text ? text : "");
    compare_row(one, row);
    found++;
  }
  if (found != wanted)
    fail_msg("%d rows of '%s' where %d were wanted: %s", (int)found, model_tables[table], (int)wanted, text ? text : "");
  rem_row_free(row);
  rem_cursor_free(cursor);
  free(text);
}

static void compare_where(world *w, int tenant, int table) {
  json_t *where = json_object(), *value, *given;
  for (int i = 1 + pick(2); i > 0; i--) {
    int field = pick(8 + w->level[tenant][table]);
    value = random_value(field, &given);
    json_decref(given);
    if (field == 6)
      json_decref(value), value = text_json("y");
    if (chance(15))
      json_decref(value), value = json_null();
    json_object_set_new(where, field_names[field], value);
  }
  compare_list(w, tenant, table, where, chance(20));
  json_decref(where);
}

static void compare_lookup(world *w, int tenant) {
  json_t *name = random_name(w, tenant, pick(2));
  rem_cursor *cursor;
  rem_row *row;
  int64_t wanted = 0, found = 0;
  bool deleted_too = chance(30);
  for (size_t i = 0; i < w->model->count; i++) {
    const model_row *one = &w->model->rows[i];
    bool same = strcmp(one->id, json_string_value(name)) == 0 || json_equal(one->key, name);
    wanted += one->tenant == tenant && same && (deleted_too || !one->deleted);
  }
  OK(rem_lookup(w->db[tenant], json_string_value(name), json_string_length(name), deleted_too ? REM_LOOKUP_DELETED : 0, -1,
                &cursor, err));
  OK(rem_row_new(w->db[tenant], &row, err));
  for (rem_status status = REM_ROW; status == REM_ROW;) {
    OK(status = rem_cursor_next(cursor, row, err));
    if (status != REM_ROW)
      break;
    char id[37];
    id_text(rem_row_id(row), id);
    const model_row *one = model_by_id(w->model, tenant, strcmp(rem_row_table(row), "note") == 0, id);
    assert_non_null(one);
    assert_true(strcmp(id, json_string_value(name)) == 0 || json_equal(one->key, name));
    compare_row(one, row);
    found++;
  }
  assert_int_equal(found, wanted);
  rem_row_free(row);
  rem_cursor_free(cursor);
  json_decref(name);
}

static void compare_get(world *w, int tenant) {
  int table = pick(2);
  json_t *name = random_name(w, tenant, table);
  model_row *wanted = model_named(w->model, tenant, table, name);
  rem_row *row;
  rem_error error = {0};
  OK(rem_row_new(w->db[tenant], &row, err));
  rem_status status = rem_get(w->db[tenant], model_tables[table], json_string_value(name), json_string_length(name), false, row, &error);
  assert_int_equal(status, wanted && !wanted->deleted ? REM_OK : REM_NOT_FOUND);
  if (status == REM_OK)
    compare_row(wanted, row);
  rem_row_free(row);
  json_decref(name);
}

/* What the edge families tell apart: an id whatever its table, a key with its table, a key; and the type. */
static bool same_stored_edge(const json_t *a, const json_t *b) {
  const char *target = edge_part(a, "target");
  return strcmp(target, edge_part(b, "target")) == 0 && strcmp(edge_part(a, "type"), edge_part(b, "type")) == 0 &&
         (is_uuid(target) || strcmp(edge_part(a, "table"), edge_part(b, "table")) == 0);
}

static bool repeated_before(const json_t *edges, size_t index) {
  for (size_t i = 0; i < index; i++)
    if (same_stored_edge(json_array_get(edges, i), json_array_get(edges, index)))
      return true;
  return false;
}

static bool reaches_any(const world *w, int tenant, const json_t *edge) {
  for (size_t i = 0; i < w->model->count; i++)
    if (edge_reaches(edge, tenant, &w->model->rows[i]))
      return true;
  return false;
}

static json_t *edges_of(world *w, const model_row *row, rem_direction direction) {
  rem_bytes json = {0};
  OK(rem_edges(w->db[row->tenant], model_tables[row->table], row->id, 36, direction, &json, err));
  json_t *edges = json_loadb(json.data, json.size, JSON_ALLOW_NUL, NULL);
  rem_bytes_free(&json);
  return edges;
}

static void compare_edges(world *w, const model_row *row) {
  size_t i, j, out = 0, dangling = 0, in = 0, found_dangling = 0;
  json_t *edge;
  json_array_foreach(row->edges, i, edge) {
    bool counts = !repeated_before(row->edges, i);
    out += counts;
    dangling += counts && !reaches_any(w, row->tenant, edge);
  }
  for (j = 0; j < w->model->count; j++) {
    const model_row *source = &w->model->rows[j];
    json_array_foreach(source->edges, i, edge)
      in += source->tenant == row->tenant && !source->deleted && !repeated_before(source->edges, i) &&
            edge_reaches(edge, row->tenant, row);
  }
  json_t *found = edges_of(w, row, REM_OUT);
  json_array_foreach(found, i, edge)
    found_dangling += json_is_true(json_object_get(edge, "dangling"));
  if (json_array_size(found) != out || found_dangling != dangling)
    fail_msg("%s has %zu edges (%zu dangling): %s", row->id, out, dangling, json_dumps(found, 0));
  json_decref(found);
  found = edges_of(w, row, REM_IN);
  if (json_array_size(found) != in)
    fail_msg("%s should have %zu incoming edges: %s", row->id, in, json_dumps(found, 0));
  json_decref(found);
}

static void compare_all(world *w) {
  for (int tenant = 0; tenant < MODEL_TENANTS; tenant++)
    for (int table = 0; table < MODEL_TABLES; table++) {
      compare_list(w, tenant, table, NULL, false);
      compare_list(w, tenant, table, NULL, true);
    }
  for (size_t i = 0; i < w->model->count; i++)
    if (!w->model->rows[i].deleted && chance(20))
      compare_edges(w, &w->model->rows[i]);
  w->compared++;
}

/* ------------------------------------------------------------------------------------------- */

static void close_tenants(world *w) {
  for (int i = 1; i < MODEL_TENANTS; i++)
    OK(rem_close(w->db[i], err));
}

static void open_tenants(world *w) {
  w->db[0] = w->test->db;
  for (int i = 1; i < MODEL_TENANTS; i++)
    OK(rem_db_tenant(w->test->db, model_tenants[i], &w->db[i], err));
}

static void reopen(world *w, rem_mode mode) {
  close_tenants(w);
  test_reopen(w->test, mode, NULL);
  open_tenants(w);
}

static void vacuum(world *w) {
  rem_job *job;
  int64_t wanted = 0;
  for (size_t i = w->model->count; i-- > 0;)
    if (w->model->rows[i].deleted) {
      model_drop(w->model, i);
      wanted++;
    }
  OK(rem_vacuum(w->db[pick(MODEL_TENANTS)], &job, err));
  json_t *result = run_job(job);
  assert_int_equal(json_integer_value(json_object_get(result, "removed")), wanted);
  json_decref(result);
}

static void reindex(world *w, int tenant) {
  rem_job *job;
  OK(rem_reindex(w->db[tenant], chance(50) ? NULL : model_tables[pick(2)], &job, err));
  json_t *result = run_job(job);
  assert_int_equal(json_integer_value(json_object_get(result, "dropped")), 0);
  json_decref(result);
}

static void step(world *w) {
  int tenant = pick(MODEL_TENANTS), what = pick(1000);
  if (what < 500)
    change_one(w, tenant);
  else if (what < 640)
    change_batch(w, tenant);
  else if (what < 740)
    compare_where(w, tenant, pick(2));
  else if (what < 830)
    compare_lookup(w, tenant);
  else if (what < 920)
    compare_get(w, tenant);
  else if (what < 950 && w->model->count) {
    const model_row *row = &w->model->rows[pick((int)w->model->count)];
    if (!row->deleted)
      compare_edges(w, row);
  } else if (what < 975)
    change_schema(w, tenant, pick(2));
  else if (what < 980)
    vacuum(w);
  else if (what < 985)
    reindex(w, tenant);
  else if (what < 988)
    remove_schema(w, tenant, pick(2));
  else if (what < 993)
    reopen(w, REM_WRITE);
  else if (what < 995) {
    reopen(w, REM_READ);
    compare_all(w);
    reopen(w, REM_WRITE);
  } else if (what < 998)
    compare_all(w);
  else
    check_whole(w->test);
}

static void random_operations_agree_with_the_model(void **state) {
  world w = {.test = *state, .model = calloc(1, sizeof(model))};
  const char *soak = getenv("REM_SOAK"), *given = getenv("REM_SEED");
  int count = soak && strcmp(soak, "1") == 0 ? 60000 : 2500;
  uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
  random_state = seed ? seed : 1;
  printf("seed %llu, %d operations\n", (unsigned long long)seed, count);
  fflush(stdout);
  OK(rem_config_set(w.test->config, "P8_MODELS_DIR", w.test->folder, err));
  test_reopen(w.test, REM_WRITE, NULL);
  open_tenants(&w);
  for (int tenant = 0; tenant < MODEL_TENANTS; tenant++)
    for (int table = 0; table < MODEL_TABLES; table++)
      change_schema(&w, tenant, table);
  for (int i = 0; i < count; i++)
    step(&w);
  compare_all(&w);
  check_whole(w.test);
  reopen(&w, REM_READ);
  compare_all(&w);
  check_whole(w.test);
  printf("%lld rows written, %lld changes refused, %lld batches, %zu rows at the end\n", (long long)w.put, (long long)w.refused,
         (long long)w.batches, w.model->count);
  assert_true(w.put > count / 10 && w.refused > 0 && w.batches > count / 100);
  close_tenants(&w);
  model_free(w.model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(random_operations_agree_with_the_model, test_setup, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
