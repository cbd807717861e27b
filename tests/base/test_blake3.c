/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE3 against the official inputs (tests/data/blake3/vectors.txt), whole and in pieces. */
#include "base/blake3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT_SIZE 131
#define LARGEST ((size_t)1048577)

static uint8_t *input;

static int make_input(void **state) {
  (void)state;
  input = malloc(LARGEST);
  if (!input)
    return -1;
  for (size_t i = 0; i < LARGEST; i++)
    input[i] = (uint8_t)(i % 251);
  return 0;
}

static int free_input(void **state) {
  (void)state;
  free(input);
  return 0;
}

static void to_hex(const uint8_t *bytes, size_t size, char *ret_hex) {
  for (size_t i = 0; i < size; i++)
    sprintf(ret_hex + 2 * i, "%02x", bytes[i]);
}

/* Reads the vectors and calls `check` for each; returns how many there were. */
static size_t for_each_vector(void (*check)(size_t size, const char *expected)) {
  char line[512], expected[2 * OUTPUT_SIZE + 1];
  size_t count = 0, size;
  FILE *file = fopen(REM_TEST_DATA "/blake3/vectors.txt", "r");
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    if (line[0] == '#')
      continue;
    assert_int_equal(sscanf(line, "%zu %262s", &size, expected), 2);
    assert_true(size <= LARGEST);
    check(size, expected);
    count++;
  }
  fclose(file);
  return count;
}

static void check_whole(size_t size, const char *expected) {
  uint8_t hash[OUTPUT_SIZE];
  char hex[2 * OUTPUT_SIZE + 1];
  rem_blake3_hash(input, size, hash, sizeof hash);
  to_hex(hash, sizeof hash, hex);
  assert_string_equal(hex, expected);
}

/* Pieces of 1, 2, 3, … bytes, with an intermediate result taken now and then. */
static void check_pieces(size_t size, const char *expected) {
  uint8_t hash[32], ignored[32];
  char hex[65];
  rem_blake3 hasher;
  rem_blake3_init(&hasher);
  for (size_t done = 0, piece = 1; done < size; done += piece, piece++) {
    if (piece > size - done)
      piece = size - done;
    rem_blake3_update(&hasher, input + done, piece);
    if (piece % 16 == 0)
      rem_blake3_final(&hasher, ignored, sizeof ignored);
  }
  rem_blake3_final(&hasher, hash, sizeof hash);
  to_hex(hash, sizeof hash, hex);
  assert_memory_equal(hex, expected, 64);
}

static void whole_inputs_give_the_official_hashes(void **state) {
  (void)state;
  assert_int_equal(for_each_vector(check_whole), 39);
}

static void pieces_give_the_same_hashes_and_final_changes_nothing(void **state) {
  (void)state;
  assert_int_equal(for_each_vector(check_pieces), 39);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_inputs_give_the_official_hashes),
      cmocka_unit_test(pieces_give_the_same_hashes_and_final_changes_nothing),
  };
  return cmocka_run_group_tests(tests, make_input, free_input);
}
