# SPDX-License-Identifier: Apache-2.0
"""A module of a package, with a relative import."""
from .base import Base


class Order(Base):
    """An order."""

    amount: float
