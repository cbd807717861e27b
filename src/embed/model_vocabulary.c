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

/* Tokens by id, borrowed from `json` or `content`, whichever they were read from. */
typedef struct vocabulary {
  rem_slice *tokens;
  size_t token_count;
  rem_tokenizer_specials specials;
  bool cased;
  rem_tokenizer_added added[REM_TOKENIZER_ADDED_MAX];
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
  rem_error_hint(err, "BERT WordPiece tokenizers work, such as that of " REM_MODEL_DEFAULT ".");
  return REM_UNSUPPORTED;
}

static bool text_is(const json_t *object, const char *name, const char *wanted) {
  const char *value = json_string_value(json_object_get(object, name));
  return value != NULL && strcmp(value, wanted) == 0;
}

static rem_status check_pipeline(const json_t *json, bool *ret_cased, rem_error *err) {
  const json_t *model = json_object_get(json, "model");
  const json_t *normalizer = json_object_get(json, "normalizer");
  const json_t *strip = json_object_get(normalizer, "strip_accents");
  bool lower = json_is_true(json_object_get(normalizer, "lowercase"));
  if (!text_is(model, "type", "WordPiece") || !text_is(model, "continuing_subword_prefix", "##") ||
      json_integer_value(json_object_get(model, "max_input_chars_per_word")) != REM_TOKENIZER_WORD_MAX)
    return unsupported(err, "its model is not WordPiece with the settings of BERT");
  /* Accents go with lower case when nothing else is said. */
  if (!text_is(normalizer, "type", "BertNormalizer") || !json_is_true(json_object_get(normalizer, "clean_text")) ||
      !json_is_true(json_object_get(normalizer, "handle_chinese_chars")) ||
      (lower ? json_is_false(strip) : json_is_true(strip)))
    return unsupported(err, "its normaliser is that of neither uncased nor cased BERT");
  if (!text_is(json_object_get(json, "pre_tokenizer"), "type", "BertPreTokenizer"))
    return unsupported(err, "its pre-tokeniser is not that of BERT");
  *ret_cased = !lower;
  return REM_OK;
}

/* ---- the frame ---- */

/* The only id of a special token of a template; -1: something else. */
static int64_t template_id(const json_t *post, const json_t *piece) {
  const char *name = json_string_value(json_object_get(json_object_get(piece, "SpecialToken"), "id"));
  const json_t *ids = json_object_get(json_object_get(json_object_get(post, "special_tokens"), name != NULL ? name : ""), "ids");
  const json_t *id = json_array_get(ids, 0);
  return json_array_size(ids) == 1 && json_is_integer(id) ? json_integer_value(id) : -1;
}

/* The id in ["[SEP]", 102]; -1: something else. */
static int64_t pair_id(const json_t *pair) {
  const json_t *id = json_array_get(pair, 1);
  return json_is_integer(id) ? json_integer_value(id) : -1;
}

/* The tokens a text is framed by; -1 where the post-processor does anything else to a text on its own. */
static void read_frame(const json_t *post, int64_t *ret_start, int64_t *ret_end) {
  *ret_start = *ret_end = -1;
  if (text_is(post, "type", "BertProcessing") || text_is(post, "type", "RobertaProcessing")) {
    *ret_start = pair_id(json_object_get(post, "cls"));
    *ret_end = pair_id(json_object_get(post, "sep"));
  }
  const json_t *single = json_object_get(post, "single");
  if (!text_is(post, "type", "TemplateProcessing") || json_array_size(single) != 3 ||
      !text_is(json_object_get(json_array_get(single, 1), "Sequence"), "id", "A"))
    return;
  *ret_start = template_id(post, json_array_get(single, 0));
  *ret_end = template_id(post, json_array_get(single, 2));
}

static int64_t find_token(const vocabulary *vocabulary, const char *text) {
  for (size_t id = 0; text != NULL && id < vocabulary->token_count; id++)
    if (rem_slice_equal(vocabulary->tokens[id], rem_slice_text(text)))
      return (int64_t)id;
  return -1;
}

static rem_status set_specials(vocabulary *vocabulary, int64_t unknown, int64_t start, int64_t end, rem_error *err) {
  int64_t count = (int64_t)vocabulary->token_count;
  if (unknown < 0 || start < 0 || end < 0 || unknown >= count || start >= count || end >= count)
    return unsupported(err, "it does not frame a text by one special token on either side, or has none for unknown words");
  vocabulary->specials = (rem_tokenizer_specials){(uint32_t)unknown, (uint32_t)start, (uint32_t)end};
  return REM_OK;
}

/* ---- tokens ---- */

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
    /* Blanks that lstrip and rstrip take along are no tokens anyway. */
    if (json_is_true(json_object_get(entry, "single_word")) || !json_is_string(content))
      return unsupported(err, "it has added tokens with settings of their own");
    if (vocabulary->added_count == sizeof vocabulary->added / sizeof vocabulary->added[0])
      return unsupported(err, "it has too many added tokens");
    json_int_t id = json_integer_value(json_object_get(entry, "id"));
    rem_slice text = rem_slice_of(json_string_value(content), json_string_length(content));
    REM_TRY(set_token(vocabulary, id, text, vocab_rows, err));
    vocabulary->added[vocabulary->added_count++] = (rem_tokenizer_added){
        text, (uint32_t)id, json_is_true(json_object_get(entry, "normalized"))};
  }
  return REM_OK;
}

static rem_status read_tokenizer_json(vocabulary *vocabulary, uint32_t vocab_rows, rem_error *err) {
  REM_TRY(check_pipeline(vocabulary->json, &vocabulary->cased, err));
  const char *text;
  const json_t *id, *model = json_object_get(vocabulary->json, "model");
  json_t *tokens = json_object_get(model, "vocab");
  json_object_foreach(tokens, text, id)
    REM_TRY(set_token(vocabulary, json_is_integer(id) ? json_integer_value(id) : -1, rem_slice_text(text), vocab_rows, err));
  REM_TRY(read_added(vocabulary->json, vocabulary, vocab_rows, err));
  int64_t start, end;
  read_frame(json_object_get(vocabulary->json, "post_processor"), &start, &end);
  return set_specials(vocabulary, find_token(vocabulary, json_string_value(json_object_get(model, "unk_token"))), start, end, err);
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

/* The special token that tokenizer_config.json names, plainly or as an object; else `fallback`. */
static const char *special_name(const json_t *settings, const char *key, const char *fallback) {
  const json_t *value = json_object_get(settings, key);
  const char *name = json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
  return name != NULL ? name : fallback;
}

static rem_status find_specials(vocabulary *vocabulary, const json_t *settings, rem_error *err) {
  static const char *const keys[][2] = {
      {"unk_token", "[UNK]"}, {"cls_token", "[CLS]"}, {"sep_token", "[SEP]"}, {"pad_token", "[PAD]"}, {"mask_token", "[MASK]"}};
  int64_t ids[5];
  for (size_t i = 0; i < 5; i++) {
    ids[i] = find_token(vocabulary, special_name(settings, keys[i][0], keys[i][1]));
    if (ids[i] >= 0)
      vocabulary->added[vocabulary->added_count++] =
          (rem_tokenizer_added){vocabulary->tokens[ids[i]], (uint32_t)ids[i], false};
  }
  return set_specials(vocabulary, ids[0], ids[1], ids[2], err);
}

static rem_status read_vocab_txt(const char *folder, vocabulary *vocabulary, uint32_t vocab_rows, rem_error *err) {
  json_t *settings REM_AUTO_JSON = NULL;
  REM_TRY(rem_model__tokenizer_config_read(folder, &settings, err));
  const json_t *strip = json_object_get(settings, "strip_accents");
  vocabulary->cased = json_is_false(json_object_get(settings, "do_lower_case"));
  if ((vocabulary->cased ? json_is_true(strip) : json_is_false(strip)) ||
      json_is_false(json_object_get(settings, "tokenize_chinese_chars")))
    return unsupported(err, "tokenizer_config.json is that of neither uncased nor cased BERT");
  char *path REM_AUTO_FREE = rem_path_join(folder, "vocab.txt");
  if (path == NULL)
    return rem_error_nomem(err);
  if (!rem_file_exists(path))
    return rem_error_set(err, REM_INVALID, "'%s' has neither tokenizer.json nor vocab.txt", folder);
  REM_TRY(rem_file_read(path, REM_MODEL__JSON_MAX, &vocabulary->content, err));
  REM_TRY(read_lines(vocabulary, vocab_rows, err));
  return find_specials(vocabulary, settings, err);
}

/* Some old models lower the case of a text before it reaches their cased tokenizer. */
static rem_status check_case(const char *folder, const vocabulary *vocabulary, rem_error *err) {
  json_t *json REM_AUTO_JSON = NULL;
  REM_TRY(rem_model__json_read(folder, "sentence_bert_config.json", &json, err));
  if (vocabulary->cased && json_is_true(json_object_get(json, "do_lower_case")))
    return unsupported(err, "sentence_bert_config.json lowers the case of texts before a cased tokenizer");
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
  REM_TRY(check_case(folder, &vocabulary, err));
  rem_tokenizer_vocabulary built = {vocabulary.tokens, vocabulary.token_count, vocabulary.specials,
                                    vocabulary.cased,  vocabulary.added,       vocabulary.added_count};
  return rem_tokenizer_build(&built, tables, err);
}
