/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cohere's embeddings: POST /v2/embed
 *
 *   {"model", "texts": [text, …], "input_type": "search_document" | "search_query", "embedding_types": ["float"], "truncate": "END",
 *    "output_dimension"?}
 *   {"embeddings": {"float": [[number, …], …]}, …}      in the order of the texts
 */
#include "embed/provider_remote.h"

static const rem_remote_model models[] = {
    {"embed-v4.0", 1536, 128000, true},
    {"embed-english-v3.0", 1024, 512, false},
    {"embed-multilingual-v3.0", 1024, 512, false},
    {"embed-english-light-v3.0", 384, 512, false},
    {"embed-multilingual-light-v3.0", 384, 512, false},
    {NULL, 0, 512, true},
};

static void write_body(const rem_remote_call *call, rem_buffer *body) {
  rem_buffer_append_text(body, "{\"model\":");
  rem_json_append_string(body, call->model, strlen(call->model));
  rem_buffer_append_format(body, ",\"input_type\":\"%s\"", call->role == REM_QUERY ? "search_query" : "search_document");
  rem_buffer_append_text(body, ",\"embedding_types\":[\"float\"],\"truncate\":\"END\"");
  if (call->shortened)
    rem_buffer_append_format(body, ",\"output_dimension\":%u", call->shortened);
  rem_buffer_append_text(body, ",\"texts\":");
  rem_remote_append_texts(body, call->texts, call->count);
  rem_buffer_append_byte(body, '}');
}

static rem_status read_reply(const json_t *reply, rem_remote_vectors *vectors, rem_error *err) {
  const json_t *rows = json_object_get(json_object_get(reply, "embeddings"), "float");
  if (!json_is_array(rows))
    return rem_error_set(err, REM_PROVIDER, "the answer has no 'embeddings'");
  for (size_t i = 0; i < json_array_size(rows); i++)
    REM_TRY(rem_remote_place_array(vectors, (int64_t)i, json_array_get(rows, i), err));
  return REM_OK;
}

const rem_remote_dialect rem_remote_cohere = {
    .service = "Cohere",
    .prefix = "cohere:",
    .family = "embed-",
    .models = models,
    .url_key = REM_CONFIG_COHERE_BASE_URL,
    .secret_key = REM_CONFIG_COHERE_API_KEY,
    .path = "/v2/embed",
    .batch_max = 96,
    .cuts = true,
    .write = write_body,
    .read = read_reply,
};

const rem_provider_type rem_provider_cohere = {.name = "cohere",
                                               .service = &rem_remote_cohere,
                                               .claims = rem_remote_claims,
                                               .open = rem_remote_open,
                                               .close = rem_remote_close,
                                               .embed = rem_remote_embed,
                                               .measure = rem_remote_measure};
