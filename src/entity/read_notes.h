/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read notes: which rows of the store a transaction has read, each once, with the sequence number it had (0: there was none).
 *
 *   slots  [ · | 3 | · | 1 | … ]      place in `items` + 1; open addressing, at most half full
 *   items  [ row, row, row, … ]       in the order of the first reads
 *
 * A row has one number under a snapshot, so reading it again adds nothing: a long transaction that reads the same rows stays small.
 */
#ifndef REM_ENTITY_READ_NOTES_H
#define REM_ENTITY_READ_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REM_READ_NOTES_MOST ((size_t)1 << 20) /* rows: 40 MiB of them */

typedef struct rem_read_note {
  uint8_t id[16];
  uint64_t seq;
  uint32_t table; /* the transaction's number of it */
} rem_read_note;

/* Zero-initialised it is empty. */
typedef struct rem_read_notes {
  rem_read_note *items; /* owned */
  size_t count, capacity;
  uint32_t *slots; /* owned; twice as many as `capacity` */
  bool lost;       /* there were too many, or no memory: what was read is not known */
} rem_read_notes;

void rem_read_notes_deinit(rem_read_notes *notes);
/* Never fails: sets `lost` instead. */
void rem_read_notes_add(rem_read_notes *notes, uint32_t table, const uint8_t id[16], uint64_t seq);

#endif
