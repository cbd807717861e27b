/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration inside the library: one value for every key, each with its origin (D4).
 *
 *   default  <  $P8_HOME/config.toml  <  environment (P8_*, synonyms)  <  rem_config_set() (a flag)
 *
 * Everything about a key stands in one row of the table in config_keys.c: its name, its place in config.toml,
 * synonyms, type, range, default and description. Every value is checked when it is read, so what the functions
 * below return is in range.
 *
 * P8_HOME moves what lies below it: the defaults of P8_DB_PATH, P8_MODELS_DIR, P8_CACHE_DIR and P8_LOG_DIR, and
 * the place of config.toml. An empty environment variable counts as unset.
 *
 * Threads: any number may read; rem_config_set() only while no other thread uses the configuration. The public
 * functions rem_config_load(), _free(), _set(), _get() and _json() of rem.h are implemented in this module.
 */
#ifndef REM_CONFIG_CONFIG_H
#define REM_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* In the order of `db config`. The comment names the variable where it is not P8_ and the key's name; its type;
 * its default. */
typedef enum rem_config_key {
  REM_CONFIG_HOME,                      /* path; ~/.p8 */
  REM_CONFIG_DEFAULT_TENANT,            /* text; "default" */
  REM_CONFIG_DB,                        /* text: name or path of the current database; none */
  REM_CONFIG_PYTHON,                    /* text: interpreter for file.py::Class; none */

  REM_CONFIG_DEFAULT_EMBEDDING,         /* text; "all-MiniLM-L6-v2" */
  REM_CONFIG_ALT_EMBEDDING,             /* text; none */
  REM_CONFIG_MODELS_DIR,                /* path; {home}/models */
  REM_CONFIG_EMBEDDING_BATCH_SIZE,      /* int 1 to 4096; 32 */
  REM_CONFIG_EMBEDDING_PRECISION,       /* auto, float32, bfloat16, int8; "auto" */

  REM_CONFIG_DEFAULT_LLM,               /* text; "gpt-4.1" */
  REM_CONFIG_LLM_TEMPERATURE,           /* real 0 to 2; 0 */
  REM_CONFIG_LLM_MAX_TOKENS,            /* int; 2000 */

  REM_CONFIG_OPENAI_API_KEY,            /* OPENAI_API_KEY, secret; none */
  REM_CONFIG_OPENAI_BASE_URL,           /* OPENAI_BASE_URL; "https://api.openai.com/v1" */
  REM_CONFIG_ANTHROPIC_API_KEY,         /* ANTHROPIC_API_KEY, secret; none */
  REM_CONFIG_COHERE_API_KEY,            /* COHERE_API_KEY or CO_API_KEY, secret; none */
  REM_CONFIG_COHERE_BASE_URL,           /* COHERE_BASE_URL or CO_API_URL; "https://api.cohere.com" */
  REM_CONFIG_SSL_CERT_FILE,             /* SSL_CERT_FILE, path; none */
  REM_CONFIG_PROVIDER_TIMEOUT,          /* int, seconds: of one request with its repetitions; 30 */
  REM_CONFIG_PROVIDER_RETRIES,          /* int 0 to 10; 3 */
  REM_CONFIG_PROVIDER_PARALLEL,         /* int 1 to 64: requests at once; 4 */

  REM_CONFIG_DB_PATH,                   /* path: parent folder of the databases; {home}/db */
  REM_CONFIG_ROCKSDB_WRITE_BUFFER_SIZE, /* int, MiB; 64 */
  REM_CONFIG_ROCKSDB_MAX_OPEN_FILES,    /* int, -1: all; 1000 */
  REM_CONFIG_MEMORY_BUDGET_MB,          /* int, MiB: block cache and memtables together; 512 */
  REM_CONFIG_ENABLE_WAL,                /* bool; true */
  REM_CONFIG_WAL_DISK_SIZE,             /* int, MiB: most the log takes on disk; 256 */

  REM_CONFIG_REPLICATION_MODE,          /* standalone, primary, replica; "standalone" */
  REM_CONFIG_PRIMARY_ENDPOINT,          /* text "host:port"; none */
  REM_CONFIG_REPLICA_ENDPOINTS,         /* text "host:port,host:port"; none */
  REM_CONFIG_WAL_RETENTION_SIZE,        /* int, entries in memory; 1000 */
  REM_CONFIG_WAL_BATCH_SIZE,            /* int, entries; 100 */
  REM_CONFIG_CATCHUP_BATCH_SIZE,        /* int, entries; 1000 */
  REM_CONFIG_REPLICATION_POLL_INTERVAL, /* int, ms; 100 */

  REM_CONFIG_ENABLE_CACHE,              /* bool; true (D31) */
  REM_CONFIG_CACHE_DIR,                 /* path; {home}/cache */
  REM_CONFIG_CACHE_TTL,                 /* int, seconds; 3600 */
  REM_CONFIG_CACHE_MAX_SIZE,            /* int, MiB; 1000 */

  REM_CONFIG_LOG_LEVEL,                 /* DEBUG, INFO, WARNING, ERROR, CRITICAL; "INFO" */
  REM_CONFIG_LOG_DIR,                   /* path; {home}/logs */
  REM_CONFIG_LOG_FORMAT,                /* json, text; "json" */
  REM_CONFIG_LOG_PERFORMANCE,           /* bool; false */

  REM_CONFIG_VECTOR_INDEX_TYPE,         /* hnsw, flat; "hnsw" */
  REM_CONFIG_VECTOR_INDEX_MIN_ROWS,     /* int 1 to 10^9: live vectors from which a table gets a graph; 10000 */
  REM_CONFIG_VECTOR_INDEX_MEMORY_MB,    /* int, MiB: graphs that are kept in memory, together; 0: a quarter of the machine's; 0 */
  REM_CONFIG_VECTOR_RECALL_TARGET,      /* real 0.5 to 0.999: recall@10 that P8_HNSW_EF_SEARCH is raised to reach; 0.95 */
  REM_CONFIG_HNSW_M,                    /* int 4 to 64: links are 2M; 16 */
  REM_CONFIG_HNSW_EF_CONSTRUCTION,      /* int 16 to 2000; 200 */
  REM_CONFIG_HNSW_EF_SEARCH,            /* int 1 to 10000; 50 */

  REM_CONFIG_WORKER_THREADS,            /* int 1 to 256; 4 */
  REM_CONFIG_QUERY_TIMEOUT,             /* int, seconds, 0: none; 30 */
  REM_CONFIG_QUERY_TEMP_SIZE,           /* int, MiB, 0: no limit; 4096 */

  REM_CONFIG_PARQUET_COMPRESSION,       /* snappy, gzip, brotli, lz4, zstd, none; "snappy" */
  REM_CONFIG_PARQUET_ROW_GROUP_SIZE,    /* int, rows; 10000 */

  REM_CONFIG_KEY_COUNT
} rem_config_key;

typedef enum rem_config_origin {
  REM_CONFIG_FROM_DEFAULT,
  REM_CONFIG_FROM_FILE,
  REM_CONFIG_FROM_ENVIRONMENT,
  REM_CONFIG_FROM_FLAG,
} rem_config_origin;

/* The value in its canonical text (an absolute path, "true", "64"), borrowed until it is set again or the
 * configuration freed; NULL when the key has no value. Valid for every key; secrets come as they are. */
const char *rem_config_text(const rem_config *config, rem_config_key key);
/* The value of a key of type int, real or bool; asking for another type is a bug (asserted). */
int64_t rem_config_int(const rem_config *config, rem_config_key key);
double rem_config_real(const rem_config *config, rem_config_key key);
bool rem_config_bool(const rem_config *config, rem_config_key key);

rem_config_origin rem_config_origin_of(const rem_config *config, rem_config_key key);
/* "P8_DB_PATH"; static. */
const char *rem_config_name(rem_config_key key);

/* A copy of its own, for handles that outlive the caller's. Owned: rem_config_free(). */
REM_CHECKED rem_status rem_config_copy(const rem_config *config, rem_config **ret_config, rem_error *err);

#endif
