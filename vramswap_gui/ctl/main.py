# SPDX-License-Identifier: MIT
"""The command ``vramswapctl``: all that the tray does, without a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Final

from vramswap_gui.ctl import output, parser
from vramswap_gui.errors import VramswapError

#: Milliseconds since the start, who says it, and what.
_DEBUG: Final = "%(relativeCreated)6.0f ms %(name)s: %(message)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 refused or failed (one line on stderr), 2 usage."""
    output.prepare()
    options = parser.parse(None if arguments is None else list(arguments))
    # Loaded for what is run, and neither for --help nor for an error of usage.
    import asyncio
    import logging

    from vramswap_gui.ctl.ending import Ending

    if "debug" in options:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format=_DEBUG)
    room, _, function = parser.COMMANDS[options.command].run.partition(".")
    run: Callable[..., Awaitable[int | None]] = getattr(import_module(f"vramswap_gui.ctl.commands.{room}"), function)
    ending = Ending()
    try:
        with ending.heard():
            return asyncio.run(ending.before(run(options))) or 0
    except VramswapError as error:
        output.explain(error)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return ending.status
    except BrokenPipeError:
        # Whoever read the output has enough of it.
        return 0
    except UnicodeError:
        output.complain(
            f"A name cannot be written in this locale's encoding ({sys.getfilesystemencoding()})."
            " Try it in another: `LC_ALL=C.UTF-8 vramswapctl …`"
        )
        return 1
    except OSError as error:
        output.complain(f"{os.strerror(error.errno or 0)}{f': {error.filename}' if error.filename else ''}.")
        return 1


if __name__ == "__main__":
    sys.exit(main())
