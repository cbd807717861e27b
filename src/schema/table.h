/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table: one registered schema as the engine uses it.
 *
 * Made from the JSON Schema as registered and the stored field numbers; immutable and shared by reference count, so a row
 * being written keeps the table it was validated against. A re-registration makes a new rem_table of the next
 * generation. Stored in `meta` under table:{tenant}:{table} as the JSON of rem_table_store():
 *
 *   {"name", "type", "generation": n, "schema": {…as registered…},
 *    "fields": [{"name": "email", "number": 1, "indexed": true}, …],      append-only numbers, also of removed fields
 *    "slots": [{"model": "all-MiniLM-L6-v2", "sha256": "…", "dimension": 384, "area": n} | null, null], area left out: that of the slot
 *    "moving": the same; left out when both are null}
 */
#ifndef REM_SCHEMA_TABLE_H
#define REM_SCHEMA_TABLE_H

#include <jansson.h>

#include "base/buffer.h"

/* What the schema says of a field; the values stored carry their own type tag (record.h). */
typedef enum rem_field_kind {
  REM_FIELD_ANY = 0, /* several types, or none stated */
  REM_FIELD_BOOL,
  REM_FIELD_INT,
  REM_FIELD_REAL,
  REM_FIELD_TEXT,
  REM_FIELD_INSTANT, /* string, format date-time */
  REM_FIELD_UUID,    /* string, format uuid */
  REM_FIELD_LIST,
  REM_FIELD_OBJECT,
} rem_field_kind;

typedef struct rem_field {
  const char *name;
  size_t name_size;
  uint16_t number;        /* append-only within the table */
  rem_field_kind kind;    /* without null: Optional[int] is INT */
  rem_field_kind element; /* of a LIST */
  bool nullable;
  bool indexed;
  bool trigram;
  bool removed;           /* no longer in the schema; its number is never used again */
  const json_t *schema;   /* borrowed from the table */
} rem_field;

typedef enum rem_key_rule {
  REM_KEY_PRECEDENCE, /* uri, key, name: the first that is there (D8) */
  REM_KEY_FIELD,      /* key_field */
  REM_KEY_FIELDS,     /* key_fields, joined by ':' with escapes (D9) */
  REM_KEY_RESOURCE,   /* uri:ordinal */
  REM_KEY_MOMENT,     /* name:start_time */
} rem_key_rule;

#define REM_SLOT_COUNT 2 /* embedding, embedding_alt */

/* The model pinned for a slot (D17); name NULL: none yet. */
typedef struct rem_slot {
  const char *model;
  const char *sha256;
  uint32_t dimension; /* 0: none yet */
  uint8_t area;       /* where its vectors are: the number in their keys. At first that of the slot; moving to another model fills another */
} rem_slot;
#define REM_AREA_COUNT 16 /* areas are below it */

typedef struct rem_validator rem_validator;

typedef struct rem_table {
  _Atomic int references;
  const char *name; /* canonical (D1): "resources" */
  const char *type; /* short name (D2): "resource" */
  const char *title, *category, *version, *description; /* "" when the schema has none */
  bool builtin;
  uint32_t generation; /* 1 at first */
  const json_t *schema; /* as registered; owned by this table alone and immutable, its reference counts too: jansson's are not for threads */
  rem_field *fields;   /* by number: fields[i].number == i */
  size_t field_count;
  const uint16_t *indexed; /* numbers of the indexed fields that are not removed */
  size_t indexed_count;
  rem_key_rule key_rule;
  const uint16_t *key_fields; /* numbers, for KEY_FIELD, KEY_FIELDS and the two built-in rules */
  size_t key_field_count;
  const uint16_t *embedding_fields; /* numbers; none: the table has no vectors */
  size_t embedding_field_count;
  const char *embedding_provider; /* "default", a model's name, or NULL */
  rem_slot slots[REM_SLOT_COUNT];
  rem_slot moving[REM_SLOT_COUNT]; /* the model a slot is on its way to; its area is being filled. Name NULL: none */
  uint32_t trigram_min_length; /* characters; shorter texts are not in the trigram index */
  struct rem_table_private *private_parts; /* name map, validator compiled on first use, arena */
} rem_table;

/*
 * Makes a table from a schema document, which is copied. `previous` (may be NULL) is the generation it replaces: its field
 * numbers and slots are kept, new fields are appended and the generation counts on. Checks D27 (names, system fields) and
 * that key, index and embedding fields exist. `name_override` may be NULL. REM_INVALID names what is wrong.
 * Owned: rem_table_unref().
 */
REM_CHECKED rem_status rem_table_new(const json_t *schema, const char *name_override, const rem_table *previous,
                                     rem_table **ret_table, rem_error *err);
/* From the stored form. REM_CORRUPT when it cannot be read. */
REM_CHECKED rem_status rem_table_load(const char *stored, size_t stored_size, rem_table **ret_table, rem_error *err);
/* Appends the stored form. */
REM_CHECKED rem_status rem_table_store(const rem_table *table, rem_buffer *buffer, rem_error *err);
/* A copy of the same generation that differs in what `slot` holds and moves to (NULL or without a name: not pinned; not moving). */
REM_CHECKED rem_status rem_table_with_slot(const rem_table *table, size_t slot, const rem_slot *model,
                                           const rem_slot *moving, rem_table **ret_table, rem_error *err);
/* The same model in the same area, or none in both? */
bool rem_slot_same(const rem_slot *a, const rem_slot *b);
/* The same models in the same areas, and moving to the same? */
bool rem_table_same_slots(const rem_table *a, const rem_table *b);
rem_table *rem_table_ref(rem_table *table);
void rem_table_unref(rem_table *table);

/* NULL when the schema has no such field (removed ones do not count). */
const rem_field *rem_table_field(const rem_table *table, const char *name, size_t name_size);

/* May rows be validated by this schema? Compiles it now, where the rest only compiles it when a row is written. REM_INVALID: it does not describe objects, or a
 * keyword is wrong (JSON pointer into the schema); REM_UNSUPPORTED. */
REM_CHECKED rem_status rem_table_check_schema(rem_table *table, rem_error *err);
/* Validates the properties of one row (all of D12's document but the system fields; defaults applied before); compiled
 * on first use, thread-safe. System fields that the schema declares are left out of account. */
REM_CHECKED rem_status rem_table_validate(rem_table *table, const json_t *properties, rem_error *err);
/* Adds the `default`s the schema gives for absent fields, nested ones too (validator.h). Before that, in resources, `chunk_ordinal` becomes `ordinal`
 * unless that is given too (D9). */
REM_CHECKED rem_status rem_table_apply_defaults(rem_table *table, json_t *properties, rem_error *err);

/* D1: the canonical name of a table as someone may write it: lower case, aliases resolved. `name` itself when there is nothing to
 * change; otherwise static or written to `buffer`. */
#define REM_TABLE_NAME_SIZE 64 /* with NUL */
const char *rem_table_canonical_name(const char *name, char buffer[REM_TABLE_NAME_SIZE]);
/* id, created_at, modified_at, deleted_at, edges, embedding, embedding_alt: what the database adds to every row. */
bool rem_table_is_system_field(const char *name, size_t name_size);
/* The value of a top-level extension key of the schema ("category", "tools"), also in nested json_schema_extra; NULL when absent
 * or null. Borrowed from the table. */
const json_t *rem_table_extension(const rem_table *table, const char *key);
/* D27: may `name` be a table? REM_INVALID says why not. */
REM_CHECKED rem_status rem_table_check_name(const char *name, rem_error *err);
/* D27: tenant names. */
REM_CHECKED rem_status rem_tenant_check_name(const char *tenant, rem_error *err);

#endif
