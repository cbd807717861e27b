/* SPDX-License-Identifier: Apache-2.0 */
/* Written by tools/builtin_schemas.py from builtin_models.py; not to be edited. */
#include "schema/builtin_internal.h"

/* Longer than the 4,095 characters that ISO C promises for a literal; every compiler takes far more. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

static const char SCHEMA[] =
    "{\"$defs\":{\"MCPTool\":{\"additionalProperties\":false,\"description\":\"MCP tool reference for schema o"
    "perations.\",\"properties\":{\"name\":{\"description\":\"Tool name\",\"title\":\"Name\",\"type\":\"string\"},\"des"
    "cription\":{\"description\":\"Tool description\",\"title\":\"Description\",\"type\":\"string\"},\"server\":{\"an"
    "yOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"description\":\"MCP server name\",\"title\":"
    "\"Server\"},\"usage\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"description\":\"Usa"
    "ge instructions\",\"title\":\"Usage\"}},\"required\":[\"name\",\"description\"],\"title\":\"MCPTool\",\"type\":\"o"
    "bject\"}},\"additionalProperties\":true,\"category\":\"system\",\"description\":\"Schema definition for a "
    "REM entity type (agent-let aware).\\n\\nThis stores the full Pydantic JSON schema export, followin"
    "g the carrier\\nagent-let pattern. The JSON schema includes:\\n- System prompt (from model docstri"
    "ng) in 'description'\\n- Field definitions with types, descriptions, constraints in 'properties'\\"
    "n- Nested models in '$defs'\\n- Agent-let metadata in top-level fields (from model_config.json_sc"
    "hema_extra)\",\"embedding_provider\":\"default\",\"fully_qualified_name\":\"rem.system.Schema\",\"indexed_"
    "fields\":[\"name\",\"category\"],\"key_field\":\"name\",\"properties\":{\"name\":{\"description\":\"Schema name "
    "(table name)\",\"title\":\"Name\",\"type\":\"string\"},\"fully_qualified_name\":{\"anyOf\":[{\"type\":\"string\"}"
    ",{\"type\":\"null\"}],\"default\":null,\"description\":\"Fully qualified name (e.g., 'carrier.agents.modu"
    "le.Class')\",\"title\":\"Fully Qualified Name\"},\"short_name\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"nu"
    "ll\"}],\"default\":null,\"description\":\"Short name for URI\",\"title\":\"Short Name\"},\"version\":{\"anyOf\""
    ":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"description\":\"Semantic version (e.g., '1.0."
    "0')\",\"title\":\"Version\"},\"category\":{\"default\":\"user\",\"description\":\"Schema category (system, age"
    "nts, public, user)\",\"title\":\"Category\",\"type\":\"string\"},\"title\":{\"anyOf\":[{\"type\":\"string\"},{\"ty"
    "pe\":\"null\"}],\"default\":null,\"description\":\"Schema title (class name)\",\"title\":\"Title\"},\"descript"
    "ion\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"description\":\"System prompt fr"
    "om model docstring (auto-embedded)\",\"title\":\"Description\"},\"type\":{\"default\":\"object\",\"descripti"
    "on\":\"JSON schema type\",\"title\":\"Type\",\"type\":\"string\"},\"properties\":{\"type\":\"object\",\"additional"
    "Properties\":true,\"description\":\"Field definitions (JSON schema)\",\"title\":\"Properties\"},\"required"
    "\":{\"description\":\"Required field names\",\"items\":{\"type\":\"string\"},\"title\":\"Required\",\"type\":\"arr"
    "ay\"},\"$defs\":{\"anyOf\":[{\"additionalProperties\":true,\"type\":\"object\"},{\"type\":\"null\"}],\"default\":"
    "null,\"description\":\"Nested model definitions\",\"title\":\"$Defs\"},\"indexed_fields\":{\"description\":\""
    "Fields to create indexes on\",\"items\":{\"type\":\"string\"},\"title\":\"Indexed Fields\",\"type\":\"array\"},"
    "\"tools\":{\"description\":\"MCP tools available for this entity type\",\"items\":{\"$ref\":\"#/$defs/MCPTo"
    "ol\"},\"title\":\"Tools\",\"type\":\"array\"}},\"required\":[\"name\"],\"short_name\":\"schema\",\"title\":\"Schema\""
    ",\"type\":\"object\",\"version\":\"1.0.0\"}";

static const char RESOURCES[] =
    "{\"category\":\"system\",\"description\":\"Chunked, embedded content from documents.\\n\\nUsed for genera"
    "l-purpose document storage with vector embeddings.\\nSystem fields (id, created_at, etc.) and emb"
    "eddings are added automatically.\",\"embedding_fields\":[\"content\"],\"embedding_provider\":\"default\","
    "\"fully_qualified_name\":\"rem.system.Resource\",\"indexed_fields\":[\"category\",\"name\"],\"key_fields\":["
    "\"uri\",\"ordinal\"],\"properties\":{\"name\":{\"description\":\"Resource name or title\",\"title\":\"Name\",\"ty"
    "pe\":\"string\"},\"content\":{\"description\":\"Full text content (will be auto-embedded)\",\"title\":\"Cont"
    "ent\",\"type\":\"string\"},\"category\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"de"
    "scription\":\"Resource category/type\",\"title\":\"Category\"},\"metadata\":{\"additionalProperties\":true,"
    "\"description\":\"Arbitrary metadata\",\"title\":\"Metadata\",\"type\":\"object\"},\"ordinal\":{\"default\":0,\"d"
    "escription\":\"Chunk ordinal within source file\",\"title\":\"Ordinal\",\"type\":\"integer\"},\"uri\":{\"descr"
    "iption\":\"Source URI or file path\",\"title\":\"Uri\",\"type\":\"string\"}},\"required\":[\"name\",\"content\",\""
    "uri\"],\"short_name\":\"resource\",\"title\":\"Resource\",\"type\":\"object\",\"version\":\"1.0.0\"}";

static const char FILES[] =
    "{\"category\":\"system\",\"description\":\"Original file record before chunking into resources.\\n\\nMain"
    "tains parent-child relationship to chunks via edges.\\nSystem fields (id, created_at, etc.) are a"
    "dded automatically.\",\"fully_qualified_name\":\"rem.system.File\",\"indexed_fields\":[\"uri\",\"file_type"
    "\",\"status\"],\"key_field\":\"uri\",\"properties\":{\"uri\":{\"description\":\"File URI (unique)\",\"title\":\"Ur"
    "i\",\"type\":\"string\"},\"name\":{\"description\":\"File name (e.g., 'guide.md')\",\"title\":\"Name\",\"type\":\""
    "string\"},\"file_type\":{\"description\":\"File type (e.g., 'pdf', 'markdown', 'text')\",\"title\":\"File "
    "Type\",\"type\":\"string\"},\"size_bytes\":{\"description\":\"File size in bytes\",\"title\":\"Size Bytes\",\"ty"
    "pe\":\"integer\"},\"content_hash\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"descr"
    "iption\":\"SHA256 hash of content\",\"title\":\"Content Hash\"},\"status\":{\"default\":\"pending\",\"descript"
    "ion\":\"Processing status (pending, processing, completed, failed)\",\"title\":\"Status\",\"type\":\"strin"
    "g\"},\"chunk_count\":{\"default\":0,\"description\":\"Number of chunks (resources) created\",\"title\":\"Chu"
    "nk Count\",\"type\":\"integer\"},\"metadata\":{\"additionalProperties\":true,\"description\":\"File metadata"
    "\",\"title\":\"Metadata\",\"type\":\"object\"}},\"required\":[\"uri\",\"name\",\"file_type\",\"size_bytes\"],\"short"
    "_name\":\"file\",\"title\":\"File\",\"type\":\"object\",\"version\":\"1.0.0\"}";

static const char MOMENTS[] =
    "{\"category\":\"system\",\"description\":\"Temporal classification with time range.\\n\\nUsed for narrati"
    "ve structure, event timelines, and temporal queries.\\nSystem fields (id, created_at, etc.) and e"
    "mbeddings are added automatically.\",\"embedding_fields\":[\"description\"],\"embedding_provider\":\"def"
    "ault\",\"fully_qualified_name\":\"rem.system.Moment\",\"indexed_fields\":[\"moment_type\",\"start_time\",\"e"
    "nd_time\"],\"key_fields\":[\"name\",\"start_time\"],\"properties\":{\"name\":{\"description\":\"Moment name or"
    " title\",\"title\":\"Name\",\"type\":\"string\"},\"moment_type\":{\"description\":\"Moment type (event, period"
    ", milestone)\",\"title\":\"Moment Type\",\"type\":\"string\"},\"start_time\":{\"description\":\"Start timestam"
    "p\",\"format\":\"date-time\",\"title\":\"Start Time\",\"type\":\"string\"},\"end_time\":{\"anyOf\":[{\"format\":\"da"
    "te-time\",\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"description\":\"End timestamp (None for"
    " ongoing)\",\"title\":\"End Time\"},\"classifications\":{\"description\":\"Classification tags (e.g., 'mee"
    "ting', 'sprint', 'release')\",\"items\":{\"type\":\"string\"},\"title\":\"Classifications\",\"type\":\"array\"}"
    ",\"description\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"description\":\"Moment"
    " description (will be auto-embedded)\",\"title\":\"Description\"},\"resource_refs\":{\"description\":\"Ref"
    "erenced resource IDs\",\"items\":{\"format\":\"uuid\",\"type\":\"string\"},\"title\":\"Resource Refs\",\"type\":\""
    "array\"},\"entity_refs\":{\"description\":\"Referenced entity IDs\",\"items\":{\"format\":\"uuid\",\"type\":\"st"
    "ring\"},\"title\":\"Entity Refs\",\"type\":\"array\"},\"parent_moment_id\":{\"anyOf\":[{\"format\":\"uuid\",\"type"
    "\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"description\":\"Parent moment ID (for nested time per"
    "iods)\",\"title\":\"Parent Moment Id\"},\"metadata\":{\"additionalProperties\":true,\"description\":\"Moment"
    " metadata\",\"title\":\"Metadata\",\"type\":\"object\"}},\"required\":[\"name\",\"moment_type\",\"start_time\"],\""
    "short_name\":\"moment\",\"title\":\"Moment\",\"type\":\"object\",\"version\":\"1.0.0\"}";

const rem_builtin rem_builtin__all[REM_BUILTIN_COUNT] = {
    {"schema", "schema", SCHEMA, sizeof SCHEMA - 1},
    {"resources", "resource", RESOURCES, sizeof RESOURCES - 1},
    {"files", "file", FILES, sizeof FILES - 1},
    {"moments", "moment", MOMENTS, sizeof MOMENTS - 1},
};
