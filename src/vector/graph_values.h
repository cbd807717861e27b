/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: a vector as a graph keeps it, and its score for a query.
 *
 *   component = value x unit      value: int16; unit: of the vector, a power of two, so that the largest magnitude is 2^14 to 2^15
 *
 * A component is off by half a unit at most, a cosine of 384 dimensions by some 3e-6: eight times less than with half-precision floats, which are as
 * large. What has few digits, small integers above all, is kept exactly, at any magnitude that float32 has. Whoever wants the exact score has it from the
 * store for the few rows that matter.
 */
#ifndef REM_VECTOR_GRAPH_VALUES_H
#define REM_VECTOR_GRAPH_VALUES_H

#include "vector/graph_kernel.h"
#include "vector/similarity.h"

/* `ret_values` has whole lines, the rest is zeros. Returns the unit; 0 for zeros. */
float rem_graph_values_encode(const float *vector, size_t dimension, int16_t *ret_values);
void rem_graph_values_decode(const int16_t *values, float unit, size_t dimension, float *ret_vector);
static inline size_t rem_graph_values_count(size_t dimension) {
  return (dimension + 31) / 32 * 32;
}

/* False for what no encoding gives, as not a number. */
static inline bool rem_graph_unit_is_sound(float unit) {
  return unit >= 0 && unit <= 0x1p113f;
}

/* A query ready to be compared with kept vectors. */
typedef struct rem_graph_measure {
  const rem_graph_kernel *kernel;
  rem_metric metric;
  const float *values; /* the query over `factor`, in whole lines; borrowed */
  size_t count;        /* of them */
  double factor;       /* a power of two: the largest of `values` is 0.5 to 1; 1 for zeros */
  double length;       /* Euclidean, of the query */
} rem_graph_measure;

/* `room` (rem_graph_values_count() floats at a cache line) is filled and borrowed. */
void rem_graph_measure_init(rem_graph_measure *measure, rem_metric metric, const float *query, size_t dimension, float *room);
double rem_graph_measure_score(const rem_graph_measure *measure, const int16_t *values, float unit);
/* The score of the vector that these values were made of differs by less. */
double rem_graph_measure_error(const rem_graph_measure *measure, const int16_t *values, float unit);

#endif
