/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quality gate of int8: how near the vectors of a model's int8 weights come to those of its float32 weights, on texts of
 * many kinds. A model that fails it is installed without them.
 */
#ifndef REM_EMBED_MODEL_GATE_H
#define REM_EMBED_MODEL_GATE_H

#include "embed/encoder.h"
#include "embed/tokenizer.h"

/* What the cosines must be, on average and each. */
#define REM_MODEL__GATE_MEAN 0.995f
#define REM_MODEL__GATE_LEAST 0.97f

/* A model that is being installed. */
typedef struct rem_model__gate {
  const rem_encoder_shape *shape;
  rem_slice tables; /* of the tokenizer */
  uint32_t max_tokens;
  rem_slice weights[2]; /* packed: float32, int8 */
} rem_model__gate;

/* Measures, with the kernels of this CPU; takes seconds for a large model. The sums of int8 are exact, so another CPU finds the same up
 * to rounding. */
REM_CHECKED rem_status rem_model__gate_measure(const rem_model__gate *gate, float *ret_mean, float *ret_least, rem_error *err);

#endif
