# SPDX-License-Identifier: MIT
"""Writes docs/dbus.md, the reference of the D-Bus interface, from its declaration.

Usage: reference.py [FILE].
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from vramswap_gui.api.dbus import (  # noqa: E402
    ACTION_CONFIGURE,
    ACTION_CONTROL,
    BUS_NAME,
    ERROR_PREFIX,
    HELPER,
    OBJECT_PATH,
    VERBS,
    Access,
    Verb,
)
from vramswap_gui.api.reasons import ReasonCode  # noqa: E402
from vramswap_gui.errors import ErrorCode, Problem  # noqa: E402

TARGET: Final = ROOT / "docs/dbus.md"

WHO: Final = {
    Access.PUBLIC: "everybody",
    Access.CONTROL: f"polkit's `{ACTION_CONTROL}`",
    Access.CONFIGURE: f"polkit's `{ACTION_CONFIGURE}`",
    Access.ROOT: "root",
}

HEAD: Final = f"""# The D-Bus interface

The helper is on the system bus, which starts it when somebody calls. The tray, `vramswapctl` and other programs use the
same interface:

| | |
|---|---|
| Name | `{BUS_NAME}` |
| Object | `{OBJECT_PATH}` |
| Interface | `{HELPER.name}` |

```sh
busctl call {BUS_NAME} {OBJECT_PATH} {HELPER.name} Start
busctl get-property {BUS_NAME} {OBJECT_PATH} {HELPER.name} State
```

This page is made from `vramswap_gui/api/` by `packaging/reference.py`.

## Who may what

Root may do everything, also while polkit is not there. Everybody else needs polkit's yes to an action. Of a caller that
sets the flag `ALLOW_INTERACTIVE_AUTHORIZATION` a password is asked for where the action wants one; the question is
taken back when its caller leaves the bus, and after five minutes. polkit's rules see a method's arguments, by
their names, as details of the action (`action.lookup("size")`). Reading is free.

A call of more than 64 KiB is refused with `org.freedesktop.DBus.Error.LimitsExceeded`, and so is the seventeenth that
one connection has under way.
"""


def method(verb: Verb) -> str:
    """A method's section."""
    who = "root alone" if verb.access is None else WHO[verb.access]
    command = f" Command: `vramswapctl {verb.command}`." if verb.command else ""
    takes, gives = (", ".join(f"{one.name}: {one.signature}" for one in many) for many in (verb.takes, verb.gives))
    title = f"### `{verb.name}({takes})" + (f" → ({gives})`" if gives else "`")
    lines = [title, "", verb.doc, "", f"Who may: {who}.{command}", ""]
    for argument in (*verb.takes, *verb.gives):
        lines.append(f"* `{argument.name}`: {argument.doc}")
    return "\n".join([*lines, *([""] if verb.takes or verb.gives else [])])


def reference() -> str:
    """The whole page."""
    lines = [HEAD, "## Methods", ""]
    lines += [method(verb) for verb in VERBS.values()]
    lines += [
        "## Properties",
        "",
        "Everybody may read all of them, and nobody writes any. PropertiesChanged tells of changes.",
        "",
    ]
    lines += ["| Property | Type | |", "|---|---|---|"]
    lines += [f"| `{one.name}` | `{one.signature}` | {one.doc} |" for one in HELPER.properties.values()]
    lines += ["", "## Errors", ""]
    lines += [
        f"`{ERROR_PREFIX}` with a word behind it. The text has three lines: what failed and why, what to do, and for",
        'programs `{"problem": "pages-do-not-fit", "arguments": {"used": 3221225472, …}}`.',
        "",
    ]
    lines += ["| Error | |", "|---|---|"]
    lines += [f"| `{code.value}` | {code.doc} |" for code in ErrorCode]
    lines += [
        "",
        "## Reasons and problems",
        "",
        "Whoever reads them is to read their own language, so they are codes with arguments, which tray and command",
        "line word. In the English words below an argument is `{name:kind}`. A `size` (in bytes) and a `number` have",
        "the type `x`, a `text` has `s`, and `said` is another code with arguments, `(sa{sv})`. A code that a program",
        "does not know is no reason to fail: later versions have more.",
        "",
    ]
    lines += ["| Reason | |", "|---|---|"]
    lines += [f"| `{code.value}` | {code.form} |" for code in ReasonCode]
    lines += ["", "| Problem | Error | |", "|---|---|---|"]
    lines += [
        f"| `{problem.value}` | `{problem.category.value}` | {problem.form} {problem.remedy} |"
        for problem in Problem
        if problem is not Problem.UNKNOWN
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else TARGET).write_text(reference(), encoding="utf-8")
