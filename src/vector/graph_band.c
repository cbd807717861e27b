/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Band: of a scan over codes, the nodes whose codes are within the codes' error of the k-th exact score. Mostly there are none or a few, and their
 * exact vectors decide. But where all matches are about equally far from the query, those farthest of all for instance, there are thousands. Then three
 * things help:
 *
 *   finer codes   the 8-bit codes that links are chosen by, where the graph has them (in memory), have a tenth of the error
 *   order         the band is looked at in slices, the best keys first, so that the k-th score is soon what it will be
 *   an end        the error of codes is known for near vectors. That of far ones has another mean, which depends on the query. So the slices themselves tell:
 *                 of the rows as good as the k-th was at the beginning, of which there are many in such a place, each slice shows how many had
 *                 their codes in it. They lie as the best k do; once a slice holds next to none of them, what is left holds less than that.
 */
#include "vector/graph_band.h"

#include <math.h>

#include "vector/kernel.h"

#define SURE 3.0        /* deviations of the code's error: who is farther off is not among the best */
#define FINE_SURE 2.0   /* of the finer code's: one in fifty of the best is lost where rows are that dense, none where they are not */
#define FEW 64          /* so many are scored without more ado */
#define SLICES 4.0      /* to a deviation */
#define TELLING 64      /* good rows from which their places say where the others lie */
#define NEXT_TO_NONE 40 /* a slice with one in so many of the good rows is the last */
#define ROOM (REM_VECTOR_MAX_DIMENSION + 2 * REM_GRAPH_LINE)

typedef struct band {
  rem_graph_run *run;
  uint32_t above;       /* keys up to it are done */
  double begin;         /* cosine of the k-th at the beginning: what is as good is good */
  uint64_t good, good_of_slice;
  /* The finer code; `codes` NULL: exact vectors instead. */
  const uint8_t *codes;
  uint8_t *query;
  double base, unit;    /* cosine = base + unit x dot */
  double error;         /* of the finer cosine, standard deviation */
} band;

/* ------------------------------------------------------------------------------------------- */
/* Finer                                                                                        */

/*
 * With m the mean, L the stored levels, s their scale and Q the levels of the query at the scale t that makes the largest 127: q.x ~ q.m + dot(L, Q) / (s t).
 * Rounding to levels is an error of 1 / (s sqrt(12)) a component; since q and x have length 1, that is the error of the product, from either side.
 */
static void prepare_finer(band *b, uint8_t room[ROOM]) {
  const rem_graph_codec *codec = &b->run->g->codec;
  const float *direction = b->run->scratch->direction;
  b->codes = b->run->g->link_codes.data;
  if (b->codes == NULL) return;
  b->query = (uint8_t *)(((uintptr_t)room + REM_GRAPH_LINE - 1) & ~(uintptr_t)(REM_GRAPH_LINE - 1));
  float largest = 1e-30f;
  for (size_t i = 0; i < codec->dimension; i++)
    largest = fabsf(direction[i]) > largest ? fabsf(direction[i]) : largest;
  double scale = 127 / (double)largest, link_scale = (double)codec->link_scale;
  for (size_t i = 0; i < codec->link_bytes; i++)
    b->query[i] = (uint8_t)(128 + (i < codec->dimension ? (int)lrint((double)direction[i] * scale) : 0));
  b->base = (double)rem_kernel_get()->dot(direction, codec->mean, codec->dimension);
  b->unit = 1 / (scale * link_scale);
  b->error = sqrt((1 / (scale * scale) + 1 / (link_scale * link_scale)) / 12);
}

/* The largest key, BIAS - dot, of a cosine of at least that. */
static uint32_t finer_key(const band *b, double cosine) {
  double key = (double)REM_GRAPH_BIAS - (cosine - b->base) / b->unit;
  return key <= 0 ? 0 : key < INT32_MAX ? (uint32_t)key : INT32_MAX;
}

static uint64_t count_to(const uint32_t *keys, size_t count, uint32_t bound) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += keys[i] <= bound;
  return sum;
}

/* Keys by the finer code of a slice's nodes. */
static rem_status finer_keys(band *b, const uint32_t *nodes, size_t count, rem_error *err) {
  const rem_graph *g = b->run->g;
  rem_graph_numbers *finer = &b->run->scratch->finer;
  REM_TRY(rem_graph__numbers_reserve(finer, count + REM_GRAPH_KEY_SLACK, err));
  g->kernel->dots(b->query, b->codes, g->codec.link_bytes, nodes, count, (int32_t *)finer->items);
  for (size_t i = 0; i < count; i++)
    finer->items[i] = REM_GRAPH_BIAS - finer->items[i];
  b->run->report.visited += count;
  return REM_OK;
}

static bool is_several(const rem_graph *g, uint32_t node) {
  return (rem_graph__first_vector(g, node) & REM_GRAPH_MORE) != 0;
}

/* Exact scores of the best by the finer code, then of those that may be as good. A node of several vectors has the code of one: it is always looked at. */
static rem_status look_finer(band *b, const uint32_t *nodes, size_t count, rem_error *err) {
  rem_graph_run *run = b->run;
  size_t best = run->search->k < count ? run->search->k : count, chosen_count = 0;
  REM_TRY(finer_keys(b, nodes, count, err));
  uint32_t *keys = run->scratch->finer.items;
  b->good_of_slice = count_to(keys, count, finer_key(b, b->begin));
  REM_TRY(rem_graph__scratch_pool(run->scratch, best, err));
  REM_TRY(rem_graph__score_pool(run, nodes, keys, run->g->kernel->keep(keys, 0, count, run->scratch->pool, 0, best), err));
  REM_TRY(rem_graph__numbers_reserve(&run->scratch->chosen, count, err));
  uint32_t bound = finer_key(b, rem_graph__worst_cosine(run) - FINE_SURE * b->error), *chosen = run->scratch->chosen.items;
  for (size_t i = 0; i < count; i++) {
    chosen[chosen_count] = nodes[i];
    chosen_count += keys[i] <= bound || (keys[i] != REM_GRAPH_DONE && is_several(run->g, nodes[i]));
  }
  return rem_graph__score_nodes(run, chosen, chosen_count, err);
}

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
  if (b->codes != NULL) {
    REM_TRY(look_finer(b, slice->items, slice->count, err));
  } else {
    REM_TRY(rem_graph__score_nodes(run, slice->items, slice->count, err));
    b->good_of_slice = run->good - good;
  }
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
  uint8_t room[ROOM];
  band b = {.run = run, .begin = rem_graph__worst_cosine(run)};
  REM_TRY(collect(&b, key_below(run, b.begin, SURE), FEW + 1, err));
  if (run->scratch->nodes.count <= FEW) return rem_graph__score_nodes(run, run->scratch->nodes.items, run->scratch->nodes.count, err);
  run->good_from = run->top.hits[0].score;
  prepare_finer(&b, room);
  return look_at_slices(&b, err);
}
