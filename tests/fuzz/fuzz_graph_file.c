/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graph files from anywhere. modules: base storage vector
 *
 * The input is a file; with 'F' as its first byte the rest is one whose checksums are made right first, so that what lies behind them is
 * reached. It is refused, or it can be searched and loaded: never a crash, and no row that is not in it.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "vector/graph_file.h"
#include "vector/graph_layout.h"

static void must(bool condition) {
  if (!condition) abort();
}

/* Sums of blocks, of their table and of the header, as the file's own counts have them. */
static void repair(uint8_t *data, size_t size) {
  rem_graph_header h;
  rem_graph_layout layout;
  if (size < REM_GRAPH_BLOCK) return;
  memcpy(&h, data, sizeof h);
  if (h.dimension > 64 || h.node_count > 4096 || h.row_count > 4096 || h.vector_count > 4096 || h.id_mask > 65535 || h.lines > 8 ||
      h.link_count > 128 || h.code_dimension > 64)
    return;
  rem_graph__layout(&h, &layout);
  if (layout.end != size) return;
  for (uint64_t block = 1; block < layout.sums / REM_GRAPH_BLOCK; block++) {
    uint32_t sum = rem_crc32c(0, data + block * REM_GRAPH_BLOCK, REM_GRAPH_BLOCK);
    memcpy(data + layout.sums + (block - 1) * 4, &sum, sizeof sum);
  }
  h.file_bytes = size;
  h.sums_crc = rem_crc32c(0, data + layout.sums, layout.end - layout.sums);
  h.crc = 0;
  h.crc = rem_crc32c(0, &h, sizeof h);
  memcpy(data, &h, sizeof h);
}

static void search(rem_graph *graph, bool exact) {
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  float *query = calloc(stats.dimension, sizeof *query);
  must(query != NULL);
  query[0] = 1;
  query[stats.dimension - 1] = 0.5f;
  const uint8_t ids[2][16] = {{0}, {0x5a}};
  for (int kind = 0; kind < 3; kind++) {
    rem_graph_search s = {.query = query, .k = 5, .exact = exact, .metric = (rem_metric)kind};
    if (kind == 2) s.ids = ids, s.id_count = 2;
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
    rem_status status = rem_graph_search_run(graph, &s, &hits, NULL, NULL);
    must(status == REM_OK || status == REM_CORRUPT);
  }
  free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[64];
  if (path[0] == 0) snprintf(path, sizeof path, "/tmp/rem-fuzz-graph-%ld", (long)getpid());
  bool fix = size > 0 && data[0] == 'F';
  uint8_t *copy = malloc(size + 1);
  must(copy != NULL);
  memcpy(copy, data + fix, size - fix);
  if (fix) repair(copy, size - 1);
  FILE *file = fopen(path, "wb");
  must(file != NULL && fwrite(copy, 1, size - fix, file) == size - fix && fclose(file) == 0);
  free(copy);
  rem_graph *graph = NULL;
  rem_status status = rem_graph_file_open(path, NULL, &graph, NULL);
  must(status == REM_OK || status == REM_CORRUPT || status == REM_FORMAT);
  if (status == REM_OK) {
    search(graph, false);
    search(graph, true);
    rem_graph_free(graph);
  }
  if (rem_graph_file_load(path, NULL, &graph, NULL) == REM_OK) {
    search(graph, false);
    rem_graph_stats stats;
    rem_graph_stats_get(graph, &stats);
    float *vector = calloc(stats.dimension, sizeof *vector);
    must(vector != NULL);
    vector[0] = 2;
    const uint8_t id[16] = {0x5a};
    must(rem_graph_insert(graph, id, vector, 1000000, NULL) == REM_OK);
    must(rem_graph_purge(graph, 1000000, 0, NULL) == REM_OK);
    free(vector);
    rem_graph_free(graph);
  }
  (void)unlink(path);
  return 0;
}
