# SPDX-License-Identifier: MIT
"""What goes over the wires, declared once."""
