/* SPDX-License-Identifier: Apache-2.0 */
/* Walking folders: order, links, hidden and unreadable entries; and the URIs of what is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ingest/file_uri.h"
#include "ingest/walker.h"

static char root[64];

static const char *at(const char *name) {
  static char paths[4][512];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", root, name);
  return path;
}

static void put(const char *name, const char *content) {
  rem_error err = {0};
  assert_int_equal(rem_file_write_atomic(at(name), content, strlen(content), 0600, &err), REM_OK);
}

static void folder(const char *name) {
  assert_int_equal(mkdir(at(name), 0700), 0);
}

static int make_root(void **state) {
  (void)state;
  strcpy(root, "/tmp/rem-walker-XXXXXX");
  return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
  (void)state;
  return rem_file_remove_tree(root, NULL) == REM_OK ? 0 : -1;
}

/* The walked files, relative to the root, and the problems behind a '!', each followed by a space. */
static const char *walk(const char *path, const char *exclude) {
  static char result[4096];
  rem_walker *walker = NULL;
  rem_error err = {0};
  assert_int_equal(rem_walker_new(path, exclude, &walker, &err), REM_OK);
  rem_status status = REM_ROW;
  while (status == REM_ROW)
    status = rem_walker_step(walker, &err);
  assert_int_equal(status, REM_DONE);
  size_t used = 0;
  result[0] = 0;
  for (size_t i = 0; i < rem_walker_file_count(walker); i++)
    used += (size_t)snprintf(result + used, sizeof result - used, "%s ",
                             rem_walker_file_at(walker, i)->path + strlen(root) + 1);
  for (size_t i = 0; i < rem_walker_problem_count(walker); i++)
    used += (size_t)snprintf(result + used, sizeof result - used, "!%s ",
                             rem_walker_problem_at(walker, i)->path + strlen(root) + 1);
  rem_walker_free(walker);
  return result;
}

static void files_come_in_order_of_their_paths(void **state) {
  (void)state;
  put("b.md", "bb");
  put("a.txt", "a");
  folder("c");
  put("c/z.md", "zzz");
  put("c/a.md", "aaaa");
  folder("a");
  put("a/deep.md", "");
  assert_string_equal(walk(root, NULL), "a.txt a/deep.md b.md c/a.md c/z.md ");
  rem_walker *walker = NULL;
  rem_error err = {0};
  assert_int_equal(rem_walker_new(root, NULL, &walker, &err), REM_OK);
  while (rem_walker_step(walker, &err) == REM_ROW)
    continue;
  assert_int_equal(rem_walker_total_bytes(walker), 10);
  assert_true(rem_walker_is_folder(walker));
  rem_walker_free(walker);
}

static void hidden_and_special_entries_are_passed_over(void **state) {
  (void)state;
  put(".hidden", "x");
  folder(".git");
  put(".git/config", "x");
  put("seen", "x");
  assert_int_equal(mkfifo(at("pipe"), 0600), 0);
  assert_string_equal(walk(root, NULL), "seen ");
}

static void an_excluded_folder_is_not_entered(void **state) {
  (void)state;
  folder("x.db");
  put("x.db/000001.sst", "x");
  put("doc.md", "x");
  assert_string_equal(walk(root, at("x.db")), "doc.md ");
}

static void links_are_followed_once(void **state) {
  (void)state;
  folder("docs");
  put("docs/real.md", "x");
  folder("other");
  assert_int_equal(symlink(at("docs/real.md"), at("alias.md")), 0);
  assert_int_equal(symlink(at("docs"), at("other/docs")), 0);
  assert_string_equal(walk(root, NULL), "docs/real.md ");
  /* A target outside what is walked is reached by its first link. */
  assert_int_equal(symlink(at("docs"), at("other/again")), 0);
  assert_string_equal(walk(at("other"), NULL), "other/again/real.md ");
}

static void loops_and_dead_links_are_reported(void **state) {
  (void)state;
  folder("a");
  put("a/x.md", "x");
  assert_int_equal(symlink("..", at("a/up")), 0);
  assert_int_equal(symlink(".", at("self")), 0);
  assert_int_equal(symlink("nowhere", at("dead")), 0);
  assert_int_equal(symlink("ring", at("ring")), 0);
  assert_string_equal(walk(root, NULL), "a/x.md !a/up !dead !ring !self ");
}

static void unreadable_folders_are_reported(void **state) {
  (void)state;
  if (geteuid() == 0)
    skip();
  folder("closed");
  put("open.md", "x");
  assert_int_equal(chmod(at("closed"), 0), 0);
  assert_string_equal(walk(root, NULL), "open.md !closed ");
  assert_int_equal(chmod(at("closed"), 0700), 0);
}

static void too_deep_folders_are_reported(void **state) {
  (void)state;
  char name[512] = "d";
  for (int i = 0; i <= REM_WALKER_MAX_DEPTH; i++) {
    folder(name);
    strcat(name, "/d");
  }
  put("d/f.md", "x");
  const char *found = walk(root, NULL);
  assert_memory_equal(found, "d/f.md !d/d", 11);
}

static void a_file_alone_is_walked_too(void **state) {
  (void)state;
  put("one.md", "x");
  assert_string_equal(walk(at("one.md"), NULL), "one.md ");
  rem_walker *walker = NULL;
  rem_error err = {0};
  assert_int_equal(rem_walker_new(at("none.md"), NULL, &walker, &err), REM_UNKNOWN);
  assert_non_null(strstr(err.message, "none.md"));
  assert_int_equal(mkfifo(at("pipe"), 0600), 0);
  assert_int_equal(rem_walker_new(at("pipe"), NULL, &walker, &err), REM_INVALID);
  assert_null(walker);
}

static void uri_is(const char *path, const char *expected) {
  rem_buffer buffer = {0};
  rem_file_uri_append(&buffer, path);
  assert_int_equal(buffer.size, strlen(expected));
  assert_memory_equal(buffer.data, expected, buffer.size);
  rem_buffer back = {0};
  assert_true(rem_file_uri_path(rem_buffer_slice(&buffer), &back));
  assert_int_equal(back.size, strlen(path));
  assert_memory_equal(back.data, path, back.size);
  rem_buffer_deinit(&back);
  rem_buffer_deinit(&buffer);
}

static void uris_that_are_no_paths_are_told(void **state) {
  (void)state;
  static const char *const bad[] = {"", "file:", "file://host/a", "http:///a", "file:///a%", "file:///a%4", "file:///a%zz",
                                    "file:///a%00b"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    rem_buffer buffer = {0};
    if (rem_file_uri_path(rem_slice_text(bad[i]), &buffer))
      fail_msg("%s", bad[i]);
    rem_buffer_deinit(&buffer);
  }
}

static void uris_are_percent_encoded(void **state) {
  (void)state;
  uri_is("/docs/guide.md", "file:///docs/guide.md");
  uri_is("/a b/c#d?e%f", "file:///a%20b/c%23d%3Fe%25f");
  uri_is("/caf\xC3\xA9/~x_-.md", "file:///caf%C3%A9/~x_-.md");
  uri_is("/bad\xFF(1):2", "file:///bad%FF%281%29%3A2");
}

static void names_are_valid_text(void **state) {
  (void)state;
  rem_buffer buffer = {0};
  rem_file_name_append(&buffer, "/docs/bad\xFFname.md");
  assert_int_equal(buffer.size, 13);
  assert_memory_equal(buffer.data, "bad\xEF\xBF\xBDname.md", 13);
  rem_buffer_deinit(&buffer);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_ROOT(files_come_in_order_of_their_paths),
      WITH_ROOT(hidden_and_special_entries_are_passed_over),
      WITH_ROOT(an_excluded_folder_is_not_entered),
      WITH_ROOT(links_are_followed_once),
      WITH_ROOT(loops_and_dead_links_are_reported),
      WITH_ROOT(unreadable_folders_are_reported),
      WITH_ROOT(too_deep_folders_are_reported),
      WITH_ROOT(a_file_alone_is_walked_too),
      cmocka_unit_test(uris_are_percent_encoded),
      cmocka_unit_test(uris_that_are_no_paths_are_told),
      cmocka_unit_test(names_are_valid_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
