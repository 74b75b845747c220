# SPDX-License-Identifier: MIT
"""The parts that windows are made of."""
