/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cold commands: `db lookup`, `db query` by key and `db search` as whole processes, from start to exit, with a warm page cache, in turns with a program that only opens the
 * same database.
 *
 *   bench_cold <db program> <open_only program> [chunks] [runs]
 *
 * The database holds one resource a chunk, of sentences found in the machine's own documentation. The model must be installed: P8_MODELS_DIR, else
 * ~/.p8/models; without one only the lookup is measured.
 */
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "place.h"

#define CHUNK_BYTES 120
#define FILE_BYTES 300000

extern char **environ;

typedef struct run_result {
  double ms, cpu_ms;
  double rss_mib;
  int code;
} run_result;

static double milliseconds(struct timeval time) {
  return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

/* Runs a program with its output thrown away. */
static run_result run(char *const *arguments) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid;
  int status = 0;
  struct rusage usage = {0};
  int64_t start = measure_now_ns();
  if (posix_spawn(&pid, arguments[0], &actions, NULL, arguments, environ) != 0 || wait4(pid, &status, 0, &usage) < 0)
    measure_fail("cannot run a program");
  double ms = (double)(measure_now_ns() - start) / 1e6;
  posix_spawn_file_actions_destroy(&actions);
  double cpu_ms = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
  return (run_result){ms, cpu_ms, (double)usage.ru_maxrss / 1024, WIFEXITED(status) ? WEXITSTATUS(status) : 128};
}

/* ---- the corpus ---- */

typedef struct corpus {
  FILE *out;
  size_t wanted, made;
  char key[4200]; /* the URI of one chunk, to look up */
} corpus;

/* Plain prose: what is not ASCII text becomes a space, runs of spaces one. */
static size_t clean(const char *text, size_t size, char *ret_clean) {
  size_t at = 0;
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c <= ' ' || c >= 127 || c == '"' || c == '\\')
      c = ' ';
    if (c != ' ' || (at && ret_clean[at - 1] != ' '))
      ret_clean[at++] = (char)c;
  }
  return at;
}

static void add_chunks(corpus *c, const char *name, const char *text, size_t size) {
  static char cleaned[FILE_BYTES];
  size_t length = clean(text, size, cleaned);
  for (size_t at = 0; at + CHUNK_BYTES <= length && c->made < c->wanted; c->made++) {
    size_t end = at + CHUNK_BYTES;
    while (end > at + CHUNK_BYTES / 2 && cleaned[end] != ' ')
      end--;
    fprintf(c->out, "{\"uri\":\"file://%s#%zu\",\"name\":\"chunk %zu\",\"content\":\"%.*s\"}\n", name, c->made, c->made,
            (int)(end - at), cleaned + at);
    if (c->made == c->wanted / 2)
      snprintf(c->key, sizeof c->key, "file://%s#%zu", name, c->made);
    at = end;
  }
}

static void add_file(corpus *c, const char *path) {
  static char text[FILE_BYTES];
  FILE *file = fopen(path, "r");
  if (!file)
    return;
  size_t size = fread(text, 1, sizeof text, file);
  fclose(file);
  if (!memchr(text, 0, size))
    add_chunks(c, path, text, size);
}

static void add_folder(corpus *c, const char *path, int depth) {
  DIR *dir = opendir(path);
  for (struct dirent *entry; dir && c->made < c->wanted && (entry = readdir(dir));) {
    char child[4096];
    struct stat info;
    if (entry->d_name[0] == '.')
      continue;
    if ((size_t)snprintf(child, sizeof child, "%s/%s", path, entry->d_name) >= sizeof child)
      continue;
    if (lstat(child, &info) != 0 || strstr(entry->d_name, ".gz"))
      continue;
    if (S_ISREG(info.st_mode))
      add_file(c, child);
    else if (S_ISDIR(info.st_mode) && depth)
      add_folder(c, child, depth - 1);
  }
  if (dir)
    closedir(dir);
}

static void write_corpus(const char *path, size_t chunks, corpus *ret_corpus) {
  static const char *const folders[] = {"/usr/share/common-licenses", "/usr/share/doc", "/usr/share/perl", "/usr/lib/python3.11",
                                        "/usr/include"};
  *ret_corpus = (corpus){.out = fopen(path, "w"), .wanted = chunks};
  if (!ret_corpus->out)
    measure_fail("cannot write the corpus");
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    add_folder(ret_corpus, folders[i], 3);
  fclose(ret_corpus->out);
}

/* ---- measuring ---- */

static void need_run(char *const *arguments) {
  if (run(arguments).code != 0)
    measure_fail("a command failed");
}

typedef struct figures {
  measure_pair pair, cpu;
  double rss_mib;
} figures;

static void take_turn(figures *f, char *const *ours, char *const *theirs) {
  run_result a = run(ours), b = run(theirs);
  if (a.code != 0 || b.code != 0)
    measure_fail("a command failed");
  measure_add(&f->pair, a.ms, b.ms);
  measure_add(&f->cpu, a.cpu_ms, b.cpu_ms);
  f->rss_mib = a.rss_mib > f->rss_mib ? a.rss_mib : f->rss_mib;
}

/* A home of the benchmark's own, but the models that are installed. */
static void settle_home(void) {
  char models[4096];
  const char *home = getenv("HOME");
  snprintf(models, sizeof models, "%s/.p8/models", home ? home : "");
  setenv("P8_MODELS_DIR", models, 0);
  setenv("P8_HOME", place_folder(), 1);
  setenv("P8_DB_PATH", place_folder(), 1);
  unsetenv("P8_DB");
}

static bool has_model(char *program) {
  char *list[] = {program, "model", "verify", NULL};
  return run(list).code == 0;
}

int main(int argc, char **argv) {
  static figures lookup, query, search;
  char path[320], rows[320];
  corpus made;
  if (argc < 3) {
    fprintf(stderr, "usage: bench_cold <db program> <open_only program> [chunks] [runs]\n");
    return 2;
  }
  char *program = argv[1];
  size_t chunks = argc > 3 ? (size_t)atol(argv[3]) : measure_full() ? 10000 : 2000;
  size_t runs = argc > 4 ? (size_t)atol(argv[4]) : 50;
  measure_begin("cold");
  settle_home();
  bool model = has_model(program);
  snprintf(path, sizeof path, "%s/cold.db", place_folder());
  snprintf(rows, sizeof rows, "%s/rows.jsonl", place_folder());
  write_corpus(rows, chunks, &made);
  char *init[] = {program, "init", "cold", "--path", path, NULL};
  char *upsert[] = {program, "upsert", rows, "--schema", "resources", "--db", path, "--quiet", NULL};
  need_run(init);
  need_run(upsert);
  char *open_only[] = {argv[2], path, NULL};
  char *look[] = {program, "lookup", made.key, "--db", path, NULL};
  char sql[4400];
  snprintf(sql, sizeof sql, "SELECT * FROM resources WHERE uri = '%s'", made.key);
  char *ask[] = {program, "query", sql, "--db", path, NULL};
  char *find[] = {program, "search", "how do I change the permissions of a file", "--db", path, NULL};
  for (size_t i = 0; i < runs + 3; i++) {
    static figures warm;
    take_turn(i < 3 ? &warm : &lookup, look, open_only);
    take_turn(i < 3 ? &warm : &query, ask, look);
    if (model)
      take_turn(i < 3 ? &warm : &search, find, open_only);
  }
  measure_figure("chunks", (double)made.made, "", NULL);
  measure_figure("open only", measure_theirs(&lookup.pair), "ms", NULL);
  measure_figure("db lookup", measure_ours(&lookup.pair), "ms", NULL);
  measure_figure("db lookup / open only", measure_ratio(&lookup.pair), "x", "<= 1.5");
  measure_figure("open only, CPU", measure_theirs(&lookup.cpu), "ms", NULL);
  measure_figure("db lookup, CPU", measure_ours(&lookup.cpu), "ms", NULL);
  measure_figure("db lookup / open only, by CPU", measure_ratio(&lookup.cpu), "x", NULL);
  measure_figure("db lookup, peak memory", lookup.rss_mib, "MiB", "<= 150");
  measure_figure("db query by key", measure_ours(&query.pair), "ms", NULL);
  measure_figure("db query by key / db lookup", measure_ratio(&query.pair), "x", "<= 1.5");
  measure_figure("db query by key / db lookup, by CPU", measure_ratio(&query.cpu), "x", NULL);
  if (model) {
    measure_figure("db search", measure_ours(&search.pair), "ms", "<= 25 at 10,000 chunks");
    measure_figure("db search, CPU", measure_ours(&search.cpu), "ms", NULL);
    measure_figure("db search, peak memory", search.rss_mib, "MiB", "<= 150");
  }
  return 0;
}
