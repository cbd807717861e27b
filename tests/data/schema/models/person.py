# SPDX-License-Identifier: Apache-2.0
"""Models for tests/schema/test_source.c."""
from datetime import datetime
from typing import Optional
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

print("a module may print")


class Address(BaseModel):
    """Where one lives."""

    zip: str = Field(pattern="^[0-9]{5}$")


class Person(BaseModel):
    """A person in the organization."""

    model_config = ConfigDict(
        json_schema_extra={
            "fully_qualified_name": "myapp.Person",
            "short_name": "person",
            "version": "1.0.0",
            "category": "user",
            "indexed_fields": ["role"],
            "embedding_fields": ["bio"],
            "embedding_provider": "default",
            "key_field": "email",
        }
    )

    name: str = Field(description="Full name")
    email: str = Field(description="Email address")
    role: str = "engineer"
    bio: Optional[str] = Field(None, description="Biography")
    home: Optional[Address] = None
    class_: Optional[str] = Field(None, alias="class")
    born: Optional[datetime] = None
    badge: Optional[UUID] = None


class Company(BaseModel):
    class Team(BaseModel):
        size: int

    teams: list[Team]


class NotAModel:
    pass
