"""Items: their outputs, and what tells that one has changed."""

import os
from pathlib import Path

import pytest

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS
from sam2ov.jobs import Output, TrackingSettings
from sam2ov.jobs.batch.item import BatchItem, OutputWish, content_digest
from sam2ov.mask_files.prompt_file import FramePrompt, ObjectPrompts, PromptFile

PROMPTS = PromptFile(
    objects=(ObjectPrompts(id=1, prompts=(FramePrompt(frame=0, box=(1, 1, 9, 9)),)),)
)


def item(clip: Path, *formats: str, **changes: object) -> BatchItem:
    values = {
        "name": "clip",
        "clip": clip,
        "prompts": clip.with_suffix(".json"),
        "outputs": tuple(OutputWish.parse(text) for text in formats or ("masks",)),
        **changes,
    }
    return BatchItem.model_validate(values)


def test_an_output_is_told_by_its_format_and_options() -> None:
    wish = OutputWish.parse("overlay:crf=30,per_object=true")
    output = wish.output(Path("a.mp4"))
    assert (output.format, output.options, output.per_object) == ("overlay", {"crf": "30"}, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "no export 'nothing'"),
        ("overlay:crf", "not FORMAT:NAME=VALUE"),
        ("overlay:crf=much", "does not take crf"),
        ("coco:speed=3", "does not take speed"),
        ("masks:first_number=often", "does not take"),
    ],
)
def test_outputs_that_there_are_not_are_refused(text: str, said: str) -> None:
    with pytest.raises(ExportError, match=said):
        OutputWish.parse(text)


def test_no_format_has_an_option_called_like_one_of_all_formats() -> None:
    shared = set(Output.model_fields) | {"format"}
    assert not [n for n, f in FORMATS.items() if shared & set(f.options.model_fields)]


def test_files_are_called_by_clip_and_format() -> None:
    job = item(Path("/a/My clip.mov"), "masks", "overlay", "overlay:crf=40").job(
        PROMPTS, (), Path("o")
    )
    names = [output.path.name for output in job.outputs]
    assert names == ["My_clip-masks", "My_clip-overlay.mp4", "My_clip-overlay-2.mp4"]


def test_the_fingerprint_is_of_contents_and_settings_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "a.mp4", tmp_path / "elsewhere" / "b.mp4"
    other.parent.mkdir()
    one.write_bytes(b"pictures")
    other.write_bytes(b"pictures")
    same = item(one).fingerprint(PROMPTS, (), "w")
    os.utime(one, (1, 1))
    assert item(one).fingerprint(PROMPTS, (), "w") == same
    assert item(one).fingerprint(PROMPTS, (), "v") != same
    assert item(one, "coco").fingerprint(PROMPTS, (), "w") != same
    changed = item(one, settings=TrackingSettings(direction="forward"))
    assert changed.fingerprint(PROMPTS, (), "w") != same
    assert item(one, keep_project=True).fingerprint(PROMPTS, (), "w") != same
    other.write_bytes(b"others")
    assert content_digest(other) != content_digest(one)


def test_sources_change_with_any_image_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(b"x")
    made = item(folder, prompts=None)
    before = made.sources()
    (folder / "1.png").write_bytes(b"xy")
    assert made.sources() != before
    with pytest.raises(OSError, match="gone"):
        item(tmp_path / "gone.mp4", prompts=None).sources()
