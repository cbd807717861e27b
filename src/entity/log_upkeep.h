/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upkeep of the log: at most P8_WAL_DISK_SIZE of entries a tenant (storage/log.h trims behind a stored floor); a bound that is not worth a failed
 * write. (`vector_log` is trimmed by the checkpoints of the vector index, ann/ann.h.)
 */
#ifndef REM_ENTITY_LOG_UPKEEP_H
#define REM_ENTITY_LOG_UPKEEP_H

#include "entity/engine.h"

/* After a commit of `tenant`: looks at the bound now and then. */
void rem_log_upkeep(rem_engine *engine, const char *tenant);
/* On close: looks at it once for every tenant written to. */
void rem_log_upkeep_close(rem_engine *engine);

#endif
