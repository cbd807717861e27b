/* SPDX-License-Identifier: Apache-2.0 */
/* Byte order marks, UTF-16, and the refusal of everything that is not text. */
#include "ingest/decode.h"

#include "base/utf8.h"

#define SNIFF_BYTES 8192

typedef enum mark { MARK_NONE, MARK_UTF8, MARK_UTF16LE, MARK_UTF16BE, MARK_UTF32 } mark;

static mark byte_order_mark(const uint8_t *data, size_t size) {
  if (size >= 4 && data[0] == 0xFF && data[1] == 0xFE && data[2] == 0 && data[3] == 0)
    return MARK_UTF32;
  if (size >= 4 && data[0] == 0 && data[1] == 0 && data[2] == 0xFE && data[3] == 0xFF)
    return MARK_UTF32;
  if (size >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF)
    return MARK_UTF8;
  if (size >= 2 && data[0] == 0xFF && data[1] == 0xFE)
    return MARK_UTF16LE;
  if (size >= 2 && data[0] == 0xFE && data[1] == 0xFF)
    return MARK_UTF16BE;
  return MARK_NONE;
}

/* Completes the error already set. */
static rem_status refuse_encoding(rem_error *err, size_t offset) {
  if (err)
    err->offset = (int64_t)offset;
  rem_error_hint(err, "convert the file to UTF-8, for example with: iconv -f latin1 -t utf-8");
  return REM_INVALID;
}

static rem_status refuse_binary(rem_error *err, size_t offset) {
  rem_status status = rem_error_set(err, REM_INVALID, "the content is binary, not text (NUL at byte %zu)", offset);
  if (err)
    err->offset = (int64_t)offset;
  rem_error_hint(err, "only text can be read under this file name; give the file the extension of its real format");
  return status;
}

static rem_status decode_utf8(const uint8_t *data, size_t size, size_t skip, char **ret_text, size_t *ret_size,
                              rem_error *err) {
  const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
  if (nul)
    return refuse_binary(err, (size_t)(nul - data));
  const char *text = (const char *)data + skip;
  size_t valid = rem_utf8_valid_prefix(text, size - skip);
  if (valid < size - skip) {
    rem_error_set(err, REM_INVALID, "the text is not valid UTF-8: byte 0x%02x at offset %zu", (uint8_t)text[valid],
                  valid + skip);
    return refuse_encoding(err, valid + skip);
  }
  char *copy = rem_strndup(text, size - skip);
  if (!copy)
    return rem_error_nomem(err);
  *ret_text = copy;
  *ret_size = size - skip;
  return REM_OK;
}

static uint32_t unit_at(const uint8_t *data, size_t offset, bool big) {
  return big ? (uint32_t)data[offset] << 8 | data[offset + 1] : (uint32_t)data[offset + 1] << 8 | data[offset];
}

/* One character of UTF-16 at `*offset`; 0 when it is a lone surrogate, cut short or NUL. */
static uint32_t utf16_next(const uint8_t *data, size_t size, bool big, size_t *offset) {
  if (size - *offset < 2)
    return 0;
  uint32_t unit = unit_at(data, *offset, big);
  *offset += 2;
  if (unit < 0xD800 || unit > 0xDFFF)
    return unit;
  if (unit > 0xDBFF || size - *offset < 2)
    return 0;
  uint32_t low = unit_at(data, *offset, big);
  if (low < 0xDC00 || low > 0xDFFF)
    return 0;
  *offset += 2;
  return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

static rem_status decode_utf16(const uint8_t *data, size_t size, bool big, char **ret_text, size_t *ret_size,
                               rem_error *err) {
  /* A unit of two bytes becomes at most three, a pair of four bytes becomes four. */
  char *text = rem_alloc(size / 2 * 3 + 1);
  if (!text)
    return rem_error_nomem(err);
  size_t used = 0;
  for (size_t offset = 2; offset < size;) {
    size_t start = offset;
    uint32_t character = utf16_next(data, size, big, &offset);
    if (!character) {
      rem_free(text);
      rem_error_set(err, REM_INVALID, "the text is not valid UTF-16 at offset %zu", start);
      return refuse_encoding(err, start);
    }
    used += rem_utf8_encode(character, text + used);
  }
  text[used] = 0;
  *ret_text = text;
  *ret_size = used;
  return REM_OK;
}

rem_status rem_decode_text(const void *data, size_t size, char **ret_text, size_t *ret_size, rem_error *err) {
  switch (byte_order_mark(data, size)) {
  case MARK_UTF32:
    rem_error_set(err, REM_INVALID, "the text is UTF-32");
    return refuse_encoding(err, 0);
  case MARK_UTF16LE:
  case MARK_UTF16BE:
    return decode_utf16(data, size, byte_order_mark(data, size) == MARK_UTF16BE, ret_text, ret_size, err);
  case MARK_UTF8:
    return decode_utf8(data, size, 3, ret_text, ret_size, err);
  case MARK_NONE:
    break;
  }
  return decode_utf8(data, size, 0, ret_text, ret_size, err);
}

bool rem_decode_is_text(const void *data, size_t size) {
  mark found = byte_order_mark(data, size);
  if (found == MARK_UTF16LE || found == MARK_UTF16BE)
    return true;
  size_t checked = size < SNIFF_BYTES ? size : SNIFF_BYTES;
  if (checked && memchr(data, 0, checked))
    return false;
  size_t valid = rem_utf8_valid_prefix(data, checked);
  /* The last character of the sample may be cut. */
  return valid == checked || (checked < size && checked - valid < 4);
}
