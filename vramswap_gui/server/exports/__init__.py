# SPDX-License-Identifier: MIT
"""How segments reach their users: kernel devices and sockets."""
