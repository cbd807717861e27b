/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention of one head of one sequence, for values of one type: the keys become a panel to which queries are the rows, the values
 * one to which the probabilities are. Included after encoder_kernels_tile.h.
 */
/* Keys become panels of 32 outputs (a key each) x head_size inputs; missing keys are zero. */
static void K(arrange_keys)(const rem_encoder_attention *at, OPERAND *ret_keys) {
  const OPERAND *keys = (const OPERAND *)at->qkv + at->head_size;
  size_t padded = (at->length + PANEL - 1) / PANEL * PANEL;
  for (size_t key = 0; key < padded; key++) {
    OPERAND *panel = ret_keys + key / PANEL * PANEL * at->head_size + key % PANEL * STEP;
    const OPERAND *row = keys + key * at->qkv_stride;
    for (size_t i = 0; i < at->head_size; i += STEP, panel += PANEL * STEP)
      for (size_t e = 0; e < STEP; e++)
        panel[e] = key < at->length ? row[i + e] : 0;
  }
}

/* Values become panels of 32 features x padded keys as inputs; missing keys are zero. */
static void K(arrange_values)(const rem_encoder_attention *at, OPERAND *ret_values) {
  const OPERAND *values = (const OPERAND *)at->qkv + 2 * at->head_size;
  size_t padded = (at->length + PANEL - 1) / PANEL * PANEL;
  for (size_t first = 0; first < at->head_size; first += PANEL)
    for (size_t key = 0; key < padded; key += STEP, ret_values += PANEL * STEP)
      for (size_t e = 0; e < STEP; e++) {
        const OPERAND *row = values + (key + e) * at->qkv_stride + first;
        for (size_t n = 0; n < PANEL; n++)
          ret_values[n * STEP + e] = key + e < at->length ? row[n] : 0;
      }
}

/* Scores become probabilities without their common divisor, which it returns. `distances` (NULL: none) are added first. Subtracting the largest keeps 2^x
 * in range whatever the scores; positions after `length` get a probability of 2^-126, and their values are
 * zero. */
INLINE float K(softmax)(float *scores, const float *distances, size_t length, size_t padded, OPERAND *ret_probabilities) {
  for (size_t i = 0; distances != NULL && i < padded; i += VEC_LANES)
    vec_store(scores + i, vec_load(scores + i) + vec_load(distances + i));
  for (size_t i = length; i < padded; i++)
    scores[i] = -1e30F;
  vec largest = vec_load(scores);
  for (size_t i = VEC_LANES; i < padded; i += VEC_LANES)
    largest = VEC_MAX(largest, vec_load(scores + i));
  const vec base = VEC_SPLAT(vec_largest(largest));
  vec sum = VEC_SPLAT(0.0F);
  for (size_t i = 0; i < padded; i += VEC_LANES) {
    vec p = vec_exp2(vec_load(scores + i) - base);
    sum += p;
    K(narrow)(ret_probabilities + i, p);
  }
  return vec_sum(sum);
}

/* The rows [row, row + rows) of one head. */
INLINE void K(attend)(const rem_encoder_attention *at, size_t row, size_t rows, size_t padded) {
  float tile[TILE_ROWS * PANEL] __attribute__((aligned(64)));
  float inverse[TILE_ROWS];
  OPERAND *probabilities = at->probabilities;
  rem_encoder_ahead nothing = {(uintptr_t)at->keys, 0};
  for (size_t key = 0; key < padded; key += PANEL)
    K(panel_tile)(rows, (const OPERAND *)at->qkv + row * at->qkv_stride, at->qkv_stride,
                  (const OPERAND *)at->keys + key * at->head_size, at->head_size, at->scores + key, padded, &nothing);
  for (size_t r = 0; r < rows; r++)
    inverse[r] = 1.0F / K(softmax)(at->scores + r * padded, at->distances != NULL ? at->distances - (row + r) : NULL, at->length,
                                   padded, probabilities + r * padded);
  for (size_t first = 0; first < at->head_size; first += PANEL) {
    K(panel_tile)(rows, probabilities, padded, (const OPERAND *)at->values + first * padded, padded, tile, PANEL,
                  &nothing);
    for (size_t r = 0; r < rows; r++) {
      OPERAND *context = (OPERAND *)at->context + (row + r) * at->context_stride + first;
      UNROLL for (size_t v = 0; v < PANEL; v += VEC_LANES)
        K(narrow)(context + v, vec_load(tile + r * PANEL + v) * VEC_SPLAT(inverse[r]));
    }
  }
}

static void K(attention)(const rem_encoder_attention *at) {
  size_t padded = (at->length + PANEL - 1) / PANEL * PANEL;
  K(arrange_keys)(at, at->keys);
  K(arrange_values)(at, at->values);
  for (size_t row = 0, rows; row < at->length; row += rows) {
    rows = K(tile_height)(row, at->length);
    K(attend)(at, row, rows, padded);
  }
}
