# SPDX-License-Identifier: MIT
"""A load generator for NBD servers and what `vramswapctl bench` makes of it. It never touches live swap."""
