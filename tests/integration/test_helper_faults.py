# SPDX-License-Identifier: MIT
"""What dies or fails under the helper: the helper itself, the keeper, the GPU; all real but for GPU and kernel."""

from __future__ import annotations

import os
import signal
import subprocess

from tests.demo.stack import FIRST_SIZE, Stack
from tests.support.ctl import done, engine_pid, is_left_as_before, refused, server_pid, status
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.server.supervisor import recovery


def test_a_helper_that_was_killed_takes_over_what_runs(stack: Stack) -> None:
    done(stack, "on")
    before, server = status(stack)["segments"], server_pid(stack)
    stack.kill("helper")
    assert stack.fake.devices() == [segment["device"] for segment in before]
    assert "is not installed, or cannot be started" in refused(stack, "status")
    stack.start_helper()
    now = status(stack)
    assert (now["state"], now["segments"]) == ("on", before)
    assert server_pid(stack) == server != 0
    done(stack, "off")
    is_left_as_before(stack)


def test_a_half_made_segment_is_taken_down_by_the_next_helper(stack: Stack) -> None:
    done(stack, "on")
    stack.kill("helper")
    subprocess.run(["swapoff", stack.fake.devices()[0]], env=stack.environment, check=True)
    stack.start_helper()
    assert status(stack)["state"] == "off"
    is_left_as_before(stack)


def test_a_keeper_that_died_is_replaced_and_no_page_is_lost(stack: Stack) -> None:
    done(stack, "on")
    address = f"nbd+unix:///?socket={stack.fake.devices()[0]}"
    data = os.urandom(FIRST_SIZE)
    subprocess.run(["nbdcopy", "-", address], input=data, check=True)
    for _ in range(2):
        server = server_pid(stack)
        # Zero would mean this very process group.
        assert server
        os.kill(server, signal.SIGKILL)
        wait_for(lambda old=server: server_pid(stack) not in (0, old), "another keeper")  # type: ignore[misc]
        wait_for(lambda: status(stack)["state"] == "on", "it to be on again")
        read = subprocess.run(["nbdcopy", address, "-"], stdout=subprocess.PIPE, check=True).stdout
        assert read == data
    done(stack, "off")
    assert stack.fake.devices() == []
    # What the dead server left on disk does not keep the next one from starting.
    done(stack, "on")
    assert status(stack)["state"] == "on"


def test_a_gpu_that_fails_is_reported_until_it_works_again(stack: Stack) -> None:
    done(stack, "on")
    stack.gpu["lost"] = 1
    os.kill(engine_pid(stack), signal.SIGKILL)
    wait_for(lambda: status(stack)["state"] == "failed", "the helper to see it")
    error = status(stack)["error"]
    assert error["code"] == "ServerFailed"
    assert "CUDA_ERROR_UNKNOWN" in error["message"]
    stack.gpu["lost"] = 0
    wait_for(lambda: status(stack)["state"] == "on", "the next engine")
    assert status(stack)["error"] is None
    done(stack, "off")
    is_left_as_before(stack)


def test_a_gpu_that_is_gone_is_given_up(stack: Stack) -> None:
    done(stack, "on")
    stack.gpu["no_device"] = 1
    os.kill(engine_pid(stack), signal.SIGKILL)
    wait_for(
        lambda: "is lost" in (status(stack)["error"] or {}).get("message", ""),
        "the GPU to be given up",
        PATIENCE + recovery.PATIENCE,
    )
    assert status(stack)["error"]["code"] == "NoGpu"
    assert "The GPU is gone" in refused(stack, "size", "1G")
    done(stack, "off")
    is_left_as_before(stack)
    stack.gpu["no_device"] = 0
    done(stack, "on")
    assert status(stack)["state"] == "on"
