/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"

static const char *benchmark = "";

int64_t measure_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

measure_time measure_now(void) {
  struct timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return (measure_time){.wall = measure_now_ns(), .cpu = (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec};
}

void measure_since(measure_time start, measure_time *sum) {
  measure_time now = measure_now();
  sum->wall += now.wall - start.wall;
  sum->cpu += now.cpu - start.cpu;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double measure_median(const double *values, size_t count) {
  static double sorted[MEASURE_MAX];
  if (count == 0)
    return 0;
  memcpy(sorted, values, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, compare);
  return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

void measure_add(measure_pair *pair, double ours, double theirs) {
  if (pair->count == MEASURE_MAX)
    return;
  pair->ours[pair->count] = ours;
  pair->theirs[pair->count++] = theirs;
}

double measure_ours(const measure_pair *pair) {
  return measure_median(pair->ours, pair->count);
}

double measure_theirs(const measure_pair *pair) {
  return measure_median(pair->theirs, pair->count);
}

double measure_ratio(const measure_pair *pair) {
  double ratios[MEASURE_MAX];
  for (size_t i = 0; i < pair->count; i++)
    ratios[i] = pair->ours[i] / pair->theirs[i];
  return measure_median(ratios, pair->count);
}

bool measure_full(void) {
  const char *full = getenv("REM_BENCH_FULL");
  return full && strcmp(full, "1") == 0;
}

void measure_begin(const char *name) {
  benchmark = name;
  printf("# %s: %s, %s, %s size\n", name, rem_cpu_name(), rem_cpu_level(), measure_full() ? "full" : "reduced");
  printf("{\"benchmark\":\"%s\",\"cpu\":\"%s\",\"level\":\"%s\",\"full\":%s}\n", name, rem_cpu_name(), rem_cpu_level(),
         measure_full() ? "true" : "false");
  fflush(stdout);
}

void measure_figure(const char *what, double value, const char *unit, const char *target) {
  printf("%-56s %12.3f %-8s%s%s\n", what, value, unit, target ? "  target " : "", target ? target : "");
  printf("{\"benchmark\":\"%s\",\"figure\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"target\":", benchmark, what, value, unit);
  printf(target ? "\"%s\"}\n" : "null}\n", target);
  fflush(stdout);
}

void measure_need(rem_status status, const rem_error *err) {
  if (status >= 0)
    return;
  fprintf(stderr, "%s: %s; %s\n", benchmark, err->message, err->hint);
  exit(1);
}

void measure_fail(const char *what) {
  fprintf(stderr, "%s: %s\n", benchmark, what);
  exit(1);
}
