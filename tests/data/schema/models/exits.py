# SPDX-License-Identifier: Apache-2.0
"""Ends the process without an answer."""
import os
import sys

sys.stderr.write("first\nthe end of it\n")
sys.stderr.flush()
os._exit(3)
