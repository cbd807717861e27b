/* SPDX-License-Identifier: Apache-2.0 */
#include "vector/graph_values.h"

#include <math.h>
#include <string.h>

#define MOST 32767.0f
/* A query's factor and a vector's unit so far apart leave nothing in float32 sums. */
#define FAR_APART 0x1p40

/* The unit's power of two. The largest float of all, which would round up beyond what a float holds, is clipped instead. */
static int find_exponent(float largest) {
  int exponent;
  float part = frexpf(largest, &exponent);
  if (part * 32768 > MOST && exponent < 128) exponent++;
  return exponent - 15 > -149 ? exponent - 15 : -149; /* below, no float has a bit */
}

static inline int16_t nearest(float value) {
  const float shift = 12582912.0f; /* 1.5 x 2^23: the sum has no bits right of the point */
  value = value < MOST ? value : MOST;
  value = value > -MOST ? value : -MOST;
  return (int16_t)((value + shift) - shift);
}

/* 2^-exponent as a product of two floats, which 2^149 is not by itself; to multiply by both is exact. */
static void split_inverse(int exponent, float *ret_first, float *ret_second) {
  *ret_first = exponent < -64 ? 0x1p64f : 1;
  *ret_second = ldexpf(1, exponent < -64 ? -exponent - 64 : -exponent);
}

float rem_graph_values_encode(const float *vector, size_t dimension, int16_t *ret_values) {
  float largest = rem_kernel_get()->largest(vector, dimension);
  memset(ret_values, 0, rem_graph_values_count(dimension) * sizeof *ret_values);
  if (!(largest > 0)) return 0;
  float first, second;
  int exponent = find_exponent(largest);
  split_inverse(exponent, &first, &second);
  for (size_t i = 0; i < dimension; i++)
    ret_values[i] = nearest(vector[i] * first * second);
  return ldexpf(1, exponent);
}

void rem_graph_values_decode(const int16_t *values, float unit, size_t dimension, float *ret_vector) {
  for (size_t i = 0; i < dimension; i++)
    ret_vector[i] = (float)values[i] * unit;
}

/* ------------------------------------------------------------------------------------------- */
/* Scores                                                                                       */

void rem_graph_measure_init(rem_graph_measure *measure, rem_metric metric, const float *query, size_t dimension, float *room) {
  const rem_kernel *kernel = rem_kernel_get();
  float largest = kernel->largest(query, dimension), first, second;
  int exponent = 0;
  if (largest > 0) (void)frexpf(largest, &exponent);
  split_inverse(exponent, &first, &second);
  *measure = (rem_graph_measure){.kernel = rem_graph_kernel_get(), .metric = metric, .values = room, .count = rem_graph_values_count(dimension),
                                 .factor = ldexp(1, exponent)};
  kernel->scale(query, first, dimension, room);
  kernel->scale(room, second, dimension, room);
  memset(room + dimension, 0, (measure->count - dimension) * sizeof *room);
  measure->length = sqrt((double)kernel->dot(room, room, dimension)) * measure->factor;
}

static double distance_in_double(const rem_graph_measure *measure, const int16_t *values, double step) {
  double squares = 0;
  for (size_t i = 0; i < measure->count; i++) {
    double difference = (double)measure->values[i] - step * values[i];
    squares += difference * difference;
  }
  return sqrt(squares);
}

double rem_graph_measure_score(const rem_graph_measure *measure, const int16_t *values, float unit) {
  float dot, norm;
  if (measure->metric == REM_METRIC_L2) {
    double step = (double)unit / measure->factor;
    bool ordinary = step > 1 / FAR_APART && step < FAR_APART;
    if (!ordinary) return measure->factor * distance_in_double(measure, values, step);
    return measure->factor * sqrt((double)measure->kernel->squares(measure->values, values, (float)step, measure->count));
  }
  measure->kernel->products(measure->values, values, measure->count, &dot, &norm);
  if (measure->metric == REM_METRIC_INNER_PRODUCT) return (double)dot * (double)unit * measure->factor;
  double length = measure->length / measure->factor * sqrt((double)norm);
  double cosine = length > 0 ? (double)dot / length : 0;
  return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

/* The vector lies within half a unit in each component: a difference of directions is at most twice that over the length. */
double rem_graph_measure_error(const rem_graph_measure *measure, const int16_t *values, float unit) {
  float dot, norm;
  double moved = 0.5 * sqrt((double)measure->count);
  /* And what sums in float32 lose. */
  moved *= 1.1;
  if (measure->metric == REM_METRIC_L2) return moved * (double)unit + 1e-6 * measure->length;
  if (measure->metric == REM_METRIC_INNER_PRODUCT) return moved * (double)unit * measure->length;
  measure->kernel->products(measure->values, values, measure->count, &dot, &norm);
  return norm > 0 ? 2 * moved / sqrt((double)norm) + 1e-6 : 0;
}
