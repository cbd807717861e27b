/* SPDX-License-Identifier: Apache-2.0 */
/* Ends one table: takes away the macros of encoder_kernels_tile.h and those it was given. */
#undef JOIN3
#undef JOIN2
#undef EXPAND3
#undef EXPAND2
#undef TEXT2
#undef TEXT
#undef K
#undef OPERAND
#undef STEP
#undef PANEL
#undef PANEL_VECS
#undef LAYOUT
#undef LAYOUT_ID
#undef TILE_ROWS
#undef TILE_VECS
#undef BLOCK_TOKENS
#undef TILE_FILE
