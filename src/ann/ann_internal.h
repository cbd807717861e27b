/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ANN, between its files:
 *
 *   ann.c             the set of indexes, its life, notices, figures
 *   ann_record.c      what `meta` says of a file; names of files; old ones
 *   ann_load.c        from a file to an index that knows all up to a snapshot
 *   ann_inbox.c       commits -> recent, without waiting for searches
 *   ann_follow.c      commits -> recent -> graph
 *   ann_build.c       a graph from the stored vectors
 *   ann_checkpoint.c  a graph to a file
 *   ann_memory.c      how much graphs take, and which go back to their files
 *   ann_search.c      one search
 *   ann_exact.c       its scores
 *   ann_check.c       a file beside the store
 *
 * Locks of an index, in the order they may be taken: work, then lock. `work` is held by what takes long (build, load into memory, drain,
 * checkpoint) and by whoever takes a graph away; `lock` is shared by searches and held alone for moments. `files` is taken inside work, the set's
 * lock inside all of them.
 */
#ifndef REM_ANN_ANN_INTERNAL_H
#define REM_ANN_ANN_INTERNAL_H

#include <pthread.h>

#include "ann/ann.h"
#include "ann/recent.h"
#include "base/hash_map.h"
#include "vector/graph_file.h"

enum {
  REM_ANN__NOTICES = 8,
  REM_ANN__NOTE_SIZE = 32,
  REM_ANN__FIRST_LOOK = 32, /* changes */
  REM_ANN__LEAST_EF = 10,   /* the smallest pool of a graph */
  REM_ANN__PATH_SIZE = 4096,
};

typedef enum rem_ann__state {
  REM_ANN__NONE = 0, /* nothing is open */
  REM_ANN__FILE,     /* the mapped file, and recent on top of it */
  REM_ANN__MEMORY,   /* a graph in memory that recent flows into */
} rem_ann__state;

/* What `meta` holds under graph:{tenant}:{table}:{area} (docs/format.md). */
typedef struct rem_ann__record {
  uint64_t seq;          /* the file reflects all changes up to it */
  uint64_t incarnation;  /* drawn anew whenever a graph is made from scratch */
  uint64_t rows;
  uint64_t file;         /* the number in its name; never 0 */
  uint64_t previous;     /* the file before; 0: none */
  int64_t superseded_at; /* when it became that, microseconds */
} rem_ann__record;

/* Whose vectors. Compared byte by byte. */
typedef struct rem_ann__model {
  size_t dimension; /* 0: not known */
  char hash[72];
} rem_ann__model;

/* What commits handed over while the index's lock was held (ann_inbox.c). */
typedef struct rem_ann__inbox {
  pthread_mutex_t lock;
  rem_recent changes;
  rem_ann__model model; /* theirs */
  uint64_t known;       /* all changes up to it were handed over */
  bool broken;          /* some could not be kept */
  _Atomic bool filled;
} rem_ann__inbox;

typedef struct rem_ann__index {
  rem_ann *ann;
  struct rem_ann__index *next_of_tenant; /* never changes */
  char tenant[65], table[64];
  unsigned area;
  pthread_mutex_t work;
  pthread_rwlock_t lock; /* guards what follows, up to the atomics */
  rem_ann__state state;
  rem_graph *graph;
  uint64_t serial;        /* of the graph: no other has it */
  rem_recent recent;
  size_t dimension;
  char model_hash[65];
  rem_ann__inbox inbox;
  bool broken;            /* could not follow, or is damaged: to be closed by who holds work */
  uint64_t drained;       /* the graph has all changes up to it, and recent those after it; searches see no later state of the graph, so that what is
                           * being moved into it meanwhile does not count twice */
  uint64_t known;         /* graph and recent have all changes up to it */
  uint64_t floor;         /* and can answer for snapshots from it on */
  uint64_t purge_to;      /* rows that died up to it are purged once no snapshot is left that was taken up to `purge_after_s`; 0: none are in line */
  int64_t purge_after_s;
  rem_ann__record record; /* of the file the graph came from or went to last */
  bool has_record;
  /* Atomics. */
  _Atomic uint64_t bad_file;       /* found damaged: not to be opened again */
  _Atomic uint64_t put_off;        /* could not be opened when it was last tried, which was told */
  _Atomic int64_t live_rows;       /* -1: not told yet */
  _Atomic uint64_t changes;        /* committed by this process */
  _Atomic uint64_t since_file;     /* of them, since the last checkpoint */
  _Atomic uint64_t look_at;        /* when `changes` reaches it, it is looked at whether a graph or file is due */
  _Atomic uint64_t recent_scored;  /* vectors compared in recent since the file was opened */
  _Atomic uint64_t memory_bytes;   /* of a graph in memory, when it was last looked */
  _Atomic int64_t used_us;         /* when it last answered, by the monotonic clock */
  _Atomic bool open;               /* state is not NONE: what only open indexes need is spared the others */
  _Atomic bool bad_is_old;         /* it is only of another version */
  _Atomic bool dropped;            /* and nothing was committed since: what the store still has is about to go */
  _Atomic bool wanted;             /* a new graph is wanted though nothing was written */
  _Atomic bool scheduled;          /* a task is under way */
} rem_ann__index;

struct rem_ann {
  rem_ann_options options;
  char *folder;         /* owned: <database>/vectors */
  pthread_mutex_t lock; /* indexes, tasks, notices */
  pthread_cond_t idle;  /* tasks has fallen to 0 */
  rem_hash_map by_name, by_tenant; /* the latter: the first of a tenant's indexes */
  rem_ann__index **indexes; /* owned; they live as long as the set */
  size_t index_count, index_capacity;
  size_t tasks;
  _Atomic uint64_t serials; /* given to graphs */
  bool closing;
  char notices[REM_ANN__NOTICES][256];
  size_t notice_first, notice_count;
  pthread_mutex_t files; /* writing, naming and removing files */
};

/* ---- ann.c ---- */

/* Finds or makes the index. NULL without memory. */
rem_ann__index *rem_ann__find(rem_ann *ann, const rem_ann_target *target);
/* The same by its place alone, whatever the model; NULL too when it is not there and not to be made. */
rem_ann__index *rem_ann__find_place(rem_ann *ann, const rem_ann_target *target, bool make);
rem_ann__model rem_ann__model_of(const rem_ann_target *target);
/* lock held alone: what was made by another model is of no use. */
void rem_ann__set_model(rem_ann__index *index, const rem_ann__model *model);
/* lock held: are its vectors of the target's model? Somebody whose snapshot has another definition of the table may have changed that since it was found. */
bool rem_ann__is_of(const rem_ann__index *index, const rem_ann_target *target);
/* The i-th index of the set, or NULL past the last: for loops that hold no lock. */
rem_ann__index *rem_ann__at(rem_ann *ann, size_t i);
/* The first index of a tenant, or NULL; the others follow by next_of_tenant. A commit is not to look at those of all tenants. */
rem_ann__index *rem_ann__first_of(rem_ann *ann, const char *tenant);
void rem_ann__notify(rem_ann *ann, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t rem_ann__min_rows(const rem_ann *ann);
/* Runs rem_ann__task() for the index in the background, unless one is under way. */
void rem_ann__schedule(rem_ann__index *index);

/* ---- ann_record.c ---- */

/* REM_OK, or REM_NOT_FOUND: there is none, or none that can be read. */
rem_status rem_ann__record_read(const rem_ann__index *index, const rem_kv_snapshot *snapshot, rem_ann__record *ret_record,
                                rem_error *err);
void rem_ann__record_key(const rem_ann__index *index, rem_buffer *key);
void rem_ann__record_encode(const rem_ann__record *record, rem_buffer *value);
void rem_ann__path(const rem_ann *ann, uint64_t file, char ret_path[REM_ANN__PATH_SIZE]);
/* Ties a file to its place: database, table, area, file number, model. */
void rem_ann__note(const rem_ann__index *index, const rem_ann__record *record, uint8_t ret_note[REM_ANN__NOTE_SIZE]);
rem_status rem_ann__random(uint64_t *ret_number, rem_error *err);
/* Removes files that nothing names. The caller holds `files`. */
void rem_ann__sweep(rem_ann *ann);

/* ---- ann_load.c ---- */

/* The tenant's sequence under a snapshot of the latest state, and that snapshot. */
rem_status rem_ann__latest(const rem_ann__index *index, rem_kv_snapshot **ret_snapshot, uint64_t *ret_seq, rem_error *err);
/* lock held alone; work too when state is MEMORY. */
void rem_ann__unload(rem_ann__index *index);
/* lock held alone, state NONE: maps the record's file. REM_NOT_FOUND: it cannot be used, a failure: not now (and a notice tells why). */
rem_status rem_ann__open_file(rem_ann__index *index, const rem_ann__record *record);
/* No lock held, or work: is the record's file one that can be used, as far as opening it tells? REM_NOT_FOUND: it was refused, with a notice; a failure: not now. */
rem_status rem_ann__can_open(rem_ann__index *index, const rem_ann__record *record, rem_error *err);
/* lock held alone: the open file was found damaged. */
void rem_ann__refuse(rem_ann__index *index, const rem_error *reason);
/* lock held alone, a graph open: reads changes in (known, seq] from the log under `snapshot`. REM_NOT_FOUND: the log no longer has all of
 * them, since a later file took its beginning. Unless REM_OK the index is broken. */
rem_status rem_ann__catch_up(rem_ann__index *index, const rem_kv_snapshot *snapshot, uint64_t seq, rem_error *err);
/* No lock held: makes the index able to answer at `seq`. REM_OK, REM_NOT_FOUND (it cannot), or a failure. */
rem_status rem_ann__prepare(rem_ann__index *index, const rem_kv_snapshot *snapshot, uint64_t seq, rem_error *err);
/* work held: the graph is in memory and up to date. REM_NOT_FOUND: there is none to load; a failure: not now, so none is to be built. */
rem_status rem_ann__to_memory(rem_ann__index *index, rem_error *err);
/* work held: takes `graph` (of all up to `record->seq`) as the index. Whatever fails, it is the index's or freed. */
rem_status rem_ann__install(rem_ann__index *index, rem_graph *graph, const rem_ann__record *record, bool on_file,
                            rem_error *err);

/* ---- ann_inbox.c ---- */

/* In commit order, no lock held: a commit's changes, and that all up to a sequence number were given. Neither waits for searches. */
void rem_ann__hand_over(rem_ann__index *index, const rem_ann_target *target, const rem_ann_change *changes, size_t count);
void rem_ann__hand_over_to(rem_ann__index *index, uint64_t seq);
/* lock held alone: moves on what commits have left. */
void rem_ann__flush(rem_ann__index *index);
/* No lock held: the same when there is something. */
void rem_ann__flush_filled(rem_ann__index *index);

/* ---- ann_follow.c ---- */

/* work held, state MEMORY: moves what is in recent into the graph; `all`: leaves nothing, holding commits up for a moment at the end, and gives the sequence
 * then reached. */
rem_status rem_ann__drain(rem_ann__index *index, bool all, uint64_t *ret_seq, rem_error *err);

/* ---- ann_build.c ---- */

/* work held: makes the graph from the store and installs it. REM_NOT_FOUND: too few rows. */
rem_status rem_ann__build(rem_ann__index *index, rem_error *err);

/* ---- ann_exact.c ---- */

/* The stored vector of a row under `snapshot` (NULL: the latest), of whatever size; `key` is scratch. REM_OK or REM_NOT_FOUND. */
rem_status rem_ann__stored(const rem_ann__index *index, const rem_kv_snapshot *snapshot, const uint8_t id[16], rem_buffer *key,
                           rem_kv_pin *ret_pin, rem_error *err);
/* How many the graph is to find for the best `k`; 0: all. */
size_t rem_ann__exact_k(size_t k);
/* False: to read `count` of so many rows one by one takes longer than a scan of the store. */
bool rem_ann__exact_pays(size_t count, size_t rows);
/* Gives the graph's hits the scores of their stored vectors, in their order, and keeps those that count. REM_CORRUPT: one has no vector. */
rem_status rem_ann__make_exact(const rem_ann__index *index, const rem_kv_snapshot *snapshot, const rem_ann_query *query,
                               rem_vector_hits *hits, rem_error *err);

/* ---- ann_memory.c ---- */

uint64_t rem_ann__memory_limit(const rem_ann *ann);
void rem_ann__note_use(rem_ann__index *index);
/* No lock held, or work. */
void rem_ann__note_memory(rem_ann__index *index);
/* No lock held: gives graphs back while there are more in memory than the limit. */
void rem_ann__keep_within(rem_ann *ann);

/* ---- ann_checkpoint.c ---- */

void rem_ann__report_failure(rem_ann__index *index, rem_status status, const rem_error *reason);

/* work held. */
rem_status rem_ann__save(rem_ann__index *index, rem_error *err);
/* In the background: builds, loads or saves, whatever is due. */
void rem_ann__task(rem_ann__index *index);
/* On close: saves when that is due, trims a log that nothing needs. */
void rem_ann__settle(rem_ann__index *index);

#endif
