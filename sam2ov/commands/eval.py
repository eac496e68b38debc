"""``sam2ov eval``: J and F of a model on annotated videos."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from sam2ov.commands.console import progress_display, say
from sam2ov.commands.model_options import (
    DEFAULT_DEVICE,
    DEFAULT_MODEL,
    CalibrateOption,
    DeviceOption,
    MemoryOption,
    ModelOption,
    PrecisionOption,
    Preset,
    PresetOption,
    check_calibration,
)
from sam2ov.commands.outputs import check_file
from sam2ov.engine.policy import PolicyName

if TYPE_CHECKING:
    from sam2ov.engine.devices import Precision
    from sam2ov.engine.tracker import Tracker
    from sam2ov.evaluation.contact_sheet import ContactSheet
    from sam2ov.evaluation.datasets import AnnotatedSequence
    from sam2ov.evaluation.scores import SequenceScores
    from sam2ov.progress import ProgressCallback


class PromptName(StrEnum):
    """See ``sam2ov.evaluation.user.PromptKind``."""

    mask = "mask"
    box = "box"
    click = "click"
    clicks3 = "clicks3"


class YearName(StrEnum):
    """The editions of DAVIS."""

    davis_2016 = "2016"
    davis_2017 = "2017"


def evaluate(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="A folder of <sequence>/frames and <sequence>/masks, or one in the layout of "
            "DAVIS or YouTube-VOS.",
            metavar="DATASET",
        ),
    ],
    prompt: Annotated[
        PromptName,
        typer.Option(
            help="What is given of each object, on the frame where it first appears. mask: all of "
            "it; box: its edges; click: its deepest point; clicks3: that, then two clicks where "
            "the answer is most wrong."
        ),
    ] = PromptName.mask,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = DEFAULT_DEVICE,
    precision: PrecisionOption = None,
    preset: PresetOption = Preset.quality,
    memory: MemoryOption = None,
    calibrate: CalibrateOption = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME…",
            help="Presets or memories to be compared in one run, as in quality,distractor-aware: "
            "differences from the first one, with 95 % confidence.",
        ),
    ] = None,
    sequence: Annotated[
        list[str] | None, typer.Option(help="Only this sequence; may be given several times.")
    ] = None,
    year: Annotated[
        YearName,
        typer.Option(help="DAVIS: which list of sequences; 2016 takes all objects as one."),
    ] = YearName.davis_2017,
    split: Annotated[str, typer.Option(help="DAVIS: which part of the list.")] = "val",
    corrections: Annotated[
        int,
        typer.Option(
            min=0,
            help="Then click on the worst frame of each object that has failed (J below 50), "
            "track again, and so on up to this many times; says what the clicks did.",
        ),
    ] = 0,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Write the scores into this file.")
    ] = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(help="Write a picture of some frames of each sequence (.jpg, .png, .webp)."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what stands at --json, --contact-sheet.")
    ] = False,
) -> None:
    """Measure a model on annotated videos: J (region), F (outline) and their mean, 0 to 100.

    As in DAVIS 2017, semi-supervised: the prompted frame and the last annotated one do not count,
    every object counts alike, and a pixel belongs to one object at most.
    """
    from sam2ov.evaluation.contact_sheet import SUFFIXES, ContactSheet
    from sam2ov.evaluation.datasets import find_sequences

    ways = _ways(compare, preset, memory)
    for way in ways:
        check_calibration(way.preset, calibrate)
    if as_json is not None:
        check_file(as_json, (".json",), overwrite=overwrite)
    if contact_sheet is not None:
        check_file(contact_sheet, SUFFIXES, overwrite=overwrite)
    sequences = find_sequences(dataset, names=sequence or [], year=year.value, split=split)
    pictures = sheet = ContactSheet() if contact_sheet is not None else None
    all_scores, all_facts = [], []
    for way in ways:
        tracker = _load(model, device, precision.value if precision else None, way, calibrate)
        with progress_display() as progress:
            scores = _evaluate(tracker, sequences, prompt, corrections, sheet, progress)
        sheet = None  # of the first one
        facts = _facts(dataset, tracker, prompt, way, scores)
        _report(scores, facts)
        all_scores.append(scores)
        all_facts.append(facts)
    facts = all_facts[0]
    if len(ways) > 1:
        facts |= {"compared": _compared(ways, all_scores, all_facts)}
    if as_json is not None:
        _write_json(as_json, facts)
    if pictures is not None and contact_sheet is not None:
        pictures.write(contact_sheet)


@dataclass(frozen=True)
class _Way:
    """How to track: a preset and a memory; None for the model's own."""

    preset: Preset
    memory: PolicyName | None

    @property
    def name(self) -> str:
        return self.memory or self.preset.value


def _ways(compare: str | None, preset: Preset, memory: PolicyName | None) -> list[_Way]:
    """What ``--compare`` names, or the one way that the other options say."""
    if compare is None:
        return [_Way(preset, memory)]
    if memory is not None:
        raise typer.BadParameter("--compare names the memories itself: leave out --memory.")
    presets, memories = {each.value for each in Preset}, set(get_args(PolicyName))
    ways = []
    for name in compare.split(","):
        if name in presets:
            ways.append(_Way(Preset(name), None))
        elif name in memories:
            ways.append(_Way(preset, cast("PolicyName", name)))
        else:
            known = ", ".join(sorted(presets | memories))
            raise typer.BadParameter(f"--compare: {name!r} is none of {known}.")
    if len(set(ways)) < 2 or len(set(ways)) < len(ways):
        raise typer.BadParameter("--compare: give two or more names, each once.")
    return ways


def _compared(
    ways: Sequence[_Way],
    scores: "list[list[SequenceScores]]",
    facts: list[dict[str, Any]],
) -> dict[str, Any]:
    """Print the differences from the first way; returns them for the results file."""
    from sam2ov.evaluation.comparison import compare as compared

    found = {}
    for way, other, told in zip(ways[1:], scores[1:], facts[1:], strict=True):
        difference = compared(scores[0], other)
        worst = sorted(difference.sequences.items(), key=lambda entry: entry[1])
        print(
            f"{way.name} less {ways[0].name}: J&F {difference.mean:+.1f} "
            f"(95 %: {difference.low:+.1f} to {difference.high:+.1f}); from "
            f"{worst[0][1]:+.1f} ({worst[0][0]}) to {worst[-1][1]:+.1f} ({worst[-1][0]})"
        )
        found[way.name] = {**told, "difference": difference.as_json()}
    return found


def _load(
    model: str,
    device: str,
    precision: "Precision | None",
    way: _Way,
    calibrate: Path | None,
) -> "Tracker":
    from sam2ov.engine.tracker import Tracker
    from sam2ov.zoo.loading import prepare_model

    with progress_display() as progress:
        prepared = prepare_model(
            model,
            device=device,
            precision=precision,
            preset=way.preset.value,
            memory=way.memory,
            calibrate=calibrate,
            progress=progress,
        )
    for note in prepared.notes:
        say(note)
    say(f"Loading {model} for {device} …")
    return Tracker(prepared.compile(device, precision))


def _evaluate(
    tracker: "Tracker",
    sequences: "list[AnnotatedSequence]",
    prompt: PromptName,
    corrections: int,
    sheet: "ContactSheet | None",
    progress: "ProgressCallback",
) -> "list[SequenceScores]":
    from sam2ov.evaluation.scoring import evaluate_sequence
    from sam2ov.progress import Progress

    total, done = sum(sequence.num_frames for sequence in sequences), 0
    scores = []
    for number, sequence in enumerate(sequences, 1):
        if sheet is not None:
            sheet.begin(sequence.name)
        stage = f"{sequence.name} ({number} of {len(sequences)})"
        scores.append(
            evaluate_sequence(
                tracker,
                sequence,
                prompt.value,
                corrections=corrections,
                on_tracked=_Tracked(progress, stage, done, sequence.num_frames, total),
                on_frame=sheet.add if sheet is not None else lambda _: None,
            )
        )
        done += sequence.num_frames
        progress(Progress(stage, done, total, "items"))
    return scores


class _Tracked:
    """Counts the frames of a sequence; tracking again after corrections takes no extra ones."""

    def __init__(
        self, progress: "ProgressCallback", stage: str, before: int, frames: int, total: int
    ) -> None:
        self._progress = progress
        self._stage, self._before, self._frames, self._total = stage, before, frames, total
        self._tracked = 0

    def __call__(self) -> None:
        from sam2ov.progress import Progress

        self._tracked += 1
        done = self._before + min(self._tracked, self._frames)
        self._progress(Progress(self._stage, done, self._total, "items"))


def _facts(
    dataset: Path,
    tracker: "Tracker",
    prompt: PromptName,
    way: _Way,
    scores: "list[SequenceScores]",
) -> dict[str, Any]:
    from sam2ov.evaluation.scores import (
        frames_per_second,
        overall,
        sequence_json,
        summarise_corrections,
    )

    corrections = summarise_corrections(scores)
    return {
        "dataset": dataset.resolve().name,
        "model": tracker.model.manifest.name,
        "device": tracker.model.device,
        "precision": tracker.model.precision,
        "preset": way.preset.value,
        "memory": way.memory or "as trained",
        "prompt": prompt.value,
        "fps": round(frames_per_second(scores), 2),
        "overall": overall(scores).as_json(),
        "sequences": {each.name: sequence_json(each) for each in scores},
        **({"corrections": asdict(corrections)} if corrections is not None else {}),
    }


def _report(scores: "list[SequenceScores]", facts: dict[str, Any]) -> None:
    from sam2ov.evaluation.scores import average, overall

    rows = [(each.name, average(each.objects), len(each.objects)) for each in scores]
    rows.append(("overall", overall(scores), sum(objects for *_, objects in rows)))
    width = max(len("SEQUENCE"), *(len(name) for name, *_ in rows))
    print(f"{'SEQUENCE':{width}}  OBJECTS     J     F   J&F")
    for name, mean, objects in rows:
        print(f"{name:{width}}  {objects:7}  {mean.j:4.1f}  {mean.f:4.1f}  {mean.j_and_f:4.1f}")
    say(
        f"Tracked {facts['fps']:.1f} frames/s with {facts['model']} on {facts['device']} "
        f"({facts['precision']}, preset {facts['preset']}, memory {facts['memory']})."
    )
    if clicks := facts.get("corrections"):
        print(
            f"corrections: {clicks['clicks']} clicks on failed frames; {clicks['raised']:.0f} % "
            f"raised the frame's J (mean {clicks['before']:.1f} to {clicks['clicked']:.1f}), "
            f"{clicks['kept']:.0f} % of these kept it after tracking again; the frames that follow "
            f"went from {clicks['following_before']:.1f} to {clicks['following_after']:.1f}."
        )


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    from sam2ov.unfinished import unfinished_file

    with unfinished_file(path) as unfinished:
        unfinished.write_text(json.dumps(facts, indent=1) + "\n")
