/* SPDX-License-Identifier: Apache-2.0 */
/* Which table of kernels a layout gets on this CPU. */
#include "embed/encoder_kernels.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cpu.h"

typedef struct choice {
  unsigned needs; /* 0: runs everywhere */
  const rem_encoder_kernels *kernels;
} choice;

#define AMX_BF16 (REM_CPU_AVX512 | REM_CPU_AVX512_BF16 | REM_CPU_AMX_BF16)
#define AMX_INT8 (AMX_BF16 | REM_CPU_AMX_INT8)

/* Best first. */
static const choice choices[] = {
    {AMX_BF16, &rem_encoder__kernels_amx_bf16},
    {AMX_INT8, &rem_encoder__kernels_amx_int8},
    {REM_CPU_AVX512 | REM_CPU_AVX512_BF16, &rem_encoder__kernels_avx512bf16_bf16},
    {REM_CPU_AVX512 | REM_CPU_AVX512_BF16 | REM_CPU_AVX512_VNNI, &rem_encoder__kernels_avx512bf16_int8},
    {REM_CPU_AVX512 | REM_CPU_AVX512_VNNI, &rem_encoder__kernels_avx512vnni_int8},
    {REM_CPU_AVX512, &rem_encoder__kernels_avx512_bf16},
    {REM_CPU_AVX512, &rem_encoder__kernels_avx512_f32},
    {REM_CPU_AVX2 | REM_CPU_AVX_VNNI, &rem_encoder__kernels_avxvnni_int8},
    {REM_CPU_AVX2, &rem_encoder__kernels_avx2_int8},
    {REM_CPU_AVX2, &rem_encoder__kernels_avx2_bf16},
    {REM_CPU_AVX2, &rem_encoder__kernels_avx2_f32},
    {0, &rem_encoder__kernels_generic_bf16},
    {0, &rem_encoder__kernels_generic_f32},
    {0, &rem_encoder__kernels_generic_int8},
};

/* The tile unit's registers are so large that the kernel gives them to processes that ask (Linux 5.16 and later); it may refuse. */
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18
static pthread_once_t tiles_asked = PTHREAD_ONCE_INIT;
static bool tiles_usable;

static void ask_for_tiles(void) {
  tiles_usable = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 && rem_encoder__amx_check();
}

static bool can_run(const choice *candidate, unsigned features) {
  if ((features & candidate->needs) != candidate->needs)
    return false;
  if (!(candidate->needs & REM_CPU_AMX_BF16))
    return true;
  pthread_once(&tiles_asked, ask_for_tiles);
  return tiles_usable;
}

const rem_encoder_kernels *rem_encoder__kernels_choose(rem_encoder_layout layout) {
  unsigned features = rem_cpu_features();
  for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
    if (choices[i].kernels->layout == layout && can_run(&choices[i], features))
      return choices[i].kernels;
  return NULL;
}

rem_encoder_layout rem_encoder_preferred_layout(void) {
  return rem_cpu_has(REM_CPU_AVX512_BF16) ? REM_ENCODER_LAYOUT_BF16 : REM_ENCODER_LAYOUT_F32;
}
