"""Routes of the list of models, for whoever looks at it, and of checkpoints from the page."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sam2ov.engine.devices import available_devices
from sam2ov.errors import ModelError, ModelFolderError
from sam2ov.manifest import Manifest, read_manifest
from sam2ov.ui.contract.answers import ModelCard, ModelList, PresetCard
from sam2ov.ui.contract.told import told
from sam2ov.ui.gate.caller import caller_of
from sam2ov.ui.pool.models import ModelPool
from sam2ov.ui.pool.offers import ModelOffer, by_hand, offered_models
from sam2ov.ui.pool.speeds import Speeds
from sam2ov.ui.routes.routes import receive
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.zoo.catalogue import BUNDLED_NAME
from sam2ov.zoo.loading import size_for
from sam2ov.zoo.presets import PRESETS, Preset, find_preset
from sam2ov.zoo.quantization import NEEDS_NNCF, is_installed
from sam2ov.zoo.speed import Pace

_NO_STORE = {"Cache-Control": "no-store"}
_NOT_FOUND = "Not found."
_LONGEST_DEVICE = 100


def make_model_routes(
    workspaces: Workspaces,
    models: ModelPool,
    speeds: Speeds,
    started_with: str,
    *,
    takes_checkpoints: bool,
) -> list[BaseRoute]:
    """The routes.

    Args:
        workspaces: of all tabs.
        models: shared by all tabs.
        speeds: measured when the page asks for them.
        started_with: the model that the app was started with.
        takes_checkpoints: whether pages may upload some.
    """

    def answer(request: Request) -> Response:
        workspace = workspaces.by_upload_token(
            request.path_params["token"], caller_of(request.scope).user
        )
        if workspace is None:
            return PlainTextResponse(_NOT_FOUND, 404)
        query = request.query_params
        device = query.get("device", workspace.choice.device)
        try:
            preset = find_preset(query.get("preset", workspace.choice.preset))
        except ModelError as error:
            return PlainTextResponse(told(error), 422)
        if len(device) > _LONGEST_DEVICE:
            return PlainTextResponse("There is no such device.", 422)
        if "measure" in query:
            speeds.want(device)
        pace = speeds.pace(device)
        listed = ModelList(
            models=tuple(_card(offer, preset, pace) for offer in offered_models(started_with)),
            presets=tuple(
                PresetCard(name=known.name, description=known.description)
                for known in PRESETS.values()
            ),
            devices=offered_devices(),
            notes=models.notes(workspace.choice),
            needs=NEEDS_NNCF if preset.int8 and not is_installed() else "",
            is_measuring=pace is None and speeds.is_measuring,
            speed_problem=speeds.problem(device),
            may_fetch=workspaces.settings.downloads,
            most_bytes=workspaces.settings.checkpoint_bytes if takes_checkpoints else 0,
        )
        return Response(listed.model_dump_json(), 200, _NO_STORE, "application/json")

    async def upload(request: Request) -> Response:
        workspace = workspaces.by_upload_token(
            request.path_params["token"], caller_of(request.scope).user
        )
        if workspace is None or not takes_checkpoints:
            return PlainTextResponse(_NOT_FOUND, 404)
        most = workspaces.settings.checkpoint_bytes
        return await receive(request, workspace, most, workspace.take_checkpoint)

    return [
        Route("/media/{token}/models", answer),
        Route("/media/{token}/checkpoint", upload, methods=["PUT"]),
    ]


def offered_devices() -> tuple[str, ...]:
    """OpenVINO's devices here, and AUTO."""
    return (*available_devices(), "AUTO")


def _card(offer: ModelOffer, preset: Preset, pace: Pace | None) -> ModelCard:
    accuracy = offer.accuracy
    return ModelCard(
        name=offer.name,
        title=offer.title,
        description=offer.description,
        is_here=offer.is_here,
        licence=offer.licence,
        parameters=offer.parameters,
        download_bytes=offer.download_bytes,
        disk_bytes=offer.disk_bytes,
        sa_v_test=accuracy.sa_v_test,
        mose_val=accuracy.mose_val,
        davis_2017_val=accuracy.davis_2017_val,
        seconds=pace and pace.of_model(offer.name, offer.folder, preset.name),
        is_measured=offer.name == BUNDLED_NAME,
        by_hand="" if offer.is_here else by_hand(offer.name),
        problem=_lacking(offer, preset),
    )


def _manifest(offer: ModelOffer) -> Manifest | None:
    """Of a model that is here and whole."""
    try:
        return None if offer.folder is None else read_manifest(offer.folder)
    except ModelFolderError:  # which says so where it is used
        return None


def _lacking(offer: ModelOffer, preset: Preset) -> str:
    """Why a model folder cannot run with a preset; nothing where it can."""
    manifest = _manifest(offer)
    if manifest is None:
        return ""
    try:
        size_for(preset, manifest)
    except ModelFolderError as error:
        return told(error)
    return ""
