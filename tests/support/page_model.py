# SPDX-License-Identifier: MIT
"""Pages of all kinds, as programs have them, and what a device has to hold after they were written to it."""

from __future__ import annotations

import random
import struct

from tests.support.nbd_client import PAGE, Client


class Pages:
    """Pages of all kinds, from a seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def random(self) -> bytes:
        return self.draw.randbytes(PAGE)

    def text(self) -> bytes:
        """What becomes a third or so."""
        words = [struct.pack("=Q", self.draw.getrandbits(48)) for _ in range(100)]
        return b"".join(self.draw.choices(words, k=PAGE // 8))

    def filled(self) -> bytes:
        return struct.pack("=Q", self.draw.getrandbits(self.draw.choice((1, 40, 64)))) * (PAGE // 8)

    def any(self) -> bytes:
        return self.draw.choice((self.random, self.text, self.text, self.filled))()


class Model:
    """What a part of a device has to hold."""

    def __init__(self, first: int, count: int, seed: int) -> None:
        self.range = range(first, first + count)
        self.held: dict[int, bytes] = {}
        self.pages = Pages(seed)
        self.refused = 0

    def write(self, client: Client, number: int, data: bytes) -> None:
        wanted = {number + k // PAGE: data[k : k + PAGE] for k in range(0, len(data), PAGE)}
        if client.offer(number * PAGE, data):
            self.held.update(wanted)
        else:
            self.refused += 1
            self.settle(client, wanted)

    def settle(self, client: Client, unsure: dict[int, bytes]) -> None:
        """What was asked and not done is as it was or as it was to be, each page by itself."""
        for number, wanted in unsure.items():
            found = client.read(number * PAGE)
            assert found in (self.expected(number), wanted)
            self.held[number] = found or b""

    def step(self, client: Client) -> None:
        draw = self.pages.draw
        count = draw.choice((1, 1, 1, 2, 7, 16, 128))
        number = draw.randrange(self.range.start, self.range.stop - count)
        what = draw.random()
        if what < 0.5:
            self.write(client, number, b"".join(self.pages.any() for _ in range(count)))
        elif what < 0.6:
            (client.discard if what < 0.55 else client.zero)(number * PAGE, count * PAGE)
            for k in range(number, number + count):
                self.held.pop(k, None)
        elif what < 0.65:
            # A part of a page, and of the next one.
            data = draw.randbytes(1024)
            before = bytearray(self.expected(number) + self.expected(number + 1))
            before[PAGE - 512 : PAGE + 512] = data
            if client.offer(number * PAGE + PAGE - 512, data):
                self.held[number], self.held[number + 1] = bytes(before[:PAGE]), bytes(before[PAGE:])
        elif what < 0.7:
            assert client.read(number * PAGE + 512, 1024) == self.expected(number)[512:1536]
        else:
            self.check(client, number, min(count, 16))

    def expected(self, number: int) -> bytes:
        return self.held.get(number, bytes(PAGE))

    def check(self, client: Client, number: int, count: int) -> None:
        data = client.read(number * PAGE, count * PAGE)
        assert data is not None
        for k in range(count):
            assert data[k * PAGE : (k + 1) * PAGE] == self.expected(number + k), number + k

    def check_all(self, client: Client) -> None:
        for number in range(self.range.start, self.range.stop, 32):
            self.check(client, number, 32)
