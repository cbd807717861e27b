/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a tokenizer, written when a model is installed and read in place ever after. Little endian:
 *
 *   offset  0  "REMVOC01"
 *           8  u32 token count      12  u32 unit count    16  u32 base of word beginnings   20  u32 base of continuations
 *          24  u32 id of [UNK]      28  u32 of [CLS]      32  u32 of [SEP]                  36  u32 added tokens
 *          40  added tokens, 16 records of 40 bytes: u32 id, u8 size (bit 7: loose), 35 bytes of text
 *         704  u32 flags: 1: cased       708  zeros up to 1024
 *        1024  the trie's units (tokenizer_trie.h)
 */
#include "embed/tokenizer.h"

#include <ctype.h>

#include "embed/tokenizer_trie.h"

#define MAGIC "REMVOC01"
#define HEADER_SIZE 1024
#define ADDED_OFFSET 40
#define ADDED_RECORD 40
#define ADDED_TEXT_MAX 35
#define ADDED_LOOSE 0x80
#define ADDED_MAX REM_TOKENIZER_ADDED_MAX
#define FLAGS_OFFSET 704
#define FLAG_CASED 1u
#define TOKEN_MAX (1u << 20)
#define TOKEN_TEXT_MAX 400

/* Adds a byte to those that added tokens begin with; false: there are too many. */
static bool add_first(rem_tokenizer *tokenizer, uint8_t first) {
  for (uint32_t i = 0; i < tokenizer->first_count; i++)
    if (tokenizer->firsts[i] == first)
      return true;
  if (tokenizer->first_count == REM_TOKENIZER_FIRST_MAX)
    return false;
  tokenizer->firsts[tokenizer->first_count++] = first;
  return true;
}

static rem_status read_added(const uint8_t *header, rem_tokenizer *tokenizer, rem_error *err) {
  for (uint32_t i = 0; i < tokenizer->added_count; i++) {
    const uint8_t *record = header + ADDED_OFFSET + (size_t)i * ADDED_RECORD;
    uint8_t size = record[4] & (uint8_t)~ADDED_LOOSE;
    bool loose = (record[4] & ADDED_LOOSE) != 0;
    if (size == 0 || size > ADDED_TEXT_MAX || (!loose && !add_first(tokenizer, record[5])))
      return rem_error_set(err, REM_CORRUPT, "the vocabulary table of the model has a damaged added token");
    tokenizer->added[i] = (rem_tokenizer_added){rem_slice_of(record + 5, size), rem_load_u32le(record), loose};
    tokenizer->has_loose = tokenizer->has_loose || loose;
  }
  return REM_OK;
}

rem_status rem_tokenizer_open(rem_slice tables, rem_tokenizer *ret_tokenizer, rem_error *err) {
  const uint8_t *header = tables.data;
  if (tables.size < HEADER_SIZE || memcmp(header, MAGIC, 8) != 0 || (uintptr_t)header % sizeof(uint32_t) != 0)
    return rem_error_set(err, REM_CORRUPT, "the vocabulary table of the model is damaged");
  rem_tokenizer tokenizer = {
      .units = (const uint32_t *)(const void *)(header + HEADER_SIZE),
      .token_count = rem_load_u32le(header + 8),
      .unit_count = rem_load_u32le(header + 12),
      .word_base = rem_load_u32le(header + 16),
      .continuation_base = rem_load_u32le(header + 20),
      .specials = {rem_load_u32le(header + 24), rem_load_u32le(header + 28), rem_load_u32le(header + 32)},
      .cased = (rem_load_u32le(header + FLAGS_OFFSET) & FLAG_CASED) != 0,
      .added_count = rem_load_u32le(header + 36),
  };
  if (tokenizer.added_count > ADDED_MAX || (tables.size - HEADER_SIZE) / sizeof(uint32_t) < tokenizer.unit_count)
    return rem_error_set(err, REM_CORRUPT, "the vocabulary table of the model is cut short");
  REM_TRY(read_added(header, &tokenizer, err));
  *ret_tokenizer = tokenizer;
  return REM_OK;
}

/* Only what the walk over a text can match: see take_loose() of tokenizer.c. */
static bool is_loose_usable(rem_slice text) {
  bool ascii = true;
  for (size_t i = 0; i < text.size; i++)
    ascii = ascii && text.data[i] > ' ' && text.data[i] < 0x7f;
  return ascii && ispunct(text.data[0]);
}

static rem_status write_added(uint8_t *header, const rem_tokenizer_vocabulary *vocabulary, rem_error *err) {
  rem_tokenizer firsts = {0};
  if (vocabulary->added_count > ADDED_MAX)
    return rem_error_set(err, REM_INVALID, "the tokenizer has %zu added tokens; at most %d can be used",
                         vocabulary->added_count, ADDED_MAX);
  for (size_t i = 0; i < vocabulary->added_count; i++) {
    const rem_tokenizer_added *added = &vocabulary->added[i];
    rem_slice text = added->text;
    if (text.size == 0 || text.size > ADDED_TEXT_MAX || added->id >= vocabulary->token_count ||
        (added->loose ? !is_loose_usable(text) : !add_first(&firsts, text.data[0])))
      return rem_error_set(err, REM_INVALID, "the tokenizer has an added token that cannot be used: '%.*s'",
                           (int)(text.size > 64 ? 64 : text.size), (const char *)text.data);
    uint8_t *record = header + ADDED_OFFSET + i * ADDED_RECORD;
    rem_store_u32le(record, added->id);
    record[4] = (uint8_t)(text.size | (added->loose ? ADDED_LOOSE : 0));
    memcpy(record + 5, text.data, text.size);
  }
  return REM_OK;
}

/* Texts that no word can be (empty, with a zero byte, longer than any word) stay out of the trie. */
static size_t make_entries(const rem_slice *tokens, size_t token_count, rem_tokenizer__trie_entry *entries) {
  size_t count = 0;
  for (size_t id = 0; id < token_count; id++) {
    rem_slice text = tokens[id];
    uint32_t root = text.size > 2 && memcmp(text.data, "##", 2) == 0;
    if (root)
      text = rem_slice_of(text.data + 2, text.size - 2);
    if (text.size == 0 || text.size > TOKEN_TEXT_MAX || memchr(text.data, 0, text.size) != NULL)
      continue;
    entries[count++] = (rem_tokenizer__trie_entry){text, root, (uint32_t)id};
  }
  return count;
}

rem_status rem_tokenizer_build(const rem_tokenizer_vocabulary *vocabulary, rem_buffer *tables, rem_error *err) {
  size_t token_count = vocabulary->token_count;
  const rem_tokenizer_specials *specials = &vocabulary->specials;
  if (token_count > TOKEN_MAX)
    return rem_error_set(err, REM_INVALID, "the vocabulary has %zu tokens; at most %u can be used", token_count,
                         TOKEN_MAX);
  if (specials->unknown >= token_count || specials->start >= token_count || specials->end >= token_count)
    return rem_error_set(err, REM_INVALID, "the vocabulary lacks one of the special tokens");
  uint8_t header[HEADER_SIZE] = MAGIC;
  REM_TRY(write_added(header, vocabulary, err));

  rem_tokenizer__trie_entry *entries REM_AUTO_FREE = rem_alloc(token_count * sizeof *entries);
  if (entries == NULL)
    return rem_error_nomem(err);
  size_t entry_count = make_entries(vocabulary->tokens, token_count, entries);
  rem_tokenizer__trie trie = {0};
  REM_TRY(rem_tokenizer__trie_build(entries, entry_count, &trie, err));
  uint32_t *units REM_AUTO_FREE = trie.units;

  uint32_t fields[] = {(uint32_t)token_count, trie.unit_count,  trie.root_bases[0], trie.root_bases[1],
                       specials->unknown,     specials->start,  specials->end,      (uint32_t)vocabulary->added_count};
  memcpy(header + 8, fields, sizeof fields);
  rem_store_u32le(header + FLAGS_OFFSET, vocabulary->cased ? FLAG_CASED : 0);
  rem_buffer_append(tables, header, sizeof header);
  rem_buffer_append(tables, units, trie.unit_count * sizeof *units);
  return rem_buffer_status(tables, err);
}
