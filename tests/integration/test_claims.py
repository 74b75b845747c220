# SPDX-License-Identifier: MIT
"""A write that comes late, after it was sent again over another connection and newer ones since, does no harm."""

from __future__ import annotations

import pytest

from tests.support.alone import said
from tests.support.fakegpu import FakeGpu


def run(gpu: FakeGpu, *arguments: object) -> None:
    """A case of tests/support/claims.py."""
    assert said(gpu, "-m", "tests.support.claims", *arguments) == "done\n"


@pytest.mark.parametrize("verified", ["verified", "unverified"])
@pytest.mark.parametrize("case", ["write", "discard", "parts", "driver", "replaced"])
def test_what_was_sent_again_is_not_done_twice(gpu: FakeGpu, case: str, verified: str) -> None:
    run(gpu, case, gpu.folder, verified)


@pytest.mark.parametrize("case", ["retired", "crowded", "killed"])
def test_no_page_is_claimed_for_ever(gpu: FakeGpu, case: str) -> None:
    run(gpu, case, gpu.folder)


def test_a_late_write_that_is_forgotten_leaves_what_is_known_of_its_page(gpu: FakeGpu) -> None:
    run(gpu, "sums", gpu.folder)


def test_a_page_that_is_just_being_written_is_not_taken_for_a_hurt_one(gpu: FakeGpu) -> None:
    run(gpu, "changing", gpu.folder)


def test_a_page_that_is_lost_is_so_until_it_was_written(gpu: FakeGpu) -> None:
    run(gpu, "lost", gpu.folder)


def test_a_worker_that_waits_for_another_ones_copy_is_told_from_one_that_is_well(gpu: FakeGpu) -> None:
    run(gpu, "waiting", gpu.folder)


def test_claims_touch_no_memory_for_the_first_time(gpu: FakeGpu) -> None:
    run(gpu, "faults", gpu.folder, "unverified")


def test_what_a_client_sent_before_its_last_request_is_done(gpu: FakeGpu) -> None:
    run(gpu, "goodbye", gpu.folder)
