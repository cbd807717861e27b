/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file or of stdin, numbered, each of at most 64 MiB. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_LINE_SIZE_MAX ((size_t)64 << 20)

typedef enum cli_line {
  CLI_LINE_OK,
  CLI_LINE_END,
  CLI_LINE_TOO_LONG, /* passed over; the next call gives the next line */
  CLI_LINE_FAILED,   /* errno says why */
  CLI_LINE_STOPPED,  /* a signal came */
} cli_line;

typedef struct cli_lines {
  int file;
  bool owned; /* the file is closed with the reader */
  char *data; /* owned; data[begin, end) was read and not yet given out */
  size_t begin, end, capacity;
  bool ended;
  int64_t number;     /* of the line given last, from 1 */
  int64_t bytes_read; /* given out so far */
  int64_t bytes_total; /* -1 when not known */
} cli_lines;

/* `path` NULL or "-": stdin. False: errno says why. Owned: cli_lines_close(). */
bool cli_lines_open(cli_lines *lines, const char *path);
void cli_lines_close(cli_lines *lines);
/* The next line without its end, borrowed until the next call. */
cli_line cli_lines_next(cli_lines *lines, const char **ret_line, size_t *ret_size);

#endif
