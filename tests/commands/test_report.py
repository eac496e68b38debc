"""``sam2ov report``: projects and batches to pages and numbers, and what it says of mistakes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.jobs.batch.record import RECORD_NAME, JobRecord
from sam2ov.project import Project
from sam2ov.project.archive import save_project_file
from sam2ov.project.folder import ProjectFolder
from sam2ov.store.journal import Journal
from sam2ov.video import open_video
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH
from tests.commands.conftest import Run
from tests.commands.test_export import Make, kept, make  # noqa: F401  # fixtures


def truth_of(folder: Path, clip: Path, name: str = "my clip") -> Path:
    """The square as a data set."""
    for kind in ("frames", "masks"):
        (folder / name / kind).mkdir(parents=True)
    with open_video(clip) as reader:
        for frame_idx in range(NUM_FRAMES):
            rgb = reader.read(frame_idx)
            Image.fromarray(rgb).save(folder / name / "frames" / f"{frame_idx:05}.png")
            red = (rgb[..., 0] > 180) & (rgb[..., 1] < 100)
            mask = Image.fromarray(red.astype(np.uint8) * 255)
            mask.save(folder / name / "masks" / f"{frame_idx:05}.png")
    return folder


def only_the_square(project: Project) -> None:
    project.objects.remove([2])


def test_a_project(run: Run, kept: ProjectFolder, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "report.html"
    result = run("report", kept.token, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}\n{tmp_path / 'report.json'}\n"
    assert "not calibrated for fake" in result.stderr
    html = out.read_text(encoding="utf-8")
    assert html.count("<svg") == 2
    assert "my clip.mp4" in html
    facts = json.loads((tmp_path / "report.json").read_text())
    assert (facts["frames"], facts["width"], facts["height"]) == (NUM_FRAMES, WIDTH, HEIGHT)
    assert facts["calibrated"] is None
    assert [each["name"] for each in facts["objects"]] == ["Square", "Object 2"]
    assert facts["objects"][0]["tracked"] == NUM_FRAMES
    series = facts["series"]["1"]
    assert {*series} == {
        "confidence", "absent", "area", "x", "y", "flicker", "trembling", "stability",
    }  # fmt: skip
    assert all(len(values) == NUM_FRAMES for values in series.values())
    assert series["flicker"][0] is None
    assert max(series["flicker"][2:]) < 0.2
    assert np.all(np.diff(series["x"][1:]) > 0), "the square moves to the right"


def test_true_masks(run: Run, make: Make, tmp_path: Path) -> None:  # noqa: F811
    folder = make(change=only_the_square)
    data = truth_of(tmp_path / "data", folder.clip)
    out = tmp_path / "report.html"
    result = run(
        "report", folder.token, "--out", out, "--truth", data, "--json", tmp_path / "n.json"
    )
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "n.json").read_text())
    (square,) = facts["objects"]
    assert square["j"] > 0.7
    assert square["wrong"] == 0
    assert len(facts["series"]["1"]["j"]) == NUM_FRAMES
    assert "J and F" in out.read_text()


def test_true_masks_of_another_clip(run: Run, make: Make, tmp_path: Path) -> None:  # noqa: F811
    folder = make(change=only_the_square)
    data = truth_of(tmp_path / "data", folder.clip, "one")
    truth_of(tmp_path / "data", folder.clip, "two")
    arguments = ("report", folder.token, "--out", tmp_path / "r.html", "--truth", data)
    result = run(*arguments)
    assert result.exit_code == 1
    assert "has no sequence my clip. It has: one, two." in result.stderr
    for path in sorted((data / "two").rglob("*.png")):
        path.unlink()
        path.parent.rmdir() if not any(path.parent.iterdir()) else None
    (data / "two").rmdir()
    for kind in ("frames", "masks"):
        (data / "one" / kind / f"{NUM_FRAMES - 1:05}.png").unlink()
    result = run(*arguments)
    assert f"has {NUM_FRAMES - 1} frames, the clip my clip.mp4 {NUM_FRAMES}" in result.stderr
    assert not (tmp_path / "r.html").exists()


def test_a_batch(run: Run, make: Make, tmp_path: Path) -> None:  # noqa: F811
    folder = make()
    batch = tmp_path / "batch"
    for name in ("one", "two", "broken"):
        (batch / name).mkdir(parents=True)
        record = JobRecord(
            name=f"{name}.mp4",
            clip=str(folder.clip),
            state="failed" if name == "broken" else "done",
            reason="broken.mp4 is <b>no</b> video." if name == "broken" else "",
            settings="",
            sources={},
            finished="",
            program="",
        )
        if name != "broken":
            with Journal(folder.journal) as journal:
                path = batch / name / f"{name}.sam2ov"
                save_project_file(path, folder.read_info(), journal, None)
        (batch / name / RECORD_NAME).write_text(record.text())
    (batch / "two" / "two.sam2ov").write_bytes(b"PK\x03\x04 nothing")
    out = tmp_path / "report.html"
    result = run("report", batch, "--out", out)
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "report.json").read_text())
    assert [each["name"] for each in facts["clips"]] == ["one.mp4"]
    assert facts["failed"] == [
        {"name": "broken.mp4", "folder": "broken", "reason": "broken.mp4 is <b>no</b> video."}
    ]
    (lost,) = facts["not_measured"]
    assert lost["name"] == "two.mp4"
    assert "damaged" in lost["reason"]
    html = out.read_text(encoding="utf-8")
    assert "broken.mp4 is &lt;b&gt;no&lt;/b&gt; video." in html
    assert 'href="batch/broken/"' in html
    assert html.count("<svg") == 2


def test_places_are_looked_at_first(run: Run, kept: ProjectFolder, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "report.html"
    out.touch()
    assert "is there already" in run("report", kept.token, "--out", out).stderr
    assert run("report", kept.token, "--out", tmp_path / "report.pdf").exit_code == 2
    assert "does not exist" in run("report", kept.token, "--out", tmp_path / "no" / "r.html").stderr
    assert "no longer here" in run("report", "nothing", "--out", tmp_path / "r.html").stderr
    assert run("report", kept.token, "--out", out, "--overwrite").exit_code == 0


def test_nothing_is_left_of_a_report_that_was_ended(
    run: Run,
    kept: ProjectFolder,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ended(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sam2ov.evaluation.report.page.draw_object", ended)
    result = run("report", kept.token, "--out", tmp_path / "r.html")
    assert result.exit_code == 130
    assert not list(tmp_path.glob("*r.*"))
