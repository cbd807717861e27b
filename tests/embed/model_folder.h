/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tiny model in the Hugging Face layout, written by the test: one layer of width 32, random weights, twelve tokens. Members of
 * model_folder are what tests change to make it one that must be refused.
 */
#ifndef REM_TESTS_EMBED_MODEL_FOLDER_H
#define REM_TESTS_EMBED_MODEL_FOLDER_H

#include <math.h>
#include <sys/stat.h>

#include "embed/golden_text.h"
#include "embed/model_fixture.h"

enum { FOLDER_HIDDEN = 32, FOLDER_VOCAB = 12, FOLDER_POSITIONS = 16 };

typedef struct model_folder {
  const char *model_type;  /* "bert" */
  const char *hidden_act;  /* "gelu" */
  const char *pooling;     /* "mean_tokens" */
  const char *module;      /* a further module's type; NULL */
  const char *lowercase;   /* "true" */
  const char *dtype;       /* "F32" */
  const char *omit;        /* a file that is not written; NULL */
  const char *omit_tensor; /* NULL */
  int window;              /* max_seq_length; 8 */
  int vocab_size;          /* FOLDER_VOCAB */
  int positions;           /* FOLDER_POSITIONS */
  size_t cut_bytes;        /* taken from the end of the weights */
  float first_weight;      /* 0: as the others */
  bool outliers;           /* weights that 8 bits cannot hold: one input, which is always zero, has huge ones */
} model_folder;

static const model_folder model_folder_default = {.model_type = "bert",
                                                  .hidden_act = "gelu",
                                                  .pooling = "mean_tokens",
                                                  .lowercase = "true",
                                                  .dtype = "F32",
                                                  .window = 8,
                                                  .vocab_size = FOLDER_VOCAB,
                                                  .positions = FOLDER_POSITIONS};

static inline void folder_write(const model_folder *what, const char *folder, const char *name, const void *data, size_t size) {
  if (what->omit != NULL && strcmp(what->omit, name) == 0)
    return;
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

__attribute__((format(printf, 4, 5))) static inline void folder_print(const model_folder *what, const char *folder,
                                                                      const char *name, const char *format, ...) {
  char text[8192];
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  assert_in_range(size, 1, sizeof text - 1);
  folder_write(what, folder, name, text, (size_t)size);
}

/* The first feature of every norm is zero, and the weights on it are so large that the scales of the others have no room. */
static inline float folder_outlier(const char *name, size_t rows, size_t column, float value) {
  bool is_matrix = rows == FOLDER_HIDDEN && strstr(name, "encoder.layer") != NULL, reads_norm = strstr(name, "output.dense") == NULL;
  if (!is_matrix)
    return strstr(name, "LayerNorm") != NULL && column == 0 ? 0.0f : value;
  return reads_norm && column == 0 ? 10000.0f : 5 * value;
}

/* Weights between -0.1 and 0.1; those of norms around 1. */
static inline void folder_tensor(const model_folder *what, const char *name, size_t rows, size_t columns, bool is_norm,
                                 rem_buffer *header, rem_buffer *data, uint64_t *random) {
  size_t begin = data->size;
  for (size_t i = 0; i < rows * columns; i++) {
    float value = (float)golden_pick(random, 2001) / 10000.0f - 0.1f + (is_norm ? 1.0f : 0.0f);
    if (begin == 0 && i == 0 && what->first_weight != 0)
      value = what->first_weight;
    if (what->outliers)
      value = folder_outlier(name, rows, i % columns, value);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (strcmp(what->dtype, "BF16") == 0)
      rem_buffer_append_u16le(data, (uint16_t)(bits >> 16));
    else
      rem_buffer_append_u32le(data, bits);
  }
  if (what->omit_tensor != NULL && strcmp(what->omit_tensor, name) == 0)
    return;
  rem_buffer_append_format(header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", name, what->dtype);
  if (rows > 1 || strstr(name, "token_type") != NULL)
    rem_buffer_append_format(header, "%zu,", rows);
  rem_buffer_append_format(header, "%zu],\"data_offsets\":[%zu,%zu]}", columns, begin, data->size);
}

static inline void folder_weights(const model_folder *what, const char *folder) {
  const struct {
    const char *name;
    size_t rows;
    bool is_norm;
  } tensors[] = {
      {"embeddings.word_embeddings.weight", FOLDER_VOCAB, false},
      {"embeddings.position_embeddings.weight", (size_t)what->positions, false},
      {"embeddings.token_type_embeddings.weight", 1, false},
      {"embeddings.LayerNorm.weight", 1, true},
      {"embeddings.LayerNorm.bias", 1, false},
      {"encoder.layer.0.attention.self.query.weight", FOLDER_HIDDEN, false},
      {"encoder.layer.0.attention.self.query.bias", 1, false},
      {"encoder.layer.0.attention.self.key.weight", FOLDER_HIDDEN, false},
      {"encoder.layer.0.attention.self.key.bias", 1, false},
      {"encoder.layer.0.attention.self.value.weight", FOLDER_HIDDEN, false},
      {"encoder.layer.0.attention.self.value.bias", 1, false},
      {"encoder.layer.0.attention.output.dense.weight", FOLDER_HIDDEN, false},
      {"encoder.layer.0.attention.output.dense.bias", 1, false},
      {"encoder.layer.0.attention.output.LayerNorm.weight", 1, true},
      {"encoder.layer.0.attention.output.LayerNorm.bias", 1, false},
      {"encoder.layer.0.intermediate.dense.weight", FOLDER_HIDDEN, false},
      {"encoder.layer.0.intermediate.dense.bias", 1, false},
      {"encoder.layer.0.output.dense.weight", FOLDER_HIDDEN, false},
      {"encoder.layer.0.output.dense.bias", 1, false},
      {"encoder.layer.0.output.LayerNorm.weight", 1, true},
      {"encoder.layer.0.output.LayerNorm.bias", 1, false},
  };
  rem_buffer header = {0}, data = {0}, file = {0};
  uint64_t random = 1;
  rem_buffer_append_text(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
  for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
    folder_tensor(what, tensors[i].name, tensors[i].rows, FOLDER_HIDDEN, tensors[i].is_norm, &header, &data, &random);
  rem_buffer_append_byte(&header, '}');
  while (header.size % 8 != 0)
    rem_buffer_append_byte(&header, ' ');
  rem_buffer_append_u64le(&file, header.size);
  rem_buffer_append_slice(&file, rem_buffer_slice(&header));
  rem_buffer_append_slice(&file, rem_buffer_slice(&data));
  folder_write(what, folder, "model.safetensors", file.data, file.size - what->cut_bytes);
  rem_buffer_deinit(&header);
  rem_buffer_deinit(&data);
  rem_buffer_deinit(&file);
}

/* Makes the folder, which must not exist, and all its files. */
static inline void model_folder_make(const model_folder *what, const char *folder) {
  char pooling[4096];
  snprintf(pooling, sizeof pooling, "%s/1_Pooling", folder);
  assert_int_equal(mkdir(folder, 0700), 0);
  assert_int_equal(mkdir(pooling, 0700), 0);
  folder_print(what, folder, "config.json",
               "{\"_name_or_path\": \"someone/tiny-model\", \"model_type\": \"%s\", \"hidden_act\": \"%s\", \"hidden_size\": 32, "
               "\"num_hidden_layers\": 1, \"num_attention_heads\": 1, \"intermediate_size\": 32, \"vocab_size\": %d, "
               "\"max_position_embeddings\": %d, \"type_vocab_size\": 1, \"layer_norm_eps\": 1e-12}",
               what->model_type, what->hidden_act, what->vocab_size, what->positions);
  folder_print(what, folder, "sentence_bert_config.json", "{\"max_seq_length\": %d}", what->window);
  folder_print(what, folder, "modules.json",
               "[{\"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},"
               "{\"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"}"
               "%s%s%s]",
               what->module != NULL ? ",{\"path\": \"2_More\", \"type\": \"" : "", what->module != NULL ? what->module : "",
               what->module != NULL ? "\"}" : "");
  folder_print(what, pooling, "config.json", "{\"pooling_mode_cls_token\": false, \"pooling_mode_%s\": true}", what->pooling);
  folder_print(what, folder, "tokenizer.json",
               "{\"added_tokens\": [{\"id\": 2, \"content\": \"[SEP]\", \"single_word\": false, \"lstrip\": false, \"rstrip\": "
               "false, \"normalized\": false}],"
               "\"normalizer\": {\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, "
               "\"lowercase\": %s},"
               "\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, \"post_processor\": {\"type\": \"BertProcessing\", "
               "\"cls\": [\"[CLS]\", 1], \"sep\": [\"[SEP]\", 2]},"
               "\"model\": {\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", "
               "\"max_input_chars_per_word\": 100, \"vocab\": {\"[PAD]\": 0, \"[CLS]\": 1, \"[SEP]\": 2, \"[UNK]\": 3, "
               "\"alpha\": 4, \"beta\": 5, \"##s\": 6, \"gamma\": 7, \".\": 8, \"a\": 9, \"b\": 10, \"##b\": 11}}}",
               what->lowercase);
  folder_print(what, folder, "vocab.txt", "[PAD]\n[CLS]\n[SEP]\n[UNK]\nalpha\nbeta\n##s\ngamma\n.\na\nb\n##b\n");
  folder_print(what, folder, "tokenizer_config.json", "{\"do_lower_case\": %s}", what->lowercase);
  folder_weights(what, folder);
}

#endif
