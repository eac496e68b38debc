"""Steps that can be undone, whatever they did, also after a crash."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2ov.errors import ProjectError, StorageError
from sam2ov.store.journal import Journal


def state(journal: Journal) -> dict[str, bytes]:
    return journal.documents("")


def test_documents_live_and_die(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        with journal.step("first", frame_idx=3):
            journal.put_document("a", b"1")
            journal.put_document("a", b"2")
        with journal.step("second"):
            journal.remove_document("a")
            journal.put_document("b/1", b"x")
        assert state(journal) == {"b/1": b"x"}
        assert journal.documents("b/") == {"b/1": b"x"}
        done = journal.done
        assert done is not None
        assert (done.label, done.frame_idx) == ("second", None)
        assert journal.undo().keys == {"a", "b/1"}
        assert state(journal) == {"a": b"2"}
        assert journal.undone == done
        assert journal.redo().keys == {"a", "b/1"}
        assert state(journal) == {"b/1": b"x"}
        assert not journal.redo().keys, "nothing is left to be done again"


def test_a_failed_step_has_not_happened(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        with journal.step("good"):
            journal.put_document("a", b"1")
        with pytest.raises(RuntimeError), journal.step("bad"):  # noqa: PT012 - what it wrote counts
            journal.put_document("a", b"2")
            raise RuntimeError
        assert state(journal) == {"a": b"1"}
        assert journal.undone is None
        assert journal.done is not None
        assert journal.done.label == "good"


def test_a_step_in_which_nothing_was_written_is_taken_back(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        empty = journal.begin("nothing")
        journal.conclude(empty)
        assert journal.done is None
        step = journal.begin("something")
        journal.put_document("a", b"")
        journal.conclude(step)
        assert journal.done == step


def test_concluding_leaves_what_came_meanwhile_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        first = journal.begin("first")
        second = journal.begin("second")
        journal.conclude(first)
        assert journal.done == second
    journal.conclude(second)  # closed: nothing to do


def test_the_history_survives_the_process(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        for number in range(4):
            with journal.step(f"step {number}"):
                journal.put_document("a", b"%d" % number)
        journal.undo()
    with Journal(tmp_path / "j.sqlite") as journal:
        assert state(journal) == {"a": b"2"}
        journal.redo()
        assert state(journal) == {"a": b"3"}
        for _ in range(4):
            journal.undo()
        assert state(journal) == {}


def test_forgetting_the_history_keeps_what_is_there(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        for number in range(3):
            with journal.step(f"step {number}"):
                journal.put_document("a", b"%d" % number)
        journal.undo()
        journal.copy_to(tmp_path / "copy.sqlite")
        assert journal.undone is not None, "the original keeps its history"
    with Journal(tmp_path / "copy.sqlite") as copy:
        assert state(copy) == {"a": b"1"}
        assert copy.done is None
        assert copy.undone is None
        assert not copy.undo().keys
        with copy.step("on"):
            copy.put_document("a", b"9")
        copy.undo()
        assert state(copy) == {"a": b"1"}


def test_a_copy_leaves_out_what_is_not_complete(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        with journal.step("complete"):
            journal.put_document("a", b"1")
        with journal.step("under way"):
            journal.put_document("a", b"2")
            journal.copy_to(tmp_path / "during.sqlite")
            journal.put_document("b", b"3")
        journal.copy_to(tmp_path / "after.sqlite")
        journal.begin("without an end, as tracking is")
        journal.put_document("a", b"4")
        journal.copy_to(tmp_path / "tracking.sqlite")
        assert state(journal) == {"a": b"4", "b": b"3"}
    for name, expected in {
        "during": {"a": b"1"},
        "after": {"a": b"2", "b": b"3"},
        "tracking": {"a": b"4", "b": b"3"},
    }.items():
        with Journal(tmp_path / f"{name}.sqlite") as copy:
            assert state(copy) == expected
            assert copy.done is None


def test_steps_go_on_while_a_copy_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2ov.store.database._COPIED_PAGES", 4)
    done, told = threading.Event(), threading.Event()

    def pause() -> None:
        told.set()
        assert done.wait(60), "whoever takes a step waits for the copy"

    monkeypatch.setattr("sam2ov.store.database._pause", pause)
    with Journal(tmp_path / "j.sqlite") as journal:
        with journal.step("much"):
            journal.put_document("a", bytes(1 << 18))
        with journal.step("more"):
            journal.put_document("b", bytes(1 << 18))

        def work() -> None:
            assert told.wait(60)
            journal.undo()
            with journal.step("another way"):
                journal.put_document("c", b"3")
            done.set()

        other = threading.Thread(target=work)
        other.start()
        journal.copy_to(tmp_path / "copy.sqlite")
        other.join()
        expected = state(journal)
    assert list(expected) == ["a", "c"]
    with Journal(tmp_path / "copy.sqlite") as copy:
        copy.check()
        assert state(copy) == expected


Action = tuple[str, str, int]
actions = st.lists(
    st.tuples(
        st.sampled_from(["put", "remove", "undo", "redo"]), st.sampled_from("ab"), st.integers(0, 3)
    ),
    max_size=24,
)


@settings(max_examples=60, deadline=None)
@given(actions)
def test_undo_and_redo_agree_with_a_list_of_states(
    tmp_path_factory: pytest.TempPathFactory, script: list[Action]
) -> None:
    states: list[dict[str, bytes]] = [{}]
    at = 0
    with Journal(tmp_path_factory.mktemp("j") / "j.sqlite") as journal:
        for verb, key, value in script:
            if verb == "undo":
                at = max(at - 1, 0)
                journal.undo()
            elif verb == "redo":
                at = min(at + 1, len(states) - 1)
                journal.redo()
            else:
                after = dict(states[at])
                with journal.step(verb):
                    if verb == "put":
                        after[key] = b"%d" % value
                        journal.put_document(key, after[key])
                    else:
                        after.pop(key, None)
                        journal.remove_document(key)
                states[at + 1 :] = [after]
                at += 1
            assert state(journal) == states[at]


def test_threads_write_one_after_the_other(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:

        def write(name: str) -> None:
            for number in range(50):
                journal.put_document(f"{name}/{number}", b"x")

        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(state(journal)) == 150


CRASH = """
import os, signal, sys
from pathlib import Path
from sam2ov.store.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(1000):
    with journal.step(f"step {number}"):
        journal.put_document("a", b"%d" % number)
    if number == 20:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, str(tmp_path / "j.sqlite")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    with Journal(tmp_path / "j.sqlite") as journal:
        assert state(journal) == {"a": b"20"}
        journal.undo()
        assert state(journal) == {"a": b"19"}


def test_a_damaged_head_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.execute("DELETE FROM head")
    with pytest.raises(ProjectError, match="damaged"):
        Journal(tmp_path / "j.sqlite")


def test_a_temporary_journal_goes_when_it_is_closed(tmp_path: Path) -> None:
    journal = Journal.temporary(tmp_path)
    assert list(tmp_path.rglob("*.sqlite"))
    journal.close()
    journal.close()
    assert not list(tmp_path.iterdir())


def test_a_journal_whose_file_was_deleted_goes_on_in_another(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with Journal(old / "journal.sqlite") as journal:
        journal.begin("one")
        journal.put_document("a", b"1")
        shutil.rmtree(old)
        journal.begin("two")
        journal.put_document("a", b"2")
        with pytest.raises(StorageError):
            journal.move_to(old / "journal.sqlite")
        journal.move_to(new / "journal.sqlite")
        journal.undo()
        assert journal.documents("a") == {"a": b"1"}
    with Journal(new / "journal.sqlite") as again:
        assert again.done is not None
        assert again.done.label == "one"
        again.redo()
        assert again.documents("a") == {"a": b"2"}
