/* SPDX-License-Identifier: Apache-2.0 */
/* The peak of each arithmetic unit of this CPU, measured: independent multiply-adds on registers, nothing else. */
#ifndef REM_BENCH_EMBED_PEAK_H
#define REM_BENCH_EMBED_PEAK_H

/* Floating-point operations a second of the unit that a kernel table (rem_encoder_kernel_name()) uses on one
 * core, over about 60 ms; 0 when the name is unknown. The CPU must have the unit. */
double bench_peak_flops(const char *kernel_name);

#endif
