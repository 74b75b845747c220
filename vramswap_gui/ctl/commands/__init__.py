# SPDX-License-Identifier: MIT
"""What the commands do. Each room is imported when a command of it is given."""
