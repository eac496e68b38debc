"""Workers: what they may not do, how they end, and what their owner is told of it."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sam2ov.errors import CancelledError, ProjectError, PromptError
from sam2ov.progress import Progress
from sam2ov.workers import process as process_module
from sam2ov.workers import worker as worker_module
from sam2ov.workers.confinement import Confinement, expected_gaps
from sam2ov.workers.process import keep_spare_workers
from sam2ov.workers.worker import Worker, WorkerLostError, WorkerSilentError, call_in_worker
from tests.workers import misdeeds


def allowed(reads: tuple[Path, ...] = (), **others: Any) -> Confinement:
    """What is a worker's, and the code of its misdeeds."""
    return Confinement(reads=(*reads, Path(misdeeds.__file__).parents[1]), **others)


def require(what: str, worker: Worker) -> None:
    """Skip where the system does not hold workers to it."""
    if what in worker.missing:
        pytest.skip(f"this system does not hold workers to bounds of {what}")


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds workers to that")


def test_a_worker_reads_its_file_and_no_other(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.write_bytes(b"12345")
    other.write_bytes(b"secret")
    with Worker(allowed(reads=(own,))) as worker:
        assert set(expected_gaps()) <= set(worker.missing), "what people are told at the start"
        require("files", worker)
        assert worker.call(misdeeds.read, own) == 5
        for path in (other, Path("/etc/passwd"), Path.home() / ".bashrc"):
            with pytest.raises(WorkerLostError, match=r"PermissionError|FileNotFoundError"):
                worker.call(misdeeds.read, path)
        with pytest.raises(WorkerLostError, match="PermissionError"):
            worker.call(misdeeds.write, own, 1)
    assert own.read_bytes() == b"12345"


def test_a_worker_writes_in_its_folder_so_much(tmp_path: Path) -> None:
    folder = tmp_path / "its"
    folder.mkdir()
    with Worker(allowed(writes=(folder,), file_bytes=1000)) as worker:
        require("files", worker)
        assert worker.call(misdeeds.write, folder / "a", 1000) == 1000
        with pytest.raises(WorkerLostError, match="File too large"):
            worker.call(misdeeds.write, folder / "b", 100_000)
        with pytest.raises(WorkerLostError, match="PermissionError"):
            worker.call(misdeeds.write, tmp_path / "c", 1)


@on_linux
@pytest.mark.parametrize(
    "misdeed", [misdeeds.connect, misdeeds.run_program, misdeeds.fork], ids=lambda f: f.__name__
)
def test_a_worker_talks_to_nobody_and_starts_nothing(misdeed: object) -> None:
    with Worker(allowed()) as worker:
        require("network", worker)
        with pytest.raises(WorkerLostError, match=r"PermissionError|Operation not permitted"):
            worker.call(misdeed)  # type: ignore[arg-type]
        assert worker.call(misdeeds.print_much) == 7, "it is alive, and prints do no harm"


@on_linux
def test_a_worker_kills_nobody() -> None:
    with Worker(allowed()) as worker:
        require("network", worker)  # otherwise this would be the end of the tests
        with pytest.raises(WorkerLostError, match="PermissionError"):
            worker.call(misdeeds.kill, os.getpid())


@on_linux
def test_memory_is_bounded() -> None:
    with Worker(allowed(memory_bytes=1 << 30)) as worker:
        assert worker.call(misdeeds.eat, 100 << 20) == 100 << 20
        with pytest.raises(WorkerLostError, match="needs more memory than it may have"):
            worker.call(misdeeds.eat, 2 << 30)


def test_a_crash_is_told_and_is_the_worker_s_own() -> None:
    with Worker(allowed()) as worker:
        with pytest.raises(WorkerLostError, match=r"crashed \(signal 11\)"):
            worker.call(misdeeds.crash)
        assert worker.is_lost
        with pytest.raises(WorkerLostError):
            worker.call(misdeeds.print_much)


@pytest.mark.parametrize(
    "hang", [misdeeds.hang, misdeeds.hang_with_the_interpreter], ids=lambda f: f.__name__
)
def test_who_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, hang: object) -> None:
    monkeypatch.setattr(worker_module, "SILENCE_SECONDS", 0.5)
    started = time.monotonic()
    with Worker(allowed()) as worker, pytest.raises(WorkerLostError, match="no sign of life"):
        worker.call(hang)  # type: ignore[arg-type]
    assert time.monotonic() - started < 60


def test_a_call_can_be_cancelled() -> None:
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with Worker(allowed()) as worker:
        with pytest.raises(CancelledError, match="Waiting was cancelled"):
            worker.call(misdeeds.hang, cancel=cancel, stage="Waiting")
        assert worker.is_lost


def test_errors_of_ours_come_back_as_they_were() -> None:
    with Worker(allowed()) as worker:
        with pytest.raises(PromptError, match="This is what is wrong"):
            worker.call(misdeeds.fail)
        with pytest.raises(WorkerLostError, match=r"failed .*KeyError"):
            worker.call(misdeeds.stumble)


def test_answers_that_make_no_sense_are_refused() -> None:
    with Worker(allowed()) as worker, pytest.raises(WorkerLostError, match=r"sense|failed"):
        worker.call(misdeeds.lie)


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"id": [0], "is": "answer"},
        {"id": True, "is": "answer"},
        {"id": 0, "is": "something"},
        {"id": 0, "is": "progress", "progress": [1, 2]},
        {"id": 0, "is": "error", "kind": {}, "message": "x"},
        {"id": 0},
    ],
)
def test_who_says_what_is_no_message_is_ended_at_once(head: dict[str, object]) -> None:
    """Nobody waits for the time that a silent one is given."""
    with Worker(allowed()) as worker:
        with pytest.raises(WorkerLostError, match="says what makes no sense"):
            worker.call(misdeeds.say, head)
        assert worker.is_lost


def test_calls_that_were_not_begun_can_be_dropped() -> None:
    with Worker(allowed()) as worker:
        begun = [worker.begin(misdeeds.nap, 0.3), *(worker.begin(misdeeds.nap, 600) for _ in "ab")]
        last = worker.begin(misdeeds.print_much)
        for call in begun[1:]:
            call.drop()
        assert last.answer() == 7


def test_who_waits_behind_long_work_that_was_dropped_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "SILENCE_SECONDS", 4.0)
    with Worker(allowed()) as worker:
        begun = worker.begin(misdeeds.take_long, 6.0)
        while not worker.last_sign(0):
            time.sleep(0.05)
        begun.drop()
        assert worker.call(misdeeds.print_much) == 7
        assert worker._lane_of == {}
        with pytest.raises(WorkerSilentError):
            worker.call(misdeeds.hang)


def test_progress_is_told() -> None:
    told: list[Progress] = []
    with Worker(allowed()) as worker:
        assert worker.call(misdeeds.tell, progress=told.append) == "counted"
        assert worker.call(misdeeds.tell) == "counted", "also where nobody listens"
    assert [progress.done for progress in told] == [0, 1, 2]


def test_lanes_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "SILENCE_SECONDS", 30.0)
    with Worker(allowed()) as worker:
        import threading

        failed: list[BaseException] = []

        def wait() -> None:
            try:
                worker.call(misdeeds.hang, lane=1)
            except WorkerLostError as error:
                failed.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        assert worker.call(misdeeds.print_much, lane=2) == 7
        worker.close()
        thread.join(20)
        assert len(failed) == 1, "who waits is told when it is ended"


def test_one_call_in_a_worker_of_its_own() -> None:
    with pytest.raises(ProjectError, match=r"It crashed \(signal 11\)\."):
        call_in_worker(
            misdeeds.crash, allowed=allowed(), lost=lambda how: ProjectError(f"It {how}.")
        )


def test_spares_are_used_and_ended() -> None:
    keep_spare_workers(1)
    try:
        with Worker(allowed()) as worker:
            assert worker.call(misdeeds.print_much) == 7
    finally:
        keep_spare_workers(0)
    deadline = time.monotonic() + 20
    while process_module._spares._kept and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process_module._spares._kept == []


def test_a_spare_that_has_died_leaves_nothing() -> None:
    spares = process_module._Spares()
    spares._wanted, spare = 0, process_module.Process()
    spares._kept.append(spare)
    spare.popen.kill()
    spare.popen.wait(20)
    taken = spares.take()
    try:
        assert taken is not spare
        assert spare.popen.stdin is not None
        assert spare.popen.stdin.closed
    finally:
        taken.end()


def test_packages_of_another_environment_can_be_loaded_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Environments take in those of others; libraries load parts of themselves on first use."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    for path in (packages / "late.py", tmp_path / "secret.py"):
        path.write_text("x = 1\n")
    monkeypatch.setenv("PYTHONPATH", os.fspath(packages))
    with Worker(allowed()) as worker:
        assert worker.call(misdeeds.read, packages / "late.py") == 6
        if not expected_gaps():
            with pytest.raises(Exception, match="Permission denied"):
                worker.call(misdeeds.read, tmp_path / "secret.py")
