/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least a program can do with a database: open it for reading, with the same settings, and end. What a cold command is compared with.
 *
 *   bench_open_only <database folder>
 */
#include <stdio.h>

#include "storage/kv.h"

int main(int argc, char **argv) {
  rem_error err = {0};
  rem_kv *kv = NULL;
  rem_kv_options options;
  rem_kv_options_init(&options);
  options.cache_bytes = (size_t)512 << 20;
  if (argc != 2 || rem_kv_open(argv[1], &options, &kv, &err) < 0) {
    fprintf(stderr, "usage: bench_open_only <database folder>; %s\n", err.message);
    return 1;
  }
  return rem_kv_close(kv, &err) < 0;
}
