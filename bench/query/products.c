/* SPDX-License-Identifier: Apache-2.0 */
#include "query/products.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "entity/engine.h"
#include "measure.h"
#include "place.h"
#include "rows.h"

static const char SCHEMA[] =
    "{\"title\":\"Product\",\"short_name\":\"product\",\"type\":\"object\",\"key_field\":\"code\",\"indexed_fields\":[\"owner\"],\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"descr\":{\"type\":\"string\"},\"category\":{\"type\":\"string\"},"
    "\"price\":{\"type\":\"number\"},\"qty\":{\"type\":\"integer\"},\"status\":{\"type\":\"string\"},\"owner\":{\"type\":\"string\"},"
    "\"parent\":{\"type\":\"string\"},\"created\":{\"type\":\"string\",\"format\":\"date-time\"}}}";

void products_code(uint64_t i, char ret_code[40]) {
  snprintf(ret_code, 40, "prod-%08llu", (unsigned long long)i);
}

void products_owner(uint64_t i, uint64_t count, char ret_owner[40]) {
  uint64_t owners = count / 10 ? count / 10 : 1;
  snprintf(ret_owner, 40, "user-%06llu", (unsigned long long)(rows_mix(i + 7) % owners));
}

void products_id(const char *code, char ret_id[37]) {
  uint8_t id[16];
  rem_uuid_of_key("default", PRODUCTS_TABLE, code, strlen(code), id);
  rem_uuid_format(id, ret_id);
}

void products_make(uint64_t i, uint64_t count, product *p) {
  static const char *const states[] = {"active", "retired", "planned", "blocked"};
  uint64_t mixed = rows_mix(i);
  products_code(i, p->code);
  products_owner(i, count, p->owner);
  products_code(rows_mix(i + 3) % count, p->parent);
  snprintf(p->name, sizeof p->name, "Product number %llu", (unsigned long long)i);
  snprintf(p->descr, sizeof p->descr, "A description of some length, as people write them, of the product with the number %llu and the mark %016llx.",
           (unsigned long long)i, (unsigned long long)mixed);
  snprintf(p->category, sizeof p->category, "cat-%02llu", (unsigned long long)(mixed % PRODUCTS_CATEGORIES));
  snprintf(p->status, sizeof p->status, "%s", states[mixed / 64 % 4]);
  snprintf(p->created, sizeof p->created, "2025-%02llu-%02lluT%02llu:00:00.000000Z", (unsigned long long)(1 + mixed % 12), (unsigned long long)(1 + mixed / 16 % 28),
           (unsigned long long)(mixed / 512 % 24));
  p->price = (double)(mixed % 100000) / 100;
  p->qty = (int64_t)(mixed / 1024 % 1000);
  products_id(p->code, p->id);
}

void products_fill(const rem_config *config, uint64_t count) {
  rem_error err = {0};
  rem_batch *batch = NULL;
  rem_bytes result = {0};
  rem_db *db = place_database(config, "query", REM_OS);
  measure_need(rem_schema_add(db, SCHEMA, strlen(SCHEMA), NULL, &result, &err), &err);
  rem_bytes_free(&result);
  measure_need(rem_batch_new(db, &batch, &err), &err);
  for (uint64_t i = 0; i < count; i++) {
    char json[800];
    product p;
    products_make(i, count, &p);
    int size = snprintf(json, sizeof json,
                        "{\"code\":\"%s\",\"name\":\"%s\",\"descr\":\"%s\",\"category\":\"%s\",\"price\":%.2f,\"qty\":%lld,\"status\":\"%s\",\"owner\":\"%s\","
                        "\"parent\":\"%s\",\"created\":\"%s\"}",
                        p.code, p.name, p.descr, p.category, p.price, (long long)p.qty, p.status, p.owner, p.parent, p.created);
    measure_need(rem_batch_put(batch, PRODUCTS_TABLE, json, (size_t)size, &err), &err);
    if (rem_batch_count(batch) == 1000 || i + 1 == count)
      measure_need(rem_batch_commit(batch, NULL, NULL, &err), &err);
  }
  rem_batch_free(batch);
  measure_need(rem_kv_flush(db->engine->kv, &err), &err);
  measure_need(rem_kv_compact(db->engine->kv, REM_CF_ENTITIES, (rem_slice){0}, (rem_slice){0}, &err), &err);
  measure_need(rem_kv_compact(db->engine->kv, REM_CF_FIELD_INDEX, (rem_slice){0}, (rem_slice){0}, &err), &err);
  measure_need(rem_close(db, &err), &err);
}

static void sql(sqlite3 *sqlite, const char *text) {
  if (sqlite3_exec(sqlite, text, NULL, NULL, NULL) != SQLITE_OK)
    measure_fail(sqlite3_errmsg(sqlite));
}

void products_fill_sqlite(const char *path, uint64_t count) {
  sqlite3 *sqlite;
  sqlite3_stmt *insert;
  if (sqlite3_open(path, &sqlite) != SQLITE_OK)
    measure_fail("SQLite cannot open its file");
  sql(sqlite, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE product(code TEXT UNIQUE, name TEXT, descr TEXT, category TEXT, price REAL, qty INTEGER,"
              " status TEXT, owner TEXT, parent TEXT, created TEXT, id TEXT PRIMARY KEY); CREATE INDEX of_owner ON product(owner); BEGIN");
  sqlite3_prepare_v2(sqlite, "INSERT INTO product VALUES (?,?,?,?,?,?,?,?,?,?,?)", -1, &insert, NULL);
  for (uint64_t i = 0; i < count; i++) {
    product p;
    products_make(i, count, &p);
    const char *texts[] = {p.code, p.name, p.descr, p.category, NULL, NULL, p.status, p.owner, p.parent, p.created, p.id};
    for (int c = 0; c < 11; c++)
      if (texts[c])
        sqlite3_bind_text(insert, c + 1, texts[c], -1, SQLITE_STATIC);
    sqlite3_bind_double(insert, 5, p.price);
    sqlite3_bind_int64(insert, 6, p.qty);
    if (sqlite3_step(insert) != SQLITE_DONE)
      measure_fail(sqlite3_errmsg(sqlite));
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  sql(sqlite, "COMMIT; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)");
  sqlite3_close(sqlite);
}
