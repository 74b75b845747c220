# SPDX-License-Identifier: MIT
"""What may keep VRAM swap from working on a machine, and the report of it."""
