/* SPDX-License-Identifier: Apache-2.0 */
#include "embed/provider.h"

/* The first that claims a name has it; the last one claims all. */
static const rem_provider_type *const types[] = {&rem_provider_openai, &rem_provider_cohere, &rem_provider_local};

const rem_provider_type *rem_provider_type_of(const char *model) {
  size_t last = sizeof types / sizeof *types - 1;
  for (size_t i = 0; i < last; i++)
    if (types[i]->claims(types[i], model))
      return types[i];
  return types[last];
}

static const char *without_prefix(const char *model) {
  static const char *const prefixes[] = {"openai:", "cohere:"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (strncmp(model, prefixes[i], strlen(prefixes[i])) == 0)
      return model + strlen(prefixes[i]);
  return model;
}

bool rem_provider_same_model(const char *a, const char *b) {
  return rem_provider_type_of(a) == rem_provider_type_of(b) && strcmp(without_prefix(a), without_prefix(b)) == 0;
}
