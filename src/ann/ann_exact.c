/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact scores. A graph keeps rounded vectors (vector/graph_values.h), good enough to find the best, not to say how good they are: a score is that of the
 * stored vector. So the graph is asked for a few more than wanted, whose stored vectors decide. Reading one costs about a microsecond.
 */
#include "ann/ann_internal.h"
#include "storage/key.h"

#define MORE 2         /* rows asked for beyond k, and an eighth of it: those that rounding may have put behind the k-th */
#define ALWAYS_READ 1000
#define MOST_SHARE 4   /* a scan of the store reads a row in a fourth of the time */

size_t rem_ann__exact_k(size_t k) {
  return k ? k + k / 8 + MORE : 0;
}

bool rem_ann__exact_pays(size_t count, size_t rows) {
  return count <= ALWAYS_READ || count <= rows / MOST_SHARE;
}

rem_status rem_ann__stored(const rem_ann__index *index, const rem_kv_snapshot *snapshot, const uint8_t id[16], rem_buffer *key,
                           rem_kv_pin *ret_pin, rem_error *err) {
  rem_buffer_reset(key);
  rem_key_vector(key, index->tenant, index->table, index->area, id);
  REM_TRY(rem_buffer_status(key, err));
  return rem_kv_get(index->ann->options.kv, snapshot, REM_CF_VECTORS, rem_buffer_slice(key), ret_pin, err);
}

static rem_status score_stored(const rem_ann__index *index, const rem_kv_snapshot *snapshot, const rem_query *measure,
                               const rem_vector_hit *hit, rem_buffer *key, double *ret_score, rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_status status = rem_ann__stored(index, snapshot, hit->id, key, &pin, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND || pin.size != index->dimension * sizeof(float))
    return rem_error_set(err, REM_CORRUPT, "it names a row without a vector");
  *ret_score = rem_query_score(measure, pin.data);
  return REM_OK;
}

rem_status rem_ann__make_exact(const rem_ann__index *index, const rem_kv_snapshot *snapshot, const rem_ann_query *query,
                               rem_vector_hits *hits, rem_error *err) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_query measure;
  size_t kept = 0;
  rem_query_init(&measure, query->metric, query->vector, index->dimension);
  for (size_t i = 0; i < hits->count; i++) {
    double score = 0;
    REM_TRY(score_stored(index, snapshot, &measure, &hits->hits[i], &key, &score, err));
    if (query->has_threshold && rem_metric_better(query->metric, query->threshold, score))
      continue;
    hits->hits[kept] = hits->hits[i];
    hits->hits[kept++].score = score;
  }
  rem_top_k top = {.metric = query->metric, .hits = hits->hits, .count = kept, .capacity = kept};
  rem_top_k_finish(&top);
  hits->count = query->k && kept > query->k ? query->k : kept;
  return REM_OK;
}
