/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's embeddings, and those of the many servers that speak the same: POST /embeddings
 *
 *   {"model", "input": [text, …], "encoding_format": "base64", "dimensions"?}
 *   {"data": [{"index": 0, "embedding": base64 of little-endian float32, or an array of numbers}, …], …}
 *
 * base64 is a quarter of the size of numbers in text. Servers that do not know it answer with arrays.
 */
#include "embed/provider_remote.h"

static const rem_remote_model models[] = {
    {"text-embedding-3-small", 1536, 8191, true},
    {"text-embedding-3-large", 3072, 8191, true},
    {"text-embedding-ada-002", 1536, 8191, false},
    {NULL, 0, 8191, true},
};

static void write_body(const rem_remote_call *call, rem_buffer *body) {
  rem_buffer_append_text(body, "{\"model\":");
  rem_json_append_string(body, call->model, strlen(call->model));
  rem_buffer_append_text(body, ",\"encoding_format\":\"base64\"");
  if (call->shortened)
    rem_buffer_append_format(body, ",\"dimensions\":%u", call->shortened);
  rem_buffer_append_text(body, ",\"input\":");
  rem_remote_append_texts(body, call->texts, call->count);
  rem_buffer_append_byte(body, '}');
}

/* 0 to 63; -1: not a digit of base64. */
static int digit_of(char character) {
  if (character >= 'A' && character <= 'Z')
    return character - 'A';
  if (character >= 'a' && character <= 'z')
    return character - 'a' + 26;
  if (character >= '0' && character <= '9')
    return character - '0' + 52;
  return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* Decodes exactly `size` bytes; `text` has the length that belongs to them. */
static bool decode(const char *text, size_t text_size, uint8_t *bytes, size_t size) {
  uint32_t bits = 0;
  unsigned held = 0;
  size_t written = 0;
  for (size_t i = 0; i < text_size; i++) {
    int digit = digit_of(text[i]);
    if (digit < 0)
      return false;
    bits = bits << 6 | (uint32_t)digit;
    held += 6;
    if (held < 8)
      continue;
    held -= 8;
    if (written == size)
      return false;
    bytes[written++] = (uint8_t)(bits >> held);
  }
  return written == size;
}

static rem_status place_base64(rem_remote_vectors *vectors, int64_t index, const json_t *embedding, rem_error *err) {
  const char *text = json_string_value(embedding);
  size_t text_size = json_string_length(embedding);
  while (text_size && text[text_size - 1] == '=')
    text_size--;
  size_t size = text_size / 4 * 3 + (text_size % 4 ? text_size % 4 - 1 : 0);
  float *values;
  if (size % sizeof *values)
    return rem_error_set(err, REM_PROVIDER, "a vector of the answer is cut");
  REM_TRY(rem_remote_place(vectors, index, size / sizeof *values, &values, err));
  if (!decode(text, text_size, (uint8_t *)values, size))
    return rem_error_set(err, REM_PROVIDER, "a vector of the answer is not base64");
  return REM_OK;
}

static rem_status read_reply(const json_t *reply, rem_remote_vectors *vectors, rem_error *err) {
  const json_t *data = json_object_get(reply, "data");
  if (!json_is_array(data))
    return rem_error_set(err, REM_PROVIDER, "the answer has no 'data'");
  for (size_t i = 0; i < json_array_size(data); i++) {
    const json_t *item = json_array_get(data, i), *index = json_object_get(item, "index");
    const json_t *embedding = json_object_get(item, "embedding");
    if (!json_is_integer(index))
      return rem_error_set(err, REM_PROVIDER, "a vector of the answer does not say which text it belongs to");
    if (json_is_string(embedding))
      REM_TRY(place_base64(vectors, json_integer_value(index), embedding, err));
    else
      REM_TRY(rem_remote_place_array(vectors, json_integer_value(index), embedding, err));
  }
  return REM_OK;
}

const rem_remote_dialect rem_remote_openai = {
    .service = "OpenAI",
    .prefix = "openai:",
    .family = "text-embedding-",
    .models = models,
    .url_key = REM_CONFIG_OPENAI_BASE_URL,
    .secret_key = REM_CONFIG_OPENAI_API_KEY,
    .path = "/embeddings",
    .batch_max = 2048,
    .write = write_body,
    .read = read_reply,
};

const rem_provider_type rem_provider_openai = {.name = "openai",
                                               .service = &rem_remote_openai,
                                               .claims = rem_remote_claims,
                                               .open = rem_remote_open,
                                               .close = rem_remote_close,
                                               .embed = rem_remote_embed,
                                               .measure = rem_remote_measure};
