/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a database is (D5): from a name, a path, or nothing at all.
 *
 * A database is a folder that holds a RocksDB `CURRENT` file. The one last initialised or chosen is remembered in {P8_HOME}/current,
 * one line with its absolute path.
 */
#ifndef REM_API_LOCATE_H
#define REM_API_LOCATE_H

#include "base/error.h"
#include "config/config.h"

/* {P8_DB_PATH}/{name}.db; REM_INVALID for a name that cannot be one. Owned: rem_free(). */
REM_CHECKED rem_status rem_locate_by_name(const rem_config *config, const char *name, char **ret_path, rem_error *err);
/* As rem_resolve() in rem.h says. Owned: rem_free(). */
REM_CHECKED rem_status rem_locate(const rem_config *config, const char *name, char **ret_path, rem_error *err);
/* Remembers `path` (absolute) as the current database. */
REM_CHECKED rem_status rem_locate_set_current(const rem_config *config, const char *path, rem_error *err);

#endif
