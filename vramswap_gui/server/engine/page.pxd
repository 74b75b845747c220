# SPDX-License-Identifier: MIT

cdef enum:
    PAGE = 4096
