# SPDX-License-Identifier: Apache-2.0
"""A schema as a Pydantic model: `db schema add person.py::Person`."""

from typing import Optional

from pydantic import BaseModel, ConfigDict, Field


class Person(BaseModel):
    """A person in the organization: who they are, what they do and which team they are on."""

    model_config = ConfigDict(
        json_schema_extra={
            "fully_qualified_name": "myapp.Person",
            "short_name": "person",
            "version": "1.0.0",
            "category": "user",
            "indexed_fields": ["role", "team"],
            "embedding_fields": ["bio"],
            "embedding_provider": "default",
            "key_field": "email",
        }
    )

    name: str = Field(description="Full name")
    email: str = Field(description="Email address")
    role: str = Field(description="Job role")
    team: str = Field(description="Team name")
    bio: Optional[str] = Field(None, description="Biography (will be embedded)")
