/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of model.rem: a header of one page and sections that begin on page boundaries. Little endian.
 *
 *   [header, 4096][vocabulary][pad][weights, one section for each layout][pad] …
 *
 * The header's checksum is compared at every open, the sections' hashes only by rem_model_check(): reading 150 MB would cost more
 * than the embedding it is opened for. What is read from an unchecked section is bounded by its readers.
 */
#ifndef REM_EMBED_MODEL_FILE_H
#define REM_EMBED_MODEL_FILE_H

#include "embed/encoder.h"
#include "embed/model.h"

#define REM_MODEL_FILE_NAME "model.rem"
#define REM_MODEL__MAGIC "REMMODEL"
#define REM_MODEL__VERSION 2 /* version 1 lacks what follows the sections in the header, and had zeros there */
#define REM_MODEL__PAGE 4096
#define REM_MODEL__SECTION_MAX 8
#define REM_MODEL__HASH_SIZE 32

enum { REM_MODEL__SECTION_VOCABULARY = 1, REM_MODEL__SECTION_WEIGHTS = 2 };
typedef struct rem_model__section {
  uint32_t kind;
  uint32_t layout; /* rem_encoder_layout of weights; else 0 */
  uint64_t offset; /* a multiple of REM_MODEL__PAGE */
  uint64_t size;
  uint8_t hash[REM_MODEL__HASH_SIZE]; /* BLAKE3 */
} rem_model__section;

typedef struct rem_model__header {
  char magic[8];
  uint32_t version;
  uint32_t architecture; /* rem_encoder_family */
  uint64_t file_size;
  uint32_t layers, hidden, heads, ff, vocab, positions, types;
  float layer_norm_epsilon;
  uint32_t pooling; /* rem_encoder_pooling */
  uint32_t normalise;
  uint32_t max_tokens;
  uint32_t section_count;
  char name[REM_MODEL_NAME_MAX + 1];
  char sha256[72]; /* hex, NUL-padded */
  rem_model__section sections[REM_MODEL__SECTION_MAX];
  uint32_t activation; /* rem_encoder_activation */
  uint32_t first_position, padding_id, relative_buckets;
  char prefixes[2][REM_MODEL_PREFIX_MAX + 1]; /* NUL-terminated */
  float int8_mean, int8_least; /* cosines to float32 of the sample texts, as the installer measured them; 0: it did not */
  uint8_t reserved[REM_MODEL__PAGE - 24 - 12 * 4 - 96 - 72 - REM_MODEL__SECTION_MAX * 56 - 6 * 4 - 2 * (REM_MODEL_PREFIX_MAX + 1) - 4];
  uint32_t crc; /* CRC-32C of all before it */
} rem_model__header;

/* What the header of an installed model says. REM_MODEL: there is none, or it is damaged. */
REM_CHECKED rem_status rem_model__probe(const char *models_dir, const char *name, rem_model_info *ret_info, rem_error *err);

_Static_assert(sizeof(rem_model__section) == 56, "a section is 56 bytes on disk");
_Static_assert(sizeof(rem_model__header) == REM_MODEL__PAGE, "the header is one page on disk");

#endif
