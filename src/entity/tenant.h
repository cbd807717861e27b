/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants (D6): a tenant comes into being with its first write, which stores the four built-in tables for it.
 */
#ifndef REM_ENTITY_TENANT_H
#define REM_ENTITY_TENANT_H

#include "base/arena.h"
#include "entity/engine.h"

/* Stores what a new tenant starts with; cheap when that is done. Writers only. */
REM_CHECKED rem_status rem_tenant_ensure(rem_engine *engine, const char *tenant, rem_error *err);
/* Every tenant that has written, in name order; names are in `arena`. */
REM_CHECKED rem_status rem_tenant_list(rem_engine *engine, rem_arena *arena, const char ***ret_names, size_t *ret_count,
                                       rem_error *err);

#endif
