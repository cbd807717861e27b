/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CPU says (cpuid) counts only where the kernel saves the registers it needs (xgetbv: XCR0): AVX wants
 * the bits of SSE and YMM, AVX-512 those of the mask and ZMM registers too, AMX those of the tiles. Whether a
 * process may use the tiles is asked elsewhere, by who uses them.
 *
 * A level is a set of features; lowering to a level keeps the features in its set. Sets grow from level to
 * level, so the names are an order, with one branch: avxvnni is what CPUs without AVX-512 have above avx2, and what
 * those with avx512 alone lack. Other architectures have no x86 features and run at "generic".
 */
#include "base/cpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SET_GENERIC 0u
#define SET_AVX2    (REM_CPU_SSE42 | REM_CPU_AVX2)
#define SET_AVXVNNI (SET_AVX2 | REM_CPU_AVX_VNNI)
#define SET_AVX512  (SET_AVX2 | REM_CPU_AVX512)
#define SET_VNNI    (SET_AVX512 | REM_CPU_AVX_VNNI | REM_CPU_AVX512_VNNI)
#define SET_BF16    (SET_VNNI | REM_CPU_AVX512_BF16)
#define SET_AMX     (SET_BF16 | REM_CPU_AMX_BF16 | REM_CPU_AMX_INT8)

typedef struct level {
  const char *name;
  unsigned allowed; /* features kept at this level */
  unsigned proof;   /* features one of which puts a CPU at this level */
} level;

static const level levels[] = {
    {"generic", SET_GENERIC, 0},
    {"avx2", SET_AVX2, REM_CPU_AVX2},
    {"avxvnni", SET_AVXVNNI, REM_CPU_AVX_VNNI},
    {"avx512", SET_AVX512, REM_CPU_AVX512},
    {"avx512vnni", SET_VNNI, REM_CPU_AVX512_VNNI},
    {"avx512bf16", SET_BF16, REM_CPU_AVX512_BF16},
    {"amx", SET_AMX, REM_CPU_AMX_BF16 | REM_CPU_AMX_INT8},
};
#define LEVEL_COUNT (sizeof levels / sizeof *levels)

static pthread_once_t detected = PTHREAD_ONCE_INIT;
static unsigned found_features; /* of the machine */
static _Atomic unsigned used_features;
static char model_name[49] = "unknown CPU";

#if defined(__x86_64__)
#include <cpuid.h>

#define XCR0_AVX    0x06u    /* SSE, YMM */
#define XCR0_AVX512 0xE6u    /* and masks, ZMM */
#define XCR0_AMX    0x60000u /* tile configuration and data */

typedef struct cpuid_words {
  unsigned a, b, c, d;
} cpuid_words;

static cpuid_words ask(unsigned leaf, unsigned subleaf) {
  cpuid_words w = {0, 0, 0, 0};
  if (!__get_cpuid_count(leaf, subleaf, &w.a, &w.b, &w.c, &w.d))
    return (cpuid_words){0, 0, 0, 0};
  return w;
}

static bool has_bits(unsigned word, unsigned bits) {
  return (word & bits) == bits;
}

/* The register states the kernel saves; 0 when it does not say. */
static uint64_t saved_states(void) {
  if (!has_bits(ask(1, 0).c, bit_OSXSAVE))
    return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static unsigned avx2_features(cpuid_words one, cpuid_words seven, cpuid_words seven_one) {
  if (!has_bits(one.c, bit_FMA | bit_F16C) || !has_bits(seven.b, bit_AVX2 | bit_BMI2))
    return 0;
  return REM_CPU_AVX2 | (has_bits(seven_one.a, 1u << 4) ? REM_CPU_AVX_VNNI : 0);
}

static unsigned avx512_features(cpuid_words seven, cpuid_words seven_one) {
  if (!has_bits(seven.b, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL))
    return 0;
  return REM_CPU_AVX512 | (has_bits(seven.c, 1u << 11) ? REM_CPU_AVX512_VNNI : 0) |
         (has_bits(seven_one.a, 1u << 5) ? REM_CPU_AVX512_BF16 : 0);
}

static unsigned amx_features(cpuid_words seven) {
  if (!has_bits(seven.d, 1u << 24)) /* tiles */
    return 0;
  return (has_bits(seven.d, 1u << 22) ? REM_CPU_AMX_BF16 : 0) |
         (has_bits(seven.d, 1u << 25) ? REM_CPU_AMX_INT8 : 0);
}

static unsigned detect_features(void) {
  cpuid_words one = ask(1, 0), seven = ask(7, 0);
  cpuid_words seven_one = seven.a >= 1 ? ask(7, 1) : (cpuid_words){0, 0, 0, 0};
  uint64_t states = saved_states();
  unsigned features = has_bits(one.c, bit_SSE4_2) ? REM_CPU_SSE42 : 0;
  if ((states & XCR0_AVX) != XCR0_AVX)
    return features;
  features |= avx2_features(one, seven, seven_one);
  if (!(features & REM_CPU_AVX2) || (states & XCR0_AVX512) != XCR0_AVX512)
    return features;
  features |= avx512_features(seven, seven_one);
  if (!(features & REM_CPU_AVX512) || (states & XCR0_AMX) != XCR0_AMX)
    return features;
  return features | amx_features(seven);
}

/* The brand string of leaves 0x80000002 to 4: 48 bytes, padded with blanks on either side. */
static void detect_name(void) {
  char text[49] = {0};
  if (ask(0x80000000u, 0).a < 0x80000004u)
    return;
  for (unsigned i = 0; i < 3; i++) {
    cpuid_words w = ask(0x80000002u + i, 0);
    memcpy(text + (size_t)i * 16, &w, 16);
  }
  const char *start = text + strspn(text, " ");
  size_t size = strlen(start);
  while (size > 0 && start[size - 1] == ' ')
    size--;
  if (size == 0)
    return;
  memcpy(model_name, start, size);
  model_name[size] = 0;
}
#else
static unsigned detect_features(void) {
  return 0;
}
static void detect_name(void) {
}
#endif

/* The features allowed by a level's name; an unknown name lowers nothing. */
static unsigned allowed_by(const char *name) {
  for (size_t i = 0; name && i < LEVEL_COUNT; i++)
    if (strcmp(levels[i].name, name) == 0)
      return levels[i].allowed;
  return ~0u;
}

static void detect(void) {
  found_features = detect_features();
  detect_name();
  atomic_store(&used_features, found_features & allowed_by(getenv("REM_CPU_LEVEL")));
}

unsigned rem_cpu_features(void) {
  pthread_once(&detected, detect);
  return atomic_load_explicit(&used_features, memory_order_relaxed);
}

const char *rem_cpu_name(void) {
  pthread_once(&detected, detect);
  return model_name;
}

const char *rem_cpu_level(void) {
  unsigned features = rem_cpu_features();
  for (size_t i = LEVEL_COUNT; i-- > 1;)
    if (features & levels[i].proof)
      return levels[i].name;
  return levels[0].name;
}

void rem_cpu_set_level(const char *level_name) {
  pthread_once(&detected, detect);
  atomic_store(&used_features, found_features & allowed_by(level_name ? level_name : getenv("REM_CPU_LEVEL")));
}
