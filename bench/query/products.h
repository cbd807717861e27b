/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmark of SQL asks: products of ten columns, in a database of ours and in one of SQLite. */
#ifndef REM_BENCH_PRODUCTS_H
#define REM_BENCH_PRODUCTS_H

#include <stddef.h>
#include <stdint.h>

#include "rem.h"

#define PRODUCTS_TABLE "product"
#define PRODUCTS_CATEGORIES 50

typedef struct product {
  char code[40], name[48], descr[200], category[40], status[16], owner[40], parent[40], created[96], id[37];
  double price;
  int64_t qty;
} product;

/* Product `i` of `count`; always the same. An owner has ten. */
void products_make(uint64_t i, uint64_t count, product *ret_product);
void products_code(uint64_t i, char ret_code[40]);
void products_owner(uint64_t i, uint64_t count, char ret_owner[40]);
/* The id of a code, as text. */
void products_id(const char *code, char ret_id[37]);
/* Writes the rows into a fresh database of ours; closed. */
void products_fill(const rem_config *config, uint64_t count);
/* Writes them into a fresh file of SQLite's. */
void products_fill_sqlite(const char *path, uint64_t count);

#endif
