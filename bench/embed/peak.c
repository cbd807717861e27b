/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten independent chains hide the latency of every unit in question. Written in assembly text, so that no
 * compiler flag and no optimiser has a say, and the file builds without the flags of an instruction set.
 */
#include "embed/peak.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"

#define CHAINS 10
#define ROUNDS 200000

#define TEN(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9)
#define SSE(n) "mulps %%xmm15, %%xmm" #n "\n\taddps %%xmm14, %%xmm" #n "\n\t"
#define AVX2(n) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #n "\n\t"
#define AVX512(n) "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define BF16(n) "vdpbf16ps %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define VNNI(n) "vpdpbusd %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define MADD(n) "vpmaddubsw %%ymm14, %%ymm15, %%ymm13\n\tvpmaddwd %%ymm14, %%ymm13, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #n ", %%ymm" #n "\n\t"
#define VEXVNNI(n) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #n "\n\t"
#define CLOBBERED                                                                                  \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm13", "xmm14", "xmm15"

/* Operands start as zeros: sums stay finite. */
#define LOOP(name, zero, op)                                                                       \
  static void name(long rounds) {                                                                  \
    __asm__ volatile(TEN(zero) zero(14) zero(15) ::: CLOBBERED);                                   \
    for (long i = 0; i < rounds; i++)                                                              \
      __asm__ volatile(TEN(op) ::: CLOBBERED);                                                     \
  }
#define ZERO_SSE(n) "xorps %%xmm" #n ", %%xmm" #n "\n\t"
#define ZERO_AVX(n) "vpxor %%xmm" #n ", %%xmm" #n ", %%xmm" #n "\n\t"

LOOP(run_sse, ZERO_SSE, SSE)
LOOP(run_avx2, ZERO_AVX, AVX2)
LOOP(run_avx512, ZERO_AVX, AVX512)
LOOP(run_bf16, ZERO_AVX, BF16)
LOOP(run_vnni, ZERO_AVX, VNNI)
LOOP(run_madd, ZERO_AVX, MADD)
LOOP(run_vexvnni, ZERO_AVX, VEXVNNI)

typedef struct unit {
  const char *kernels; /* the beginning of the kernel's name */
  void (*run)(long rounds);
  double flops; /* of one step of a chain */
} unit;

/* The first that fits counts. */
static const unit units[] = {
    {"avx2/int8", run_madd, 64},
    {"avxvnni/int8", run_vexvnni, 64},
    {"avx512vnni/int8", run_vnni, 128},
    {"avx512bf16/int8", run_vnni, 128},
    {"generic/", run_sse, 8},
    {"avx2/", run_avx2, 16},
    {"avx512/", run_avx512, 32},
    {"avx512bf16/", run_bf16, 64},
};

double bench_peak_flops(const char *kernel_name) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strncmp(kernel_name, units[i].kernels, strlen(units[i].kernels)) != 0) continue;
    int64_t best = INT64_MAX;
    for (int repeat = 0; repeat < 100; repeat++) {
      int64_t start = rem_clock_monotonic_us();
      units[i].run(ROUNDS);
      int64_t spent = rem_clock_monotonic_us() - start;
      best = spent < best ? spent : best;
    }
    return units[i].flops * CHAINS * ROUNDS / ((double)best * 1e-6);
  }
  return 0;
}
