/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measure: clocks, medians, and results as a line for people and a line of JSON for programs.
 *
 * Two things are compared only within one run, taken in turns, so that a busy machine disturbs both alike; the ratio is the median of
 * the ratios of neighbours. A benchmark judges nothing: it prints the target beside what it found and ends with 0.
 */
#ifndef REM_BENCH_MEASURE_H
#define REM_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rem.h"

#define MEASURE_MAX 4096

/* Samples of two things taken in turns. */
typedef struct measure_pair {
  double ours[MEASURE_MAX], theirs[MEASURE_MAX];
  size_t count;
} measure_pair;

/* Nanoseconds, as the clock on the wall has it and as the CPU: of the whole process, background threads included, which is what a
 * busy machine disturbs least. */
typedef struct measure_time {
  int64_t wall, cpu;
} measure_time;

int64_t measure_now_ns(void);
measure_time measure_now(void);
/* Adds what has passed since `start`. */
void measure_since(measure_time start, measure_time *sum);
double measure_median(const double *values, size_t count);
/* Adds one pair of samples (any unit, both the same). */
void measure_add(measure_pair *pair, double ours, double theirs);
double measure_ours(const measure_pair *pair);
double measure_theirs(const measure_pair *pair);
/* Median of ours / theirs. */
double measure_ratio(const measure_pair *pair);

/* REM_BENCH_FULL=1: the full size. */
bool measure_full(void);

/* Says what runs where: the benchmark's name, CPU, instruction set, size. */
void measure_begin(const char *name);
/* One figure. `target` is what the project wants it to be, as text (">= 0.6", "<= 25"), or NULL. */
void measure_figure(const char *what, double value, const char *unit, const char *target);

/* Ends the program when a call of the library failed: a benchmark has nothing better to do. */
void measure_need(rem_status status, const rem_error *err);
void measure_fail(const char *what);

#endif
