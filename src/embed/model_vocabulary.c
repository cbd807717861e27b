/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of a model folder: tokenizer.json, or vocab.txt for models that lack it.
 *
 * tokenizer.json describes a pipeline. This tokenizer is one such pipeline, so every part that names another one, or other
 * settings, is refused: wrong ids would be wrong vectors without a sign of it.
 */
#include "base/file.h"
#include "base/json.h"
#include "embed/model_config.h"

#define VOCABULARY_FILE_MAX (64u << 20)

/* Tokens by id, borrowed from `json` or `content`, whichever they were read from. */
typedef struct vocabulary {
  rem_slice *tokens;
  size_t token_count;
  rem_tokenizer_added added[16];
  size_t added_count;
  json_t *json;
  rem_bytes content;
} vocabulary;

static void vocabulary_deinit(vocabulary *vocabulary) {
  rem_free(vocabulary->tokens);
  rem_free(vocabulary->content.data);
  json_decref(vocabulary->json);
}

static rem_status unsupported(rem_error *err, const char *what) {
  rem_error_set(err, REM_UNSUPPORTED, "the tokenizer of the model cannot be used: %s", what);
  rem_error_hint(err, "uncased BERT WordPiece tokenizers work, such as that of " REM_MODEL_DEFAULT ".");
  return REM_UNSUPPORTED;
}

static bool text_is(const json_t *object, const char *name, const char *wanted) {
  const char *value = json_string_value(json_object_get(object, name));
  return value != NULL && strcmp(value, wanted) == 0;
}

static rem_status check_pipeline(const json_t *json, rem_error *err) {
  const json_t *model = json_object_get(json, "model");
  const json_t *normalizer = json_object_get(json, "normalizer");
  const json_t *strip = json_object_get(normalizer, "strip_accents");
  const json_t *post = json_object_get(json, "post_processor");
  if (!text_is(model, "type", "WordPiece") || !text_is(model, "unk_token", "[UNK]") ||
      !text_is(model, "continuing_subword_prefix", "##") ||
      json_integer_value(json_object_get(model, "max_input_chars_per_word")) != REM_TOKENIZER_WORD_MAX)
    return unsupported(err, "its model is not WordPiece with the settings of BERT");
  if (!text_is(normalizer, "type", "BertNormalizer") || !json_is_true(json_object_get(normalizer, "clean_text")) ||
      !json_is_true(json_object_get(normalizer, "handle_chinese_chars")) ||
      !json_is_true(json_object_get(normalizer, "lowercase")) || json_is_false(strip))
    return unsupported(err, "its normaliser is not that of uncased BERT");
  if (!text_is(json_object_get(json, "pre_tokenizer"), "type", "BertPreTokenizer"))
    return unsupported(err, "its pre-tokeniser is not that of BERT");
  if (!text_is(post, "type", "TemplateProcessing") && !text_is(post, "type", "BertProcessing"))
    return unsupported(err, "its post-processor is not that of BERT");
  return REM_OK;
}

static rem_status set_token(vocabulary *vocabulary, int64_t id, rem_slice text, uint32_t vocab_rows, rem_error *err) {
  if (id < 0 || id >= vocab_rows)
    return rem_error_set(err, REM_INVALID, "the vocabulary of the model has the id %lld, but there are %u embeddings",
                         (long long)id, vocab_rows);
  vocabulary->tokens[id] = text;
  if ((size_t)id >= vocabulary->token_count)
    vocabulary->token_count = (size_t)id + 1;
  return REM_OK;
}

static rem_status read_added(const json_t *json, vocabulary *vocabulary, uint32_t vocab_rows, rem_error *err) {
  size_t index;
  const json_t *entry;
  json_array_foreach(json_object_get(json, "added_tokens"), index, entry) {
    const json_t *content = json_object_get(entry, "content");
    if (json_is_true(json_object_get(entry, "single_word")) || json_is_true(json_object_get(entry, "lstrip")) ||
        json_is_true(json_object_get(entry, "rstrip")) || json_is_true(json_object_get(entry, "normalized")) ||
        !json_is_string(content))
      return unsupported(err, "it has added tokens with settings of their own");
    if (vocabulary->added_count == sizeof vocabulary->added / sizeof vocabulary->added[0])
      return unsupported(err, "it has too many added tokens");
    json_int_t id = json_integer_value(json_object_get(entry, "id"));
    rem_slice text = rem_slice_of(json_string_value(content), json_string_length(content));
    REM_TRY(set_token(vocabulary, id, text, vocab_rows, err));
    vocabulary->added[vocabulary->added_count++] = (rem_tokenizer_added){text, (uint32_t)id};
  }
  return REM_OK;
}

static rem_status read_tokenizer_json(vocabulary *vocabulary, uint32_t vocab_rows, rem_error *err) {
  REM_TRY(check_pipeline(vocabulary->json, err));
  const char *text;
  const json_t *id;
  json_t *tokens = json_object_get(json_object_get(vocabulary->json, "model"), "vocab");
  json_object_foreach(tokens, text, id)
    REM_TRY(set_token(vocabulary, json_is_integer(id) ? json_integer_value(id) : -1, rem_slice_text(text), vocab_rows, err));
  return read_added(vocabulary->json, vocabulary, vocab_rows, err);
}

/* One token a line; its number is the id. */
static rem_status read_lines(vocabulary *vocabulary, uint32_t vocab_rows, rem_error *err) {
  const char *at = vocabulary->content.data, *end = at + vocabulary->content.size;
  for (int64_t id = 0; at < end; id++) {
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    const char *next = line_end != NULL ? line_end + 1 : end;
    size_t size = (size_t)((line_end != NULL ? line_end : end) - at);
    if (size > 0 && at[size - 1] == '\r')
      size--;
    REM_TRY(set_token(vocabulary, id, rem_slice_of(at, size), vocab_rows, err));
    at = next;
  }
  return REM_OK;
}

static void find_added(vocabulary *vocabulary) {
  static const char *const names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
    for (size_t id = 0; id < vocabulary->token_count; id++)
      if (rem_slice_equal(vocabulary->tokens[id], rem_slice_text(names[n]))) {
        vocabulary->added[vocabulary->added_count++] = (rem_tokenizer_added){vocabulary->tokens[id], (uint32_t)id};
        break;
      }
}

static rem_status read_vocab_txt(const char *folder, vocabulary *vocabulary, uint32_t vocab_rows, rem_error *err) {
  json_t *settings REM_AUTO_JSON = NULL;
  REM_TRY(rem_model__json_read(folder, "tokenizer_config.json", &settings, err));
  if (json_is_false(json_object_get(settings, "do_lower_case")) ||
      json_is_false(json_object_get(settings, "strip_accents")) ||
      json_is_false(json_object_get(settings, "tokenize_chinese_chars")))
    return unsupported(err, "tokenizer_config.json is not that of uncased BERT");
  char *path REM_AUTO_FREE = rem_path_join(folder, "vocab.txt");
  if (path == NULL)
    return rem_error_nomem(err);
  if (!rem_file_exists(path))
    return rem_error_set(err, REM_INVALID, "'%s' has neither tokenizer.json nor vocab.txt", folder);
  REM_TRY(rem_file_read(path, VOCABULARY_FILE_MAX, &vocabulary->content, err));
  REM_TRY(read_lines(vocabulary, vocab_rows, err));
  find_added(vocabulary);
  return REM_OK;
}

rem_status rem_model__vocabulary_read(const char *folder, uint32_t vocab_rows, rem_buffer *tables, rem_error *err) {
  vocabulary vocabulary REM_CLEANUP(vocabulary_deinit) = {0};
  vocabulary.tokens = rem_calloc(vocab_rows, sizeof *vocabulary.tokens);
  if (vocabulary.tokens == NULL)
    return rem_error_nomem(err);
  rem_status status = rem_model__json_read(folder, "tokenizer.json", &vocabulary.json, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND)
    REM_TRY(read_vocab_txt(folder, &vocabulary, vocab_rows, err));
  else
    REM_TRY(read_tokenizer_json(&vocabulary, vocab_rows, err));
  return rem_tokenizer_build(vocabulary.tokens, vocabulary.token_count, vocabulary.added, vocabulary.added_count, tables,
                             err);
}
