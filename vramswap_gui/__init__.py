# SPDX-License-Identifier: MIT
"""vramswap: an idle NVIDIA GPU's VRAM as fast swap."""

__version__ = "0.1.0"
