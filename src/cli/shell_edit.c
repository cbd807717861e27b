/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_edit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signals.h"

#define HISTORY_COUNT 2000
/* Longer statements are not worth recalling, and a history of them is slow to load. */
#define REMEMBERED_SIZE_MAX 20000

/* What of libedit is used. */
static struct {
  EditLine *(*init)(const char *, FILE *, FILE *, FILE *);
  void (*end)(EditLine *);
  int (*set)(EditLine *, int, ...);
  int (*get)(EditLine *, int, ...);
  const char *(*gets)(EditLine *, int *);
  const LineInfo *(*line)(EditLine *);
  int (*insertstr)(EditLine *, const char *);
  int (*source)(EditLine *, const char *);
  void (*reset)(EditLine *);
  History *(*history_init)(void);
  void (*history_end)(History *);
  int (*history)(History *, HistEvent *, int, ...);
} lib;

struct shell_edit {
  shell *shell;
  EditLine *el;
  History *history;
  const char *prompt;       /* borrowed during a read */
  const char *history_path; /* owned; NULL */
};

static bool load(void) {
  static const struct {
    const char *name;
    void **target;
  } symbols[] = {{"el_init", (void **)&lib.init},           {"el_end", (void **)&lib.end},
                 {"el_set", (void **)&lib.set},             {"el_get", (void **)&lib.get},
                 {"el_gets", (void **)&lib.gets},           {"el_line", (void **)&lib.line},
                 {"el_insertstr", (void **)&lib.insertstr}, {"el_source", (void **)&lib.source},
                 {"el_reset", (void **)&lib.reset},         {"history_init", (void **)&lib.history_init},
                 {"history_end", (void **)&lib.history_end}, {"history", (void **)&lib.history}};
  void *library = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
  for (size_t i = 0; library && i < sizeof symbols / sizeof symbols[0]; i++)
    if (!(*symbols[i].target = dlsym(library, symbols[i].name)))
      return false;
  return library != NULL;
}

static shell_edit *edit_of(EditLine *el) {
  void *edit = NULL;
  lib.get(el, EL_CLIENTDATA, &edit);
  return edit;
}

static char *prompt_of(EditLine *el) {
  return (char *)edit_of(el)->prompt;
}

/* ------------------------------------------------------------------------------------------- */
/* Completion                                                                                   */

/* Bytes that all words begin with. */
static size_t common_size(const shell_words *words) {
  size_t size = words->count ? strlen(words->items[0]) : 0;
  for (size_t i = 1; i < words->count; i++) {
    size_t same = 0;
    while (same < size && words->items[i][same] == words->items[0][same])
      same++;
    size = same;
  }
  /* Not half a character. */
  while (size > 0 && words->count && ((unsigned char)words->items[0][size] & 0xC0) == 0x80)
    size--;
  return size;
}

static void list_words(const shell_words *words) {
  size_t width = 0, shown = words->count < 200 ? words->count : 200;
  for (size_t i = 0; i < shown; i++) {
    size_t wanted = cli_text_width(words->items[i], strlen(words->items[i])) + 2;
    width = wanted > width ? wanted : width;
  }
  size_t columns = width && width < 100 ? 100 / width : 1;
  for (size_t i = 0; i < shown; i++) {
    size_t used = cli_text_width(words->items[i], strlen(words->items[i]));
    printf("%s%s%*s", i % columns ? "" : "\n", words->items[i], (int)(width - used), "");
  }
  if (shown < words->count) printf("\n… and %zu more", words->count - shown);
  putchar('\n');
  fflush(stdout);
}

static unsigned char complete(EditLine *el, int key) {
  shell_edit *edit = edit_of(el);
  const LineInfo *line = lib.line(el);
  cli_text text = {0};
  shell_words words = {0};
  (void)key;
  cli_text_append(&text, edit->shell->typed.data ? edit->shell->typed.data : "", edit->shell->typed.size);
  size_t cursor = text.size + (size_t)(line->cursor - line->buffer);
  cli_text_append(&text, line->buffer, (size_t)(line->lastchar - line->buffer));
  shell_complete(edit->shell, text.data, text.size, cursor, &words);
  size_t common = common_size(&words);
  unsigned char answer = CC_REFRESH;
  if (words.count == 0) {
    answer = CC_REFRESH_BEEP;
  } else if (common > words.typed_size || words.count == 1) {
    char *rest = cli_copy(words.items[0] + words.typed_size, common > words.typed_size ? common - words.typed_size : 0);
    bool closed = words.count == 1 && strchr("(.", words.items[0][strlen(words.items[0]) - 1]) == NULL;
    if (rest[0]) lib.insertstr(el, rest);
    if (closed) lib.insertstr(el, " ");
    free(rest);
  } else {
    list_words(&words);
    answer = CC_REDISPLAY;
  }
  shell_words_free(&words);
  cli_text_free(&text);
  return answer;
}

/* ------------------------------------------------------------------------------------------- */
/* History                                                                                      */

static void load_history(shell_edit *edit) {
  HistEvent event;
  lib.history(edit->history, &event, H_SETSIZE, HISTORY_COUNT);
  lib.history(edit->history, &event, H_SETUNIQUE, 1);
  if (!edit->history_path)
    return;
  /* Made here, so that it is nobody else's to read from its first byte. */
  int file = open(edit->history_path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0)
    return;
  (void)fchmod(file, 0600);
  close(file);
  lib.history(edit->history, &event, H_LOAD, edit->history_path);
}

/* May its lines be joined by blanks? Not with a comment to the end of a line, nor a text that goes over lines. */
static bool joins(const char *text) {
  bool quoted = false;
  for (; *text; text++) {
    if (*text == '\'' || *text == '"') quoted = !quoted;
    if ((*text == '\n' && quoted) || (text[0] == '-' && text[1] == '-'))
      return false;
  }
  return true;
}

static void enter(shell_edit *edit, const char *text, size_t size) {
  HistEvent event;
  char *entry = cli_copy(text, size);
  for (char *c = entry; *c; c++)
    if (*c == '\n' || *c == '\r') *c = ' ';
  size_t end = strlen(entry);
  while (end > 0 && entry[end - 1] == ' ')
    entry[--end] = 0;
  if (end > 0) lib.history(edit->history, &event, H_ENTER, entry);
  free(entry);
}

void shell_edit_remember(shell_edit *edit, const char *text) {
  HistEvent event;
  size_t size = strlen(text);
  if (size > REMEMBERED_SIZE_MAX)
    return;
  if (joins(text)) {
    enter(edit, text, size);
  } else {
    for (const char *line = text; *line;) {
      size_t length = strcspn(line, "\n");
      enter(edit, line, length);
      line += length + (line[length] == '\n');
    }
  }
  if (edit->history_path) lib.history(edit->history, &event, H_SAVE, edit->history_path);
}

/* ------------------------------------------------------------------------------------------- */

shell_edit *shell_edit_open(shell *s, const char *history_path) {
  if (!load())
    return NULL;
  /* Characters, not bytes, are what the cursor steps over. */
  if (!setlocale(LC_CTYPE, "C.UTF-8")) setlocale(LC_CTYPE, "");
  shell_edit *edit = cli_allocate(sizeof *edit);
  edit->shell = s;
  edit->history_path = history_path ? cli_copy(history_path, strlen(history_path)) : NULL;
  edit->el = lib.init("db", stdin, stdout, stderr);
  edit->history = lib.history_init();
  if (!edit->el || !edit->history) {
    shell_edit_close(edit);
    return NULL;
  }
  lib.set(edit->el, EL_CLIENTDATA, edit);
  lib.set(edit->el, EL_PROMPT, prompt_of);
  lib.set(edit->el, EL_EDITOR, "emacs");
  /* Its own handlers put the terminal right on Ctrl-Z and when the window changes, and pass signals on to ours. */
  lib.set(edit->el, EL_SIGNAL, 1);
  lib.set(edit->el, EL_HIST, lib.history, edit->history);
  lib.set(edit->el, EL_ADDFN, "db-complete", "complete a word", complete);
  lib.set(edit->el, EL_BIND, "^I", "db-complete", NULL);
  lib.set(edit->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
  lib.set(edit->el, EL_BIND, "^W", "ed-delete-prev-word", NULL);
  lib.source(edit->el, NULL);
  load_history(edit);
  return edit;
}

void shell_edit_close(shell_edit *edit) {
  if (!edit)
    return;
  if (edit->el) lib.end(edit->el);
  if (edit->history) lib.history_end(edit->history);
  free((char *)edit->history_path);
  free(edit);
}

shell_input shell_edit_read(shell_edit *edit, const char *prompt, cli_text *ret_line) {
  int count = 0;
  edit->prompt = prompt;
  fflush(stderr);
  const char *line;
  do {
    errno = 0;
    line = lib.gets(edit->el, &count);
    /* A signal that is none of ours, as Ctrl-Z where nothing can be stopped, does not end the input. */
  } while (!line && errno == EINTR && !cli_signal_received());
  cli_text_clear(ret_line);
  if (cli_signal_received()) {
    lib.reset(edit->el);
    return SHELL_INTERRUPTED;
  }
  if (!line || count <= 0)
    return SHELL_END;
  cli_text_append(ret_line, line, (size_t)count);
  return SHELL_LINE;
}
