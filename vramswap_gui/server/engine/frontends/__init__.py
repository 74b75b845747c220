# SPDX-License-Identifier: MIT
"""What brings requests."""
