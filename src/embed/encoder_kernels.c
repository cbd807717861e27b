/* SPDX-License-Identifier: Apache-2.0 */
/* Which table of kernels a layout gets on this CPU. */
#include "embed/encoder_kernels.h"

#include "base/cpu.h"

typedef struct choice {
  unsigned needs; /* 0: runs everywhere */
  const rem_encoder_kernels *kernels;
} choice;

/* Best first. */
static const choice choices[] = {
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

const rem_encoder_kernels *rem_encoder__kernels_choose(rem_encoder_layout layout) {
  unsigned features = rem_cpu_features();
  for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
    if (choices[i].kernels->layout == layout && (features & choices[i].needs) == choices[i].needs)
      return choices[i].kernels;
  return NULL;
}

rem_encoder_layout rem_encoder_preferred_layout(void) {
  return rem_cpu_has(REM_CPU_AVX512_BF16) ? REM_ENCODER_LAYOUT_BF16 : REM_ENCODER_LAYOUT_F32;
}
