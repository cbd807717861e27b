/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upkeep of the logs: both are bounded, and neither bound is worth a failed write.
 *
 *   wal          at most P8_WAL_DISK_SIZE of entries a tenant (storage/log.h trims behind a stored floor)
 *   vector_log   at most REM_VECTOR_LOG_WINDOW sequence numbers back; an index file that reflects less is built anew
 */
#ifndef REM_ENTITY_LOG_UPKEEP_H
#define REM_ENTITY_LOG_UPKEEP_H

#include "entity/engine.h"

#define REM_VECTOR_LOG_WINDOW ((uint64_t)1 << 20)

/* After a commit of `tenant`: looks at the bounds now and then. */
void rem_log_upkeep(rem_engine *engine, const char *tenant);
/* On close: looks at them once for every tenant written to. */
void rem_log_upkeep_close(rem_engine *engine);

#endif
