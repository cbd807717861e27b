/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over the files of a corpus folder, and over each of them cut short, without a fuzzer: what was found once stays
 * found, with any compiler.
 *
 *   fuzz_replay_<name> folder
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define LARGEST_FILE ((size_t)1 << 24)
#define CUTS         16 /* prefixes tried of each file */

/* Exactly `size` bytes on the heap, so that a sanitizer sees a read beyond them. */
static void run_copy(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy)
    exit(1);
  memcpy(copy, data, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static void run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  uint8_t *data = malloc(LARGEST_FILE);
  if (!file || !data) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  size_t size = fread(data, 1, LARGEST_FILE, file);
  fclose(file);
  run_copy(data, size);
  for (size_t cut = 0; cut < CUTS; cut++)
    run_copy(data, size * cut / CUTS);
  free(data);
}

int main(int argc, char **argv) {
  size_t count = 0;
  DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
  if (!folder) {
    fprintf(stderr, "usage: %s folder (of the corpus)\n", argv[0]);
    return 2;
  }
  for (struct dirent *entry; (entry = readdir(folder));) {
    char path[4096];
    if (entry->d_name[0] == '.')
      continue;
    snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
    run_file(path);
    count++;
  }
  closedir(folder);
  printf("%zu files\n", count);
  return count > 0 ? 0 : 1; /* an empty corpus proves nothing */
}
