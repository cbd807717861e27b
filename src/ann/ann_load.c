/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to an index that knows all changes up to a snapshot.
 *
 * A writer reads the log under a fresh snapshot taken while it holds the index alone: whatever was committed before is in it, and whatever comes after
 * is handed over by its commit once the lock is free, so nothing falls in between. A reader has one view at a time and reads the log under it.
 *
 * The log names ids; their vectors are read from the store, which has only the last version. So of an id that changed twice in what is caught up, the
 * version between is lost, and snapshots before the end of it can no longer be answered: `floor` rises.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ann/ann_internal.h"
#include "storage/key.h"
#include "storage/log.h"

rem_status rem_ann__latest(const rem_ann__index *index, rem_kv_snapshot **ret_snapshot, uint64_t *ret_seq, rem_error *err) {
  rem_kv_snapshot *snapshot REM_AUTO_SNAPSHOT = NULL;
  REM_TRY(rem_kv_snapshot_acquire(index->ann->options.kv, &snapshot, err));
  REM_TRY(rem_log_last_seq(index->ann->options.kv, snapshot, index->tenant, ret_seq, err));
  *ret_snapshot = REM_TAKE(snapshot);
  return REM_OK;
}

void rem_ann__unload(rem_ann__index *index) {
  rem_graph_free(REM_TAKE(index->graph));
  rem_recent_deinit(&index->recent);
  index->state = REM_ANN__NONE;
  atomic_store(&index->open, false);
  index->broken = false;
  index->known = index->floor = index->drained = index->purge_to = 0;
  index->has_record = false;
  atomic_store(&index->recent_scored, 0);
  atomic_store(&index->memory_bytes, 0);
}

/* ---- the file ---- */

/* What a file must say to be this index's. Made under the lock, so that a file can be read without it. */
typedef struct expectation {
  rem_graph_options options;
  uint8_t note[REM_ANN__NOTE_SIZE];
} expectation;

static expectation expected(const rem_ann__index *index, const rem_ann__record *record) {
  expectation made = {.options = {.dimension = index->dimension, .search_ef = index->ann->options.search_ef}};
  rem_ann__note(index, record, made.note);
  return made;
}

/* Damage costs time, not answers: it is told, and the file is not looked at again. */
static rem_status refuse_file(rem_ann__index *index, const rem_ann__record *record, rem_status status, const char *reason) {
  atomic_store(&index->bad_file, record->file);
  atomic_store(&index->bad_is_old, status == REM_FORMAT);
  bool writer = index->ann->options.committer != NULL;
  const char *then = writer ? "it is being built anew" : "searches compare every vector until a writer has built it anew";
  if (status == REM_FORMAT)
    rem_ann__notify(index->ann, "the vector index of '%s' was written by another version of this program; %s", index->table, then);
  else
    rem_ann__notify(index->ann, "the vector index of '%s' cannot be used (%s); %s", index->table, reason, then);
  if (writer) {
    atomic_store(&index->wanted, true);
    rem_ann__schedule(index);
  }
  return REM_NOT_FOUND;
}

/*
 * The file may be whole, and what fails is this moment's: too many files are open, too little memory is free. Then nothing is made in its place, which would need more of both,
 * searches scan, and the next one tries again.
 */
static bool is_passing(rem_status status, const char *path) {
  struct stat info;
  if (status == REM_NOMEM || status == REM_CANCELLED)
    return true;
  return status == REM_IO && stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, R_OK) == 0;
}

/* Told once, not by every search. */
static rem_status put_off(rem_ann__index *index, const rem_ann__record *record, rem_status status, const rem_error *reason, rem_error *err) {
  if (status != REM_CANCELLED && atomic_exchange(&index->put_off, record->file) != record->file)
    rem_ann__notify(index->ann, "the vector index of '%s' cannot be opened now (%s); searches compare every vector until it can", index->table,
                    reason->message);
  if (err)
    *err = *reason;
  return status;
}

/* REM_NOT_FOUND: it is of no use. A failure: it is of none now. */
static rem_status open_graph(rem_ann__index *index, const rem_ann__record *record, const expectation *expect,
                             bool into_memory, rem_graph **ret_graph, rem_error *err) {
  char path[REM_ANN__PATH_SIZE];
  rem_error reason = {0};
  rem_graph *graph = NULL;
  if (record->file == atomic_load(&index->bad_file))
    return REM_NOT_FOUND;
  rem_ann__path(index->ann, record->file, path);
  rem_status status = into_memory ? rem_graph_file_load(path, &expect->options, &graph, &reason)
                                  : rem_graph_file_open(path, &expect->options, &graph, &reason);
  if (status >= 0 && (!rem_slice_equal(rem_graph_file_note(graph), rem_slice_of(expect->note, sizeof expect->note)) ||
                      rem_graph_sequence(graph) != record->seq))
    status = rem_error_set(&reason, REM_CORRUPT, "its file belongs to other vectors");
  if (status < 0) {
    rem_graph_free(graph);
    return is_passing(status, path) ? put_off(index, record, status, &reason, err) : refuse_file(index, record, status, reason.message);
  }
  atomic_store(&index->put_off, 0);
  *ret_graph = graph;
  return REM_OK;
}

static void take_graph(rem_ann__index *index, rem_graph *graph, const rem_ann__record *record, rem_ann__state state) {
  index->graph = graph;
  index->serial = atomic_fetch_add(&index->ann->serials, 1) + 1;
  index->state = state;
  atomic_store(&index->open, true);
  index->recent.dimension = index->dimension;
  index->known = index->floor = index->drained = record->seq;
  index->record = *record;
  index->has_record = true;
}

rem_status rem_ann__open_file(rem_ann__index *index, const rem_ann__record *record) {
  rem_graph *graph;
  expectation expect = expected(index, record);
  rem_status status = open_graph(index, record, &expect, false, &graph, NULL);
  if (status == REM_OK)
    take_graph(index, graph, record, REM_ANN__FILE);
  return status;
}

rem_status rem_ann__can_open(rem_ann__index *index, const rem_ann__record *record, rem_error *err) {
  rem_graph *graph = NULL;
  pthread_rwlock_rdlock(&index->lock);
  bool is_open = index->state != REM_ANN__NONE && index->has_record && index->record.file == record->file && !index->broken;
  expectation expect = expected(index, record);
  pthread_rwlock_unlock(&index->lock);
  rem_status status = is_open ? REM_OK : open_graph(index, record, &expect, false, &graph, err);
  rem_graph_free(graph);
  return status;
}

void rem_ann__refuse(rem_ann__index *index, const rem_error *reason) {
  if (index->state == REM_ANN__FILE && !index->broken)
    (void)refuse_file(index, &index->record, REM_CORRUPT, reason->message);
  index->broken = true;
}

/* ---- the log ---- */

typedef struct logged {
  uint8_t id[16];
  uint64_t seq;
  bool gone;
} logged;

typedef struct logged_list {
  logged *items; /* owned */
  size_t count, capacity;
} logged_list;

static void logged_list_deinit(logged_list *list) {
  rem_free(list->items);
}

static rem_status add_logged(logged_list *list, rem_slice key, rem_slice value, rem_error *err) {
  rem_key_parts parts;
  bool sound = rem_key_parse(key, &parts) && parts.rest.size == 8 && value.size == 17 && (value.data[0] == 1 || value.data[0] == 2);
  if (!sound)
    return rem_error_set(err, REM_CORRUPT, "an entry of the vector log is damaged");
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 256;
    logged *items = rem_realloc(list->items, capacity * sizeof *items);
    if (!items)
      return rem_error_nomem(err);
    list->items = items;
    list->capacity = capacity;
  }
  logged *item = &list->items[list->count++];
  *item = (logged){.seq = rem_load_u64be(parts.rest.data), .gone = value.data[0] == 2};
  memcpy(item->id, value.data + 1, 16);
  return REM_OK;
}

static rem_status read_log(const rem_ann__index *index, const rem_kv_snapshot *snapshot, uint64_t seq, logged_list *list,
                           rem_error *err) {
  rem_buffer lower REM_AUTO_BUFFER = {0}, upper REM_AUTO_BUFFER = {0};
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_key_vector_log(&lower, index->tenant, index->table, index->area, index->known + 1);
  rem_key_vector_log(&upper, index->tenant, index->table, index->area, seq + 1);
  REM_TRY(rem_buffer_status(&lower, err));
  REM_TRY(rem_buffer_status(&upper, err));
  REM_TRY(rem_kv_iterator_new(index->ann->options.kv, snapshot, REM_CF_VECTOR_LOG, rem_buffer_slice(&lower),
                              rem_buffer_slice(&upper), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator))
    REM_TRY(add_logged(list, rem_kv_iterator_key(iterator), rem_kv_iterator_value(iterator), err));
  return rem_kv_iterator_status(iterator, err);
}

static int compare_by_id(const void *a, const void *b) {
  const logged *x = a, *y = b;
  int order = memcmp(x->id, y->id, 16);
  return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int compare_by_seq(const void *a, const void *b) {
  const logged *x = a, *y = b;
  return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Keeps the last change of each id; true when some had several. */
static bool keep_last(logged_list *list) {
  if (list->count < 2)
    return false;
  size_t kept = 0, before = list->count;
  qsort(list->items, list->count, sizeof *list->items, compare_by_id);
  for (size_t i = 0; i < list->count; i++)
    if (i + 1 == list->count || memcmp(list->items[i].id, list->items[i + 1].id, 16) != 0)
      list->items[kept++] = list->items[i];
  list->count = kept;
  qsort(list->items, list->count, sizeof *list->items, compare_by_seq);
  return kept < before;
}

static rem_status add_from_store(rem_ann__index *index, const rem_kv_snapshot *snapshot, const logged *item, rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_buffer key REM_AUTO_BUFFER = {0};
  float *vector REM_AUTO_FREE = NULL;
  if (item->gone)
    return rem_recent_add(&index->recent, item->id, NULL, item->seq, err);
  rem_status status = rem_ann__stored(index, snapshot, item->id, &key, &pin, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND || pin.size != index->dimension * sizeof *vector)
    return rem_error_set(err, REM_CORRUPT, "a vector of '%s' that the log names is missing", index->table);
  vector = rem_memdup(pin.data, pin.size); /* the store gives no alignment */
  if (!vector)
    return rem_error_nomem(err);
  return rem_recent_add(&index->recent, item->id, vector, item->seq, err);
}

/*
 * Does the log of the snapshot still begin where the index ends? A reader's view can move on while its file is being loaded, past the record that named
 * it; and a log whose record is gone may have been cleared.
 */
static rem_status is_continued(const rem_ann__index *index, const rem_kv_snapshot *snapshot, rem_error *err) {
  rem_ann__record record;
  rem_status status = rem_ann__record_read(index, snapshot, &record, err);
  if (status == REM_OK)
    return record.seq <= index->known ? REM_OK : REM_NOT_FOUND;
  return status == REM_NOT_FOUND && index->ann->options.committer ? REM_OK : status;
}

rem_status rem_ann__catch_up(rem_ann__index *index, const rem_kv_snapshot *snapshot, uint64_t seq, rem_error *err) {
  logged_list list REM_CLEANUP(logged_list_deinit) = {0};
  if (index->known >= seq)
    return REM_OK;
  rem_status status = is_continued(index, snapshot, err);
  if (status == REM_OK)
    status = read_log(index, snapshot, seq, &list, err);
  bool lost = status == REM_OK && keep_last(&list);
  for (size_t i = 0; i < list.count && status == REM_OK; i++)
    status = add_from_store(index, snapshot, &list.items[i], err);
  if (status != REM_OK) {
    index->broken = true;
    return status;
  }
  if (lost)
    index->floor = seq;
  index->known = seq;
  return REM_OK;
}

/* ---- ready for a search ---- */

/* lock held alone. Does the record call for another file than the one that is open? */
static bool is_outdated(const rem_ann__index *index, const rem_ann__record *record) {
  return index->has_record &&
         (record->seq > index->known || (record->incarnation != index->record.incarnation && record->seq >= index->record.seq));
}

/* lock held alone, and work: what is open is closed when it is of no more use. */
static void close_useless(rem_ann__index *index, const rem_ann__record *record) {
  bool reader = index->ann->options.committer == NULL;
  bool useless = index->broken || (reader && record && is_outdated(index, record));
  if (index->state != REM_ANN__NONE && useless)
    rem_ann__unload(index);
}

/* lock held alone. */
static rem_status open_and_catch_up(rem_ann__index *index, const rem_ann__record *record, const rem_kv_snapshot *snapshot,
                                    uint64_t seq, rem_error *err) {
  if (index->state == REM_ANN__NONE) {
    rem_status status = record ? rem_ann__open_file(index, record) : REM_NOT_FOUND;
    if (status != REM_OK)
      return status;
  }
  return rem_ann__catch_up(index, snapshot, seq, err);
}

rem_status rem_ann__prepare(rem_ann__index *index, const rem_kv_snapshot *snapshot, uint64_t seq, rem_error *err) {
  rem_kv_snapshot *fresh REM_AUTO_SNAPSHOT = NULL;
  rem_ann__record record;
  bool owns_work = pthread_mutex_trylock(&index->work) == 0;
  pthread_rwlock_wrlock(&index->lock);
  rem_ann__flush(index);
  rem_status status = REM_OK;
  if (index->ann->options.committer) {
    status = rem_ann__latest(index, &fresh, &seq, err);
    snapshot = fresh;
  }
  rem_status found = status < 0 ? status : rem_ann__record_read(index, snapshot, &record, err);
  status = found < 0 ? found : REM_OK;
  if (status >= 0 && owns_work)
    close_useless(index, found == REM_OK ? &record : NULL);
  if (status >= 0)
    status = index->broken ? REM_NOT_FOUND
                           : open_and_catch_up(index, found == REM_OK ? &record : NULL, snapshot, seq, err);
  pthread_rwlock_unlock(&index->lock);
  if (owns_work)
    pthread_mutex_unlock(&index->work);
  return status;
}

/* ---- into memory ---- */

rem_status rem_ann__install(rem_ann__index *index, rem_graph *graph, const rem_ann__record *record, bool on_file,
                            rem_error *err) {
  rem_kv_snapshot *snapshot REM_AUTO_SNAPSHOT = NULL;
  uint64_t seq;
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  pthread_rwlock_wrlock(&index->lock);
  rem_ann__unload(index);
  if (stats.dimension != index->dimension) { /* another model came meanwhile */
    pthread_rwlock_unlock(&index->lock);
    rem_graph_free(graph);
    return REM_NOT_FOUND;
  }
  take_graph(index, graph, record, REM_ANN__MEMORY);
  index->has_record = on_file;
  rem_status status = rem_ann__latest(index, &snapshot, &seq, err);
  if (status >= 0)
    status = rem_ann__catch_up(index, snapshot, seq, err);
  if (status != REM_OK)
    rem_ann__unload(index);
  pthread_rwlock_unlock(&index->lock);
  return status;
}

rem_status rem_ann__to_memory(rem_ann__index *index, rem_error *err) {
  rem_ann__record record;
  rem_graph *graph;
  pthread_rwlock_wrlock(&index->lock);
  if (index->broken)
    rem_ann__unload(index);
  bool there = index->state == REM_ANN__MEMORY;
  pthread_rwlock_unlock(&index->lock);
  if (there)
    return REM_OK;
  rem_status status = rem_ann__record_read(index, NULL, &record, err);
  if (status != REM_OK)
    return status;
  pthread_rwlock_rdlock(&index->lock);
  expectation expect = expected(index, &record);
  pthread_rwlock_unlock(&index->lock);
  status = open_graph(index, &record, &expect, true, &graph, err);
  return status == REM_OK ? rem_ann__install(index, graph, &record, true, err) : status;
}
