/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Basis: the few directions in which the data differ most, turned at random within their span, so that every component varies alike and
 * one scale serves all. A code of 256 such components says nearly as much about 384-dimensional embeddings as one of all 384, in fewer
 * cache lines.
 */
#ifndef REM_VECTOR_GRAPH_BASIS_H
#define REM_VECTOR_GRAPH_BASIS_H

#include <stddef.h>

#include "base/error.h"

/*
 * `ret_basis`: `kept` orthonormal rows of `dimension` floats, whose span holds nearly as much of the sample's variance around `mean` as so many
 * directions can. kept <= dimension. The same sample gives the same basis on the same kind of CPU. Cost: 6 x kept x dimension^2 products.
 */
REM_CHECKED rem_status rem_graph_basis_find(const float *sample, size_t count, const float *mean, size_t dimension, size_t kept,
                                            float *ret_basis, rem_error *err);

#endif
