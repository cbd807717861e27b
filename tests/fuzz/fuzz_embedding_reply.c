/* SPDX-License-Identifier: Apache-2.0 */
/* modules: embed config base */
/* What an embedding service may answer: never a crash; what is accepted are as many finite vectors of length 1 as were asked for. The first byte says
 * which service, how many texts, and whether the dimension is known. */
#include <math.h>
#include <stdlib.h>

#include "embed/provider_remote.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rem_error error = {0};
  if (size == 0)
    return 0;
  const rem_remote_dialect *dialect = data[0] & 1 ? &rem_remote_cohere : &rem_remote_openai;
  rem_remote_vectors vectors = {.count = 1 + (data[0] >> 1 & 3), .dimension = data[0] & 8 ? 2 : 0};
  rem_status status = rem_remote_read(dialect, rem_slice_of(data + 1, size - 1), &vectors, &error);
  if (status < 0 && error.message[0] == 0)
    abort();
  for (size_t i = 0; status == REM_OK && i < vectors.count; i++) {
    double sum = 0;
    for (size_t j = 0; j < vectors.dimension; j++)
      sum += (double)vectors.values[i * vectors.dimension + j] * (double)vectors.values[i * vectors.dimension + j];
    if (!(fabs(sum - 1) < 1e-3))
      abort();
  }
  rem_remote_vectors_deinit(&vectors);
  return 0;
}
