# SPDX-License-Identifier: Apache-2.0
"""Named like a module of the standard library, and works all the same."""
from pydantic import BaseModel


class Thing(BaseModel):
    n: int
