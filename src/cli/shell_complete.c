/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion: dot commands at the beginning of a line; behind FROM and the like tables; behind `name.` the columns of that table or alias;
 * elsewhere columns of the tables that the statement names (of all, when it names none), tables, and words of the language.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shell.h"

#define TOKEN_COUNT_MAX 500

/* The names and words of a statement, without what is in quotes. */
typedef struct tokens {
  struct {
    const char *text;
    size_t size;
  } items[TOKEN_COUNT_MAX];
  size_t count;
} tokens;

static bool is_word(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static void tokenize(const char *text, size_t size, tokens *ret_tokens) {
  ret_tokens->count = 0;
  for (size_t i = 0; i < size && ret_tokens->count < TOKEN_COUNT_MAX;) {
    size_t begin = i++;
    if (text[begin] == '\'') {
      while (i < size && text[i] != '\'')
        i++;
      i += i < size;
      continue;
    }
    if (!is_word(text[begin]))
      continue;
    while (i < size && is_word(text[i]))
      i++;
    ret_tokens->items[ret_tokens->count].text = text + begin;
    ret_tokens->items[ret_tokens->count++].size = i - begin;
  }
}

static bool token_is(const tokens *t, size_t i, const char *word) {
  return i < t->count && strlen(word) == t->items[i].size && strncasecmp(word, t->items[i].text, t->items[i].size) == 0;
}

/* ------------------------------------------------------------------------------------------- */

void shell_words_free(shell_words *words) {
  for (size_t i = 0; i < words->count; i++)
    free(words->items[i]);
  free(words->items);
  *words = (shell_words){0};
}

/* Adds `word` when it begins with what was typed, in any case. `lower`: a word of the language is offered as it is being typed. */
static void offer(shell_words *words, const char *typed, const char *word, bool lower) {
  if (strncasecmp(word, typed, words->typed_size) != 0 || strlen(word) == words->typed_size)
    return;
  char *made = cli_copy(word, strlen(word));
  for (char *c = made; lower && *c; c++)
    *c = (char)tolower((unsigned char)*c);
  for (size_t i = 0; i < words->count; i++)
    if (strcmp(words->items[i], made) == 0) {
      free(made);
      return;
    }
  words->items = cli_reallocate(words->items, sizeof *words->items * (words->count + 1));
  words->items[words->count++] = made;
}

static void offer_columns(shell_words *words, const char *typed, const json_t *table) {
  size_t index;
  json_t *column;
  json_array_foreach(json_object_get(table, "columns"), index, column) {
    const char *name = json_string_value(json_object_get(column, "name"));
    bool inner = name && name[0] == '_' && typed[0] != '_';
    if (name && !inner) offer(words, typed, name, false);
  }
}

static const char *table_name(const json_t *table) {
  const char *name = json_string_value(json_object_get(table, "table"));
  return name ? name : "";
}

static void offer_tables(shell_words *words, const char *typed, const json_t *tables) {
  size_t index;
  json_t *table;
  json_array_foreach(tables, index, table) {
    const char *kind = json_string_value(json_object_get(table, "kind"));
    char name[128];
    snprintf(name, sizeof name, "%s%s", table_name(table), kind && strcmp(kind, "function") == 0 ? "(" : "");
    offer(words, typed, name, false);
  }
}

/* The table that `name` (of `size` bytes) means in the statement: its own, or one that it is the alias of; NULL. */
static const json_t *table_called(const json_t *tables, const tokens *t, const char *name, size_t size) {
  size_t index;
  json_t *table;
  json_array_foreach(tables, index, table) {
    const char *own = table_name(table);
    if (strlen(own) == size && strncasecmp(own, name, size) == 0)
      return table;
    for (size_t i = 0; i + 1 < t->count; i++) {
      if (!token_is(t, i, own))
        continue;
      size_t alias = i + 1 + token_is(t, i + 1, "as");
      if (alias < t->count && t->items[alias].size == size && strncasecmp(t->items[alias].text, name, size) == 0)
        return table;
    }
  }
  return NULL;
}

static bool names_table(const tokens *t, const json_t *table) {
  for (size_t i = 0; i < t->count; i++)
    if (token_is(t, i, table_name(table)))
      return true;
  return false;
}

static void offer_known_columns(shell_words *words, const char *typed, const json_t *tables, const tokens *t) {
  bool any = false;
  size_t index;
  json_t *table;
  json_array_foreach(tables, index, table) any |= names_table(t, table);
  json_array_foreach(tables, index, table) {
    if (!any || names_table(t, table)) offer_columns(words, typed, table);
  }
}

static void offer_language(shell_words *words, const char *typed) {
  bool lower = words->typed_size > 0 && islower((unsigned char)typed[words->typed_size - 1]);
  const char *word;
  for (size_t i = 0; (word = rem_sql_word(i)); i++)
    offer(words, typed, word, lower && isupper((unsigned char)word[0]));
}

/* Is a table what comes next? */
static bool wants_table(const tokens *t) {
  static const char *const before[] = {"from", "join", "into", "update", "in"};
  size_t last = t->count - 1;
  bool verb = t->count > 0 && (token_is(t, 0, "search") || token_is(t, 0, "fuzzy") || token_is(t, 0, "lookup"));
  for (size_t i = 0; t->count > 0 && i < sizeof before / sizeof before[0]; i++)
    if (token_is(t, last, before[i]) && (i < 4 || verb))
      return true;
  return false;
}

static int compare_words(const void *a, const void *b) {
  return strcasecmp(*(char *const *)a, *(char *const *)b);
}

/* `typed` is the part of a word that begins at `begin`. */
static void complete_statement(shell *s, const char *text, size_t size, size_t begin, const char *typed, shell_words *words) {
  tokens t, before;
  tokenize(text, size, &t);
  tokenize(text, begin, &before);
  json_t *tables = shell_tables(s);
  if (begin > 0 && text[begin - 1] == '.') {
    size_t name = begin - 1;
    while (name > 0 && is_word(text[name - 1]))
      name--;
    const json_t *table = table_called(tables, &t, text + name, begin - 1 - name);
    if (table) offer_columns(words, typed, table);
    size_t vector = begin - 1 - name;
    if (vector >= 9 && strncasecmp(text + name, "embedding", 9) == 0) {
      offer(words, typed, "cosine(", false);
      offer(words, typed, "inner_product(", false);
      offer(words, typed, "l2(", false);
    }
  } else if (wants_table(&before)) {
    offer_tables(words, typed, tables);
  } else {
    offer_known_columns(words, typed, tables, &t);
    if (words->typed_size > 0) {
      offer_tables(words, typed, tables);
      offer_language(words, typed);
    }
  }
  json_decref(tables);
}

/* Is the cursor inside '…'? Nothing is completed there. */
static bool in_text(const char *text, size_t size) {
  bool open = false;
  for (size_t i = 0; i < size; i++)
    open ^= text[i] == '\'';
  return open;
}

/* A dot command, or a table behind one. */
static void complete_command(shell *s, const char *line, shell_words *words) {
  const char *space = strchr(line, ' '), *name;
  words->typed_size = strlen(space ? space + 1 : line);
  for (size_t i = 0; !space && (name = shell_command_name(i)); i++)
    offer(words, line, name, false);
  if (!space)
    return;
  json_t *tables = shell_tables(s);
  offer_tables(words, space + 1, tables);
  json_decref(tables);
}

void shell_complete(shell *s, const char *text, size_t size, size_t cursor, shell_words *ret_words) {
  size_t begin = cursor;
  *ret_words = (shell_words){0};
  while (begin > 0 && is_word(text[begin - 1]))
    begin--;
  bool command = cursor > 0 && text[0] == '.';
  char *typed = cli_copy(text + (command ? 0 : begin), cursor - (command ? 0 : begin));
  ret_words->typed_size = cursor - begin;
  if (command)
    complete_command(s, typed, ret_words);
  else if (!in_text(text, cursor))
    complete_statement(s, text, size, begin, typed, ret_words);
  free(typed);
  if (ret_words->count > 1) qsort(ret_words->items, ret_words->count, sizeof *ret_words->items, compare_words);
}
