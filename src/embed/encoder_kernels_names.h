/* SPDX-License-Identifier: Apache-2.0 */
/* The macros in which a template is written, for one table; encoder_kernels_end.h takes them away. */
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
#ifndef KERNEL_ENTER
#define KERNEL_ENTER NULL
#define KERNEL_LEAVE NULL
#endif
