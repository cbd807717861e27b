/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels, written once. Included once for each table by the instruction-set files, which define before
 *
 *   ISA, LAYOUT, LAYOUT_ID      parts of the table's name (avx2, f32, REM_ENCODER_LAYOUT_F32)
 *   TILE_ROWS, TILE_VECS        the register tile: rows x vectors of sums held in registers; rows at most 14
 *   BLOCK_TOKENS                default block
 *   <LAYOUT>_*                  primitives of the operand type (encoder_operand_f32.h, encoder_operand_bf16.h)
 *
 *            b0   b1        A step loads TILE_VECS vectors of the panel and multiplies them by one broadcast operand of each row.
 *      a0    s00  s01       The panel (32 outputs x inner) stays in the second-level cache while all row tiles pass;
 *      a1    s10  s11       the rows of a tile stay in the first-level cache while the panel's vectors pass. Finished tiles
 *      ..    ..   ..        go through a small buffer to the epilogue (bias, GELU, addition).
 */
#define JOIN3(a, b, c) a##_##b##_##c
#define JOIN2(a, b) a##_##b
#define EXPAND3(a, b, c) JOIN3(a, b, c)
#define EXPAND2(a, b) JOIN2(a, b)
#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
#define K(name) EXPAND2(LAYOUT, name)
#define OPERAND K(operand)
#define STEP K(STEP)
#define PANEL REM_ENCODER_PANEL
#define PANEL_VECS (PANEL / VEC_LANES)

/* `rows` (a constant at each call) x TILE_VECS vectors of sums. `c` has rows of `c_stride` floats. */
INLINE void K(tile_rows)(size_t rows, const OPERAND *a, size_t a_stride, const OPERAND *b, size_t inner, float *c,
                         size_t c_stride, rem_encoder_ahead ahead) {
  vec sums[TILE_ROWS][TILE_VECS];
  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t v = 0; v < TILE_VECS; v++)
      sums[r][v] = VEC_SPLAT(0.0F);
  }
  for (size_t k = 0; k < inner; k += STEP) {
    K(panel) panel[TILE_VECS];
    /* Both lines of the widest step: with few rows a step of this panel meets one of the next. */
    __builtin_prefetch((const void *)ahead.address, 0, 2);
    __builtin_prefetch((const void *)(ahead.address + 64), 0, 2);
    ahead.address += ahead.step;
    UNROLL for (size_t v = 0; v < TILE_VECS; v++)
      panel[v] = K(load_panel)(b + k * PANEL + v * VEC_LANES * STEP);
    UNROLL for (size_t r = 0; r < rows; r++) {
      K(panel) left = K(broadcast)(a + r * a_stride + k);
      UNROLL for (size_t v = 0; v < TILE_VECS; v++)
        sums[r][v] = K(dot)(sums[r][v], left, panel[v]);
    }
  }
  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t v = 0; v < TILE_VECS; v++)
      vec_store(c + r * c_stride + v * VEC_LANES, sums[r][v]);
  }
}

#define TILE_CASE(n)                                                                               \
  case n:                                                                                          \
    K(tile_rows)(n <= TILE_ROWS ? n : 1, a, a_stride, b, inner, c, c_stride, ahead);               \
    break;

/* rows (1 to TILE_ROWS) x TILE_VECS vectors. */
static __attribute__((noinline)) void K(tile)(size_t rows, const OPERAND *a, size_t a_stride, const OPERAND *b,
                                              size_t inner, float *c, size_t c_stride,
                                              rem_encoder_ahead ahead) {
  switch (rows) {
    TILE_CASE(1)
    TILE_CASE(2)
    TILE_CASE(3)
    TILE_CASE(4)
    TILE_CASE(5)
    TILE_CASE(6)
    TILE_CASE(7)
    TILE_CASE(8)
    TILE_CASE(9)
    TILE_CASE(10)
    TILE_CASE(11)
    TILE_CASE(12)
    TILE_CASE(13)
    TILE_CASE(14)
  default:
    break;
  }
}
#undef TILE_CASE

/* rows x one whole panel. `ahead` moves on. */
INLINE void K(panel_tile)(size_t rows, const OPERAND *a, size_t a_stride, const OPERAND *panel, size_t inner, float *c,
                          size_t c_stride, rem_encoder_ahead *ahead) {
  for (size_t v = 0; v < PANEL_VECS; v += TILE_VECS) {
    K(tile)(rows, a, a_stride, panel + v * VEC_LANES * STEP, inner, c + v * VEC_LANES, c_stride, *ahead);
    ahead->address += ahead->step * (inner / STEP);
  }
}

/* How many rows the tile at `row` takes: tiles are of equal height within one, so that none is a thin rest. */
INLINE size_t K(tile_height)(size_t row, size_t row_count) {
  size_t left = row_count - row;
  size_t tiles = (left + TILE_ROWS - 1) / TILE_ROWS;
  return (left + tiles - 1) / tiles;
}

/* Spreads the fetching of the panel after this one over all steps of this one, so that it comes from memory
 * while the unit works. It may point past the weights: a prefetch never faults. */
INLINE rem_encoder_ahead K(ahead_of)(const OPERAND *panel, size_t inner, size_t row_count) {
  size_t tiles = (row_count + TILE_ROWS - 1) / TILE_ROWS * (PANEL_VECS / TILE_VECS);
  size_t step_bytes = PANEL * STEP * sizeof(OPERAND);
  return (rem_encoder_ahead){(uintptr_t)panel + inner * PANEL * sizeof(OPERAND), (step_bytes + tiles - 1) / tiles};
}

INLINE vec K(bias_at)(const float *bias, size_t index) {
  return bias != NULL ? vec_load(bias + index) : VEC_SPLAT(0.0F);
}

enum K(epilogue) { K(STORE), K(STORE_GELU), K(ADD) };

INLINE void K(finish)(enum K(epilogue) epilogue, const float *tile, const float *bias, void *output) {
  UNROLL for (size_t v = 0; v < PANEL_VECS; v++) {
    vec x = vec_load(tile + v * VEC_LANES) + K(bias_at)(bias, v * VEC_LANES);
    if (epilogue == K(ADD)) {
      float *sum = (float *)output + v * VEC_LANES;
      vec_store(sum, vec_load(sum) + x);
      continue;
    }
    K(narrow)((OPERAND *)output + v * VEC_LANES, epilogue == K(STORE_GELU) ? vec_gelu(x) : x);
  }
}

INLINE void K(product)(const rem_encoder_product *product, enum K(epilogue) epilogue, size_t output_size) {
  float tile[TILE_ROWS * PANEL] __attribute__((aligned(64)));
  for (size_t p = 0; p < product->panel_count; p++) {
    const OPERAND *panel = (const OPERAND *)product->panels + p * PANEL * product->inner;
    const float *bias = product->bias != NULL ? product->bias + p * PANEL : NULL;
    rem_encoder_ahead ahead = K(ahead_of)(panel, product->inner, product->row_count);
    for (size_t row = 0, rows; row < product->row_count; row += rows) {
      rows = K(tile_height)(row, product->row_count);
      K(panel_tile)(rows, (const OPERAND *)product->input + row * product->input_stride, product->input_stride, panel,
                    product->inner, tile, PANEL, &ahead);
      char *output = (char *)product->output + (row * product->output_stride + p * PANEL) * output_size;
      for (size_t r = 0; r < rows; r++)
        K(finish)(epilogue, tile + r * PANEL, bias, output + r * product->output_stride * output_size);
    }
  }
}

static void K(store)(const rem_encoder_product *product) {
  K(product)(product, K(STORE), sizeof(OPERAND));
}

static void K(store_gelu)(const rem_encoder_product *product) {
  K(product)(product, K(STORE_GELU), sizeof(OPERAND));
}

static void K(add)(const rem_encoder_product *product) {
  K(product)(product, K(ADD), sizeof(float));
}

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

/* Scores become probabilities without their common divisor, which it returns. Subtracting the largest keeps 2^x
 * in range whatever the scores; positions after `length` get a probability of 2^-126, and their values are
 * zero. */
INLINE float K(softmax)(float *scores, size_t length, size_t padded, OPERAND *ret_probabilities) {
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
    inverse[r] = 1.0F / K(softmax)(at->scores + r * padded, at->length, padded, probabilities + r * padded);
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

static void K(embed)(const void *word, const float *position, size_t width, float *ret_row) {
  for (size_t i = 0; i < width; i += VEC_LANES)
    vec_store(ret_row + i, K(widen)((const OPERAND *)word + i) + vec_load(position + i));
}

/* The mean first, then the squares of what is left: the row is in the first-level cache, and nothing cancels. */
INLINE void K(layer_norm_row)(float *row, size_t width, const float *gamma, const float *beta, float epsilon,
                              OPERAND *ret_operands) {
  vec sum = VEC_SPLAT(0.0F), squares = VEC_SPLAT(0.0F);
  for (size_t i = 0; i < width; i += VEC_LANES)
    sum += vec_load(row + i);
  const vec mean = VEC_SPLAT(vec_sum(sum) / (float)width);
  for (size_t i = 0; i < width; i += VEC_LANES) {
    vec x = vec_load(row + i) - mean;
    squares = VEC_FMA(x, x, squares);
  }
  const vec scale = VEC_SPLAT(1.0F / sqrtf(vec_sum(squares) / (float)width + epsilon));
  for (size_t i = 0; i < width; i += VEC_LANES) {
    vec x = VEC_FMA((vec_load(row + i) - mean) * scale, vec_load(gamma + i), vec_load(beta + i));
    vec_store(row + i, x);
    K(narrow)(ret_operands + i, x);
  }
}

static void K(layer_norm)(float *rows, size_t row_count, size_t width, const float *gamma, const float *beta,
                          float epsilon, void *ret_operands) {
  for (size_t r = 0; r < row_count; r++)
    K(layer_norm_row)(rows + r * width, width, gamma, beta, epsilon, (OPERAND *)ret_operands + r * width);
}

const rem_encoder_kernels EXPAND3(rem_encoder__kernels, ISA, LAYOUT) = {
    .name = TEXT(ISA) "/" TEXT(LAYOUT),
    .layout = LAYOUT_ID,
    .block_tokens = BLOCK_TOKENS,
    .store = K(store),
    .store_gelu = K(store_gelu),
    .add = K(add),
    .attention = K(attention),
    .embed = K(embed),
    .layer_norm = K(layer_norm),
};

#undef JOIN3
#undef JOIN2
#undef EXPAND3
#undef EXPAND2
#undef TEXT2
#undef TEXT
#undef K
#undef OPERAND
#undef STEP
#undef PANEL
#undef PANEL_VECS
#undef LAYOUT
#undef LAYOUT_ID
#undef TILE_ROWS
#undef TILE_VECS
#undef BLOCK_TOKENS
