# SPDX-License-Identifier: MIT
"""What tests share. No test module imports another; they import this."""
