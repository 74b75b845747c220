# SPDX-License-Identifier: MIT
"""Codes as sentences, in the language of who reads them."""
