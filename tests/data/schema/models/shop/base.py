# SPDX-License-Identifier: Apache-2.0
from pydantic import BaseModel


class Base(BaseModel):
    sku: str
