"""Choosing the model and the device while the app runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from sam2ov.errors import ModelNotFoundError
from sam2ov.model import available_devices
from sam2ov.progress import CancelCheck, ProgressCallback, raise_if_cancelled
from sam2ov.registry import BUNDLED_NAME, list_models
from sam2ov.ui.background import Finish, carry_out
from sam2ov.ui.job import Job
from sam2ov.ui.model_pool import ModelChoice, ModelPool
from sam2ov.ui.projects import ProjectOpener
from sam2ov.ui.reporting import reported
from sam2ov.ui.workspace import Workspace
from sam2ov.ui.workspaces import Workspaces


def offered_models(started_with: str) -> list[tuple[str, str]]:
    """(label, name or folder) of the models that are here, the one the app started with too."""
    here = [entry.name for entry in list_models() if entry.path and entry.path.is_dir()]
    offered = [(name, name) for name in here]
    if started_with not in here:
        offered.append((Path(started_with).name, started_with))
    return offered


def offered_devices() -> list[str]:
    """OpenVINO's devices here, and AUTO."""
    return [*available_devices(), "AUTO"]


def is_demonstration(choice: ModelChoice) -> bool:
    """Whether people should be told that there are better models."""
    return choice.model == BUNDLED_NAME


class ModelHandlers:
    """Events of the model picker.

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

    def choose(self, model: str, device: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Load a model and answer all prompts with it; the old one stays if that fails.

        Yields:
            Snapshot, model, device, and the visibility of the demonstration banner.
        """
        workspace = self._workspaces.of(request)
        wanted = ModelChoice(model, device)
        job = Job("load", f"Loading {Path(model).name}", unit="prompts")

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            # The page only offers some; a request may ask for any folder of the server.
            if model not in (name for _, name in offered_models(self._started_with)):
                raise ModelNotFoundError(f"There is no model {model!r} here. Choose another one.")
            return self._answered_by(workspace, wanted, progress, cancel)

        unchanged = (gr.skip(), gr.skip(), gr.skip())
        with reported():
            for snapshot in carry_out(workspace, job, work):
                yield snapshot, *unchanged
        now = workspace.choice
        yield gr.skip(), now.model, now.device, gr.update(visible=is_demonstration(now))

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
            self._opener.change_model(clip, wanted, progress, cancel)

        def finish() -> None:
            workspace.choice = wanted

        return finish
