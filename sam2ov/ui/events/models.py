"""Choosing the model and the device while the app runs, and getting models that are not here."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from sam2ov.engine.devices import available_devices
from sam2ov.errors import ModelError, ModelNotFoundError, ServerFullError
from sam2ov.locks import Rank, new_lock
from sam2ov.progress import CancelCheck, ProgressCallback, raise_if_cancelled
from sam2ov.ui.events.background import Finish, carry_out
from sam2ov.ui.events.model_facts import facts_html, progress_html
from sam2ov.ui.events.reporting import reported
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.pool.offers import find_offer, is_demonstration, offered_models
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.opener import ProjectOpener
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.zoo.presets import PresetName, find_preset

PanelUpdate = tuple[Any, Any, Any, Any, Any, Any, Any, Any]
"""What changes on the page: snapshot, model, device, banner, facts, Get, Cancel, preset."""


def offered_devices() -> list[str]:
    """OpenVINO's devices here, and AUTO."""
    return [*available_devices(), "AUTO"]


class ModelHandlers:
    """Events of the model panel.

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
        self._lock = new_lock(Rank.LEAF)
        self._fetching: dict[str, Job] = {}  # by the session hash of the tab

    def show(self, request: gr.Request) -> PanelUpdate:
        """The panel for the model that the tab uses now; others may have got models meanwhile."""
        try:
            workspace = self._workspaces.get(str(request.session_hash))
        except ServerFullError:  # which the editor says; the panel follows when there is room
            return _only()
        return self._panel(workspace)

    def choose(
        self, model: str, device: str, preset: PresetName, request: gr.Request
    ) -> Iterator[PanelUpdate]:
        """Load a model and answer all prompts with it; the old one stays if that fails.

        A model that is not here is shown only, with what getting it takes.
        """
        workspace = self._workspaces.of(request)
        wanted = ModelChoice(model, device, find_preset(preset).name)
        offer = find_offer(model, self._started_with)
        if offer is not None and not offer.is_here:
            yield self._panel(workspace, shown=wanted)
            return
        job = Job("load", f"Loading {offer.title if offer else 'the model'}", unit="prompts")

        def work(progress: ProgressCallback, cancel: CancelCheck) -> Finish:
            # The page only offers some; a request may ask for any folder of the server.
            if offer is None:
                raise ModelNotFoundError(f"There is no model {model!r} here. Choose another one.")
            return self._answered_by(workspace, wanted, progress, cancel)

        with reported():
            for snapshot in carry_out(workspace, job, work):
                yield _only(snapshot=snapshot)
        yield self._panel(workspace)

    def get(
        self, model: str, device: str, preset: PresetName, request: gr.Request
    ) -> Iterator[PanelUpdate]:
        """Fetch and convert a model, then load it; yields while it goes on."""
        workspace = self._workspaces.of(request)
        tab = str(request.session_hash)
        wanted = ModelChoice(model, device, find_preset(preset).name)
        with reported():
            yield from self._fetched(wanted, tab)
        offer = find_offer(model, self._started_with)
        if offer is not None and offer.is_here:
            yield from self.choose(model, device, preset, request)
        else:
            yield self._panel(workspace, shown=wanted)

    def cancel(self, request: gr.Request) -> None:
        """Stop getting a model; what has arrived is kept."""
        with self._lock:
            job = self._fetching.get(str(request.session_hash))
        if job is not None:
            job.cancel()

    def _fetched(self, wanted: ModelChoice, tab: str) -> Iterator[PanelUpdate]:
        offer = find_offer(wanted.model, self._started_with)
        if offer is None:
            raise ModelNotFoundError(f"There is no model {wanted.model!r}. Choose another one.")
        if not self._workspaces.settings.downloads:
            raise ModelError("This server does not fetch models for its pages. Ask who runs it.")
        job = Job("load", f"Getting {offer.title}", unit="parts")
        with self._lock:
            under_way = self._fetching.setdefault(tab, job)
        if under_way is not job:
            raise ModelError(f"{under_way.label} is still going on. Cancel it first.")
        try:
            running = job.run(
                lambda progress, cancel: self._models.prepare(wanted, progress, cancel)
            )
            for _ in running:
                yield _only(
                    facts=progress_html(job.view()),
                    get=gr.update(visible=False),
                    stop=gr.update(visible=True, interactive=not job.cancelled),
                )
        finally:
            with self._lock:
                del self._fetching[tab]

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

    def _panel(self, workspace: Workspace, shown: ModelChoice | None = None) -> PanelUpdate:
        """The whole panel.

        Args:
            workspace: of the tab.
            shown: what the pickers show; None for what is in use.
        """
        shown = shown or workspace.choice
        offers = offered_models(self._started_with)
        offer = next((offer for offer in offers if offer.name == shown.model), None)
        may_fetch = self._workspaces.settings.downloads
        can_get = offer is not None and not offer.is_here and may_fetch
        return _only(
            model=gr.update(
                choices=[(offer.label, offer.name) for offer in offers], value=shown.model
            ),
            device=shown.device,
            preset=shown.preset,
            banner=gr.update(visible=is_demonstration(workspace.choice.model)),
            facts=facts_html(offer, shown.preset, self._models.notes(shown), may_fetch=may_fetch),
            get=gr.update(visible=can_get, value=f"Get {offer.title}" if offer else "Get"),
            stop=gr.update(visible=False),
        )


def _only(
    *,
    snapshot: Any = None,
    model: Any = None,
    device: Any = None,
    banner: Any = None,
    facts: Any = None,
    get: Any = None,
    stop: Any = None,
    preset: Any = None,
) -> PanelUpdate:
    """Change some of the panel, and leave the rest as it is."""
    skip = gr.skip()
    return (
        skip if snapshot is None else snapshot,
        skip if model is None else model,
        skip if device is None else device,
        skip if banner is None else banner,
        skip if facts is None else facts,
        skip if get is None else get,
        skip if stop is None else stop,
        skip if preset is None else preset,
    )
