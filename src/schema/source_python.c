/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running Python: a child without a shell, with two pipes.
 *
 *   stdin, stdout  /dev/null        the user's module may read and print
 *   stderr         pipe, the last 4 KiB kept: its last line explains a child that died without an answer
 *   3              pipe: the answer, one JSON object {"status", "schema"} or {"status", "message", "hint"}
 *
 * The answer is complete when its pipe is closed. Then, or after 30 seconds, the child has had its time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "schema/source_internal.h"

extern char **environ;

enum {
  TIME_LIMIT_MS = 30000,
  GRACE_MS = 2000, /* between the end of the answer and the end of the process */
  ANSWER_DESCRIPTOR = 3,
  STDERR_KEPT = 4096,
};

typedef struct child {
  pid_t pid;
  int answer, errors;             /* reading ends; -1: closed */
  int answer_write, errors_write; /* the child's, closed here once it runs */
  rem_buffer text;                /* of the answer */
  char tail[STDERR_KEPT + 1];     /* of stderr */
  size_t tail_size;
} child;

static void close_descriptor(int *descriptor) {
  if (*descriptor >= 0) close(*descriptor);
  *descriptor = -1;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* True when the child is gone. */
static bool reap(child *c, int64_t deadline) {
  struct timespec pause = {0, 2000000};
  do {
    pid_t done = waitpid(c->pid, NULL, WNOHANG);
    if (done == c->pid || (done < 0 && errno != EINTR)) {
      c->pid = 0;
      return true;
    }
    nanosleep(&pause, NULL);
  } while (now_ms() < deadline);
  return false;
}

static void child_deinit(child *c) {
  close_descriptor(&c->answer);
  close_descriptor(&c->errors);
  close_descriptor(&c->answer_write);
  close_descriptor(&c->errors_write);
  if (c->pid > 0 && !reap(c, now_ms() + GRACE_MS)) {
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
      continue;
  }
  rem_buffer_deinit(&c->text);
}

static const char *interpreter(const char *python, char **ret_owned) {
  if (python != NULL && python[0] != 0) return python;
  const char *chosen = getenv("P8_PYTHON");
  if (chosen != NULL && chosen[0] != 0) return chosen;
  const char *environment = getenv("VIRTUAL_ENV");
  if (environment != NULL && environment[0] != 0) {
    size_t size = strlen(environment) + sizeof "/bin/python";
    *ret_owned = rem_alloc(size);
    if (*ret_owned == NULL) return NULL;
    snprintf(*ret_owned, size, "%s/bin/python", environment);
    return *ret_owned;
  }
  return "python3";
}

/* The writing end is moved above the descriptors the child is given, so that none overwrites another. */
static rem_status make_pipe(int *reading, int *writing, rem_error *err) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return rem_error_errno(err, errno, "cannot make a pipe for", "python");
  *reading = ends[0];
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  *writing = fcntl(ends[1], F_DUPFD_CLOEXEC, ANSWER_DESCRIPTOR + 1);
  int number = errno;
  close(ends[1]);
  return *writing >= 0 ? REM_OK : rem_error_errno(err, number, "cannot make a pipe for", "python");
}

static int plan_descriptors(posix_spawn_file_actions_t *actions, const child *c) {
  int result = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (result == 0) result = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
  if (result == 0) result = posix_spawn_file_actions_adddup2(actions, c->errors_write, 2);
  return result == 0 ? posix_spawn_file_actions_adddup2(actions, c->answer_write, ANSWER_DESCRIPTOR) : result;
}

/* Signals as a shell would give them, whatever the host has blocked or ignores. */
static int plan_signals(posix_spawnattr_t *attributes) {
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGINT);
  sigaddset(&defaults, SIGTERM);
  int result = posix_spawnattr_setsigmask(attributes, &none);
  if (result == 0) result = posix_spawnattr_setsigdefault(attributes, &defaults);
  if (result == 0) result = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  return result;
}

static int spawn(child *c, const char *python, const char *path, const char *class_name) {
  char *arguments[] = {(char *)python, (char *)"-c",       (char *)rem_source__script,
                       (char *)path,   (char *)class_name, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int result = posix_spawn_file_actions_init(&actions);
  if (result != 0) return result;
  result = posix_spawnattr_init(&attributes);
  if (result == 0) {
    result = plan_descriptors(&actions, c);
    if (result == 0) result = plan_signals(&attributes);
    if (result == 0) result = posix_spawnp(&c->pid, python, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  if (result != 0) c->pid = 0;
  return result;
}

static rem_status start(child *c, const char *python, const char *path, const char *class_name, rem_error *err) {
  REM_TRY(make_pipe(&c->answer, &c->answer_write, err));
  REM_TRY(make_pipe(&c->errors, &c->errors_write, err));
  int result = spawn(c, python, path, class_name);
  close_descriptor(&c->answer_write);
  close_descriptor(&c->errors_write);
  if (result == 0) return REM_OK;
  if (result == ENOMEM) return rem_error_nomem(err);
  rem_error_set(err, REM_UNKNOWN, "the Python interpreter '%.200s' cannot be run: %s", python, strerror(result));
  rem_error_hint(err, "Install Python 3 with Pydantic 2, or name an interpreter in P8_PYTHON.");
  return REM_UNKNOWN;
}

/* Keeps the end of what was written. */
static void keep_tail(child *c, const char *data, size_t size) {
  if (size > STDERR_KEPT) {
    data += size - STDERR_KEPT;
    size = STDERR_KEPT;
  }
  size_t old = c->tail_size + size > STDERR_KEPT ? STDERR_KEPT - size : c->tail_size;
  memmove(c->tail, c->tail + c->tail_size - old, old);
  memcpy(c->tail + old, data, size);
  c->tail_size = old + size;
  c->tail[c->tail_size] = 0;
}

/* Reads what is there; closes the descriptor at its end. */
static void drain(child *c, int *descriptor) {
  char data[16384];
  ssize_t size;
  while ((size = read(*descriptor, data, sizeof data)) > 0) {
    if (descriptor == &c->errors)
      keep_tail(c, data, (size_t)size);
    else
      rem_buffer_append(&c->text, data, (size_t)size);
  }
  if (size == 0 || (errno != EAGAIN && errno != EINTR)) close_descriptor(descriptor);
}

static rem_status listen_to(child *c, const char *path, rem_error *err) {
  int64_t deadline = now_ms() + TIME_LIMIT_MS;
  while (c->answer >= 0) {
    struct pollfd polled[] = {{c->answer, POLLIN, 0}, {c->errors, POLLIN, 0}};
    int64_t left = deadline - now_ms();
    if (left <= 0) {
      kill(c->pid, SIGKILL);
      rem_error_set(err, REM_TIMEOUT, "reading '%.300s' took Python longer than %d seconds", path, TIME_LIMIT_MS / 1000);
      rem_error_hint(err, "The file is run as it is imported; put what takes long under `if __name__ == \"__main__\"`.");
      return REM_TIMEOUT;
    }
    if (poll(polled, 2, (int)left) < 0 && errno != EINTR)
      return rem_error_errno(err, errno, "cannot wait for Python and", path);
    if (polled[1].revents != 0) drain(c, &c->errors);
    if (polled[0].revents != 0) drain(c, &c->answer);
    if (c->text.failure != REM_OK) {
      kill(c->pid, SIGKILL);
      if (c->text.failure == REM_NOMEM) return rem_error_nomem(err);
      return rem_error_set(err, REM_LIMIT, "the schema of '%.300s' is larger than %zu bytes", path, REM_SOURCE_MAX_SIZE);
    }
  }
  if (c->errors >= 0) drain(c, &c->errors);
  return REM_OK;
}

/* The last line of stderr that says something. */
static const char *last_line(child *c) {
  while (c->tail_size > 0 && (unsigned char)c->tail[c->tail_size - 1] <= ' ')
    c->tail[--c->tail_size] = 0;
  const char *line = strrchr(c->tail, '\n');
  return line != NULL ? line + 1 : c->tail;
}

static rem_status no_answer(child *c, const char *path, rem_error *err) {
  const char *line = last_line(c);
  rem_error_set(err, REM_INVALID, "Python ended without a schema for '%.300s'%s%.300s", path, line[0] != 0 ? ": " : "",
                line);
  rem_error_hint(err, "Import the file in Python to see the whole error.");
  return REM_INVALID;
}

static const char *text_of(const json_t *answer, const char *key) {
  const char *text = json_string_value(json_object_get(answer, key));
  return text != NULL ? text : "";
}

static rem_status status_of(const char *name) {
  return strcmp(name, "unknown") == 0 ? REM_UNKNOWN : strcmp(name, "missing") == 0 ? REM_UNSUPPORTED : REM_INVALID;
}

static rem_status read_answer(child *c, const char *path, json_t **ret_schema, rem_error *err) {
  json_t *answer REM_AUTO_JSON = NULL;
  if (c->text.size == 0) return no_answer(c, path, err);
  REM_TRY(rem_json_parse_object((const char *)c->text.data, c->text.size, &answer, err));
  const char *status = text_of(answer, "status");
  if (strcmp(status, "ok") != 0) {
    rem_error_set(err, status_of(status), "%s", text_of(answer, "message"));
    rem_error_hint(err, "%s", text_of(answer, "hint"));
    return status_of(status);
  }
  json_t *schema = json_object_get(answer, "schema");
  if (!json_is_object(schema)) return no_answer(c, path, err);
  *ret_schema = json_incref(schema);
  return REM_OK;
}

rem_status rem_source__python(const char *path, const char *class_name, const char *python, json_t **ret_schema,
                              rem_error *err) {
  char *owned REM_AUTO_FREE = NULL;
  const char *program = interpreter(python, &owned);
  if (program == NULL) return rem_error_nomem(err);
  child c REM_CLEANUP(child_deinit) = {.answer = -1, .errors = -1, .answer_write = -1, .errors_write = -1};
  rem_buffer_init(&c.text, REM_SOURCE_MAX_SIZE);
  REM_TRY(start(&c, program, path, class_name, err));
  REM_TRY(listen_to(&c, path, err));
  return read_answer(&c, path, ret_schema, err);
}
