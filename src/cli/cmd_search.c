/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db search: an exact key first, else the nearest in meaning. --plan prints what would be run in the form of
 * the specification's QueryResult and runs nothing but the key's lookup, which the plan depends on.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "entity.h"
#include "hits.h"
#include "output.h"

typedef struct request {
  const char *text;
  const char *table; /* NULL: every table that holds vectors */
  cli_text where;
  rem_read_options options;
} request;

static int want_score(cli *cli, double *score) {
  const char *text = cli_args_value(&cli->args, "min-score");
  if (!text)
    return CLI_DONE;
  char *end = NULL;
  double value = strtod(text, &end);
  if (end == text || *end || !isfinite(value))
    return cli_fail_usage(cli, "1 is equal in meaning, 0 unrelated", "option '--min-score' needs a number, not '%.100s'",
                          text);
  *score = value;
  return CLI_DONE;
}

static int want_request(cli *cli, request *r) {
  rem_read_options_init(&r->options);
  r->options.limit = 10;
  r->text = cli->args.word_count ? cli->args.words[0] : NULL;
  r->table = cli_args_value(&cli->args, "schema");
  r->options.include_deleted = cli_args_flag(&cli->args, "include-deleted");
  const char *strategy = cli_args_value(&cli->args, "strategy");
  int code = cli_want_words(cli, 1, 1);
  if (code == CLI_DONE && strategy && strcmp(strategy, "single") != 0)
    code = strcmp(strategy, "iterative") == 0
               ? cli_fail_with(cli, REM_UNSUPPORTED, "leave --strategy out", "the strategy 'iterative' is not in this version")
               : cli_fail_usage(cli, NULL, "option '--strategy' is single or iterative, not '%.100s'", strategy);
  if (code == CLI_DONE) code = cli_want_integer(cli, "limit", 1, 100000, &r->options.limit);
  if (code == CLI_DONE) code = cli_want_integer(cli, "offset", 0, INT64_MAX, &r->options.offset);
  if (code == CLI_DONE) code = cli_want_integer(cli, "ef", 1, 65536, &r->options.ef_search);
  if (code == CLI_DONE) code = want_score(cli, &r->options.min_score);
  r->options.exact = cli_args_flag(&cli->args, "exact");
  if (code == CLI_DONE) code = cli_want_slot(cli, &r->options.slot);
  r->options.model = cli_args_value(&cli->args, "model");
  return code;
}

/* ------------------------------------------------------------------------------------------- */

/* The alias of D1 ("resource") and the table's name ("resources") mean the same. */
static bool is_table(const request *r, const cli_hit *hit) {
  if (!r->table || strcmp(r->table, hit->table) == 0)
    return true;
  size_t size = strlen(r->table);
  return strncmp(hit->table, r->table, size) == 0 && strcmp(hit->table + size, "s") == 0;
}

/* Leaves the hits that the other options let through. */
static void narrow(const request *r, cli_hits *hits) {
  cli_hits kept = *hits;
  kept.count = 0;
  int64_t passed = 0;
  for (size_t i = 0; i < hits->count; i++) {
    cli_hit *hit = &hits->items[i];
    bool matches = is_table(r, hit) && cli_where_matches(r->where.data, hit->entity);
    bool shown = matches && passed++ >= r->options.offset && (int64_t)kept.count < r->options.limit;
    if (!shown) {
      free(hit->table);
      rem_bytes_free(&hit->json);
      json_decref(hit->entity);
      continue;
    }
    hit->score = 1;
    kept.items[kept.count++] = *hit;
  }
  *hits = kept;
}

static int find_key(cli *cli, const request *r, cli_hits *hits) {
  rem_error err = {0};
  rem_cursor *cursor = NULL;
  unsigned flags = r->options.include_deleted ? REM_LOOKUP_DELETED : 0;
  rem_status status = rem_lookup(cli->db, r->text, strlen(r->text), flags, -1, &cursor, &err);
  /* A text too long for a key is none. */
  if (status == REM_LIMIT)
    return CLI_DONE;
  if (status < 0)
    return cli_fail(cli, &err);
  int code = cli_hits_collect(cli, cursor, hits);
  rem_cursor_free(cursor);
  narrow(r, hits);
  return code;
}

static void explain(cli *cli, const rem_cursor *cursor) {
  rem_bytes json = {0};
  size_t index;
  json_t *item;
  if (rem_cursor_plan(cursor, &json, NULL) < 0) return;
  json_t *tables = json_loadb(json.data, json.size, 0, NULL);
  json_array_foreach(tables, index, item) {
    json_int_t ef = json_integer_value(json_object_get(item, "ef"));
    char pool[48] = "";
    if (ef) snprintf(pool, sizeof pool, ", ef %lld", (long long)ef);
    cli_notice(cli, "'%s': %s%s, %lld vectors compared, %lld of them newer than the index",
               json_string_value(json_object_get(item, "table")), json_string_value(json_object_get(item, "plan")), pool,
               (long long)json_integer_value(json_object_get(item, "visited")),
               (long long)json_integer_value(json_object_get(item, "recent")));
  }
  json_decref(tables);
  rem_bytes_free(&json);
}

static int find_similar(cli *cli, const request *r, cli_hits *hits) {
  rem_error err = {0};
  rem_cursor *cursor = NULL;
  int64_t pending = 0;
  if (rem_search(cli->db, r->text, strlen(r->text), r->table, &r->options, &cursor, &pending, &err) < 0)
    return cli_fail(cli, &err);
  int code = cli_hits_collect(cli, cursor, hits);
  if (code == CLI_DONE && cli_args_flag(&cli->args, "explain")) explain(cli, cursor);
  rem_cursor_free(cursor);
  if (pending > 0)
    cli_notice(cli, "%lld rows could not be searched: their embedding is pending (%s makes it)", (long long)pending,
               r->options.slot == REM_EMBEDDING_ALT ? "db embed --all --slot alt --model NAME" : "db embed --pending");
  return code;
}

/* ------------------------------------------------------------------------------------------- */
/* The plan */

static void append_sql_string(cli_text *sql, const char *text, size_t size) {
  cli_text_append_byte(sql, '\'');
  for (size_t i = 0; i < size; i++) {
    if (text[i] == '\'') cli_text_append_byte(sql, '\'');
    cli_text_append_byte(sql, text[i]);
  }
  cli_text_append_byte(sql, '\'');
}

static bool is_plain_name(const char *name) {
  return strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name);
}

static void append_conditions(const request *r, const char *separator, cli_text *sql) {
  json_t *where = r->where.data ? json_loads(r->where.data, 0, NULL) : NULL;
  const char *name;
  json_t *value;
  json_object_foreach(where, name, value) {
    cli_text_append_string(sql, separator);
    cli_text_printf(sql, is_plain_name(name) ? "%s = " : "\"%s\" = ", name);
    if (json_is_string(value)) {
      append_sql_string(sql, json_string_value(value), json_string_length(value));
    } else {
      char *literal = json_dumps(value, JSON_ENCODE_ANY);
      cli_text_append_string(sql, literal ? literal : "NULL");
      free(literal);
    }
    separator = " AND ";
  }
  json_decref(where);
}

static void append_limit(const request *r, cli_text *sql) {
  cli_text_printf(sql, " LIMIT %lld", (long long)r->options.limit);
  if (r->options.offset) cli_text_printf(sql, " OFFSET %lld", (long long)r->options.offset);
}

static void append_vector_query(const request *r, const char *table, cli_text *sql) {
  cli_text_printf(sql, "SELECT * FROM %s", table);
  append_conditions(r, " WHERE ", sql);
  cli_text_append_string(sql, r->where.size ? " AND embedding.cosine(" : " WHERE embedding.cosine(");
  append_sql_string(sql, r->text, strlen(r->text));
  cli_text_append_byte(sql, ')');
  if (!isnan(r->options.min_score)) {
    cli_text_append_string(sql, " > ");
    cli_text_append_double(sql, r->options.min_score);
  }
  append_limit(r, sql);
}

/* The table a plan names: the one asked for, else the one with rows and vectors; `ret_others` says whether there are more. */
static const char *choose_table(cli *cli, const request *r, bool *ret_others, cli_text *name) {
  *ret_others = false;
  cli_text_append_string(name, r->table ? r->table : "");
  rem_bytes json = {0};
  if (r->table || rem_schema_list(cli->db, &json, NULL) < 0)
    return r->table ? name->data : "resources";
  json_t *list = json_loadb(json.data, json.size, 0, NULL);
  size_t index;
  json_t *item;
  json_int_t most = 0;
  json_array_foreach(list, index, item) {
    const char *table = json_string_value(json_object_get(item, "name"));
    json_int_t rows = json_integer_value(json_object_get(item, "entities"));
    const json_t *schema = table && strcmp(table, "schema") != 0 ? cli_entity_schema(cli, table) : NULL;
    bool embedded = json_array_size(json_object_get(schema, "embedding_fields")) > 0;
    if (!embedded || rows == 0)
      continue;
    *ret_others = most > 0;
    if (rows > most) {
      most = rows;
      cli_text_clear(name);
      cli_text_append_string(name, table);
    }
  }
  json_decref(list);
  rem_bytes_free(&json);
  return name->size ? name->data : "resources";
}

static void append_member(cli_text *json, const char *name, const cli_text *value) {
  cli_text_printf(json, "\"%s\":", name);
  if (value && value->size)
    cli_text_append_json(json, value->data, value->size);
  else
    cli_text_append_string(json, "null");
}

static void print_plan(cli *cli, const request *r, const cli_hits *hits) {
  cli_text query = {0}, fallback = {0}, explanation = {0}, name = {0}, json = {0};
  const char *type = "entity_lookup", *confidence = "1.0";
  bool others = false;
  const char *table = hits->count ? NULL : choose_table(cli, r, &others, &name);
  if (!table) {
    cli_text_append_string(&query, "LOOKUP ");
    append_sql_string(&query, r->text, strlen(r->text));
  } else {
    type = r->where.size ? "hybrid" : "vector";
    confidence = r->table ? "0.8" : "0.7";
    append_vector_query(r, table, &query);
    if (!r->table)
      cli_text_printf(&explanation, "no key matches; ranked by similarity%s", others ? " over every table that holds vectors" : "");
  }
  if (table && r->where.size) {
    cli_text_printf(&fallback, "SELECT * FROM %s", table);
    append_conditions(r, " WHERE ", &fallback);
    append_limit(r, &fallback);
  }
  cli_text_printf(&json, "{\"query_type\":\"%s\",", type);
  append_member(&json, "query", &query);
  cli_text_printf(&json, ",\"confidence\":%s,", confidence);
  append_member(&json, "explanation", &explanation);
  cli_text_append_byte(&json, ',');
  append_member(&json, "follow_up_question", NULL);
  cli_text_append_byte(&json, ',');
  append_member(&json, "fallback_query", &fallback);
  cli_text_append_byte(&json, '}');
  cli_text shown = {0};
  if (cli->format == CLI_TABLE)
    cli_text_append_indented(&shown, json.data, json.size);
  else
    cli_text_append(&shown, json.data, json.size);
  puts(shown.data);
  cli_text_free(&shown);
  cli_text_free(&query);
  cli_text_free(&fallback);
  cli_text_free(&explanation);
  cli_text_free(&name);
  cli_text_free(&json);
}

int cli_run_search(cli *cli) {
  request r = {0};
  cli_hits hits = {.parse = true};
  bool plan = cli_args_flag(&cli->args, "plan");
  int code = want_request(cli, &r);
  if (code == CLI_DONE) code = cli_open(cli, REM_READ);
  if (code == CLI_DONE) code = cli_where_json(cli, r.table, &r.where);
  r.options.where_json = r.where.data;
  if (code == CLI_DONE) code = find_key(cli, &r, &hits);
  if (code == CLI_DONE && hits.count == 0 && !plan) code = find_similar(cli, &r, &hits);
  if (code == CLI_DONE && plan) {
    print_plan(cli, &r, &hits);
  } else if (code == CLI_DONE) {
    cli_hits_print(cli, &hits);
    cli->row_count = (int64_t)hits.count;
  }
  cli_hits_free(&hits);
  cli_text_free(&r.where);
  return code;
}
