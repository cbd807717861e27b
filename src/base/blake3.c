/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BLAKE3 after its paper (section 2): the input is cut into chunks of 1 KiB, each chunk into blocks of 64
 * bytes, chained by the compression function; the chunks' chaining values are the leaves of a binary tree whose
 * left subtrees are full.
 *
 *   chunk 0  chunk 1  chunk 2        stack after chunk 2: [parent(0,1)], the hasher holds chunk 2
 *      `---+----'       |            a finished chunk number n merges as often as n has trailing zero bits,
 *        parent         |            so the stack mirrors the binary digits of the chunk count
 *           `-----+-----'
 *               root                 compressed with ROOT, again and again for longer outputs
 *
 * The last chunk is never pushed before it is known whether more follows: only the root may carry ROOT.
 * Portable code and no SIMD on purpose: keys are short, one or two blocks, where the vector forms (several
 * chunks at once) have nothing to do.
 */
#include "base/blake3.h"

#include <stdbool.h>
#include <string.h>

#define BLOCK_SIZE 64u
#define CHUNK_SIZE 1024u
#define BLOCKS_PER_CHUNK (CHUNK_SIZE / BLOCK_SIZE)

enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

/* Table 1 of the paper: the initial value of SHA-256. */
static const uint32_t initial_value[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                          0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

/* Table 2 applied again for each round: which word goes where. */
static const uint8_t schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

/* What one compression takes; kept until it is known whether it is the root. */
typedef struct node {
  uint32_t chaining_value[8];
  uint32_t words[16];
  uint64_t counter;
  uint32_t block_size;
  uint32_t flags;
} node;

static uint32_t rotate_right(uint32_t x, int bits) {
  return x >> bits | x << (32 - bits);
}

static inline void quarter_round(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y) {
  v[a] = v[a] + v[b] + x;
  v[d] = rotate_right(v[d] ^ v[a], 16);
  v[c] = v[c] + v[d];
  v[b] = rotate_right(v[b] ^ v[c], 12);
  v[a] = v[a] + v[b] + y;
  v[d] = rotate_right(v[d] ^ v[a], 8);
  v[c] = v[c] + v[d];
  v[b] = rotate_right(v[b] ^ v[c], 7);
}

static inline void one_round(uint32_t v[16], const uint32_t m[16], const uint8_t s[16]) {
  quarter_round(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
  quarter_round(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
  quarter_round(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
  quarter_round(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
  quarter_round(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
  quarter_round(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
  quarter_round(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
  quarter_round(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
}

/* Section 2.2. The first 8 words are the next chaining value, all 16 the output of the root. */
static void compress(const node *input, uint32_t ret_words[16]) {
  uint32_t v[16];
  memcpy(v, input->chaining_value, 32);
  memcpy(v + 8, initial_value, 16);
  v[12] = (uint32_t)input->counter;
  v[13] = (uint32_t)(input->counter >> 32);
  v[14] = input->block_size;
  v[15] = input->flags;
  for (int r = 0; r < 7; r++)
    one_round(v, input->words, schedule[r]);
  for (int i = 0; i < 8; i++) {
    ret_words[i] = v[i] ^ v[i + 8];
    ret_words[i + 8] = v[i + 8] ^ input->chaining_value[i];
  }
}

static void compress_value(const node *input, uint32_t ret_value[8]) {
  uint32_t words[16];
  compress(input, words);
  memcpy(ret_value, words, 32);
}

/* The block now held, as the end of its chunk or not. */
static node block_node(const rem_blake3 *hasher, bool is_end) {
  node result = {.counter = hasher->chunk_counter, .block_size = hasher->block_size};
  memcpy(result.chaining_value, hasher->chaining_value, 32);
  memcpy(result.words, hasher->block, hasher->block_size); /* the rest is zero */
  result.flags = (hasher->blocks_compressed == 0 ? CHUNK_START : 0) | (is_end ? CHUNK_END : 0);
  return result;
}

static node parent_node(const uint32_t left[8], const uint32_t right[8]) {
  node result = {.block_size = BLOCK_SIZE, .flags = PARENT};
  memcpy(result.chaining_value, initial_value, 32);
  memcpy(result.words, left, 32);
  memcpy(result.words + 8, right, 32);
  return result;
}

static void start_chunk(rem_blake3 *hasher, uint64_t counter) {
  memcpy(hasher->chaining_value, initial_value, 32);
  hasher->chunk_counter = counter;
  hasher->block_size = 0;
  hasher->blocks_compressed = 0;
}

void rem_blake3_init(rem_blake3 *hasher) {
  hasher->stack_depth = 0;
  start_chunk(hasher, 0);
}

/* The chunk is full and more follows: its value goes on the stack, merged with every finished left neighbour. */
static void finish_chunk(rem_blake3 *hasher) {
  uint32_t value[8];
  node last = block_node(hasher, true);
  compress_value(&last, value);
  uint64_t chunk_count = hasher->chunk_counter + 1;
  for (uint64_t rest = chunk_count; (rest & 1) == 0; rest >>= 1) {
    node merged = parent_node(hasher->stack[--hasher->stack_depth], value);
    compress_value(&merged, value);
  }
  memcpy(hasher->stack[hasher->stack_depth++], value, 32);
  start_chunk(hasher, chunk_count);
}

/* The block is full and more follows. */
static void finish_block(rem_blake3 *hasher) {
  if (hasher->blocks_compressed == BLOCKS_PER_CHUNK - 1) {
    finish_chunk(hasher);
    return;
  }
  node input = block_node(hasher, false);
  compress_value(&input, hasher->chaining_value);
  hasher->blocks_compressed++;
  hasher->block_size = 0;
}

void rem_blake3_update(rem_blake3 *hasher, const void *data, size_t size) {
  const uint8_t *p = data;
  while (size > 0) {
    if (hasher->block_size == BLOCK_SIZE)
      finish_block(hasher);
    size_t take = BLOCK_SIZE - hasher->block_size;
    if (take > size)
      take = size;
    memcpy(hasher->block + hasher->block_size, p, take);
    hasher->block_size = (uint8_t)(hasher->block_size + take);
    p += take;
    size -= take;
  }
}

/* The words are little endian, as this machine is (base/buffer.h insists). */
static void write_output(node root, uint8_t *ret_hash, size_t hash_size) {
  root.flags |= ROOT;
  for (root.counter = 0; hash_size > 0; root.counter++) {
    uint32_t words[16];
    compress(&root, words);
    size_t take = hash_size < sizeof words ? hash_size : sizeof words;
    memcpy(ret_hash, words, take);
    ret_hash += take;
    hash_size -= take;
  }
}

void rem_blake3_final(const rem_blake3 *hasher, uint8_t *ret_hash, size_t hash_size) {
  node top = block_node(hasher, true);
  for (size_t depth = hasher->stack_depth; depth > 0; depth--) {
    uint32_t value[8];
    compress_value(&top, value);
    top = parent_node(hasher->stack[depth - 1], value);
  }
  write_output(top, ret_hash, hash_size);
}

void rem_blake3_hash(const void *data, size_t size, uint8_t *ret_hash, size_t hash_size) {
  rem_blake3 hasher;
  rem_blake3_init(&hasher);
  rem_blake3_update(&hasher, data, size);
  rem_blake3_final(&hasher, ret_hash, hash_size);
}
