/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of a graph file, version 3 (REM_GRAPH_FILE_VERSION). Little endian; every section begins at a block of 4,096 bytes.
 *
 *   block 0   header
 *   mean          float x dimension, then of the code's components: float x code_dimension
 *   basis         code_dimension rows of int8 + 128, in whole lines; only with has_basis
 *   pivots        uint32 node x 128
 *   pivot codes   code x 128
 *   records       node: uint32 link x link_count, code        (graph_kernel.h)
 *   first vector  node: uint32 vector, bit 31: the node has more
 *   places        vector: rem_graph_place
 *   rows          rem_graph_row, all alive
 *   vectors       int16 x vector_stride    (graph_values.h)
 *   ids           uint32 row x (id_mask + 1), open addressing
 *   sums          uint32 CRC-32C of each block above but the header
 *
 * Numbers are given in one order: the vectors of a node follow one another, and so do the rows of a vector. The offsets follow from the
 * counts in the header, so nothing in a file says where something is.
 *
 * Versions. Whatever changes the bytes, or what they mean to a search, raises the version. A file of another version is not read:
 * it is derived data, and is built anew. Magic, version and their places never change.
 */
#ifndef REM_VECTOR_GRAPH_LAYOUT_H
#define REM_VECTOR_GRAPH_LAYOUT_H

#include "vector/graph_internal.h"

#define REM_GRAPH_BLOCK 4096
#define REM_GRAPH_MOST_VERSION 65535 /* a greater number in its place is damage: the sum that tells is not where this version has it */

typedef struct rem_graph_header {
  uint8_t magic[8]; /* "REMGRAPH" */
  uint32_t version;
  uint32_t crc; /* of the header, with this 0 */
  uint64_t file_bytes;
  uint64_t sequence;
  uint32_t dimension, m, build_ef, search_ef;
  uint32_t code_dimension, lines, link_count, pivot_count;
  uint32_t node_count, row_count, vector_count, id_mask;
  uint64_t id_seed;
  double recall, shortest, longest;
  float scale, link_scale, basis_scale, error, bias;
  uint32_t has_basis;
  uint32_t sums_crc, note_size;
  uint8_t note[REM_GRAPH_NOTE];
  uint64_t drift; /* rows inserted since the codes were fitted; from version 2 on */
} rem_graph_header;

/* Offsets of the sections. */
typedef struct rem_graph_layout {
  uint64_t mean, basis, pivots, pivot_codes, records, first_vector, places, rows, vectors, ids, sums, end;
} rem_graph_layout;

void rem_graph__layout(const rem_graph_header *header, rem_graph_layout *ret_layout);

#endif
