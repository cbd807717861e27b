/* SPDX-License-Identifier: Apache-2.0 */
/* Every graph kernel this CPU can run, against sums written down plainly, on random and on extreme codes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "vector/graph_kernel.h"

enum { NODES = 70, MOST_LINES = 65, LINKS = 32 };
static const char *const NAMES[] = {"generic", "avx2", "avxvnni", "avx512vnni"};
static uint64_t seed = 4711;
static int8_t query[MOST_LINES * 128] __attribute__((aligned(64)));
static uint8_t codes[NODES][MOST_LINES * 64] __attribute__((aligned(64)));

static uint32_t next_random(void) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(seed >> 32);
}

typedef enum filling { RANDOM, LARGEST, SMALLEST } filling;

static void fill(filling how) {
  for (size_t i = 0; i < sizeof query; i++)
    query[i] = (int8_t)(how == LARGEST ? 127 : how == SMALLEST ? -127 : (int)(next_random() % 255) - 127);
  for (size_t n = 0; n < NODES; n++) {
    for (size_t i = 0; i < sizeof codes[n]; i++)
      codes[n][i] = (uint8_t)(how == RANDOM ? next_random() : 255);
  }
}

static const rem_graph_kernel *kernel_or_note(const char *name) {
  const rem_graph_kernel *kernel = rem_graph_kernel_by_name(name);
  if (kernel == NULL) print_message("this CPU cannot run the graph kernel %s\n", name);
  return kernel;
}

static int32_t plain_dot(const uint8_t *code, size_t lines, size_t bits) {
  int32_t sum = 0;
  for (size_t i = 0; i < lines * 64; i++) {
    if (bits == 8)
      sum += code[i] * query[i];
    else
      sum += (code[i] & 15) * query[i / 64 * 128 + i % 64] + (code[i] >> 4) * query[i / 64 * 128 + 64 + i % 64];
  }
  return sum;
}

static void check_keys(const rem_graph_kernel *kernel, size_t lines, size_t bits, size_t count) {
  uint32_t nodes[NODES], keys[NODES];
  for (size_t i = 0; i < count; i++)
    nodes[i] = next_random() % NODES;
  kernel->keys[bits == 8](query, lines, codes[0], sizeof codes[0], nodes, count, keys);
  for (size_t i = 0; i < count; i++)
    assert_int_equal(keys[i], REM_GRAPH_BIAS - (uint32_t)plain_dot(codes[nodes[i]], lines, bits));
}

static void keys_are_plain_sums(void **state) {
  (void)state;
  print_message("seed %llu\n", (unsigned long long)seed);
  for (size_t k = 0; k < 4; k++) {
    const rem_graph_kernel *kernel = kernel_or_note(NAMES[k]);
    for (int how = RANDOM; kernel != NULL && how <= SMALLEST; how++) {
      fill((filling)how);
      for (size_t lines = 1; lines <= 33; lines++) {
        check_keys(kernel, lines, 4, 1 + next_random() % NODES);
        check_keys(kernel, lines, 8, 1 + next_random() % NODES);
      }
      check_keys(kernel, MOST_LINES - 1, 8, NODES);
    }
  }
}

static void dots_of_stored_vectors_are_plain_sums(void **state) {
  (void)state;
  for (size_t k = 0; k < 4; k++) {
    const rem_graph_kernel *kernel = kernel_or_note(NAMES[k]);
    for (size_t bytes = 64; kernel != NULL && bytes <= 4096; bytes += bytes < 1024 ? 64 : 1024) {
      static uint8_t vectors[9 * 4096] __attribute__((aligned(64)));
      for (size_t i = 0; i < 9 * bytes; i++)
        vectors[i] = (uint8_t)(i / bytes == 8 ? (i % 2 ? 1 : 255) : 1 + next_random() % 255);
      uint32_t nodes[9] = {8, 3, 1, 1, 7, 2, 5, 0, 8};
      int32_t dots[9];
      size_t count = 1 + next_random() % 9;
      kernel->dots(vectors + 8 * bytes, vectors, bytes, nodes, count, dots);
      for (size_t i = 0; i < count; i++) {
        int32_t sum = 0;
        for (size_t j = 0; j < bytes; j++)
          sum += (vectors[8 * bytes + j] - 128) * (vectors[nodes[i] * bytes + j] - 128);
        assert_int_equal(dots[i], sum);
      }
      int32_t projected[9];
      kernel->project(vectors + 8 * bytes, vectors, bytes, count, projected);
      for (size_t i = 0; i < count; i++) {
        uint32_t node = (uint32_t)i;
        kernel->dots(vectors + 8 * bytes, vectors, bytes, &node, 1, dots);
        assert_int_equal(projected[i], dots[0]);
      }
    }
  }
}

static void products_of_kept_values_are_plain_sums(void **state) {
  (void)state;
  static int16_t values[5 * 1056] __attribute__((aligned(64)));
  for (size_t k = 0; k < 4; k++) {
    const rem_graph_kernel *kernel = kernel_or_note(NAMES[k]);
    for (size_t stride = 32; kernel != NULL && stride <= 1056; stride += 32) {
      const uint32_t numbers[5] = {4, 0, 3, 3, 2};
      float dots[5];
      for (size_t i = 0; i < 5 * stride; i++)
        values[i] = (int16_t)(i / stride == 4 ? 32767 : i / stride == 3 ? -32767 : (int)(next_random() % 65535) - 32767);
      kernel->value_dots(values + 4 * stride, values, stride, numbers, 5, dots);
      for (size_t i = 0; i < 5; i++) {
        double sum = 0, size = 0;
        for (size_t j = 0; j < stride; j++) {
          sum += 32767.0 * values[numbers[i] * stride + j];
          size += fabs(32767.0 * values[numbers[i] * stride + j]);
        }
        assert_true(fabs((double)dots[i] - sum) <= 2e-6 * size);
      }
    }
  }
}

/* ------------------------------------------------------------------------------------------- */
/* Keys                                                                                         */

enum { KEYS = 1000 };

static int by_entry(const void *a, const void *b) {
  const uint64_t *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

static void the_smallest_keys_are_kept_in_order(void **state) {
  (void)state;
  for (size_t k = 0; k < 4; k++) {
    const rem_graph_kernel *kernel = kernel_or_note(NAMES[k]);
    for (int round = 0; kernel != NULL && round < 300; round++) {
      uint32_t keys[KEYS + REM_GRAPH_KEY_SLACK] = {0};
      uint64_t entries[KEYS], pool[KEYS + REM_GRAPH_POOL_SLACK];
      size_t count = next_random() % (KEYS + 1), most = 1 + next_random() % 60, middle = count / 3;
      uint32_t spread = round % 2 ? 20 : UINT32_C(1) << 30; /* many equal ones, or none */
      for (size_t i = 0; i < count; i++)
        entries[i] = (uint64_t)(keys[i] = next_random() % spread) << 32 | i;
      qsort(entries, count, sizeof *entries, by_entry);
      size_t have = kernel->keep(keys, 0, middle, pool, 0, most);
      have = kernel->keep(keys, middle, count, pool, have, most);
      assert_int_equal(have, count < most ? count : most);
      for (size_t i = 0; i < have; i++)
        assert_int_equal(pool[i], entries[i]);
    }
  }
}

static void keys_between_two_are_found_in_order(void **state) {
  (void)state;
  for (size_t k = 0; k < 4; k++) {
    const rem_graph_kernel *kernel = kernel_or_note(NAMES[k]);
    for (int round = 0; kernel != NULL && round < 300; round++) {
      uint32_t keys[KEYS + REM_GRAPH_KEY_SLACK] = {0}, places[KEYS + REM_GRAPH_KEY_SLACK];
      size_t count = next_random() % (KEYS + 1), wanted = 0;
      uint32_t least = next_random() % 50, bound = least + next_random() % 50;
      for (size_t i = 0; i < count; i++)
        keys[i] = i % 7 == 0 ? UINT32_MAX : next_random() % 100;
      size_t found = kernel->between(keys, count, least, bound, KEYS, places);
      for (size_t i = 0; i < count; i++) {
        if (keys[i] < least || keys[i] > bound) continue;
        assert_true(wanted < found);
        assert_int_equal(places[wanted++], i);
      }
      assert_int_equal(found, wanted);
      size_t some = kernel->between(keys, count, least, bound, 5, places);
      assert_true(some == found || (some >= 5 && some <= 5 + REM_GRAPH_KEY_SLACK));
    }
  }
}

/* ------------------------------------------------------------------------------------------- */
/* Walk                                                                                         */

enum { WALKED = 3000, STRIDE = LINKS * 4 + 64 };

/* A ring with chords, so that all nodes can be reached; codes of one line, 4 bits. */
static uint8_t *ring(void) {
  uint8_t *records = aligned_alloc(64, (size_t)WALKED * STRIDE);
  assert_non_null(records);
  for (uint32_t n = 0; n < WALKED; n++) {
    uint32_t *links = (uint32_t *)(void *)(records + n * STRIDE);
    for (uint32_t i = 0; i < LINKS; i++)
      links[i] = i < 2 ? (n + (i == 0 ? 1 : WALKED - 1)) % WALKED : i < 20 ? next_random() % WALKED : n;
    for (size_t i = 0; i < 64; i++)
      records[n * STRIDE + 128 + i] = (uint8_t)next_random();
  }
  return records;
}

static size_t walk(const rem_graph_kernel *kernel, const uint8_t *records, size_t ef, uint64_t *pool, uint64_t *compared) {
  static uint8_t visited[WALKED + 64];
  memset(visited, 0, sizeof visited);
  const uint32_t entry = 17;
  uint32_t key;
  kernel->keys[0](query, 1, records + 128, STRIDE, &entry, 1, &key);
  pool[0] = (uint64_t)key << 32 | entry << 1;
  visited[entry] = 1;
  rem_graph_walk w = {.records = records, .stride = STRIDE, .link_count = LINKS, .node_bound = WALKED, .lines = 1, .query = query,
                      .visited = visited, .epoch = 1, .pool = pool, .ef = ef};
  size_t count = kernel->walk[0](&w);
  *compared = w.compared;
  return count;
}

static void all_kernels_walk_the_same_way(void **state) {
  (void)state;
  uint8_t *records = ring();
  static uint64_t pools[2][WALKED + REM_GRAPH_POOL_SLACK];
  fill(RANDOM);
  for (size_t ef = 1; ef <= 513; ef = ef * 2 + 1) {
    uint64_t compared[2];
    size_t count = walk(&rem_graph_kernel__generic, records, ef, pools[0], &compared[0]);
    assert_in_range(count, 1, ef);
    for (size_t i = 1; i < count; i++)
      assert_true(pools[0][i - 1] < pools[0][i]);
    for (size_t k = 1; k < 4; k++) {
      const rem_graph_kernel *kernel = kernel_or_note(NAMES[k]);
      if (kernel == NULL) continue;
      assert_int_equal(walk(kernel, records, ef, pools[1], &compared[1]), count);
      assert_int_equal(compared[1], compared[0]);
      assert_memory_equal(pools[1], pools[0], count * sizeof pools[0][0]);
    }
  }
  free(records);
}

static void a_pool_as_large_as_the_graph_finds_everything_in_order(void **state) {
  (void)state;
  uint8_t *records = ring();
  static uint64_t pool[WALKED + REM_GRAPH_POOL_SLACK];
  uint64_t compared;
  fill(RANDOM);
  assert_int_equal(walk(rem_graph_kernel_get(), records, WALKED, pool, &compared), WALKED);
  assert_int_equal(compared, WALKED - 1);
  free(records);
}

static void links_beyond_the_graph_are_held_back(void **state) {
  (void)state;
  uint8_t *records = ring();
  static uint64_t pool[WALKED + REM_GRAPH_POOL_SLACK];
  uint64_t compared;
  for (size_t n = 0; n < WALKED; n++)
    ((uint32_t *)(void *)(records + n * STRIDE))[5] = next_random() | 1u << 31;
  for (size_t k = 0; k < 4; k++) {
    const rem_graph_kernel *kernel = kernel_or_note(NAMES[k]);
    if (kernel != NULL) assert_int_equal(walk(kernel, records, WALKED, pool, &compared), WALKED);
  }
  free(records);
}

static void the_level_chooses_the_kernel(void **state) {
  (void)state;
  rem_cpu_set_level("generic");
  assert_string_equal(rem_graph_kernel_get()->name, "generic");
  assert_null(rem_graph_kernel_by_name("avx2"));
  rem_cpu_set_level("avx2");
  assert_string_equal(rem_graph_kernel_get()->name, rem_cpu_has(REM_CPU_AVX2) ? "avx2" : "generic");
  rem_cpu_set_level(NULL);
  assert_null(rem_graph_kernel_by_name("no such kernel"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_are_plain_sums),
      cmocka_unit_test(dots_of_stored_vectors_are_plain_sums),
      cmocka_unit_test(the_smallest_keys_are_kept_in_order),
      cmocka_unit_test(keys_between_two_are_found_in_order),
      cmocka_unit_test(products_of_kept_values_are_plain_sums),
      cmocka_unit_test(all_kernels_walk_the_same_way),
      cmocka_unit_test(a_pool_as_large_as_the_graph_finds_everything_in_order),
      cmocka_unit_test(links_beyond_the_graph_are_held_back),
      cmocka_unit_test(the_level_chooses_the_kernel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
