/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traverse(): breadth first over edges, from every row that has the key or id.
 *
 * Each row is reached once, by its first path; the start itself is not given. Edges to what does not exist (yet) are given with their key, no id and no entity, and
 * lead no further.
 */
#include <strings.h>

#include "base/uuid.h"
#include "entity/cursor.h"
#include "entity/edges.h"
#include "query/verbs.h"

#define DEFAULT_DEPTH 1
#define MOST_DEPTH    64
#define MOST_ROWS     100000

typedef struct traverse_node {
  uint8_t id[16];
  int64_t depth;
  rem_table *table; /* owned reference */
} traverse_node;

typedef struct traverse_run {
  rem_session *session;
  rem_view *view;
  rem_made_rows *list;
  rem_direction direction;
  rem_slice type; /* data NULL: any */
  rem_hash_map seen; /* id or dangling key -> (void *)1 */
  traverse_node *nodes; /* a queue: all that were reached */
  size_t count, capacity;
  rem_row row;
} traverse_run;

static void run_deinit(traverse_run *run) {
  for (size_t i = 0; i < run->count; i++)
    rem_table_unref(run->nodes[i].table);
  rem_free(run->nodes);
  rem_hash_map_deinit(&run->seen);
  rem_row__deinit(&run->row);
}

static rem_status add_node(traverse_run *run, rem_table *table, const uint8_t id[16], int64_t depth, rem_error *err) {
  if (run->count == MOST_ROWS)
    return rem_error_set(err, REM_LIMIT, "traverse() reaches more than %d rows: give it less depth, or a type", MOST_ROWS);
  if (run->count == run->capacity) {
    size_t capacity = run->capacity ? run->capacity * 2 : 64;
    traverse_node *nodes = rem_realloc(run->nodes, capacity * sizeof *nodes);
    if (!nodes)
      return rem_error_nomem(err);
    run->nodes = nodes;
    run->capacity = capacity;
  }
  traverse_node *node = &run->nodes[run->count++];
  *node = (traverse_node){.depth = depth, .table = rem_table_ref(table)};
  memcpy(node->id, id, 16);
  return REM_OK;
}

/* True the first time. */
static rem_status first_visit(traverse_run *run, rem_slice name, bool *ret_first, rem_error *err) {
  *ret_first = rem_hash_map_get(&run->seen, name) == NULL;
  return *ret_first ? rem_hash_map_put(&run->seen, name, (void *)1, NULL, err) : REM_OK;
}

static rem_status begin(traverse_run *run, rem_slice start, rem_error *err) {
  rem_cursor *cursor;
  REM_TRY(rem_entity_lookup_at(run->session->engine, run->session->tenant, run->view->snapshot, run->view->transaction, start, 0, -1, &cursor, err));
  rem_status status;
  while ((status = rem_entity_cursor_next(cursor, &run->row, err)) == REM_ROW) {
    bool first;
    status = first_visit(run, rem_slice_of(run->row.id, 16), &first, err);
    if (status >= 0 && first)
      status = add_node(run, run->row.table, run->row.id, 0, err);
    if (status < 0)
      break;
  }
  rem_entity_cursor_free(cursor);
  return status < 0 ? status : REM_OK;
}

static rem_slice member(const json_t *edge, const char *name) {
  const json_t *value = json_object_get(edge, name);
  return json_is_string(value) ? rem_slice_of(json_string_value(value), json_string_length(value)) : (rem_slice){0};
}

/* One row of the answer: depth, table, id, key, source, type, direction, entity. */
static rem_status add_row(traverse_run *run, const json_t *edge, int64_t depth, bool there, rem_error *err) {
  rem_made_row *row;
  REM_TRY(rem_made_rows_add(run->list, &row, err));
  rem_slice table = member(edge, "table"), key = member(edge, "key"), source = member(edge, "source"), type = member(edge, "type"),
            direction = member(edge, "direction");
  row->values[0] = (rem_value){.type = REM_TYPE_INT, .integer = depth};
  REM_TRY(rem_made_rows_text(run->list, table.data, table.size, &row->values[1], err));
  if (there)
    REM_TRY(rem_verb__id(run->list, run->row.id, &row->values[2], err));
  REM_TRY(there ? rem_verb__key(run->list, &run->row, &row->values[3], err)
                : rem_made_rows_text(run->list, key.data, key.size, &row->values[3], err));
  REM_TRY(rem_made_rows_text(run->list, source.data, source.size, &row->values[4], err));
  REM_TRY(rem_made_rows_text(run->list, type.data, type.size, &row->values[5], err));
  REM_TRY(rem_made_rows_text(run->list, direction.data, direction.size, &row->values[6], err));
  return there ? rem_verb__entity(run->list, &run->row, &row->values[7], err) : REM_OK;
}

static rem_status follow(traverse_run *run, const json_t *edge, int64_t depth, rem_error *err) {
  bool out = rem_slice_equal(member(edge, "direction"), rem_slice_text("out")), first;
  rem_slice end = member(edge, out ? "target" : "source"), table_name = member(edge, "table");
  uint8_t id[16];
  if (run->type.data && !rem_slice_equal(run->type, member(edge, "type")))
    return REM_OK;
  bool there = !json_is_true(json_object_get(edge, "dangling")) && table_name.data && rem_uuid_parse((const char *)end.data, end.size, id);
  rem_slice name = there ? rem_slice_of(id, 16) : member(edge, "key");
  REM_TRY(first_visit(run, name, &first, err));
  if (!first)
    return REM_OK;
  if (!there)
    return add_row(run, edge, depth, false, err);
  rem_table *table;
  REM_TRY(rem_registry_table(run->session->engine->registry, run->session->tenant, (const char *)table_name.data, &table, err));
  rem_status status = rem_transaction_read(run->view->transaction, run->session->engine, run->view->snapshot, run->session->tenant, table, id, &run->row, err);
  if (status == REM_OK)
    status = add_row(run, edge, depth, true, err);
  if (status == REM_OK)
    status = add_node(run, table, id, depth, err);
  rem_table_unref(table);
  return status < 0 ? status : REM_OK;
}

static rem_status expand(traverse_run *run, size_t at, rem_error *err) {
  json_t *edges REM_AUTO_JSON = NULL;
  const traverse_node node = run->nodes[at];
  rem_status status = rem_entity_edges_of(run->session->engine, run->session->tenant, run->view->snapshot, run->view->transaction, node.table,
                                          node.id, run->direction, &edges, err);
  REM_TRY(status);
  size_t index;
  json_t *edge;
  json_array_foreach(edges, index, edge) {
    REM_TRY(follow(run, edge, node.depth + 1, err));
  }
  return rem_session__check(run->session, err);
}

static rem_status direction_of(rem_slice text, rem_direction *ret_direction, rem_error *err) {
  static const struct {
    const char *name;
    rem_direction direction;
  } names[] = {{"out", REM_OUT}, {"in", REM_IN}, {"both", REM_BOTH}};
  *ret_direction = REM_OUT;
  for (size_t i = 0; text.data && i < 3; i++)
    if (strcasecmp((const char *)text.data, names[i].name) == 0) {
      *ret_direction = names[i].direction;
      return REM_OK;
    }
  return text.data ? rem_error_set(err, REM_INVALID, "a direction is out, in or both, not '%.*s'", (int)text.size, text.data) : REM_OK;
}

static rem_status depth_of(sqlite3_value *argument, int64_t *ret_depth, rem_error *err) {
  int type = argument ? sqlite3_value_numeric_type(argument) : SQLITE_NULL;
  *ret_depth = DEFAULT_DEPTH;
  if (type == SQLITE_NULL)
    return REM_OK;
  if (type != SQLITE_INTEGER)
    return rem_error_set(err, REM_INVALID, "the depth of traverse() is a whole number, 0 to %d", MOST_DEPTH);
  *ret_depth = sqlite3_value_int64(argument);
  if (*ret_depth >= 0 && *ret_depth <= MOST_DEPTH)
    return REM_OK;
  return rem_error_set(err, REM_LIMIT, "the depth of traverse() is 0 to %d, not %lld", MOST_DEPTH, (long long)*ret_depth);
}

static rem_status fill(rem_session *session, rem_view *view, sqlite3_value **arguments, rem_made_rows *list, rem_error *err) {
  traverse_run run REM_CLEANUP(run_deinit) = {.session = session, .view = view, .list = list, .type = rem_verb__argument(arguments[3])};
  rem_slice start = rem_verb__argument(arguments[0]);
  int64_t depth;
  rem_row__init(&run.row, session->engine);
  rem_verb__reads(view);
  REM_TRY(direction_of(rem_verb__argument(arguments[2]), &run.direction, err));
  REM_TRY(depth_of(arguments[1], &depth, err));
  if (!start.data)
    return REM_OK;
  REM_TRY(begin(&run, start, err));
  for (size_t i = 0; i < run.count; i++)
    if (run.nodes[i].depth < depth)
      REM_TRY(expand(&run, i, err));
  return REM_OK;
}

const rem_list_function rem_verb_traverse = {
    .name = "traverse",
    .declaration = "CREATE TABLE x(depth INTEGER, \"table\" TEXT, id TEXT_UUID, key TEXT, source TEXT_UUID, type TEXT, direction TEXT, entity TEXT_JSON,"
                   " _start HIDDEN, _depth HIDDEN, _direction HIDDEN, _type HIDDEN)",
    .column_count = 8,
    .argument_count = 4,
    .required_count = 1,
    .rows = 50,
    .words = "edges, breadth first",
    .fill = fill,
};
