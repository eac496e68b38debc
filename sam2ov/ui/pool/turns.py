"""Fair turns on the model: one step at a time, shared by everybody who uses the app.

A step is an answered prompt, a tracked frame or an embedded frame. Whoever wants one more asks
again, behind those who wait already, so several clips advance frame by frame, each at the same
rate. Clicks come before tracking and tracking before what is prepared in the background; but who
has been passed over for long enough comes first, or a few quick hands would stop all tracking.

Networks of a shared model run in a turn and nowhere else; whoever holds a turn neither compiles a
model nor waits for a tab's turn (``sam2ov.locks`` has the order).
"""

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Protocol, TypeVar

from sam2ov.locks import Rank, holding, new_condition, require_order
from sam2ov.progress import CancelCheck, raise_if_cancelled

_POLL_SECONDS = 0.1
"""How soon somebody who waits notices a cancellation."""
_POLLS_BEFORE_TELLING = 4
"""How often people are told that they still wait."""

Step = TypeVar("Step")


class Urgency(IntEnum):
    """Who comes first; the value is also the order in which turns are looked for."""

    CLICK = 0
    TRACKING = 1
    BACKGROUND = 2


_PATIENCE = {Urgency.TRACKING: 4, Urgency.BACKGROUND: 16}
"""After so many turns of the more urgent in a row, one that waits comes first."""


class TrackedJob(Protocol):
    """What a run of tracking is shown as; ``sam2ov.ui.tabs.job.Job`` is one.

    ``sharing`` counts the others that track now; ``waiting`` is None for one that tracks, and for
    one that stands in the queue how many stand before it.
    """

    sharing: int
    waiting: int | None

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""

    def begin(self) -> None:
        """Its work starts now: the wait before does not count as work."""


class ModelTurns:
    """Gives out the turns.

    Args:
        max_tracking: so many runs of tracking share the model; more wait in a queue.
    """

    def __init__(self, max_tracking: int) -> None:
        self._max_tracking = max_tracking
        self._condition = new_condition(Rank.LEAF)
        self._is_taken = False
        self._waiting: dict[Urgency, deque[object]] = {urgency: deque() for urgency in Urgency}
        self._passed_over = dict.fromkeys(_PATIENCE, 0)
        self._runs: list[TrackedJob] = []  # in order of arrival; the first ones track

    @contextmanager
    def click(self, cancel: CancelCheck | None = None) -> Iterator[None]:
        """A turn for an answer that somebody waits for.

        Raises:
            CancelledError: ``cancel`` returned true before it was given.
        """
        with self._turn(Urgency.CLICK, cancel):
            yield

    @contextmanager
    def step(self, cancel: CancelCheck | None = None) -> Iterator[None]:
        """A turn for one step of longer work that somebody waits for; raises as ``click``.

        It is as urgent as a tracked frame, and needs no place in the queue.
        """
        with self._turn(Urgency.TRACKING, cancel):
            yield

    @contextmanager
    def background(self, cancel: CancelCheck | None = None) -> Iterator[None]:
        """A turn for something that may be of use later; raises as ``click``."""
        with self._turn(Urgency.BACKGROUND, cancel):
            yield

    @contextmanager
    def spare(self) -> Iterator[bool]:
        """A turn that nobody else wants; gives whether there is one now, and waits for none.

        For what is done many times in a second and is of no use later: a click waits for one such
        step at most.
        """
        require_order(Rank.MODEL_TURN, self)
        with self._condition:
            is_free = not self._is_taken and not any(self._waiting.values())
            self._is_taken = self._is_taken or is_free
        if not is_free:
            yield False
            return
        try:
            with holding(Rank.MODEL_TURN, self):
                yield True
        finally:
            self._release()

    def tracked(self, steps: Iterator[Step], job: TrackedJob) -> Generator[Step | None]:
        """Take a turn for each of ``steps``, and wait in the queue before the first if need be.

        Args:
            steps: computes when asked for the next item, and holds no lock in between.
            job: is told who shares the model and where it stands; the steps end when it is
                cancelled.

        Yields:
            The steps, each after its turn; while it stands in the queue None now and then, so
            that people can be told.
        """

        def cancelled() -> bool:
            return job.cancelled

        with self._condition:
            self._runs.append(job)
        try:
            while not self._waited(job):
                yield None
            job.begin()
            while self._take(Urgency.TRACKING, cancelled):
                try:
                    with holding(Rank.MODEL_TURN, self):
                        step = next(steps)
                except StopIteration:
                    return
                finally:
                    self._release()
                self._note(job)
                yield step
        finally:
            with self._condition:
                self._runs.remove(job)
                self._condition.notify_all()

    @property
    def tracking(self) -> int:
        """How many runs of tracking share the model now."""
        with self._condition:
            return min(len(self._runs), self._max_tracking)

    @property
    def queued(self) -> int:
        """How many runs of tracking stand in the queue."""
        with self._condition:
            return max(len(self._runs) - self._max_tracking, 0)

    def _waited(self, job: TrackedJob) -> bool:
        """Wait a moment for a place; tells whether there is one, or no need for one any more."""
        for _ in range(_POLLS_BEFORE_TELLING):
            self._note(job)
            if job.waiting is None or job.cancelled:
                return True
            with self._condition:
                self._condition.wait(_POLL_SECONDS)
        return False

    def _note(self, job: TrackedJob) -> None:
        with self._condition:
            place = self._runs.index(job)
            tracking = min(len(self._runs), self._max_tracking)
        job.waiting = None if place < self._max_tracking else place - self._max_tracking
        job.sharing = tracking - (job.waiting is None)

    @contextmanager
    def _turn(self, urgency: Urgency, cancel: CancelCheck | None) -> Iterator[None]:
        if not self._take(urgency, cancel):
            raise_if_cancelled(cancel, "Waiting for the model")
        try:
            with holding(Rank.MODEL_TURN, self):
                yield
        finally:
            self._release()

    def _take(self, urgency: Urgency, cancel: CancelCheck | None) -> bool:
        """Wait for a turn; false if cancelled before."""
        require_order(Rank.MODEL_TURN, self)
        ticket = object()
        with self._condition:
            self._waiting[urgency].append(ticket)
        try:
            while cancel is None or not cancel():  # asked under no lock
                with self._condition:
                    if not self._is_taken and self._next() is ticket:
                        self._is_taken = True
                        self._count(urgency)
                        return True
                    self._condition.wait(_POLL_SECONDS)
            return False
        finally:
            with self._condition:
                self._waiting[urgency].remove(ticket)
                self._condition.notify_all()  # another one may come first now

    def _release(self) -> None:
        with self._condition:
            self._is_taken = False
            self._condition.notify_all()

    def _next(self) -> object:
        """The ticket that comes first."""
        waiting = [urgency for urgency in Urgency if self._waiting[urgency]]
        overdue = [u for u in waiting if u in _PATIENCE and self._passed_over[u] >= _PATIENCE[u]]
        return self._waiting[(overdue or waiting)[0]][0]

    def _count(self, given: Urgency) -> None:
        """Take note of who is passed over by a turn."""
        for urgency in self._passed_over:
            if urgency is given:
                self._passed_over[urgency] = 0
            elif urgency > given and self._waiting[urgency]:
                self._passed_over[urgency] += 1
