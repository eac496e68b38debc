"""Choosing the model while the app runs, and getting models that are not here."""

import os
from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from sam2ov.errors import ModelError, ModelNotFoundError
from sam2ov.progress import CancelCheck, ProgressCallback, raise_if_cancelled
from sam2ov.ui.contract.payloads import AddModel, ChooseModel, parse
from sam2ov.ui.events.background import Finish, carry_out
from sam2ov.ui.events.reporting import reported
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.pool.offers import find_offer, title_of
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.opener import ProjectOpener
from sam2ov.ui.tabs.workspace import Getting, Workspace
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.zoo.catalogue import listed_name


class ModelHandlers:
    """Events of the models' dialog and panel; each answers with snapshots.

    Getting a model is not the tab's job: prompts and tracking go on meanwhile.

    Args:
        workspaces: of all tabs.
        models: shared by all tabs.
        opener: changes the model of a project.
        started_with: the model that the app was started with.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        models: ModelPool,
        opener: ProjectOpener,
        started_with: str,
    ) -> None:
        self._workspaces = workspaces
        self._models = models
        self._opener = opener
        self._started_with = started_with

    def use(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Load a model and answer all prompts with it; the old one stays if that fails.

        The model in use does nothing.
        """
        workspace = self._workspaces.of(request)
        wanted = None
        workspace.begin("model")
        with reported(workspace, "model"):
            wanted = _choice(parse(ChooseModel, event))
        if wanted is None or wanted == workspace.choice:
            yield _snapshot(workspace)
        else:
            yield from self._use(workspace, wanted)

    def get(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Fetch and convert a model, then use it; yields while it goes on."""
        workspace = self._workspaces.of(request)
        wanted = None
        workspace.begin("model")
        with reported(workspace, "model"):
            wanted = _choice(parse(ChooseModel, event))
            yield from self._fetched(workspace, wanted)
        offer = find_offer(wanted.model, self._started_with) if wanted else None
        if wanted is not None and offer is not None and offer.is_here:
            yield from self._use(workspace, wanted)
        else:
            yield _snapshot(workspace)

    def add(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Convert the checkpoint that was uploaded last, then use it; yields while it goes on."""
        workspace = self._workspaces.of(request)
        wanted = None
        workspace.begin("model")
        with reported(workspace, "model"):
            asked = parse(AddModel, event)
            checkpoint = workspace.checkpoint
            if checkpoint is None:
                raise ModelError("No model's file has been uploaded. Choose one first.")
            own = ModelChoice(os.fspath(checkpoint), asked.device, asked.preset, asked.memory)
            try:
                getting = Getting("", Job("load", f"Converting {checkpoint.name}", unit="parts"))
                yield from self._prepared(workspace, getting, own)
                wanted = replace(own, model=listed_name(checkpoint))
            finally:
                workspace.drop_checkpoint()
        if wanted is not None:
            yield from self._use(workspace, wanted)
        else:
            yield _snapshot(workspace)

    def cancel(self, request: gr.Request) -> str:
        """Stop getting a model; what has arrived is kept."""
        workspace = self._workspaces.of(request)
        with workspace.turn():
            if workspace.getting is not None:
                workspace.getting.job.cancel()
            return workspace.snapshot()

    def _use(self, workspace: Workspace, wanted: ModelChoice) -> Iterator[str]:
        job = Job("load", f"Loading {title_of(wanted.model)}", unit="prompts")

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            # The page only offers some; a request may ask for any folder of the server.
            offer = find_offer(wanted.model, self._started_with)
            if offer is None or not offer.is_here:
                raise ModelNotFoundError(
                    f"There is no model {wanted.model!r} here. Choose another one."
                )
            return self._answered_by(workspace, wanted, progress, cancel)

        yield from carry_out(workspace, "model", job, work)

    def _fetched(self, workspace: Workspace, wanted: ModelChoice) -> Iterator[str]:
        offer = find_offer(wanted.model, self._started_with)
        if offer is None:
            raise ModelNotFoundError(f"There is no model {wanted.model!r}. Choose another one.")
        if not self._workspaces.settings.downloads:
            raise ModelError("This server does not fetch models for its pages. Ask who runs it.")
        getting = Getting(wanted.model, Job("load", f"Getting {offer.title}", unit="parts"))
        yield from self._prepared(workspace, getting, wanted)

    def _prepared(
        self, workspace: Workspace, getting: Getting, wanted: ModelChoice
    ) -> Iterator[str]:
        with workspace.turn():
            if workspace.getting is not None:
                label = workspace.getting.job.label
                raise ModelError(f"{label} is still going on. Cancel it first.")
            workspace.getting = getting
        try:
            running = getting.job.run(
                lambda progress, cancel: self._models.prepare(wanted, progress, cancel)
            )
            for _ in running:
                yield _snapshot(workspace)
        finally:
            workspace.getting = None

    def _answered_by(
        self,
        workspace: Workspace,
        wanted: ModelChoice,
        progress: ProgressCallback,
        cancel: CancelCheck,
    ) -> Finish:
        clip = workspace.clip
        if clip is None:
            self._models.get(wanted, progress, cancel)
            raise_if_cancelled(cancel, "Loading the model")
        else:
            self._opener.change_model(clip, wanted, progress, cancel, workspace.turn)

        def finish() -> None:
            workspace.choice = wanted

        return finish


def _choice(asked: ChooseModel) -> ModelChoice:
    return ModelChoice(asked.model, asked.device, asked.preset, asked.memory)


def _snapshot(workspace: Workspace) -> str:
    with workspace.turn():
        return workspace.snapshot()
