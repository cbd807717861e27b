/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys. Adding a key is adding it to the enumeration in config.h and a row here, in the same
 * place. */
#include "config/config_internal.h"

#include <assert.h>
#include <string.h>

static const char *const replication_modes[] = {"standalone", "primary", "replica", NULL};
static const char *const precisions[] = {"auto", "float32", "bfloat16", "int8", NULL};
static const char *const log_levels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", NULL};
static const char *const log_formats[] = {"json", "text", NULL};
static const char *const index_types[] = {"hnsw", "flat", NULL};
static const char *const compressions[] = {"snappy", "gzip", "brotli", "lz4", "zstd", "none", NULL};

#define P8(id)              [REM_CONFIG_##id] = {.name = "P8_" #id
#define PLAIN(id)           [REM_CONFIG_##id] = {.name = #id
#define IN_FILE(table, key) .section = table, .file_key = key
#define RANGE(low, high)    .least = low, .most = high

/* clang-format off */
static const rem_config_key_info keys[REM_CONFIG_KEY_COUNT] = {
    P8(HOME), IN_FILE("core", "home"), .type = REM_CONFIG_PATH, .fallback = "~/.p8",
        .description = "folder of everything the database keeps: databases, models, cache, logs, config.toml"},
    P8(DEFAULT_TENANT), IN_FILE("core", "default_tenant"), .type = REM_CONFIG_TEXT, .fallback = "default",
        .description = "tenant used when none is given"},
    P8(DB), IN_FILE("core", "db"), .type = REM_CONFIG_TEXT,
        .description = "database used when none is given: a name or a path"},
    P8(PYTHON), IN_FILE("core", "python"), .type = REM_CONFIG_TEXT,
        .description = "Python interpreter that reads schemas given as file.py::Class"},

    P8(DEFAULT_EMBEDDING), IN_FILE("embeddings", "default_model"), .type = REM_CONFIG_TEXT,
        .fallback = "all-MiniLM-L6-v2", .description = "embedding model of tables that name none"},
    P8(ALT_EMBEDDING), IN_FILE("embeddings", "alt_model"), .type = REM_CONFIG_TEXT,
        .description = "second embedding model, for embedding_alt"},
    P8(MODELS_DIR), IN_FILE("embeddings", "models_dir"), .type = REM_CONFIG_PATH, .fallback = "{home}/models",
        .description = "folder of the local embedding models"},
    P8(EMBEDDING_BATCH_SIZE), IN_FILE("embeddings", "batch_size"), .type = REM_CONFIG_INT, RANGE(1, 4096),
        .fallback = "32", .description = "texts embedded at once"},
    P8(EMBEDDING_PRECISION), IN_FILE("embeddings", "precision"), .type = REM_CONFIG_CHOICE, .choices = precisions,
        .fallback = "auto", .description = "what local models compute in; auto: bfloat16 where the CPU has it, else float32"},

    P8(DEFAULT_LLM), IN_FILE("llm", "default_model"), .type = REM_CONFIG_TEXT, .fallback = "gpt-4.1",
        .description = "language model that plans questions, when its API key is set"},
    P8(LLM_TEMPERATURE), IN_FILE("llm", "temperature"), .type = REM_CONFIG_REAL, RANGE(0, 2), .fallback = "0.0",
        .description = "temperature of the language model"},
    P8(LLM_MAX_TOKENS), IN_FILE("llm", "max_tokens"), .type = REM_CONFIG_INT, RANGE(1, 1000000), .fallback = "2000",
        .description = "longest answer of the language model, in tokens"},

    PLAIN(OPENAI_API_KEY), IN_FILE("providers", "openai_api_key"), .type = REM_CONFIG_TEXT, .is_secret = true,
        .description = "key of OpenAI, or of what OPENAI_BASE_URL points to"},
    PLAIN(OPENAI_BASE_URL), IN_FILE("providers", "openai_base_url"), .type = REM_CONFIG_TEXT,
        .fallback = "https://api.openai.com/v1", .description = "address of an OpenAI-compatible service"},
    PLAIN(ANTHROPIC_API_KEY), IN_FILE("providers", "anthropic_api_key"), .type = REM_CONFIG_TEXT, .is_secret = true,
        .description = "key of Anthropic"},
    PLAIN(COHERE_API_KEY), .synonym = "CO_API_KEY", IN_FILE("providers", "cohere_api_key"), .type = REM_CONFIG_TEXT,
        .is_secret = true, .description = "key of Cohere"},
    PLAIN(COHERE_BASE_URL), .synonym = "CO_API_URL", IN_FILE("providers", "cohere_base_url"), .type = REM_CONFIG_TEXT,
        .fallback = "https://api.cohere.com", .description = "address of Cohere's service"},
    PLAIN(SSL_CERT_FILE), IN_FILE("providers", "ssl_cert_file"), .type = REM_CONFIG_PATH,
        .description = "PEM file of certificates to trust instead of the system's"},
    P8(PROVIDER_TIMEOUT), IN_FILE("providers", "timeout"), .type = REM_CONFIG_INT, RANGE(1, 3600), .fallback = "30",
        .description = "longest time of one request to a provider with its repetitions, seconds; a write waits for it once, then not while the provider is down"},
    P8(PROVIDER_RETRIES), IN_FILE("providers", "retries"), .type = REM_CONFIG_INT, RANGE(0, 10), .fallback = "3",
        .description = "how often a failed request to a provider is repeated"},
    P8(PROVIDER_PARALLEL), IN_FILE("providers", "parallel"), .type = REM_CONFIG_INT, RANGE(1, 64), .fallback = "4",
        .description = "requests to a provider under way at once"},

    P8(DB_PATH), IN_FILE("database", "path"), .type = REM_CONFIG_PATH, .fallback = "{home}/db",
        .description = "folder that holds the databases, each as {name}.db"},
    P8(ROCKSDB_WRITE_BUFFER_SIZE), IN_FILE("database", "rocksdb_write_buffer_size"), .type = REM_CONFIG_INT,
        RANGE(1, 4096), .fallback = "64", .description = "write buffer of RocksDB, MiB"},
    P8(ROCKSDB_MAX_OPEN_FILES), IN_FILE("database", "rocksdb_max_open_files"), .type = REM_CONFIG_INT,
        RANGE(-1, 1000000), .fallback = "1000", .description = "files a writer keeps open; -1 keeps all"},
    P8(MEMORY_BUDGET_MB), IN_FILE("database", "memory_budget_mb"), .type = REM_CONFIG_INT, RANGE(16, 1048576),
        .fallback = "512", .description = "memory of one open database for block cache and write buffers together, MiB"},
    P8(ENABLE_WAL), IN_FILE("database", "enable_wal"), .type = REM_CONFIG_BOOL, .fallback = "true",
        .description = "keep the replication log"},
    P8(WAL_DISK_SIZE), IN_FILE("database", "wal_disk_size"), .type = REM_CONFIG_INT, RANGE(1, 1048576),
        .fallback = "256", .description = "most the replication log may take on disk, MiB"},

    P8(REPLICATION_MODE), .synonym = "REM_REPLICATION_MODE", IN_FILE("replication", "mode"),
        .type = REM_CONFIG_CHOICE, .choices = replication_modes, .fallback = "standalone",
        .description = "part of this database in replication"},
    P8(PRIMARY_ENDPOINT), .synonym = "REM_PRIMARY_ENDPOINT", IN_FILE("replication", "primary_endpoint"),
        .type = REM_CONFIG_TEXT, .description = "host:port of the primary, for a replica"},
    P8(REPLICA_ENDPOINTS), .synonym = "REM_REPLICA_ENDPOINTS", IN_FILE("replication", "replica_endpoints"),
        .type = REM_CONFIG_LIST, .description = "host:port of each replica, comma-separated, for a primary"},
    P8(WAL_RETENTION_SIZE), .synonym = "REM_WAL_RETENTION_SIZE", IN_FILE("replication", "wal_retention_size"),
        .type = REM_CONFIG_INT, RANGE(0, 10000000), .fallback = "1000",
        .description = "log entries kept in memory for fast catch-up"},
    P8(WAL_BATCH_SIZE), .synonym = "REM_WAL_BATCH_SIZE", IN_FILE("replication", "wal_batch_size"),
        .type = REM_CONFIG_INT, RANGE(1, 100000), .fallback = "100", .description = "log entries sent at once"},
    P8(CATCHUP_BATCH_SIZE), .synonym = "REM_CATCHUP_BATCH_SIZE", IN_FILE("replication", "catchup_batch_size"),
        .type = REM_CONFIG_INT, RANGE(1, 1000000), .fallback = "1000", .description = "log entries a replica asks for at once"},
    P8(REPLICATION_POLL_INTERVAL), .synonym = "REM_POLL_INTERVAL_MS", IN_FILE("replication", "poll_interval"),
        .type = REM_CONFIG_INT, RANGE(1, 3600000), .fallback = "100",
        .description = "pause between two polls of the primary, ms"},

    P8(ENABLE_CACHE), IN_FILE("cache", "enabled"), .type = REM_CONFIG_BOOL, .fallback = "true",
        .description = "cache embeddings, and results in long-running processes"},
    P8(CACHE_DIR), IN_FILE("cache", "directory"), .type = REM_CONFIG_PATH, .fallback = "{home}/cache",
        .description = "folder of the cache"},
    P8(CACHE_TTL), IN_FILE("cache", "ttl"), .type = REM_CONFIG_INT, RANGE(0, 31536000), .fallback = "3600",
        .description = "life of a cached result, seconds"},
    P8(CACHE_MAX_SIZE), IN_FILE("cache", "max_size_mb"), .type = REM_CONFIG_INT, RANGE(0, 1048576),
        .fallback = "1000", .description = "most the cache may take on disk, MiB"},

    P8(LOG_LEVEL), IN_FILE("logging", "level"), .type = REM_CONFIG_CHOICE, .choices = log_levels, .fallback = "INFO",
        .description = "least level that is logged"},
    P8(LOG_DIR), IN_FILE("logging", "directory"), .type = REM_CONFIG_PATH, .fallback = "{home}/logs",
        .description = "folder of the logs"},
    P8(LOG_FORMAT), IN_FILE("logging", "format"), .type = REM_CONFIG_CHOICE, .choices = log_formats,
        .fallback = "json", .description = "form of log lines"},
    P8(LOG_PERFORMANCE), IN_FILE("logging", "performance"), .type = REM_CONFIG_BOOL, .fallback = "false",
        .description = "log execution times of queries"},

    P8(VECTOR_INDEX_TYPE), IN_FILE("vector_search", "index_type"), .type = REM_CONFIG_CHOICE, .choices = index_types,
        .fallback = "hnsw", .description = "hnsw: graph, approximate; flat: exact scan"},
    P8(VECTOR_INDEX_MIN_ROWS), IN_FILE("vector_search", "index_min_rows"), .type = REM_CONFIG_INT,
        RANGE(1, 1000000000), .fallback = "10000", .description = "rows with vectors from which a table gets a graph"},
    P8(VECTOR_INDEX_MEMORY_MB), IN_FILE("vector_search", "index_memory_mb"), .type = REM_CONFIG_INT,
        RANGE(0, 16777216), .fallback = "0", .description = "MiB that graphs in memory may take together; 0: a quarter of the machine's"},
    P8(VECTOR_RECALL_TARGET), IN_FILE("vector_search", "recall_target"), .type = REM_CONFIG_REAL, RANGE(0.5, 0.999),
        .fallback = "0.95", .description = "share of the true ten nearest that a search should find"},
    P8(HNSW_M), IN_FILE("vector_search", "hnsw_m"), .type = REM_CONFIG_INT, RANGE(4, 64), .fallback = "16",
        .description = "connections of a node of the graph; a node keeps twice as many links"},
    P8(HNSW_EF_CONSTRUCTION), IN_FILE("vector_search", "hnsw_ef_construction"), .type = REM_CONFIG_INT,
        RANGE(16, 2000), .fallback = "200", .description = "candidates looked at when a node is inserted"},
    P8(HNSW_EF_SEARCH), IN_FILE("vector_search", "hnsw_ef_search"), .type = REM_CONFIG_INT, RANGE(1, 10000),
        .fallback = "50",
        .description = "candidates looked at in a search; unless it is set, it rises to reach the recall target"},

    P8(WORKER_THREADS), IN_FILE("performance", "worker_threads"), .type = REM_CONFIG_INT, RANGE(1, 256),
        .fallback = "4", .description = "threads for embedding and other work in the background"},
    P8(QUERY_TIMEOUT), IN_FILE("performance", "query_timeout"), .type = REM_CONFIG_INT, RANGE(0, 86400),
        .fallback = "30", .description = "longest time of one query, seconds; 0 sets no limit"},
    P8(QUERY_TEMP_SIZE), IN_FILE("performance", "query_temp_size_mb"), .type = REM_CONFIG_INT, RANGE(0, 1048576),
        .fallback = "4096",
        .description = "most that sorting and grouping of one session may put into temporary files, MiB; 0 sets no limit"},

    P8(PARQUET_COMPRESSION), IN_FILE("export", "parquet_compression"), .type = REM_CONFIG_CHOICE,
        .choices = compressions, .fallback = "snappy", .description = "compression of exported Parquet files"},
    P8(PARQUET_ROW_GROUP_SIZE), IN_FILE("export", "parquet_row_group_size"), .type = REM_CONFIG_INT,
        RANGE(1, 10000000), .fallback = "10000", .description = "rows in a row group of exported Parquet files"},
};
/* clang-format on */

const rem_config_key_info *rem_config__key_info(rem_config_key key) {
  assert(key < REM_CONFIG_KEY_COUNT && keys[key].name && "every key has its row");
  return &keys[key];
}

const char *rem_config_name(rem_config_key key) {
  return rem_config__key_info(key)->name;
}

rem_config_key rem_config__find_name(const char *name) {
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++)
    if (strcmp(keys[key].name, name) == 0 || (keys[key].synonym && strcmp(keys[key].synonym, name) == 0))
      return key;
  return REM_CONFIG_KEY_COUNT;
}
