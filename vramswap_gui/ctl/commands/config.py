# SPDX-License-Identifier: MIT
"""The command ``config``."""

from __future__ import annotations

import argparse
import dataclasses
import textwrap

from vramswap_gui.api.status import Mode
from vramswap_gui.client import Client
from vramswap_gui.ctl.helper import helper
from vramswap_gui.ctl.output import say, say_json
from vramswap_gui.settings import EMPTY, SETTINGS, Config, Setting, Value, setting


async def config(options: argparse.Namespace) -> None:
    """``config``."""
    declared = None if options.key is None else setting(options.key)
    value = None if options.value is None or declared is None else declared.parse(options.value)
    async with helper() as client:
        if declared is not None and value is not None:
            await _change(client, declared, value)
        found = await client.get_config()
    if options.json:
        values = dataclasses.asdict(found)
        say_json(values if declared is None else values[declared.key])
    elif declared is None:
        list_all(found)
    elif value is None:
        say(_shown(declared, found))
    else:
        say(f"{declared.key} is {_shown(declared, found)} now.")


async def _change(client: Client, declared: Setting, value: Value) -> None:
    # What needs no administrator is not asked for as if it did.
    if declared.key == "mode":
        await client.set_mode(Mode(str(value)))
    elif declared.key == "size":
        await client.resize(int(value))
    else:
        await client.set_config({declared.key: value})


def list_all(config: Config) -> None:
    """Every setting, its value, and what it means."""
    width = 2 + max(map(len, SETTINGS))
    for declared in SETTINGS.values():
        head = f"{declared.key:<{width}}{_shown(declared, config):<10}  "
        say("\n".join(textwrap.wrap(head + declared.typed_help, 118, subsequent_indent=" " * (width + 12))))


def _shown(declared: Setting, config: Config) -> str:
    return declared.show(getattr(config, declared.key)) or EMPTY
