/* SPDX-License-Identifier: Apache-2.0 */
/* The entities that lookup and search found, across tables: collected, then printed in any format. */
#ifndef CLI_HITS_H
#define CLI_HITS_H

#include "cli.h"

typedef struct cli_hit {
  char *table;       /* owned */
  const char *match; /* static; NULL in a search */
  double score;
  rem_bytes json;    /* owned: the entity, as the library gave it */
  json_t *entity;    /* owned: the same parsed; NULL unless something needs it parsed */
} cli_hit;

typedef struct cli_hits {
  cli_hit *items;
  size_t count;
  bool shows_match; /* lookup: {table, match, entity}; else {table, score, entity} */
  bool parse;       /* entities are wanted parsed in JSON formats too */
} cli_hits;

/* Adds every row of the cursor. CLI_DONE, or the exit code of a reported failure. */
int cli_hits_collect(cli *cli, rem_cursor *cursor, cli_hits *hits);
/* JSON, JSONL and CSV; and for people a table with the score, the key and how the text begins. */
void cli_hits_print(cli *cli, const cli_hits *hits);
void cli_hits_free(cli_hits *hits);

#endif
