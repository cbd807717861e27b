/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry: the tables of all tenants, read from the store when first asked for and kept until they change.
 *
 *   (tenant, table) -> rem_table      what the tenant has registered: `meta`, table:{tenant}:{table}
 *   (-, table)      -> rem_table      a built-in schema that the tenant has no record of (D6), shared by all
 *
 * Only what a command names is parsed. Tables are handed out by reference, so one that is replaced lives on with those who
 * hold it. All functions may be called from many threads at once.
 */
#ifndef REM_SCHEMA_REGISTRY_H
#define REM_SCHEMA_REGISTRY_H

#include "schema/table.h"
#include "storage/kv.h"

typedef struct rem_registry rem_registry;

/* `kv` is borrowed and outlives the registry. Owned: rem_registry_free(). */
REM_CHECKED rem_status rem_registry_new(rem_kv *kv, rem_registry **ret_registry, rem_error *err);
void rem_registry_free(rem_registry *registry);

/* The table `name` (aliases of D1 too) of a tenant; owned reference. REM_UNKNOWN, with the nearest name as hint; REM_CORRUPT. */
REM_CHECKED rem_status rem_registry_table(rem_registry *registry, const char *tenant, const char *name,
                                          rem_table **ret_table, rem_error *err);

/* References to tables, each owned by the list. */
typedef struct rem_table_list {
  rem_table **tables;
  size_t count;
} rem_table_list;
void rem_table_list_deinit(rem_table_list *list);
#define REM_AUTO_TABLE_LIST REM_CLEANUP(rem_table_list_deinit)

/* All tables of a tenant, the four built-in ones first, then by name. */
REM_CHECKED rem_status rem_registry_list(rem_registry *registry, const char *tenant, rem_table_list *ret_list,
                                         rem_error *err);
/* The same with `name` (aliases too) alone; NULL: all. REM_UNKNOWN as for rem_registry_table(). */
REM_CHECKED rem_status rem_registry_select(rem_registry *registry, const char *tenant, const char *name,
                                           rem_table_list *ret_list, rem_error *err);

/* The writer's, after the commit that stored `table` (or removed `name`): from now on this is what readers get. install takes a
 * reference of its own and cannot fail: without memory the table is read again when needed. */
void rem_registry_install(rem_registry *registry, const char *tenant, rem_table *table);
void rem_registry_forget(rem_registry *registry, const char *tenant, const char *name);
/* Forgets everything, after rem_kv_refresh(). */
void rem_registry_clear(rem_registry *registry);

#endif
