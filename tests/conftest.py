"""For every test: what it inherits, how it ends when it hangs, and which skips are expected."""

from __future__ import annotations

pytest_plugins = ("tests.support.session", "tests.support.hung", "tests.support.skips")
