# SPDX-License-Identifier: MIT
"""Stands in for polkitd where nobody may start it, on a private bus alone: every question is answered with yes."""

from __future__ import annotations

import asyncio

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import BusType, MessageType
from dbus_next.message import Message

NAME = "org.freedesktop.PolicyKit1"


def answer(message: Message) -> Message | bool:
    """The reply to ``CheckAuthorization``; False leaves other messages to the bus library."""
    if message.message_type is not MessageType.METHOD_CALL or message.member != "CheckAuthorization":
        return False
    return Message.new_method_return(message, "(bba{ss})", [[True, False, {}]])


async def main() -> None:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    bus.add_message_handler(answer)
    await bus.request_name(NAME)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
