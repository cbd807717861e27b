/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <stdio.h>

const char rows_schema[] =
    "{\"title\":\"Person\",\"type\":\"object\",\"description\":\"A person.\",\"short_name\":\"" ROWS_TABLE "\","
    "\"version\":\"1.0.0\",\"category\":\"user\",\"indexed_fields\":[\"role\",\"team\",\"score\"],\"key_field\":\"email\","
    "\"properties\":{\"name\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},"
    "\"team\":{\"type\":\"string\"},\"score\":{\"type\":\"integer\"},\"start\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"bio\":{\"type\":\"string\"}},\"required\":[\"name\",\"email\",\"role\"]}";

static const char *const words[16] = {"builds", "storage", "engines", "that", "answer", "questions", "about", "people",
                                      "teams", "documents", "moments", "and", "vectors", "without", "losing", "data"};

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t rows_mix(uint64_t i) {
  i += 0x9E3779B97F4A7C15u;
  i = (i ^ i >> 30) * 0xBF58476D1CE4E5B9u;
  i = (i ^ i >> 27) * 0x94D049BB133111EBu;
  return i ^ i >> 31;
}

void rows_make(uint64_t i, rows_row *ret_row) {
  uint64_t mixed = rows_mix(i), more = rows_mix(mixed);
  snprintf(ret_row->email, sizeof ret_row->email, "u%016llx@example.com", (unsigned long long)mixed);
  snprintf(ret_row->name, sizeof ret_row->name, "Person %llu", (unsigned long long)(more % 1000000));
  snprintf(ret_row->role, sizeof ret_row->role, "role-%llu", (unsigned long long)(more >> 8 & 15));
  snprintf(ret_row->team, sizeof ret_row->team, "team-%llu", (unsigned long long)(more >> 16 & 1023));
  snprintf(ret_row->start, sizeof ret_row->start, "20%02u-%02u-%02uT09:30:00Z", (unsigned)(more >> 26 & 31),
           (unsigned)(more >> 32 & 7) + 1, (unsigned)(more >> 36 & 15) + 1);
  ret_row->score = (int64_t)(more >> 24 & 0xFFFFF);
  size_t at = 0;
  for (unsigned w = 0; w < 16; w++)
    at += (size_t)snprintf(ret_row->bio + at, sizeof ret_row->bio - at, w ? " %s" : "%s", words[more >> 4 * w & 15]);
}

size_t rows_json(const rows_row *row, char *ret_json, size_t capacity) {
  return (size_t)snprintf(ret_json, capacity,
                          "{\"name\":\"%s\",\"email\":\"%s\",\"role\":\"%s\",\"team\":\"%s\",\"score\":%lld,"
                          "\"start\":\"%s\",\"bio\":\"%s\"}",
                          row->name, row->email, row->role, row->team, (long long)row->score, row->start, row->bio);
}
