/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rem.lock: one writer a database.
 *
 * The lock is an open-file-description lock on `<folder>/rem.lock`, so it ends with its holder, however that dies, and a second open in
 * the same process is refused as well. What the file says ("pid 4711 start 88123") only serves the message; stale text does no harm. A forked child
 * drops its share of the lock at once. RocksDB's own LOCK is left to RocksDB: closing any descriptor of it would drop that lock.
 */
#ifndef REM_STORAGE_LOCK_H
#define REM_STORAGE_LOCK_H

#include <sys/types.h>

#include "base/error.h"

typedef struct rem_lock rem_lock;

/* Waits up to `wait_ms` (0: not at all). REM_LOCKED names the holder's pid; REM_UNKNOWN: no such folder. Owned: rem_lock_release(). */
REM_CHECKED rem_status rem_lock_acquire(const char *folder, int64_t wait_ms, rem_lock **ret_lock, rem_error *err);
void rem_lock_release(rem_lock *lock);
/* The pid of a live holder, 0 when nobody holds it or the holder cannot be told. */
pid_t rem_lock_holder(const char *folder);

#endif
