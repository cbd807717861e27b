/* SPDX-License-Identifier: Apache-2.0 */
/* What the program knows of schemas and entities to show them to people and to type a --where. */
#ifndef CLI_ENTITY_H
#define CLI_ENTITY_H

#include "cli.h"

/* The schema of a table, borrowed from `cli` until it is closed; NULL when there is none. */
const json_t *cli_entity_schema(cli *cli, const char *table);

/* What a table is called to people: the schema's title, else its name. Borrowed likewise. */
const char *cli_entity_title(cli *cli, const char *table);

/* Appends the value of the entity's key ("TAP-1234", "file:///a.md:0"), else its id. */
void cli_entity_append_key(cli *cli, const char *table, const json_t *entity, cli_text *text);

/* Appends what tells a person which entity it is: its name, title or the beginning of its text. */
void cli_entity_append_label(const json_t *entity, const char *key, cli_text *text);

/* The columns of a table in listings: id and the schema's fields (and times, for CSV). Owned array of borrowed
 * names: free(). */
const char **cli_entity_columns(cli *cli, const char *table, size_t *ret_count);
/* The value in such a column; borrowed. */
const json_t *cli_entity_column(const json_t *entity, const char *name);

/* All --where options as the JSON rem_read_options wants; empty when there is none. The value is a string
 * where the schema's field is one, else a JSON literal when it is one. Reports. */
int cli_where_json(cli *cli, const char *table, cli_text *ret_json);
/* The same condition on an entity at hand. */
bool cli_where_matches(const char *where_json, const json_t *entity);

/* The entity of a row as text: REM_OK or a failure; `ret_json` owned: rem_bytes_free(). */
rem_status cli_row_json(cli *cli, rem_row *row, rem_bytes *ret_json, rem_error *err);

#endif
