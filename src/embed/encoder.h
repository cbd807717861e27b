/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoder: token ids in, one sentence vector out. The forward pass of BERT (post-norm transformer encoder, GELU, learned
 * positions) and of its relatives DistilBERT (no token types) and MPNet (attention also looks at how far apart two
 * tokens are), with mean or CLS pooling.
 *
 * Weights are packed once into the order in which the kernels stream them and are then used in
 * place, from a mapped file; nothing is copied at open. The packed bytes depend on the shape and
 * on the layout only, never on the CPU: every CPU runs every layout, the preferred one fastest.
 *
 * Threads: an encoder is read-only after open and may be used by any number of threads, each with a
 * scratch of its own.
 */
#ifndef REM_EMBED_ENCODER_H
#define REM_EMBED_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread_pool.h"

/* Numbers are stored in model files and stay as they are. */
typedef enum rem_encoder_pooling {
  REM_ENCODER_POOL_MEAN = 1, /* of all tokens, special ones included */
  REM_ENCODER_POOL_CLS = 2,  /* the first token's vector */
} rem_encoder_pooling;

/* Which names the tensors have. Numbers are stored in model files. */
typedef enum rem_encoder_family {
  REM_ENCODER_BERT = 1,
  REM_ENCODER_MPNET = 2,
  REM_ENCODER_DISTILBERT = 3,
} rem_encoder_family;

/* Numbers are stored in model files. */
typedef enum rem_encoder_activation {
  REM_ENCODER_GELU = 0,      /* by the error function */
  REM_ENCODER_GELU_TANH = 1, /* by its approximation with tanh */
} rem_encoder_activation;

/* The only count of relative buckets there is: distances up to 128 in 32 buckets, half of them for each direction. */
#define REM_ENCODER_RELATIVE_BUCKETS 32

/* What a model's configuration says. */
typedef struct rem_encoder_shape {
  rem_encoder_family family;
  rem_encoder_activation activation;
  uint32_t layers;            /* 1 to 96 */
  uint32_t hidden;            /* width of the residual stream and of the result; a multiple of 32, at most 4,096 */
  uint32_t heads;             /* hidden / heads is 32, 64, 96 or 128 */
  uint32_t ff;                /* a multiple of 32, at most 16,384 */
  uint32_t vocab;             /* at most 2^20 */
  uint32_t positions;         /* the longest sequence, special tokens included; at most 8,192 */
  uint32_t first_position;    /* row of the position table for the first token; the table has as many rows more. Above 0, a
                                 token that is `padding_id` takes the row before it and is not counted. At most 16 */
  uint32_t padding_id;
  uint32_t relative_buckets;  /* REM_ENCODER_RELATIVE_BUCKETS, or 0: attention does not look at distances */
  uint32_t types;             /* rows of the token type table, of which row 0 is used; 0: the model has none */
  float layer_norm_epsilon;   /* above 0 and below 1 */
  rem_encoder_pooling pooling;
  bool normalise;             /* results have length 1 */
} rem_encoder_shape;

/*
 * Layouts of packed weights; the numbers are stored in model files. A change of a layout's bytes takes a new number and
 * retires the old one.
 */
typedef enum rem_encoder_layout {
  REM_ENCODER_LAYOUT_F32 = 1,  /* float32 panels of 32 outputs */
  REM_ENCODER_LAYOUT_BF16 = 2, /* the same in bfloat16, two inputs interleaved; biases and norms stay float32 */
  REM_ENCODER_LAYOUT_INT8 = 3, /* dense layers in 8 bits, four inputs interleaved; a scale for each output of a panel */
} rem_encoder_layout;

/* Alignment that packed bytes must have, in the file and in memory. */
#define REM_ENCODER_ALIGNMENT 64

typedef struct rem_encoder rem_encoder;
typedef struct rem_encoder_scratch rem_encoder_scratch;

/* The layout that is fastest on this CPU (after REM_CPU_LEVEL has taken away what lies above it). */
rem_encoder_layout rem_encoder_preferred_layout(void);
/* "f32", "bf16"; NULL for an unknown layout. Static. */
const char *rem_encoder_layout_name(rem_encoder_layout layout);

/* Whether this encoder can run such a model; REM_UNSUPPORTED says which value it cannot. */
REM_CHECKED rem_status rem_encoder_shape_check(const rem_encoder_shape *shape, rem_error *err);

/* The exact size of the packed weights; REM_UNSUPPORTED for a shape or layout it cannot run. */
REM_CHECKED rem_status rem_encoder_packed_size(const rem_encoder_shape *shape, rem_encoder_layout layout,
                                               size_t *ret_size_bytes, rem_error *err);

/*
 * Gives one source tensor as row-major float32, `rows` x `columns` (a vector has 1 row); it must check that the
 * source has that size. Borrowed until the next call. Names are those of the transformers library's BertModel
 * without prefix (of MPNetModel and DistilBertModel for those families: encoder_pack.c has the table):
 *   embeddings.word_embeddings.weight            vocab x hidden
 *   embeddings.position_embeddings.weight        first_position + positions x hidden
 *   embeddings.token_type_embeddings.weight      types x hidden (asked for when types > 0)
 *   embeddings.LayerNorm.{weight,bias}           1 x hidden
 *   encoder.layer.N.attention.self.{query,key,value}.{weight,bias}      hidden x hidden, 1 x hidden
 *   encoder.layer.N.attention.output.dense.{weight,bias}
 *   encoder.layer.N.attention.output.LayerNorm.{weight,bias}
 *   encoder.layer.N.intermediate.dense.{weight,bias}                    ff x hidden, 1 x ff
 *   encoder.layer.N.output.dense.{weight,bias}                          hidden x ff, 1 x hidden
 *   encoder.layer.N.output.LayerNorm.{weight,bias}
 *   encoder.relative_attention_bias.weight       relative_buckets x heads (asked for when there are buckets)
 */
typedef rem_status (*rem_encoder_tensor_fn)(void *context, const char *name, size_t rows, size_t columns,
                                            const float **ret_values, rem_error *err);

/* Packs a model into `ret_packed` of rem_encoder_packed_size() bytes, aligned to REM_ENCODER_ALIGNMENT. On failure its
 * content is undefined. A value that is not finite is REM_MODEL. */
REM_CHECKED rem_status rem_encoder_pack(const rem_encoder_shape *shape, rem_encoder_layout layout,
                                        rem_encoder_tensor_fn tensor, void *context, void *ret_packed, rem_error *err);

/*
 * An encoder over packed weights. `packed` is borrowed until rem_encoder_close(). REM_MODEL when its size or
 * alignment does not fit the shape. Touches none of the weights. The kernels are chosen here. Owned:
 * rem_encoder_close().
 */
REM_CHECKED rem_status rem_encoder_open(const rem_encoder_shape *shape, rem_encoder_layout layout, const void *packed,
                                        size_t packed_size, rem_encoder **ret_encoder, rem_error *err);
void rem_encoder_close(rem_encoder *encoder);

const rem_encoder_shape *rem_encoder_get_shape(const rem_encoder *encoder);
rem_encoder_layout rem_encoder_get_layout(const rem_encoder *encoder);
/* The kernels in use: "avx512bf16/bf16", "avx2/f32", …; static. */
const char *rem_encoder_kernel_name(const rem_encoder *encoder);
/* Floating-point operations (a multiply-add is two) of the matrix products for one sequence, attention included. */
double rem_encoder_flops(const rem_encoder_shape *shape, size_t length);

/*
 * Working memory of one thread for blocks of about `block_tokens` tokens (0: the default, tuned to second-level
 * caches; at most 4,096). A sequence longer than that gets a block of its own. Owned: rem_encoder_scratch_free().
 */
REM_CHECKED rem_status rem_encoder_scratch_new(const rem_encoder *encoder, size_t block_tokens,
                                               rem_encoder_scratch **ret_scratch, rem_error *err);
void rem_encoder_scratch_free(rem_encoder_scratch *scratch);
/* The tokens of one block: callers that share work among threads hand out about that many at a time. */
size_t rem_encoder_scratch_block_tokens(const rem_encoder_scratch *scratch);

/*
 * Embeds `count` sequences: `ids` are their token ids one after the other (special tokens included), `lengths` how many
 * each has (1 to positions). Writes count x hidden floats to `ret_vectors`, in order. No padding: the cost is that
 * of the tokens given, so callers need not sort by length. REM_INVALID when an id or a length is out of
 * range (checked before any work; `ret_vectors` untouched).
 */
REM_CHECKED rem_status rem_encoder_run(const rem_encoder *encoder, rem_encoder_scratch *scratch, const uint32_t *ids,
                                       const uint32_t *lengths, size_t count, float *ret_vectors, rem_error *err);

/*
 * Embeds one sequence with several threads: its columns and heads are handed out to `scratch_count` (2 to 16) members, of which `pool`
 * gives as many as it has free at the moment; at worst the caller does all of it. The vector is bit for bit that of rem_encoder_run().
 * `scratches` are one for each member.
 */
REM_CHECKED rem_status rem_encoder_run_split(const rem_encoder *encoder, rem_encoder_scratch *const *scratches, size_t scratch_count,
                                             rem_thread_pool *pool, const uint32_t *ids, uint32_t length, float *ret_vector,
                                             rem_error *err);
#define REM_ENCODER_SPLIT_MAX 16

#endif
