"""From rounds to what a frame costs, and to what it would cost at best."""

import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from sam2ov.bench.device import DeviceFacts, count_flops, profile
from sam2ov.bench.report import NetworkCost, TorchResult, TrackingResult
from sam2ov.bench.tracking import ObjectRounds, Round
from sam2ov.engine.devices import Precision
from sam2ov.engine.networks import read_graph
from sam2ov.manifest import Manifest


def tracking_results(
    runs: Sequence[ObjectRounds],
    against: Sequence[tuple[TorchResult, ...]],
    folder: Path,
    manifest: Manifest,
    device: DeviceFacts,
    profile_in: Precision | None,
) -> Iterator[TrackingResult]:
    """One result for each number of objects.

    Args:
        runs: the rounds.
        against: what torch did, in the same order.
        folder: of the model.
        manifest: of the model.
        device: what it ran on.
        profile_in: the precision to profile the networks in; None for no profile.
    """
    one = next((run.seconds_per_frame for run in runs if run.objects == 1), None)
    for run, torch in zip(runs, against, strict=True):
        seconds = run.seconds_per_frame
        networks = tuple(_network_costs(run.rounds, folder, manifest, device, profile_in))
        floor = sum(network.floor_seconds for network in networks)
        each = [done.seconds_per_frame for done in run.rounds]
        rest = [done.rest_per_frame for done in run.rounds]
        yield TrackingResult(
            objects=run.objects,
            seconds_per_frame=seconds,
            fps=1 / seconds,
            seconds_range=(min(each), max(each)),
            cost_per_object=None if one is None else seconds / run.objects / one,
            networks=networks,
            rest_seconds=statistics.median(rest),
            floor_seconds=floor,
            floor_share=floor / seconds,
            peak_memory_bytes=run.peak_memory_bytes,
            torch=torch,
        )


def _network_costs(
    rounds: Sequence[Round],
    folder: Path,
    manifest: Manifest,
    device: DeviceFacts,
    profile_in: Precision | None,
) -> Iterator[NetworkCost]:
    frames = sum(done.frames for done in rounds)
    for name, latest in rounds[-1].networks.items():
        calls = sum(done.networks[name].calls for done in rounds)
        per_frame = calls // frames
        if not per_frame:
            continue
        seconds = sum(done.networks[name].seconds for done in rounds)
        read = partial(read_graph, folder, manifest, name)
        flops = per_frame * count_flops(read(), latest.shapes)
        operations = []
        if profile_in is not None:
            operations = profile(read(), latest.shapes, device.device, profile_in)
        yield NetworkCost(
            name=name,
            calls=per_frame,
            seconds=per_frame * seconds / calls,
            flops=flops,
            floor_seconds=flops / device.gemm_flops,
            operations=tuple(operations),
        )
