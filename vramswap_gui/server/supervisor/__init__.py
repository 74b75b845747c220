# SPDX-License-Identifier: MIT
"""The keeper, which outlives every engine, and what it needs to bring one back."""
