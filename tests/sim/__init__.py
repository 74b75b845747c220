# SPDX-License-Identifier: MIT
"""The life cycle under a simulator: the product's own state machines, with models of everything around them.

One process, a virtual clock, and a seed that chooses the order of events and the faults. After every step the
laws of docs/reliability.md are checked. ``make sim SEEDS=n`` runs n of them; a seed that breaks a law is printed with
its history.
"""
