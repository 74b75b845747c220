# SPDX-License-Identifier: MIT
"""The tray application."""
