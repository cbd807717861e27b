/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines from a terminal, edited by libedit, which is loaded when the first one is read: no other command pays for it. Without the library
 * lines are read as they are typed.
 */
#ifndef CLI_SHELL_EDIT_H
#define CLI_SHELL_EDIT_H

#include "shell.h"

typedef struct shell_edit shell_edit;

typedef enum shell_input { SHELL_LINE, SHELL_INTERRUPTED, SHELL_END } shell_input;

/* `shell` is borrowed, for completion. `history_path` NULL: nothing is kept. Owned: shell_edit_close(). NULL: no libedit here. */
shell_edit *shell_edit_open(shell *shell, const char *history_path);
void shell_edit_close(shell_edit *edit);

/* The next line, its end included, replaces what is in `ret_line`. */
shell_input shell_edit_read(shell_edit *edit, const char *prompt, cli_text *ret_line);
/* Adds a statement or command to the history, and the history to its file (mode 0600). */
void shell_edit_remember(shell_edit *edit, const char *text);

#endif
