# SPDX-License-Identifier: Apache-2.0
"""The built-in entity types as Pydantic v2 models.

tools/builtin_schemas.py makes builtin_schemas.c of them; nothing here runs in the product. The keys of Resource and
Moment are composite: a file's chunks share its uri, and a recurring moment its name.
"""
from datetime import datetime
from typing import Any, Optional
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class MCPTool(BaseModel):
    """MCP tool reference for schema operations."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="Tool name")
    description: str = Field(description="Tool description")
    server: Optional[str] = Field(None, description="MCP server name")
    usage: Optional[str] = Field(None, description="Usage instructions")


class Schema(BaseModel):
    """Schema definition for a REM entity type (agent-let aware).

    This stores the full Pydantic JSON schema export, following the carrier
    agent-let pattern. The JSON schema includes:
    - System prompt (from model docstring) in 'description'
    - Field definitions with types, descriptions, constraints in 'properties'
    - Nested models in '$defs'
    - Agent-let metadata in top-level fields (from model_config.json_schema_extra)
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="allow",
        populate_by_name=True,
        json_schema_extra={
            "fully_qualified_name": "rem.system.Schema",
            "short_name": "schema",
            "version": "1.0.0",
            "category": "system",
            "indexed_fields": ["name", "category"],
            "embedding_provider": "default",
            "key_field": "name",
        },
    )

    name: str = Field(description="Schema name (table name)")
    fully_qualified_name: Optional[str] = Field(
        None, description="Fully qualified name (e.g., 'carrier.agents.module.Class')"
    )
    short_name: Optional[str] = Field(None, description="Short name for URI")
    version: Optional[str] = Field(None, description="Semantic version (e.g., '1.0.0')")
    category: str = Field(default="user", description="Schema category (system, agents, public, user)")

    title: Optional[str] = Field(None, description="Schema title (class name)")
    description: Optional[str] = Field(None, description="System prompt from model docstring (auto-embedded)")
    type: str = Field(default="object", description="JSON schema type")
    properties: dict[str, Any] = Field(default_factory=dict, description="Field definitions (JSON schema)")
    required: list[str] = Field(default_factory=list, description="Required field names")
    defs: Optional[dict[str, Any]] = Field(None, alias="$defs", description="Nested model definitions")

    indexed_fields: list[str] = Field(default_factory=list, description="Fields to create indexes on")
    tools: list[MCPTool] = Field(default_factory=list, description="MCP tools available for this entity type")


class Resource(BaseModel):
    """Chunked, embedded content from documents.

    Used for general-purpose document storage with vector embeddings.
    System fields (id, created_at, etc.) and embeddings are added automatically.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "fully_qualified_name": "rem.system.Resource",
            "short_name": "resource",
            "version": "1.0.0",
            "indexed_fields": ["category", "name"],
            "category": "system",
            "embedding_fields": ["content"],
            "embedding_provider": "default",
            "key_fields": ["uri", "ordinal"],
        }
    )

    name: str = Field(description="Resource name or title")
    content: str = Field(description="Full text content (will be auto-embedded)")
    category: Optional[str] = Field(None, description="Resource category/type")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Arbitrary metadata")
    ordinal: int = Field(default=0, description="Chunk ordinal within source file")
    uri: str = Field(description="Source URI or file path")


class File(BaseModel):
    """Original file record before chunking into resources.

    Maintains parent-child relationship to chunks via edges.
    System fields (id, created_at, etc.) are added automatically.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "fully_qualified_name": "rem.system.File",
            "short_name": "file",
            "version": "1.0.0",
            "indexed_fields": ["uri", "file_type", "status"],
            "category": "system",
            "key_field": "uri",
        }
    )

    uri: str = Field(description="File URI (unique)")
    name: str = Field(description="File name (e.g., 'guide.md')")
    file_type: str = Field(description="File type (e.g., 'pdf', 'markdown', 'text')")
    size_bytes: int = Field(description="File size in bytes")
    content_hash: Optional[str] = Field(None, description="SHA256 hash of content")
    status: str = Field(
        default="pending", description="Processing status (pending, processing, completed, failed)"
    )
    chunk_count: int = Field(default=0, description="Number of chunks (resources) created")
    metadata: dict[str, Any] = Field(default_factory=dict, description="File metadata")


class Moment(BaseModel):
    """Temporal classification with time range.

    Used for narrative structure, event timelines, and temporal queries.
    System fields (id, created_at, etc.) and embeddings are added automatically.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "fully_qualified_name": "rem.system.Moment",
            "short_name": "moment",
            "version": "1.0.0",
            "indexed_fields": ["moment_type", "start_time", "end_time"],
            "category": "system",
            "embedding_fields": ["description"],
            "embedding_provider": "default",
            "key_fields": ["name", "start_time"],
        }
    )

    name: str = Field(description="Moment name or title")
    moment_type: str = Field(description="Moment type (event, period, milestone)")
    start_time: datetime = Field(description="Start timestamp")
    end_time: Optional[datetime] = Field(None, description="End timestamp (None for ongoing)")
    classifications: list[str] = Field(
        default_factory=list, description="Classification tags (e.g., 'meeting', 'sprint', 'release')"
    )
    description: Optional[str] = Field(None, description="Moment description (will be auto-embedded)")
    resource_refs: list[UUID] = Field(default_factory=list, description="Referenced resource IDs")
    entity_refs: list[UUID] = Field(default_factory=list, description="Referenced entity IDs")
    parent_moment_id: Optional[UUID] = Field(None, description="Parent moment ID (for nested time periods)")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Moment metadata")
