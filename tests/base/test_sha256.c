/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by the library loaded on demand, and what is said when a library is missing. */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/dynlib.h"
#include "base/file.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void pieces_give_the_hash_of_fips_180(void **state) {
  (void)state;
  char hex[65];
  rem_error err = {0};
  rem_sha256 *hasher = NULL;
  assert_int_equal(rem_sha256_new(&hasher, &err), REM_OK);
  assert_int_equal(rem_sha256_update(hasher, "a", 1, &err), REM_OK);
  assert_int_equal(rem_sha256_update(hasher, NULL, 0, &err), REM_OK);
  assert_int_equal(rem_sha256_update(hasher, "bc", 2, &err), REM_OK);
  assert_int_equal(rem_sha256_final(hasher, hex, &err), REM_OK);
  assert_string_equal(hex, ABC);
  rem_sha256_free(hasher);
  rem_sha256_free(NULL);
}

static void files_are_hashed_whole(void **state) {
  (void)state;
  char path[] = "/tmp/rem-test-XXXXXX", hex[65];
  rem_error err = {0};
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(rem_sha256_file(path, hex, &err), REM_OK);
  assert_string_equal(hex, NOTHING);
  char *many = malloc(1000000);
  assert_non_null(many);
  memset(many, 'a', 1000000);
  assert_int_equal(write(fd, many, 1000000), 1000000);
  assert_int_equal(rem_sha256_file(path, hex, &err), REM_OK);
  assert_string_equal(hex, MILLION_A);
  free(many);
  close(fd);
  unlink(path);
  assert_int_equal(rem_sha256_file(path, hex, &err), REM_IO);
  assert_non_null(strstr(err.message, path));
}

static void a_missing_library_names_its_package(void **state) {
  (void)state;
  rem_error err = {0};
  void *target = NULL;
  rem_dynlib_symbol symbol = {"nothing", &target};
  assert_int_equal(rem_dynlib_load("libno-such-thing.so.9", "libno-such9", &symbol, 1, &err), REM_UNSUPPORTED);
  assert_non_null(strstr(err.message, "libno-such-thing.so.9"));
  assert_string_equal(err.hint, "install the package libno-such9");
}

static void a_missing_symbol_sets_no_target(void **state) {
  (void)state;
  rem_error err = {0};
  void *first = NULL, *second = NULL;
  rem_dynlib_symbol symbols[] = {{"cos", &first}, {"no_such_function_of_libm", &second}};
  assert_int_equal(rem_dynlib_load("libm.so.6", "libc6", symbols, 2, &err), REM_UNSUPPORTED);
  assert_non_null(strstr(err.message, "no_such_function_of_libm"));
  assert_null(first);
  assert_int_equal(rem_dynlib_load("libm.so.6", "libc6", symbols, 1, &err), REM_OK);
  assert_non_null(first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_give_the_hash_of_fips_180),
      cmocka_unit_test(files_are_hashed_whole),
      cmocka_unit_test(a_missing_library_names_its_package),
      cmocka_unit_test(a_missing_symbol_sets_no_target),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
