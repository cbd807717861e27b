/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signals.h"
#include "text.h"

#define CHUNK_SIZE ((size_t)256 << 10)

bool cli_lines_open(cli_lines *lines, const char *path) {
  *lines = (cli_lines){.file = STDIN_FILENO, .bytes_total = -1};
  if (path && strcmp(path, "-") != 0) {
    lines->file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    lines->owned = true;
    if (lines->file < 0)
      return false;
  }
  struct stat info;
  if (fstat(lines->file, &info) == 0 && S_ISDIR(info.st_mode)) {
    cli_lines_close(lines);
    errno = EISDIR;
    return false;
  }
  if (fstat(lines->file, &info) == 0 && S_ISREG(info.st_mode)) lines->bytes_total = info.st_size;
  return true;
}

void cli_lines_close(cli_lines *lines) {
  if (lines->owned && lines->file >= 0) close(lines->file);
  free(lines->data);
  *lines = (cli_lines){.file = -1};
}

static void make_room(cli_lines *lines) {
  if (lines->begin) {
    memmove(lines->data, lines->data + lines->begin, lines->end - lines->begin);
    lines->end -= lines->begin;
    lines->begin = 0;
  }
  if (lines->capacity - lines->end >= CHUNK_SIZE)
    return;
  size_t wanted = lines->capacity * 2;
  lines->capacity = wanted < lines->end + CHUNK_SIZE ? lines->end + CHUNK_SIZE : wanted;
  lines->data = cli_reallocate(lines->data, lines->capacity);
}

/* One more chunk. False at the end, on failure (errno) and when a signal came (errno EINTR). */
static bool read_more(cli_lines *lines) {
  make_room(lines);
  for (;;) {
    errno = 0;
    ssize_t count = read(lines->file, lines->data + lines->end, CHUNK_SIZE);
    if (count < 0 && errno == EINTR && !cli_signal_received())
      continue;
    if (count > 0) lines->end += (size_t)count;
    lines->ended = count == 0;
    return count > 0;
  }
}

static cli_line why_no_more(const cli_lines *lines) {
  if (lines->ended)
    return CLI_LINE_END;
  return errno == EINTR ? CLI_LINE_STOPPED : CLI_LINE_FAILED;
}

/* Drops what is there up to and including the next line end. */
static cli_line pass_over(cli_lines *lines) {
  for (;;) {
    char *newline = memchr(lines->data + lines->begin, '\n', lines->end - lines->begin);
    if (newline) {
      lines->begin = (size_t)(newline + 1 - lines->data);
      return CLI_LINE_TOO_LONG;
    }
    lines->begin = lines->end = 0;
    if (!read_more(lines)) {
      cli_line reason = why_no_more(lines);
      return reason == CLI_LINE_END ? CLI_LINE_TOO_LONG : reason;
    }
  }
}

static cli_line give(cli_lines *lines, size_t size, size_t used, const char **ret_line, size_t *ret_size) {
  const char *line = lines->data + lines->begin;
  lines->begin += used;
  lines->bytes_read += (int64_t)used;
  if (size && line[size - 1] == '\r') size--;
  if (lines->number == 1 && size >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
    line += 3;
    size -= 3;
  }
  *ret_line = line;
  *ret_size = size;
  return CLI_LINE_OK;
}

cli_line cli_lines_next(cli_lines *lines, const char **ret_line, size_t *ret_size) {
  if (cli_signal_received())
    return CLI_LINE_STOPPED;
  lines->number++;
  size_t searched = 0;
  for (;;) {
    size_t waiting = lines->end - lines->begin;
    char *newline = waiting > searched ? memchr(lines->data + lines->begin + searched, '\n', waiting - searched) : NULL;
    if (newline) {
      size_t size = (size_t)(newline - lines->data) - lines->begin;
      return size > CLI_LINE_SIZE_MAX ? pass_over(lines) : give(lines, size, size + 1, ret_line, ret_size);
    }
    searched = waiting;
    if (waiting > CLI_LINE_SIZE_MAX)
      return pass_over(lines);
    if (!lines->ended && read_more(lines))
      continue;
    cli_line reason = why_no_more(lines);
    if (reason != CLI_LINE_END || waiting == 0)
      return reason;
    return give(lines, waiting, waiting, ret_line, ret_size);
  }
}
