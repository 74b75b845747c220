# SPDX-License-Identifier: MIT
"""The engine: CUDA context, data path, and the process that has both."""
