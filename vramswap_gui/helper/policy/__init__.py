# SPDX-License-Identifier: MIT
"""What may be lent and how much of it is lent now: pure decisions, without I/O."""
