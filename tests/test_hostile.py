"""Some hundred hostile things; and that a fault would be seen."""

import os
import sys
from pathlib import Path
from random import Random

import pytest

from sam2ov.errors import PromptError
from tools.hostile import campaign, child, live
from tools.hostile.attacks import ATTACKS, Attack
from tools.hostile.campaign import Campaign
from tools.hostile.requests import REQUESTS as REQUEST_KINDS
from tools.hostile.seeds import Seeds, make_seeds

COUNT, REQUESTS = 261, 39


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("seeds")
    make_seeds(made)
    return made


def test_hostile_things_are_one_clear_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``HOSTILE_SEED`` draws others."""
    seed = int(os.environ.get("HOSTILE_SEED", "1"))
    done = campaign.run(folder, seed, COUNT)
    with capsys.disabled():
        print(f" [{COUNT} attacks of seed {seed}] ", end="")
    assert done.faults == [], f"python -m tools.hostile --seed {seed} --count {COUNT}"
    assert done.outcomes.total() == COUNT
    kinds = {kind for kind, _ in done.outcomes}
    assert kinds == set(ATTACKS)
    assert {outcome for _, outcome in done.outcomes} == {"read", "refused"}


def test_hostile_requests_disturb_nobody(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How long others wait is printed; that a loaded machine lets them wait is no fault here."""
    seed = int(os.environ.get("HOSTILE_SEED", "1"))
    attacked = live.run(folder, seed, REQUESTS, frozen_seconds=30.0)
    with capsys.disabled():
        print("", f" [{REQUESTS} requests of seed {seed}]", *attacked.lines(), sep="\n")
    assert attacked.done.faults == [], f"python -m tools.hostile --seed {seed} --kinds requests"
    kinds = {kind.removeprefix("request ") for kind, _ in attacked.done.outcomes}
    assert kinds == set(REQUEST_KINDS)
    assert attacked.waits.seconds["click"], "somebody has worked meanwhile"


def raising(error: BaseException) -> Attack:
    def attack(_rng: Random, _folder: Path, _given: Seeds) -> None:
        raise error

    return attack


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PromptError("There is nothing."), "refused"),
        (PromptError(""), "unclear"),
        (ValueError("invalid literal"), "ValueError"),
        (MemoryError(), "MemoryError"),
        (SystemExit(3), "SystemExit"),
    ],
)
def test_what_came_of_it_is_seen(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, outcome: str
) -> None:
    monkeypatch.setattr(child, "ATTACKS", {"one": raising(error)})
    given = Seeds((), Path(), Path())
    assert child.attack(1, 0, given, ["one"])[:2] == ("one", outcome)


def test_a_crash_and_a_hang_are_seen_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "child.py"
    script.write_text(
        "import json, os, sys, time\n"
        "first, last = map(int, sys.argv[-2:])\n"
        "for number in range(first, last):\n"
        "    print(json.dumps({'begun': number}), flush=True)\n"
        "    if number == 1: os.abort()\n"
        "    if number == 2: time.sleep(600)\n"
        "    ended = {'ended': number, 'kind': 'clip', 'outcome': 'read', 'message': ''}\n"
        "    print(json.dumps(ended), flush=True)\n"
    )
    monkeypatch.setattr(campaign, "SECONDS", 5.0)
    monkeypatch.setattr(campaign, "CHILD", (sys.executable, str(script)))
    done: Campaign = campaign.run(tmp_path, 1, 5)
    assert [(number, outcome) for number, _, outcome, _ in done.faults] == [
        (1, "crash -6"),
        (2, "hang"),
    ]
    assert done.outcomes["clip", "read"] == 3
