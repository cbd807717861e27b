/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a tokenizer, written when a model is installed and read in place ever after. Little endian:
 *
 *   offset  0  "REMVOC01"
 *           8  u32 token count      12  u32 unit count    16  u32 base of word beginnings   20  u32 base of continuations
 *          24  u32 id of [UNK]      28  u32 of [CLS]      32  u32 of [SEP]                  36  u32 added tokens
 *          40  added tokens, 16 records of 40 bytes: u32 id, u8 size, 35 bytes of text
 *         704  zeros up to 1024
 *        1024  the trie's units (tokenizer_trie.h)
 */
#include "embed/tokenizer.h"

#include "embed/tokenizer_trie.h"

#define MAGIC "REMVOC01"
#define HEADER_SIZE 1024
#define ADDED_OFFSET 40
#define ADDED_RECORD 40
#define ADDED_TEXT_MAX 35
#define ADDED_MAX (sizeof((rem_tokenizer *)NULL)->added / sizeof(rem_tokenizer_added))
#define TOKEN_MAX (1u << 20)
#define TOKEN_TEXT_MAX 400

static rem_status read_added(const uint8_t *header, rem_tokenizer *tokenizer, rem_error *err) {
  for (uint32_t i = 0; i < tokenizer->added_count; i++) {
    const uint8_t *record = header + ADDED_OFFSET + (size_t)i * ADDED_RECORD;
    uint8_t size = record[4];
    if (size == 0 || size > ADDED_TEXT_MAX || (i > 0 && record[5] != tokenizer->added_first))
      return rem_error_set(err, REM_CORRUPT, "the vocabulary table of the model has a damaged added token");
    tokenizer->added[i].id = rem_load_u32le(record);
    tokenizer->added[i].text = rem_slice_of(record + 5, size);
    tokenizer->added_first = record[5];
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
      .added_count = rem_load_u32le(header + 36),
  };
  if (tokenizer.added_count > ADDED_MAX || (tables.size - HEADER_SIZE) / sizeof(uint32_t) < tokenizer.unit_count)
    return rem_error_set(err, REM_CORRUPT, "the vocabulary table of the model is cut short");
  REM_TRY(read_added(header, &tokenizer, err));
  *ret_tokenizer = tokenizer;
  return REM_OK;
}

static bool find_token(const rem_slice *tokens, size_t token_count, const char *text, uint32_t *ret_id) {
  for (size_t id = 0; id < token_count; id++) {
    if (!rem_slice_equal(tokens[id], rem_slice_text(text)))
      continue;
    *ret_id = (uint32_t)id;
    return true;
  }
  return false;
}

static rem_status find_specials(const rem_slice *tokens, size_t token_count, rem_tokenizer_specials *ret_specials,
                                rem_error *err) {
  if (!find_token(tokens, token_count, "[UNK]", &ret_specials->unknown) ||
      !find_token(tokens, token_count, "[CLS]", &ret_specials->start) ||
      !find_token(tokens, token_count, "[SEP]", &ret_specials->end))
    return rem_error_set(err, REM_INVALID, "the vocabulary lacks one of [UNK], [CLS] and [SEP]");
  return REM_OK;
}

static rem_status write_added(uint8_t *header, const rem_tokenizer_added *added, size_t added_count, size_t token_count,
                              rem_error *err) {
  if (added_count > ADDED_MAX)
    return rem_error_set(err, REM_INVALID, "the tokenizer has %zu added tokens; at most %zu can be used", added_count,
                         ADDED_MAX);
  for (size_t i = 0; i < added_count; i++) {
    rem_slice text = added[i].text;
    if (text.size == 0 || text.size > ADDED_TEXT_MAX || text.data[0] != added[0].text.data[0] ||
        added[i].id >= token_count)
      return rem_error_set(err, REM_INVALID, "the tokenizer has an added token that cannot be used: '%.*s'",
                           (int)(text.size > 64 ? 64 : text.size), (const char *)text.data);
    uint8_t *record = header + ADDED_OFFSET + i * ADDED_RECORD;
    rem_store_u32le(record, added[i].id);
    record[4] = (uint8_t)text.size;
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

rem_status rem_tokenizer_build(const rem_slice *tokens, size_t token_count, const rem_tokenizer_added *added,
                               size_t added_count, rem_buffer *tables, rem_error *err) {
  if (token_count > TOKEN_MAX)
    return rem_error_set(err, REM_INVALID, "the vocabulary has %zu tokens; at most %u can be used", token_count,
                         TOKEN_MAX);
  rem_tokenizer_specials specials = {0};
  REM_TRY(find_specials(tokens, token_count, &specials, err));
  uint8_t header[HEADER_SIZE] = MAGIC;
  REM_TRY(write_added(header, added, added_count, token_count, err));

  rem_tokenizer__trie_entry *entries REM_AUTO_FREE = rem_alloc(token_count * sizeof *entries);
  if (entries == NULL)
    return rem_error_nomem(err);
  size_t entry_count = make_entries(tokens, token_count, entries);
  rem_tokenizer__trie trie = {0};
  REM_TRY(rem_tokenizer__trie_build(entries, entry_count, &trie, err));
  uint32_t *units REM_AUTO_FREE = trie.units;

  uint32_t fields[] = {(uint32_t)token_count, trie.unit_count, trie.root_bases[0], trie.root_bases[1],
                       specials.unknown,      specials.start,  specials.end,       (uint32_t)added_count};
  memcpy(header + 8, fields, sizeof fields);
  rem_buffer_append(tables, header, sizeof header);
  rem_buffer_append(tables, units, trie.unit_count * sizeof *units);
  return rem_buffer_status(tables, err);
}
