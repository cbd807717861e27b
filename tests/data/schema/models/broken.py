# SPDX-License-Identifier: Apache-2.0
"""Fails when imported."""
x = 1
raise ValueError("no such luck")
