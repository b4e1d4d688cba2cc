"""A chat with a server process of another project: `transformers serve` with a tiny model, in a soak."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import profiles
from tests.teachers.chat.test_local import chat_model
from workbench.teachers.chat.endpoint import EndpointChat
from workbench.teachers.chat.protocol import Message, Prompt
from workbench.teachers.endpoint.settings import ServerSettings

pytest.importorskip("fastapi", reason="transformers serve needs fastapi")
pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(profiles.PROFILE != "soak", reason="starts transformers serve, in a soak only"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("served")
    model = chat_model(folder / "tiny")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--device=cpu"]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen([*command, "--host=127.0.0.1", f"--port={port}"], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 300
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert process.poll() is None, (folder / "log.txt").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}/v1", model
        finally:
            process.terminate()
            process.wait(60)


def test_each_prompt_has_a_reply(served: tuple[str, Path]) -> None:
    url, model = served
    chat = EndpointChat(ServerSettings(url, str(model), concurrency=2, timeout=120.0))
    prompts = [Prompt((Message("user", f"Where do rivers run? {number}"),), 4, 0.0, ("0", "1")) for number in range(3)]
    replies = dict(chat.answers(prompts))
    assert set(replies) == {0, 1, 2}
    assert all(not reply.error and not reply.refused for reply in replies.values()), replies
    assert any(reply.text for reply in replies.values())
    assert chat.spent.requests >= 3
