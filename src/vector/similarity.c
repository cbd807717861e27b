/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scores from sums. The kernels sum in float32, which is exact enough for vectors of ordinary length; where a sum overflowed or
 * came so near to zero that its digits are lost, it is done again in double, where no float32 vector can do either.
 */
#include "vector/similarity.h"

#include <math.h>
#include <string.h>

/* Sums of squares below this may have lost terms to underflow. */
#define SMALL_SUM 1e-30

rem_status rem_vector_check(const float *values, size_t dimension, rem_error *err) {
  if (dimension < 1 || dimension > REM_VECTOR_MAX_DIMENSION)
    return rem_error_set(err, REM_INVALID, "a vector has %zu dimensions; 1 to %d are allowed", dimension,
                         REM_VECTOR_MAX_DIMENSION);
  if (isfinite(rem_kernel_get()->largest(values, dimension))) return REM_OK;
  for (size_t i = 0; i < dimension; i++) {
    if (isfinite(values[i])) continue;
    rem_error_set(err, REM_INVALID, "component %zu of the vector is %s", i, isnan(values[i]) ? "not a number" : "infinite");
    rem_error_hint(err, "Give finite numbers only.");
    return REM_INVALID;
  }
  return REM_OK;
}

typedef struct sums {
  double dot, norm, l2; /* norm of the vector, squared */
} sums;

static sums sums_in_double(const float *a, const void *b, size_t dimension) {
  sums s = {0};
  for (size_t i = 0; i < dimension; i++) {
    float value;
    memcpy(&value, (const char *)b + i * sizeof value, sizeof value);
    double x = a[i], y = value;
    s.dot += x * y;
    s.norm += y * y;
    s.l2 += (x - y) * (x - y);
  }
  return s;
}

void rem_query_init(rem_query *query, rem_metric metric, const float *values, size_t dimension) {
  *query = (rem_query){.kernel = rem_kernel_get(), .metric = metric, .values = values, .dimension = dimension};
  query->length = sqrt(sums_in_double(values, values, dimension).norm);
}

static double clamp(double cosine) {
  return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

static double cosine(const rem_query *query, const void *vector) {
  float dot, norm;
  query->kernel->dot_norm(query->values, vector, query->dimension, &dot, &norm);
  double exact_dot = dot, exact_norm = norm;
  bool ordinary = isfinite(dot) && isfinite(norm) && exact_norm > SMALL_SUM && query->length > 1e-15;
  if (!ordinary) {
    sums s = sums_in_double(query->values, vector, query->dimension);
    exact_dot = s.dot;
    exact_norm = s.norm;
  }
  double length = query->length * sqrt(exact_norm);
  return length > 0 ? clamp(exact_dot / length) : 0;
}

static double inner_product(const rem_query *query, const void *vector) {
  float dot = query->kernel->dot(query->values, vector, query->dimension);
  if (isfinite(dot)) return dot;
  return sums_in_double(query->values, vector, query->dimension).dot;
}

static double distance(const rem_query *query, const void *vector) {
  float squares = query->kernel->l2(query->values, vector, query->dimension);
  /* A sum of exactly 0 is that of equal vectors, or of differences too small for float32. */
  if (isfinite(squares) && (double)squares > SMALL_SUM) return sqrt((double)squares);
  return sqrt(sums_in_double(query->values, vector, query->dimension).l2);
}

double rem_query_score(const rem_query *query, const void *vector) {
  switch (query->metric) {
  case REM_METRIC_COSINE: return cosine(query, vector);
  case REM_METRIC_INNER_PRODUCT: return inner_product(query, vector);
  case REM_METRIC_L2: return distance(query, vector);
  }
  return 0;
}
