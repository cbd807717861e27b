/* SPDX-License-Identifier: Apache-2.0 */
/* Safetensors: parse the header once, then hand out tensors from the mapping, widened when they are not float32. */
#include "embed/safetensors.h"

#include <stdio.h>

#include "base/file.h"
#include "base/json.h"

#define HEADER_MAX (16u << 20)

typedef enum tensor_type { TENSOR_F32, TENSOR_F16, TENSOR_BF16 } tensor_type;

struct rem_safetensors {
  rem_mapping mapping;
  json_t *header;
  rem_slice data;
  float *converted; /* of the last tensor that was not float32 or not aligned */
};

rem_status rem_safetensors_open(const char *path, rem_safetensors **ret_file, rem_error *err) {
  rem_safetensors *file = rem_calloc(1, sizeof *file);
  if (file == NULL)
    return rem_error_nomem(err);
  rem_status status = rem_mapping_open(path, &file->mapping, err);
  if (status == REM_OK) {
    size_t size = file->mapping.size;
    uint64_t header_size = size >= 8 ? rem_load_u64le(file->mapping.data) : 0;
    if (header_size < 2 || header_size > HEADER_MAX || header_size > size - 8)
      status = rem_error_set(err, REM_INVALID, "'%s' is not a safetensors file", path);
    else {
      const uint8_t *header = file->mapping.data + 8;
      file->data = rem_slice_of(header + header_size, size - 8 - header_size);
      status = rem_json_parse_object((const char *)header, header_size, &file->header, err);
      if (status < 0)
        rem_error_prefix(err, "header of '%s': ", path);
    }
  }
  if (status < 0) {
    rem_safetensors_close(file);
    return status;
  }
  *ret_file = file;
  return REM_OK;
}

void rem_safetensors_close(rem_safetensors *file) {
  if (file == NULL)
    return;
  json_decref(file->header);
  rem_mapping_close(&file->mapping);
  rem_free(file->converted);
  rem_free(file);
}

rem_slice rem_safetensors_bytes(const rem_safetensors *file) {
  return rem_slice_of(file->mapping.data, file->mapping.size);
}

static const json_t *find_entry(const rem_safetensors *file, const char *name) {
  const json_t *entry = json_object_get(file->header, name);
  if (entry != NULL)
    return entry;
  static const char *const prefixes[] = {"bert", "mpnet", "distilbert"};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0] && entry == NULL; i++) {
    char prefixed[256];
    int size = snprintf(prefixed, sizeof prefixed, "%s.%s", prefixes[i], name);
    entry = size > 0 && (size_t)size < sizeof prefixed ? json_object_get(file->header, prefixed) : NULL;
  }
  return entry;
}

static bool shape_is(const json_t *shape, size_t rows, size_t columns) {
  size_t rank = json_array_size(shape);
  if (rank == 1)
    return rows == 1 && json_integer_value(json_array_get(shape, 0)) == (json_int_t)columns;
  return rank == 2 && json_integer_value(json_array_get(shape, 0)) == (json_int_t)rows &&
         json_integer_value(json_array_get(shape, 1)) == (json_int_t)columns;
}

static bool read_type(const json_t *entry, tensor_type *ret_type) {
  const char *name = json_string_value(json_object_get(entry, "dtype"));
  if (name == NULL)
    return false;
  if (strcmp(name, "F32") == 0)
    *ret_type = TENSOR_F32;
  else if (strcmp(name, "F16") == 0)
    *ret_type = TENSOR_F16;
  else if (strcmp(name, "BF16") == 0)
    *ret_type = TENSOR_BF16;
  else
    return false;
  return true;
}

/* The bytes of a tensor of `count` values, if the offsets agree with that and lie within the file. */
static bool read_range(const rem_safetensors *file, const json_t *entry, uint64_t size, rem_slice *ret_bytes) {
  const json_t *offsets = json_object_get(entry, "data_offsets");
  json_int_t begin = json_integer_value(json_array_get(offsets, 0));
  json_int_t end = json_integer_value(json_array_get(offsets, 1));
  if (json_array_size(offsets) != 2 || begin < 0 || end < begin || (uint64_t)end > file->data.size ||
      (uint64_t)(end - begin) != size)
    return false;
  *ret_bytes = rem_slice_of(file->data.data + begin, (size_t)size);
  return true;
}

static float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* IEEE 754 binary16 to binary32; subnormals by scaling. */
static float widen_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half >> 15) << 31;
  uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 31)
    return float_of_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0)
    return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
  return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static void widen(tensor_type type, const uint8_t *bytes, size_t count, float *ret_values) {
  if (type == TENSOR_F32) {
    memcpy(ret_values, bytes, count * sizeof *ret_values);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    uint16_t half = rem_load_u16le(bytes + 2 * i);
    ret_values[i] = type == TENSOR_F16 ? widen_half(half) : float_of_bits((uint32_t)half << 16);
  }
}

rem_status rem_safetensors_tensor(rem_safetensors *file, const char *name, size_t rows, size_t columns,
                                  const float **ret_values, rem_error *err) {
  const json_t *entry = find_entry(file, name);
  if (entry == NULL)
    return rem_error_set(err, REM_INVALID, "the model has no tensor '%s'", name);
  if (!shape_is(json_object_get(entry, "shape"), rows, columns))
    return rem_error_set(err, REM_INVALID, "tensor '%s' of the model is not of the shape %zu x %zu", name, rows, columns);
  tensor_type type = TENSOR_F32;
  if (!read_type(entry, &type))
    return rem_error_set(err, REM_UNSUPPORTED, "tensor '%s' of the model is not F32, F16 or BF16", name);
  size_t count = rows * columns;
  rem_slice bytes = {0};
  if (!read_range(file, entry, (uint64_t)count * (type == TENSOR_F32 ? 4 : 2), &bytes))
    return rem_error_set(err, REM_INVALID, "tensor '%s' lies outside of the model's file, or has another size", name);
  if (type == TENSOR_F32 && (uintptr_t)bytes.data % sizeof(float) == 0) {
    *ret_values = (const float *)(const void *)bytes.data;
    return REM_OK;
  }
  float *converted = rem_realloc(file->converted, count * sizeof *converted);
  if (converted == NULL)
    return rem_error_nomem(err);
  file->converted = converted;
  widen(type, bytes.data, count, converted);
  *ret_values = converted;
  return REM_OK;
}
