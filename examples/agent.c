/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of an AI agent in C: remember a text, recall by meaning, know facts about people.
 *
 *   cc examples/agent.c -lrem -o agent && ./agent FOLDER
 */
#include <rem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char memory_schema[] =
    "{\"short_name\": \"memory\", \"type\": \"object\", \"description\": \"Something said or read.\","
    " \"embedding_provider\": \"default\", \"embedding_fields\": [\"text\"],"
    " \"properties\": {\"text\": {\"type\": \"string\"}}, \"required\": [\"text\"]}";
static const char person_schema[] =
    "{\"short_name\": \"person\", \"type\": \"object\", \"description\": \"A person.\", \"key_field\": \"name\","
    " \"properties\": {\"name\": {\"type\": \"string\"}}, \"required\": [\"name\"]}";

static void must(rem_status status, const rem_error *error) {
  if (status >= 0)
    return;
  fprintf(stderr, "%s\n%s\n", error->message, error->hint);
  exit(1);
}

static rem_db *open_memory(const char *path) {
  rem_error error = {0};
  rem_config *config;
  rem_create_options create;
  rem_open_options options;
  rem_bytes answer = {0};
  rem_db *db;
  must(rem_config_load(&config, &error), &error);
  rem_create_options_init(&create);
  create.path = path;
  create.if_not_exists = create.keep_current = true;
  must(rem_create(config, NULL, &create, NULL, &error), &error);
  rem_open_options_init(&options);
  options.mode = REM_WRITE;
  options.config = config;
  must(rem_open(path, &options, &db, &error), &error);
  rem_config_free(config);
  must(rem_schema_add(db, memory_schema, strlen(memory_schema), NULL, &answer, &error), &error);
  rem_bytes_free(&answer);
  must(rem_schema_add(db, person_schema, strlen(person_schema), NULL, &answer, &error), &error);
  rem_bytes_free(&answer);
  return db;
}

/* A fact, as JSON. */
static void learn(rem_db *db, const char *table, const char *json) {
  rem_error error = {0};
  must(rem_put(db, table, json, strlen(json), NULL, &error), &error);
}

static void recall(rem_db *db, const char *query) {
  rem_error error = {0};
  rem_read_options options;
  rem_cursor *cursor;
  rem_row *row;
  rem_value text;
  rem_read_options_init(&options);
  options.limit = 1;
  rem_status status = rem_search(db, query, strlen(query), "memory", &options, &cursor, NULL, &error);
  if (status == REM_MODEL) { /* none installed: the agent goes on without this sense */
    printf("%s\n", error.message);
    return;
  }
  must(status, &error);
  must(rem_row_new(db, &row, &error), &error);
  while ((status = rem_cursor_next(cursor, row, &error)) == REM_ROW) {
    must(rem_row_field(row, "text", &text, &error), &error);
    printf("%.2f %.*s\n", rem_row_score(row), (int)text.text_size, text.text);
  }
  must(status, &error);
  rem_row_free(row);
  rem_cursor_free(cursor);
}

static void who(rem_db *db, const char *name) {
  rem_error error = {0};
  rem_row *row;
  rem_bytes json = {0};
  must(rem_row_new(db, &row, &error), &error);
  rem_status status = rem_get(db, "person", name, strlen(name), false, row, &error);
  must(status, &error);
  if (status == REM_OK) {
    must(rem_row_json(row, 0, &json, &error), &error);
    printf("%s\n", json.data);
    rem_bytes_free(&json);
    must(rem_edges(db, "person", name, strlen(name), REM_IN, &json, &error), &error);
    printf("%s\n", json.data);
    rem_bytes_free(&json);
  } else {
    printf("I do not know %s.\n", name);
  }
  rem_row_free(row);
}

int main(int argc, char **argv) {
  rem_error error = {0};
  if (argc != 2) {
    fprintf(stderr, "usage: agent FOLDER\n");
    return 2;
  }
  rem_db *db = open_memory(argv[1]);
  learn(db, "person", "{\"name\": \"Mira\", \"role\": \"roaster\", \"likes\": \"dark chocolate\"}");
  learn(db, "memory", "{\"text\": \"Mira told me that the new grinder is too loud for the shop.\","
                      " \"edges\": [{\"target\": \"Mira\", \"table\": \"person\", \"type\": \"about\"}]}");
  learn(db, "memory", "{\"text\": \"Rain is expected for the whole weekend.\"}");
  learn(db, "moments", "{\"name\": \"Tasting\", \"moment_type\": \"meeting\", \"start_time\": \"2025-10-01T09:00:00Z\","
                       " \"end_time\": \"2025-10-01T10:30:00Z\","
                       " \"edges\": [{\"target\": \"Mira\", \"table\": \"person\", \"type\": \"present\"}]}");
  who(db, "Mira");
  who(db, "Nobody");
  recall(db, "complaints about noise");
  must(rem_close(db, &error), &error);
  return 0;
}
