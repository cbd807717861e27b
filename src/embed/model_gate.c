/* SPDX-License-Identifier: Apache-2.0 */
/* The gate embeds its texts twice and compares. */
#include "embed/model_gate.h"

#include <math.h>

static const char *const texts[] = {
    "weather",
    "how to reset a forgotten password",
    "What is the capital of Australia?",
    "quarterly revenue by region, 2024 vs 2023",
    "The meeting was moved from Tuesday to Thursday because two of the engineers were travelling.",
    "She planted tomatoes along the south wall, where the bricks kept the warmth until late in the evening.",
    "A transaction is durable once its log record has reached the disk; the pages it changed may follow later.",
    "Patients treated within three hours had a better outcome (p < 0.01) than those treated later; the effect was smaller in the "
    "group over 75 years of age, and absent where the diagnosis had been uncertain.",
    "def parse(line): key, _, value = line.partition('='); return key.strip(), value.strip() or None",
    "SELECT name, COUNT(*) FROM orders WHERE status = 'open' GROUP BY name HAVING COUNT(*) > 3 ORDER BY 2 DESC;",
    "ERROR 2024-03-01T12:00:05Z worker-7: connection to 10.0.0.12:5432 refused, retrying in 800 ms (attempt 3 of 5)",
    "Invoice no. 4711: 12 x M8 hex bolts, zinc plated, 3.40 EUR each; delivery free of charge from 50 EUR on.",
    "Der Vertrag verl\u00e4ngert sich um ein Jahr, wenn er nicht drei Monate vor Ablauf gek\u00fcndigt wird.",
    "La r\u00e9union aura lieu demain \u00e0 neuf heures dans la grande salle du deuxi\u00e8me \u00e9tage.",
    "El tren de alta velocidad tarda dos horas y media entre Madrid y Barcelona.",
    "\u4eca\u65e5\u306f\u6771\u4eac\u3067\u96ea\u304c\u964d\u3063\u3066\u3044\u307e\u3059\u3002",
    "\u041c\u043e\u0441\u043a\u0432\u0430 - \u0441\u0442\u043e\u043b\u0438\u0446\u0430 \u0420\u043e\u0441\u0441\u0438\u0438.",
    "LOL that was sooo funny!!! :) #bestday",
    "BRCA1, TP53 and EGFR are among the genes most often sequenced in oncology panels.",
    "Turn left at the lighthouse, follow the gravel road for two kilometres, and park beside the old boathouse. The key is under the "
    "third flowerpot. If it rains, leave your shoes in the porch; the floor was oiled last week and stains easily.",
    "The committee considered three proposals. The first would have closed the branch library and moved its collection to the town "
    "hall; the second kept the building but cut its hours by half; the third, which was carried by five votes to four, raised the "
    "fees for meeting rooms and asked the county for a grant. A review is due in eighteen months.",
    "Chapter 1. It was a cold morning, and the harbour lay so still that the masts seemed to stand on their own reflections. Nobody had "
    "seen the ferry leave, yet its berth was empty, and the rope that had held it for eleven years hung cut from the bollard. The "
    "harbour master wrote the time into his book, closed it, opened it again, and wrote: fog.",
    "rice, beans, two onions, olive oil, a lemon, batteries AA",
    "A convex function on an open interval is continuous, and differentiable everywhere but at countably many points.",
};
#define TEXT_COUNT (sizeof texts / sizeof texts[0])

/* The texts' ids, one after the other; short enough for any window there is. */
typedef struct batch {
  uint32_t *ids;
  uint32_t lengths[TEXT_COUNT];
} batch;

static rem_status tokenise(const rem_model__gate *gate, batch *batch, rem_error *err) {
  rem_tokenizer tokenizer;
  REM_TRY(rem_tokenizer_open(gate->tables, &tokenizer, err));
  batch->ids = rem_alloc(TEXT_COUNT * gate->max_tokens * sizeof *batch->ids);
  if (batch->ids == NULL)
    return rem_error_nomem(err);
  size_t count = 0;
  for (size_t i = 0; i < TEXT_COUNT; i++) {
    size_t length = rem_tokenizer_encode(&tokenizer, texts[i], strlen(texts[i]), batch->ids + count, NULL, gate->max_tokens, NULL);
    batch->lengths[i] = (uint32_t)length;
    count += length;
  }
  return REM_OK;
}

static rem_status embed(const rem_model__gate *gate, rem_encoder_layout layout, rem_slice weights, const batch *batch,
                        float *ret_vectors, rem_error *err) {
  rem_encoder *encoder = NULL;
  rem_encoder_scratch *scratch = NULL;
  rem_status status = rem_encoder_open(gate->shape, layout, weights.data, weights.size, &encoder, err);
  if (status == REM_OK)
    status = rem_encoder_scratch_new(encoder, 0, &scratch, err);
  if (status == REM_OK)
    status = rem_encoder_run(encoder, scratch, batch->ids, batch->lengths, TEXT_COUNT, ret_vectors, err);
  rem_encoder_scratch_free(scratch);
  rem_encoder_close(encoder);
  return status;
}

static float cosine(const float *a, const float *b, size_t count) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < count; i++) {
    ab += (double)a[i] * (double)b[i];
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
  }
  return aa > 0 && bb > 0 ? (float)(ab / sqrt(aa * bb)) : 0;
}

static rem_status measure(const rem_model__gate *gate, const batch *batch, float *ret_mean, float *ret_least, rem_error *err) {
  size_t hidden = gate->shape->hidden;
  float *vectors REM_AUTO_FREE = rem_alloc(2 * TEXT_COUNT * hidden * sizeof *vectors);
  if (vectors == NULL)
    return rem_error_nomem(err);
  float *others = vectors + TEXT_COUNT * hidden, sum = 0, least = 1;
  REM_TRY(embed(gate, REM_ENCODER_LAYOUT_F32, gate->weights[0], batch, vectors, err));
  REM_TRY(embed(gate, REM_ENCODER_LAYOUT_INT8, gate->weights[1], batch, others, err));
  for (size_t i = 0; i < TEXT_COUNT; i++) {
    float similarity = cosine(vectors + i * hidden, others + i * hidden, hidden);
    sum += similarity;
    least = similarity < least ? similarity : least;
  }
  *ret_mean = sum / (float)TEXT_COUNT;
  *ret_least = least;
  return REM_OK;
}

rem_status rem_model__gate_measure(const rem_model__gate *gate, float *ret_mean, float *ret_least, rem_error *err) {
  batch batch = {0};
  rem_status status = tokenise(gate, &batch, err);
  if (status == REM_OK)
    status = measure(gate, &batch, ret_mean, ret_least, err);
  rem_free(batch.ids);
  return status;
}
