/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results on stdout in the format asked for. JSON made by the library passes through byte for byte; only tables and
 * CSV parse it. The JSON forms are a public interface: members are added, never changed.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli.h"

/* An array printed item by item (JSON: one line an item; JSONL: bare lines). */
void cli_array_begin(cli *cli);
void cli_array_item(cli *cli, const char *json, size_t size);
void cli_array_end(cli *cli);

/* One JSON object: as it is, or for people as lines `name  value`, nested ones indented. CSV: name,value. */
void cli_print_object(cli *cli, const char *json, size_t size);
/* A JSON array of objects, shown to people with these columns; `columns` ends with NULL. */
void cli_print_objects(cli *cli, const char *json, size_t size, const char *const *columns);
/* For people only: a line; nothing in the other formats. */
void cli_print_line(cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool cli_wants_json(const cli *cli); /* json or jsonl */

/* Everything is written: `code`, or 1 when stdout failed; a closed pipe is not a failure. */
int cli_output_finish(cli *cli, int code);

/* True when stdout is gone and going on makes no sense. */
bool cli_output_broken(void);

#endif
