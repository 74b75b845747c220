# SPDX-License-Identifier: MIT
"""``make run``: all of vramswap from the checkout, on a bus of its own. See :mod:`tests.demo.__main__`."""
