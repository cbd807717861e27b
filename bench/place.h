/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Place: a scratch folder of a benchmark and the databases in it. TMPDIR, else /var/tmp: on a disk, since /tmp may be memory.
 */
#ifndef REM_BENCH_PLACE_H
#define REM_BENCH_PLACE_H

#include <stddef.h>

#include "rem.h"

/* The scratch folder, made at first use and removed when the program ends. Static. */
const char *place_folder(void);
/* "<folder>/<name>", removed first with all below it. */
void place_path(const char *name, char *ret_path, size_t capacity);
/* Bytes of the files in `path` whose names end in `suffix` (NULL: all). */
long long place_bytes(const char *path, const char *suffix);

/* A configuration of the benchmark's own: home in the scratch folder. Owned: rem_config_free(). */
rem_config *place_config(void);
/* A fresh database with the table of rows.h. Owned: rem_close(). */
rem_db *place_database(const rem_config *config, const char *name, rem_durability durability);

#endif
