/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Band: of a scan over codes, the nodes whose codes are within the codes' error of the k-th exact score. Mostly there are none or a few, and their
 * exact vectors decide. But where all matches are about equally far from the query, those farthest of all for instance, there are thousands. Then two
 * things help:
 *
 *   order         the band is looked at in slices, the best keys first, so that the k-th score is soon what it will be
 *   an end        the error of codes is known for near vectors. That of far ones has another mean, which depends on the query. So the slices themselves tell:
 *                 of the rows as good as the k-th was at the beginning, of which there are many in such a place, each slice shows how many had
 *                 their codes in it. They lie as the best k do; once a slice holds next to none of them, what is left holds less than that.
 */
#include "vector/graph_band.h"

#define SURE 3.0        /* deviations of the code's error: who is farther off is not among the best */
#define FEW 64          /* so many are scored without more ado */
#define SLICES 4.0      /* to a deviation */
#define TELLING 64      /* good rows from which their places say where the others lie */
#define NEXT_TO_NONE 40 /* a slice with one in so many of the good rows is the last */

typedef struct band {
  rem_graph_run *run;
  uint32_t above;       /* keys up to it are done */
  double begin;         /* cosine of the k-th at the beginning: what is as good is good */
  uint64_t good, good_of_slice;
} band;

/* ------------------------------------------------------------------------------------------- */
/* Slices                                                                                       */

static uint32_t key_below(const rem_graph_run *run, double cosine, double deviations) {
  return rem_graph_query_key(&run->query, cosine - deviations * (double)run->g->codec.error);
}

/* Nodes with keys beyond b->above up to `bound`, into scratch->nodes, some more than `most` at most. */
static rem_status collect(band *b, uint32_t bound, size_t most, rem_error *err) {
  const rem_graph_run *run = b->run;
  rem_graph_numbers *found = &run->scratch->nodes;
  size_t count = run->match.node_count;
  REM_TRY(rem_graph__numbers_reserve(found, (most < count ? most : count) + REM_GRAPH_KEY_SLACK, err));
  found->count = run->g->kernel->between(run->scratch->keys, count, b->above + 1, bound, most, found->items);
  for (size_t i = 0; i < found->count; i++)
    found->items[i] = run->match.nodes[found->items[i]];
  return REM_OK;
}

static rem_status look_at_slice(band *b, rem_error *err) {
  rem_graph_run *run = b->run;
  const rem_graph_numbers *slice = &run->scratch->nodes;
  uint64_t good = run->good;
  REM_TRY(rem_graph__score_nodes(run, slice->items, slice->count, err));
  b->good_of_slice = run->good - good;
  b->good += b->good_of_slice;
  return REM_OK;
}

static bool is_last(const band *b) {
  return b->good >= TELLING && b->good_of_slice * NEXT_TO_NONE <= b->good;
}

static rem_status look_at_slices(band *b, rem_error *err) {
  rem_graph_run *run = b->run;
  for (double deviations = 0; !run->failed; deviations += 1 / SLICES) {
    uint32_t all = key_below(run, rem_graph__worst_cosine(run), SURE), bound = key_below(run, b->begin, deviations);
    bound = bound < all ? bound : all;
    if (bound > b->above) {
      REM_TRY(collect(b, bound, SIZE_MAX, err));
      REM_TRY(look_at_slice(b, err));
      b->above = bound;
    }
    if (bound == all || is_last(b)) break;
  }
  return REM_OK;
}

rem_status rem_graph__scan_band(rem_graph_run *run, rem_error *err) {
  band b = {.run = run, .begin = rem_graph__worst_cosine(run)};
  REM_TRY(collect(&b, key_below(run, b.begin, SURE), FEW + 1, err));
  if (run->scratch->nodes.count <= FEW) return rem_graph__score_nodes(run, run->scratch->nodes.items, run->scratch->nodes.count, err);
  run->good_from = run->top.hits[0].score;
  return look_at_slices(&b, err);
}
