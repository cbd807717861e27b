/* SPDX-License-Identifier: Apache-2.0 */
/* The same questions by hand: loops over RocksDB's own interface that know the record's layout (record.h), as someone would write them who needs no SQL. */
#ifndef REM_BENCH_LOOPS_H
#define REM_BENCH_LOOPS_H

#include <stdint.h>

#include "rem.h"

/* How many products have more than `least`. */
int64_t loop_scan(rem_db *db, int64_t least);
/* The sum of the quantities of an owner's products, by the index. */
int64_t loop_owner(rem_db *db, const char *owner);
/* The quantity of the product `id`. */
int64_t loop_id(rem_db *db, const uint8_t id[16]);

#endif
