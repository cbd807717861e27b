/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of graph kernels: the highest level that CPU, system and REM_CPU_LEVEL allow. */
#include "vector/graph_kernel.h"

#include <string.h>

#include "base/cpu.h"

static const struct {
  const rem_graph_kernel *kernel;
  unsigned features; /* all of them are needed */
} LEVELS[] = {
    {&rem_graph_kernel__avx512vnni, REM_CPU_AVX512 | REM_CPU_AVX512_VNNI},
    {&rem_graph_kernel__avxvnni, REM_CPU_AVX2 | REM_CPU_AVX_VNNI},
    {&rem_graph_kernel__avx2, REM_CPU_AVX2},
    {&rem_graph_kernel__generic, 0},
};
enum { LEVEL_COUNT = sizeof LEVELS / sizeof LEVELS[0] };

const rem_graph_kernel *rem_graph_kernel_get(void) {
  unsigned features = rem_cpu_features();
  size_t level = 0;
  while ((features & LEVELS[level].features) != LEVELS[level].features)
    level++;
  return LEVELS[level].kernel;
}

const rem_graph_kernel *rem_graph_kernel_by_name(const char *name) {
  unsigned features = rem_cpu_features();
  for (size_t i = 0; i < LEVEL_COUNT; i++) {
    bool runs = (features & LEVELS[i].features) == LEVELS[i].features;
    if (runs && strcmp(LEVELS[i].kernel->name, name) == 0) return LEVELS[i].kernel;
  }
  return NULL;
}
