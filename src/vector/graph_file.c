/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a graph file, with new numbers without gaps (graph_layout.h). */
#include "vector/graph_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "vector/graph_layout.h"

/*
 * Written at multiples of its size. That of a huge page: file systems that keep what is written in pieces as large (ext4, XFS on newer kernels) then map
 * them as huge pages, and a mapped graph is searched nearly as fast as one in memory.
 */
#define BUFFER ((size_t)2 << 20)

typedef struct writer {
  const char *path;
  int file;
  uint8_t *buffer;
  size_t used;
  uint64_t written; /* flushed bytes */
  uint32_t *sums;   /* of blocks from 1 on */
} writer;

typedef struct file_run {
  rem_graph *g;
  writer out;
  rem_graph_header header;
  uint32_t *node_new; /* old number -> new, NONE: left out */
  uint32_t *nodes, *vectors, *rows; /* new number -> old */
  uint32_t *row_first; /* new vector -> its first new row; one more at the end */
  uint8_t *is_last;   /* new vector -> 1: the last of its node */
  uint8_t *record;
} file_run;

static void run_deinit(file_run *run) {
  rem_free(run->out.buffer);
  rem_free(run->out.sums);
  rem_free(run->node_new);
  rem_free(run->nodes);
  rem_free(run->vectors);
  rem_free(run->rows);
  rem_free(run->row_first);
  rem_free(run->is_last);
  rem_free(run->record);
}

/* ------------------------------------------------------------------------------------------- */
/* Bytes                                                                                        */

static rem_status flush(writer *w, rem_error *err) {
  for (size_t at = 0; at < w->used;) {
    ssize_t done = write(w->file, w->buffer + at, w->used - at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return rem_error_errno(err, errno, "cannot write", w->path);
    at += (size_t)done;
  }
  for (size_t at = 0; w->sums != NULL && at < w->used; at += REM_GRAPH_BLOCK) {
    uint64_t block = (w->written + at) / REM_GRAPH_BLOCK;
    if (block > 0) w->sums[block - 1] = rem_crc32c(0, w->buffer + at, REM_GRAPH_BLOCK);
  }
  w->written += w->used;
  w->used = 0;
  return REM_OK;
}

static rem_status put(writer *w, const void *data, size_t size, rem_error *err) {
  const uint8_t *from = data;
  while (size > 0) {
    size_t some = BUFFER - w->used < size ? BUFFER - w->used : size;
    memcpy(w->buffer + w->used, from, some);
    w->used += some;
    from += some;
    size -= some;
    if (w->used == BUFFER) REM_TRY(flush(w, err));
  }
  return REM_OK;
}

/* To the end of the block, with zeros. */
static rem_status pad(writer *w, rem_error *err) {
  static const uint8_t zeros[REM_GRAPH_BLOCK];
  size_t over = (w->written + w->used) % REM_GRAPH_BLOCK;
  return over == 0 ? REM_OK : put(w, zeros, REM_GRAPH_BLOCK - over, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Numbers                                                                                      */

/* The rows of a vector that live get the next numbers; returns how many. */
static uint32_t number_rows(file_run *run, uint32_t vector) {
  rem_graph *g = run->g;
  rem_graph_header *h = &run->header;
  uint32_t begun = h->row_count;
  for (uint32_t row = rem_graph__place(g, vector)->first_row; row != REM_GRAPH_NONE; row = rem_graph__row(g, row)->next) {
    if (rem_graph__row(g, row)->death == REM_GRAPH_LATEST) run->rows[h->row_count++] = row;
  }
  return h->row_count - begun;
}

static void number_node(file_run *run, uint32_t node) {
  rem_graph *g = run->g;
  rem_graph_header *h = &run->header;
  uint32_t first = rem_graph__first_vector(g, node), begun = h->vector_count;
  run->node_new[node] = REM_GRAPH_NONE;
  if (first == REM_GRAPH_NONE) return;
  for (uint32_t v = first & ~REM_GRAPH_MORE; v != REM_GRAPH_NONE; v = rem_graph__place(g, v)->next) {
    run->row_first[h->vector_count] = h->row_count;
    if (number_rows(run, v) == 0) continue;
    run->is_last[h->vector_count] = 0;
    run->vectors[h->vector_count++] = v;
  }
  if (h->vector_count == begun) return;
  run->is_last[h->vector_count - 1] = 1;
  run->node_new[node] = h->node_count;
  run->nodes[h->node_count++] = node;
}

static rem_status make_numbers(file_run *run, rem_error *err) {
  rem_graph *g = run->g;
  run->node_new = rem_alloc(((size_t)g->node_count + 1) * sizeof(uint32_t));
  run->nodes = rem_alloc(((size_t)g->node_count + 1) * sizeof(uint32_t));
  run->vectors = rem_alloc(((size_t)g->vector_count + 1) * sizeof(uint32_t));
  run->row_first = rem_alloc(((size_t)g->vector_count + 1) * sizeof(uint32_t));
  run->is_last = rem_alloc((size_t)g->vector_count + 1);
  run->rows = rem_alloc(((size_t)g->row_count + 1) * sizeof(uint32_t));
  run->record = rem_alloc(g->stride);
  run->out.buffer = rem_alloc(BUFFER);
  if (!run->node_new || !run->nodes || !run->vectors || !run->row_first || !run->is_last || !run->rows || !run->record || !run->out.buffer)
    return rem_error_nomem(err);
  for (uint32_t node = 0; node < g->node_count; node++)
    number_node(run, node);
  run->row_first[run->header.vector_count] = run->header.row_count;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Sections                                                                                     */

static rem_status put_pivots(file_run *run, rem_error *err) {
  rem_graph *g = run->g;
  uint32_t pivots[REM_GRAPH_PIVOTS] = {0}, count = 0;
  static const uint8_t none[REM_GRAPH_LINE];
  size_t code = g->codec.lines * REM_GRAPH_LINE;
  for (uint32_t i = 0; i < g->pivot_count; i++) {
    if (run->node_new[g->pivots[i]] != REM_GRAPH_NONE) pivots[count++] = run->node_new[g->pivots[i]];
  }
  /* All of them may have died; any node is better than none. */
  if (count == 0 && run->header.node_count > 0) count = 1;
  run->header.pivot_count = count;
  REM_TRY(put(&run->out, pivots, sizeof pivots, err));
  REM_TRY(pad(&run->out, err));
  for (uint32_t i = 0; i < count; i++)
    REM_TRY(put(&run->out, rem_graph__code(g, run->nodes[pivots[i]]), code, err));
  for (size_t at = count * code; at < REM_GRAPH_PIVOTS * code; at += sizeof none)
    REM_TRY(put(&run->out, none, sizeof none, err));
  return pad(&run->out, err);
}

static rem_status put_records(file_run *run, rem_error *err) {
  rem_graph *g = run->g;
  for (uint32_t i = 0; i < run->header.node_count; i++) {
    uint32_t old = run->nodes[i], count = 0;
    uint32_t *links = (uint32_t *)(void *)run->record;
    for (uint32_t j = 0; j < g->link_count; j++) {
      uint32_t to = run->node_new[rem_graph__links(g, old)[j]];
      if (to != REM_GRAPH_NONE && to != i) links[count++] = to;
    }
    while (count < g->link_count)
      links[count++] = i;
    memcpy(run->record + 4 * g->link_count, rem_graph__code(g, old), g->codec.lines * REM_GRAPH_LINE);
    REM_TRY(put(&run->out, run->record, g->stride, err));
  }
  return pad(&run->out, err);
}

/* first_vector, then places: vectors of a node follow one another. */
static rem_status put_places(file_run *run, rem_error *err) {
  uint32_t vector = 0;
  for (uint32_t i = 0; i < run->header.node_count; i++) {
    uint32_t first = vector;
    while (!run->is_last[vector])
      vector++;
    uint32_t value = vector > first ? first | REM_GRAPH_MORE : first;
    vector++;
    REM_TRY(put(&run->out, &value, sizeof value, err));
  }
  REM_TRY(pad(&run->out, err));
  for (uint32_t i = 0; i < run->header.vector_count; i++) {
    rem_graph_place place = {run->node_new[rem_graph__place(run->g, run->vectors[i])->node], run->is_last[i] ? REM_GRAPH_NONE : i + 1,
                             run->row_first[i], rem_graph__place(run->g, run->vectors[i])->unit};
    REM_TRY(put(&run->out, &place, sizeof place, err));
  }
  return pad(&run->out, err);
}

static rem_status put_rows(file_run *run, rem_error *err) {
  for (uint32_t i = 0; i < run->header.vector_count; i++) {
    for (uint32_t row = run->row_first[i]; row < run->row_first[i + 1]; row++) {
      rem_graph_row r = *rem_graph__row(run->g, run->rows[row]);
      r.vector = i;
      r.next = row + 1 < run->row_first[i + 1] ? row + 1 : REM_GRAPH_NONE;
      r.previous = row > run->row_first[i] ? row - 1 : REM_GRAPH_NONE;
      r.older = REM_GRAPH_NONE;
      REM_TRY(put(&run->out, &r, sizeof r, err));
    }
  }
  REM_TRY(pad(&run->out, err));
  for (uint32_t i = 0; i < run->header.vector_count; i++)
    REM_TRY(put(&run->out, rem_graph__values(run->g, run->vectors[i]), run->g->vector_stride * sizeof(int16_t), err));
  return pad(&run->out, err);
}

static rem_status put_ids(file_run *run, rem_error *err) {
  size_t slots = (size_t)run->header.id_mask + 1;
  uint32_t *table REM_AUTO_FREE = rem_alloc(slots * sizeof *table);
  if (table == NULL) return rem_error_nomem(err);
  memset(table, 0xff, slots * sizeof *table);
  for (uint32_t row = 0; row < run->header.row_count; row++) {
    uint32_t at = (uint32_t)rem_graph__id_hash(run->header.id_seed, rem_graph__row(run->g, run->rows[row])->id) & run->header.id_mask;
    while (table[at] != REM_GRAPH_NONE)
      at = (at + 1) & run->header.id_mask;
    table[at] = row;
  }
  REM_TRY(put(&run->out, table, slots * sizeof *table, err));
  return pad(&run->out, err);
}

static void fill_header(file_run *run) {
  rem_graph *g = run->g;
  rem_graph_header *h = &run->header;
  memcpy(h->magic, "REMGRAPH", 8);
  h->version = REM_GRAPH_FILE_VERSION;
  h->sequence = atomic_load(&g->sequence);
  h->dimension = (uint32_t)g->options.dimension;
  h->m = g->options.m;
  h->build_ef = g->options.build_ef;
  h->search_ef = atomic_load(&g->search_ef);
  h->code_dimension = (uint32_t)g->codec.code_dimension;
  h->lines = (uint32_t)g->codec.lines;
  h->link_count = g->link_count;
  h->id_mask = 63;
  while (h->id_mask < (uint64_t)h->row_count * 2)
    h->id_mask = h->id_mask * 2 + 1;
  h->id_seed = g->id_seed;
  h->recall = atomic_load(&g->recall);
  h->drift = atomic_load(&g->drift);
  h->shortest = h->row_count > 0 ? atomic_load(&g->shortest) : 0;
  h->longest = atomic_load(&g->longest);
  h->scale = g->codec.scale;
  h->link_scale = g->codec.link_scale;
  h->basis_scale = g->codec.basis_scale;
  h->bias = g->codec.bias;
  h->has_basis = g->codec.basis != NULL;
  h->error = g->codec.error;
}

static rem_status put_header(file_run *run, rem_error *err) {
  rem_graph_header *h = &run->header;
  h->crc = 0;
  h->crc = rem_crc32c(0, h, sizeof *h);
  if (pwrite(run->out.file, h, sizeof *h, 0) != (ssize_t)sizeof *h) return rem_error_errno(err, errno, "cannot write", run->out.path);
  return REM_OK;
}

static rem_status put_all(file_run *run, rem_error *err) {
  rem_graph *g = run->g;
  rem_graph_layout layout;
  writer *w = &run->out;
  rem_graph__layout(&run->header, &layout);
  uint64_t block_count = layout.sums / REM_GRAPH_BLOCK - 1;
  w->sums = rem_alloc((block_count + 1) * sizeof *w->sums);
  if (w->sums == NULL) return rem_error_nomem(err);
  memset(w->buffer, 0, REM_GRAPH_BLOCK); /* the header comes last */
  w->used = REM_GRAPH_BLOCK;
  REM_TRY(put(w, g->codec.mean, (g->codec.dimension + g->codec.code_dimension) * sizeof(float), err));
  REM_TRY(pad(w, err));
  if (g->codec.basis != NULL) REM_TRY(put(w, g->codec.basis, g->codec.code_dimension * g->codec.link_bytes, err));
  REM_TRY(pad(w, err));
  REM_TRY(put_pivots(run, err));
  REM_TRY(put_records(run, err));
  REM_TRY(put_places(run, err));
  REM_TRY(put_rows(run, err));
  REM_TRY(put_ids(run, err));
  REM_TRY(flush(w, err));
  if (w->written != layout.sums) return rem_error_set(err, REM_INTERNAL, "a vector index was laid out wrong");
  uint32_t *sums REM_AUTO_FREE = REM_TAKE(w->sums);
  run->header.sums_crc = rem_crc32c(0, sums, block_count * sizeof *sums);
  run->header.file_bytes = layout.end;
  REM_TRY(put(w, sums, block_count * sizeof *sums, err));
  REM_TRY(flush(w, err));
  return put_header(run, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Files                                                                                        */

static rem_status sync_folder(const char *path, rem_error *err) {
  char *folder REM_AUTO_FREE = rem_strdup(path);
  if (folder == NULL) return rem_error_nomem(err);
  char *slash = strrchr(folder, '/');
  if (slash != NULL) slash[slash == folder] = 0;
  int file = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return rem_error_errno(err, errno, "cannot open", folder);
  int failed = fsync(file) != 0 ? errno : 0;
  (void)close(file);
  return failed != 0 ? rem_error_errno(err, failed, "cannot sync", folder) : REM_OK;
}

static rem_status write_synced(file_run *run, const char *path, rem_error *err) {
  run->out.path = path;
  run->out.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (run->out.file < 0) return rem_error_errno(err, errno, "cannot create", path);
  rem_status status = put_all(run, err);
  if (status >= 0 && fdatasync(run->out.file) != 0) status = rem_error_errno(err, errno, "cannot sync", path);
  if (close(run->out.file) != 0 && status >= 0) status = rem_error_errno(err, errno, "cannot close", path);
  return status;
}

static rem_status write_file(rem_graph *g, const char *path, const char *draft, const void *note, size_t note_size, rem_error *err) {
  file_run run REM_CLEANUP(run_deinit) = {.g = g};
  run.header.note_size = (uint32_t)note_size;
  if (note_size > 0) memcpy(run.header.note, note, note_size);
  REM_TRY(make_numbers(&run, err));
  fill_header(&run);
  rem_status status = write_synced(&run, draft, err);
  if (status >= 0 && rename(draft, path) != 0) status = rem_error_errno(err, errno, "cannot rename to", path);
  if (status >= 0) return sync_folder(path, err);
  (void)unlink(draft);
  return status;
}

rem_status rem_graph_file_write(rem_graph *g, const char *path, const void *note, size_t note_size, rem_error *err) {
  if (!g->built || g->read_only || note_size > sizeof g->note)
    return rem_error_set(err, REM_MISUSE, "a vector index that is not built, or was opened for reading, cannot be written");
  if (rem_file_exists(path)) return rem_error_set(err, REM_EXISTS, "the vector index '%s' exists", path);
  size_t size = strlen(path) + 5;
  char *draft REM_AUTO_FREE = rem_alloc(size);
  if (draft == NULL) return rem_error_nomem(err);
  snprintf(draft, size, "%s.tmp", path);
  pthread_mutex_lock(&g->change);
  rem_status status = write_file(g, path, draft, note, note_size, err);
  pthread_mutex_unlock(&g->change);
  return status;
}
