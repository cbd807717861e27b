/* SPDX-License-Identifier: Apache-2.0 */
/* The random strings of tests/data/minilm/random_ids.bin, as tools/tokenizer_golden.py makes them. */
#ifndef REM_TESTS_EMBED_GOLDEN_TEXT_H
#define REM_TESTS_EMBED_GOLDEN_TEXT_H

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

#define GOLDEN_TEXT_MAX 8192 /* bytes of the longest */
#define GOLDEN_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t golden_pick(uint64_t *state, uint64_t count) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return (z ^ z >> 31) % count;
}

static inline size_t golden_put(char *text, size_t size, uint32_t character) {
  if ((character >= 0xd800 && character < 0xe000) || character > 0x10ffff)
    character = 'a';
  return size + rem_utf8_encode(character, text + size);
}

static const uint32_t golden_marks[][2] = {
    {0x300, 0x36f},     {0x483, 0x487},     {0x591, 0x5bd},     {0x610, 0x61a},     {0x64b, 0x65f},   {0x7eb, 0x7f3},
    {0x900, 0x963},     {0xe38, 0xe4b},     {0xf71, 0xf84},     {0x135d, 0x135f},   {0x1ab0, 0x1ace}, {0x1bf2, 0x1bf3},
    {0x1dc0, 0x1dff},   {0x20d0, 0x20f0},   {0x302a, 0x302f},   {0x3099, 0x309a},   {0xa9c0, 0xa9c0}, {0xfe20, 0xfe2f},
    {0x1d15e, 0x1d172}, {0x1e000, 0x1e02a}, {0x1e8d0, 0x1e8d6}, {0x1e944, 0x1e94a},
};
static const uint32_t golden_among_marks[] = {0x61, 0x65, 0x4e2d, 0xd55c, 0x20, 0x2e, 0x34f, 0xe000};

#define GOLDEN_TEN(c) c c c c c c c c c c
/* With sizes, because one of them is a zero byte. */
#define GOLDEN_TEXT(literal)                                                                       \
  { literal, sizeof(literal) - 1 }
static const struct golden_snippet {
  const char *text;
  size_t size;
} golden_snippets[] = {
    GOLDEN_TEXT("hello"),
    GOLDEN_TEXT("World"),
    GOLDEN_TEXT("running"),
    GOLDEN_TEXT("unbelievable"),
    GOLDEN_TEXT("caf\u00e9"),
    GOLDEN_TEXT("\u00c9COLE"),
    GOLDEN_TEXT("na\u00efve"),
    GOLDEN_TEXT("Stra\u00dfe"),
    GOLDEN_TEXT("\u0130stanbul"),
    GOLDEN_TEXT("\u0391\u03a3"),
    GOLDEN_TEXT("\u4e2d\u6587"),
    GOLDEN_TEXT("\ud55c\uad6d\uc5b4"),
    GOLDEN_TEXT("\u0442\u0435\u0441\u0442"),
    GOLDEN_TEXT("[SEP]"),
    GOLDEN_TEXT("[MASK]"),
    GOLDEN_TEXT("[CLS]"),
    GOLDEN_TEXT("[UNK]"),
    GOLDEN_TEXT("[PAD]"),
    GOLDEN_TEXT("[sep]"),
    GOLDEN_TEXT("["),
    GOLDEN_TEXT("]]"),
    GOLDEN_TEXT("[[SEP]]"),
    GOLDEN_TEXT("##ing"),
    GOLDEN_TEXT("a.b"),
    GOLDEN_TEXT("don't"),
    GOLDEN_TEXT(GOLDEN_TEN("xxxxxxxxx") "xxxxxxxxx"),
    GOLDEN_TEXT(GOLDEN_TEN("zzzzzzzzzz")),
    GOLDEN_TEXT(GOLDEN_TEN("qqqqqqqqqq") "q"),
    GOLDEN_TEXT("\u2019s"),
    GOLDEN_TEXT("\u0e01\u0e33"),
    GOLDEN_TEXT("\uf900"),
    GOLDEN_TEXT("\U0001f600"),
    GOLDEN_TEXT("\ufffd"),
    GOLDEN_TEXT("\0"),
    GOLDEN_TEXT("\x0b"),
    GOLDEN_TEXT("12,345.67"),
    GOLDEN_TEXT("e-mail@example.com"),
    GOLDEN_TEXT("https://x.org/?q=1"),
};
static const char *const golden_separators[] = {" ", "", "\t", "\u00a0", "-", "\r\n"};

static inline uint32_t golden_character(uint64_t *state, uint64_t kind, uint32_t base) {
  switch (kind) {
  case 0:
    return (uint32_t)golden_pick(state, 0x110000);
  case 1:
    return (uint32_t)golden_pick(state, 0x3000);
  case 2:
    return (uint32_t)golden_pick(state, 128);
  case 3:
    return base + (uint32_t)golden_pick(state, 64);
  default:
    break;
  }
  if (golden_pick(state, 3) == 0)
    return golden_among_marks[golden_pick(state, GOLDEN_COUNT(golden_among_marks))];
  const uint32_t *range = golden_marks[golden_pick(state, GOLDEN_COUNT(golden_marks))];
  return range[0] + (uint32_t)golden_pick(state, range[1] - range[0] + 1);
}

/* The string of a number; returns its size. */
static inline size_t golden_text_make(uint64_t seed, uint64_t index, char text[GOLDEN_TEXT_MAX]) {
  uint64_t state = seed + index;
  uint64_t kind = golden_pick(&state, 6), length = 1 + golden_pick(&state, 40);
  size_t size = 0;
  if (kind == 5) {
    for (; length > 0; length--) {
      const struct golden_snippet *snippet = &golden_snippets[golden_pick(&state, GOLDEN_COUNT(golden_snippets))];
      memcpy(text + size, snippet->text, snippet->size);
      size += snippet->size;
      const char *separator = golden_separators[golden_pick(&state, GOLDEN_COUNT(golden_separators))];
      memcpy(text + size, separator, strlen(separator));
      size += strlen(separator);
    }
    return size;
  }
  uint32_t base = (uint32_t)golden_pick(&state, 0x11000) * 16;
  for (uint64_t left = kind == 2 ? length * 4 : length; left > 0; left--)
    size = golden_put(text, size, golden_character(&state, kind, base));
  return size;
}

/* FNV-1a of 64 bits over 32-bit numbers, little endian; start with GOLDEN_HASH_START. */
#define GOLDEN_HASH_START UINT64_C(0xcbf29ce484222325)
static inline uint64_t golden_hash(uint64_t hash, uint32_t number) {
  for (int i = 0; i < 4; i++)
    hash = (hash ^ (number >> 8 * i & 255)) * UINT64_C(0x100000001b3);
  return hash;
}

#endif
