# SPDX-License-Identifier: MIT
"""The tray on real desktops, by hand: ``make desktops``."""
