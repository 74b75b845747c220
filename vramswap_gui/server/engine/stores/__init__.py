# SPDX-License-Identifier: MIT
"""What holds the data of a segment."""
