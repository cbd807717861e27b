/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Similarity: the score of a stored vector for a query (D18).
 *
 *   cosine         1 for equal direction, within [-1, 1]; 0 when either vector is zero
 *   inner product  as it is
 *   l2             the Euclidean distance, smaller is better
 *
 * Finite for every pair of finite vectors.
 */
#ifndef REM_VECTOR_SIMILARITY_H
#define REM_VECTOR_SIMILARITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "vector/kernel.h"

#define REM_VECTOR_MAX_DIMENSION 4096

typedef enum rem_metric {
  REM_METRIC_COSINE = 0,
  REM_METRIC_INNER_PRODUCT,
  REM_METRIC_L2,
} rem_metric;

/* May these values be stored or searched with? REM_INVALID: NaN or infinity (the message says where), or a dimension outside 1 to 4096. */
REM_CHECKED rem_status rem_vector_check(const float *values, size_t dimension, rem_error *err);

/* A query ready to be compared with many vectors. */
typedef struct rem_query {
  const rem_kernel *kernel;
  rem_metric metric;
  const float *values; /* borrowed */
  size_t dimension;
  double length; /* Euclidean */
} rem_query;

void rem_query_init(rem_query *query, rem_metric metric, const float *values, size_t dimension);
/* The score of a vector of the same dimension, at any address. */
double rem_query_score(const rem_query *query, const void *vector);
/* Is score `a` better than `b`? */
static inline bool rem_metric_better(rem_metric metric, double a, double b) {
  return metric == REM_METRIC_L2 ? a < b : a > b;
}

#endif
