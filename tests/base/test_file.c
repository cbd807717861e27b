/* SPDX-License-Identifier: Apache-2.0 */
/* Files, folders and paths, in a temporary folder. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_sweep.h"

static char folder[] = "/tmp/rem-test-XXXXXX";

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return rem_file_remove_tree(folder, NULL) == REM_OK ? 0 : -1;
}

/* Owned path below the folder of the test. */
static char *at(const char *name) {
  char *path = rem_path_join(folder, name);
  assert_non_null(path);
  return path;
}

static void write_file(const char *path, const char *text) {
  rem_error err = {0};
  if (rem_file_write_atomic(path, text, strlen(text), 0600, &err) != REM_OK)
    fail_msg("%s", err.message);
}

static void assert_content(const char *path, const char *expected) {
  rem_error err = {0};
  rem_bytes content = {0};
  assert_int_equal(rem_file_read(path, 1000, &content, &err), REM_OK);
  assert_string_equal(content.data, expected);
  assert_int_equal(content.size, strlen(expected));
  rem_bytes_free(&content);
}

static void an_atomic_write_replaces_and_leaves_nothing_else(void **state) {
  (void)state;
  char *path REM_AUTO_FREE = at("plain");
  struct stat info;
  write_file(path, "one");
  assert_content(path, "one");
  write_file(path, "");
  assert_content(path, "");
  write_file(path, "three");
  assert_content(path, "three");
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(rem_file_tree_bytes(folder), 5); /* no temporary file is left */
}

static void a_failed_write_keeps_the_old_file(void **state) {
  (void)state;
  char *path REM_AUTO_FREE = at("plain/below"), *good REM_AUTO_FREE = at("plain");
  rem_error err = {0};
  assert_int_equal(rem_file_write_atomic(path, "x", 1, 0600, &err), REM_IO);
  assert_content(good, "three");
  char *as_folder REM_AUTO_FREE = at("a folder");
  assert_int_equal(rem_file_make_folders(as_folder, 0700, &err), REM_OK);
  assert_int_equal(rem_file_write_atomic(as_folder, "x", 1, 0600, &err), REM_IO);
  assert_int_equal(rem_file_tree_bytes(folder), 5);
}

static void reading_tells_apart_missing_large_and_odd(void **state) {
  (void)state;
  char *missing REM_AUTO_FREE = at("missing"), *path REM_AUTO_FREE = at("plain"), *pipe REM_AUTO_FREE = at("pipe");
  rem_bytes content = {0};
  rem_error err = {0};
  assert_int_equal(rem_file_read(missing, 10, &content, &err), REM_UNKNOWN);
  assert_non_null(strstr(err.message, missing));
  assert_int_equal(rem_file_read(path, 4, &content, &err), REM_LIMIT);
  assert_int_equal(rem_file_read(folder, 4, &content, &err), REM_IO);
  assert_int_equal(mkfifo(pipe, 0600), 0);
  assert_int_equal(rem_file_read(pipe, 4, &content, &err), REM_IO);
  assert_null(content.data);
}

static void mappings_show_the_file(void **state) {
  (void)state;
  char *path REM_AUTO_FREE = at("plain"), *empty REM_AUTO_FREE = at("empty");
  rem_mapping mapping = {0};
  rem_error err = {0};
  assert_int_equal(rem_mapping_open(path, &mapping, &err), REM_OK);
  assert_int_equal(mapping.size, 5);
  assert_memory_equal(mapping.data, "three", 5);
  rem_mapping_close(&mapping);
  assert_null(mapping.data);
  write_file(empty, "");
  assert_int_equal(rem_mapping_open(empty, &mapping, &err), REM_OK);
  assert_int_equal(mapping.size, 0);
  rem_mapping_close(&mapping);
  assert_int_equal(rem_mapping_open("/no/such/file", &mapping, &err), REM_UNKNOWN);
}

static void folders_are_made_with_their_parents(void **state) {
  (void)state;
  char *path REM_AUTO_FREE = at("x/y//z/"), *below_file REM_AUTO_FREE = at("plain/x");
  struct stat info;
  rem_error err = {0};
  assert_int_equal(rem_file_make_folders(path, 0700, &err), REM_OK);
  assert_int_equal(rem_file_make_folders(path, 0700, &err), REM_OK);
  assert_true(rem_file_is_folder(path));
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0700);
  assert_int_equal(rem_file_make_folders(below_file, 0700, &err), REM_IO);
  assert_non_null(strstr(err.message, "plain"));
}

static void removing_a_tree_does_not_follow_links(void **state) {
  (void)state;
  char *tree REM_AUTO_FREE = at("x"), *file REM_AUTO_FREE = at("x/y/f"), *link REM_AUTO_FREE = at("x/link"),
            *kept REM_AUTO_FREE = at("kept"), *kept_file REM_AUTO_FREE = at("kept/f");
  rem_error err = {0};
  write_file(file, "12345678");
  assert_int_equal(rem_file_make_folders(kept, 0700, &err), REM_OK);
  write_file(kept_file, "k");
  assert_int_equal(symlink(kept, link), 0);
  assert_int_equal(rem_file_tree_bytes(tree), 8);
  assert_int_equal(rem_file_remove_tree(tree, &err), REM_OK);
  assert_false(rem_file_exists(tree));
  assert_content(kept_file, "k");
  assert_int_equal(rem_file_remove_tree(tree, &err), REM_OK);
  assert_int_equal(rem_file_remove_tree(kept_file, &err), REM_OK);
  assert_false(rem_file_exists(kept_file));
}

static void assert_path(char *path, const char *expected) {
  assert_string_equal(path, expected);
  rem_free(path);
}

static void paths_join(void **state) {
  (void)state;
  assert_path(rem_path_join("a", "b"), "a/b");
  assert_path(rem_path_join("a/", "b"), "a/b");
  assert_path(rem_path_join("a", "/b"), "/b");
  assert_path(rem_path_join("", "b"), "b");
  assert_path(rem_path_join("/", "b"), "/b");
}

static void paths_become_absolute_and_tidy(void **state) {
  (void)state;
  char here[4096], expected[8192];
  assert_non_null(getcwd(here, sizeof here));
  assert_path(rem_path_absolute("/a/./b//c/../d/"), "/a/b/d");
  assert_path(rem_path_absolute("/.."), "/");
  assert_path(rem_path_absolute("/a/../../b"), "/b");
  assert_path(rem_path_absolute("/"), "/");
  assert_path(rem_path_absolute("/..a/.b/..."), "/..a/.b/...");
  snprintf(expected, sizeof expected, "%s/x", strcmp(here, "/") == 0 ? "" : here);
  assert_path(rem_path_absolute("x"), expected);
  assert_int_equal(setenv("HOME", "/home/someone/", 1), 0);
  assert_path(rem_path_absolute("~"), "/home/someone");
  assert_path(rem_path_absolute("~/a"), "/home/someone/a");
  snprintf(expected, sizeof expected, "%s/~x", strcmp(here, "/") == 0 ? "" : here);
  assert_path(rem_path_absolute("~x"), expected);
}

static rem_status write_and_read(void *context, rem_error *err) {
  rem_bytes content = {0};
  REM_TRY(rem_file_write_atomic(context, "abc", 3, 0600, err));
  rem_status status = rem_file_read(context, 10, &content, err);
  rem_bytes_free(&content);
  return status;
}

static void files_survive_every_allocation_failure(void **state) {
  (void)state;
  char *path REM_AUTO_FREE = at("swept");
  assert_true(fault_sweep(write_and_read, path) >= 3);
  assert_content(path, "abc");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_atomic_write_replaces_and_leaves_nothing_else),
      cmocka_unit_test(a_failed_write_keeps_the_old_file),
      cmocka_unit_test(reading_tells_apart_missing_large_and_odd),
      cmocka_unit_test(mappings_show_the_file),
      cmocka_unit_test(folders_are_made_with_their_parents),
      cmocka_unit_test(removing_a_tree_does_not_follow_links),
      cmocka_unit_test(paths_join),
      cmocka_unit_test(paths_become_absolute_and_tidy),
      cmocka_unit_test(files_survive_every_allocation_failure),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
