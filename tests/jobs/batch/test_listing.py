"""Which clips folders and manifests mean."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sam2ov.errors import ExportError, PromptError
from sam2ov.jobs.batch.item import BatchItem
from sam2ov.jobs.batch.listing import Defaults, list_jobs, unique_names


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def by_name(found: tuple[BatchItem, ...]) -> dict[str, BatchItem]:
    assert len({item.name for item in found}) == len(found)
    return {item.name: item for item in found}


def test_a_folder_is_searched_to_the_bottom(tmp_path: Path, defaults: Defaults) -> None:
    touch(tmp_path, "a.mp4", "a.json", "day 1/b.MOV", "day 1/b.xml", "day 1/notes.pdf")
    touch(tmp_path, "shots/s1/0001.png", "shots/s1/0002.png", "shots/s1.json")
    touch(tmp_path, ".hidden/c.mp4", "_proxies/d.mp4", "lonely.mkv", "a.boxes.txt")
    found = by_name(list_jobs(tmp_path, defaults))
    assert set(found) == {"a", "day_1__b", "shots__s1", "lonely"}
    assert found["a"].prompts == tmp_path / "a.json"
    assert found["day_1__b"].prompts == tmp_path / "day 1/b.xml"
    assert found["shots__s1"].clip == tmp_path / "shots/s1"
    assert found["shots__s1"].prompts == tmp_path / "shots/s1.json"
    assert found["lonely"].prompts is None
    assert found["a"].boxes == tmp_path / "a.boxes.txt"
    assert found["lonely"].boxes is None
    assert found["a"].outputs == defaults.outputs


def test_prompts_for_all_come_before_those_beside(tmp_path: Path, defaults: Defaults) -> None:
    touch(tmp_path, "a.mp4", "a.json", "all.json")
    shared = replace(defaults, prompts=tmp_path / "all.json")
    assert [item.prompts for item in list_jobs(tmp_path, shared)] == [tmp_path / "all.json"]


def test_clips_of_one_name_get_folders_of_their_own(tmp_path: Path, defaults: Defaults) -> None:
    touch(tmp_path, "a.mp4", "a.mov", "A.mkv", "b.mp4")
    names = set(by_name(list_jobs(tmp_path, defaults)))
    assert len({name.casefold() for name in names}) == 4
    assert "b" in names
    assert all(name[:2] in {"a-", "A-"} for name in names - {"b"})


def test_names_do_not_depend_on_the_order() -> None:
    told = [("a", "x/a"), ("a", "y/a"), ("b", "b")]
    assert unique_names(told) == list(reversed(unique_names(told[::-1])))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "yaml", "yaml-with-key"])
def test_manifests_of_all_kinds_say_the_same(tmp_path: Path, defaults: Defaults, kind: str) -> None:
    rows = [
        {"clip": "in/a.mp4", "prompts": "p.json", "model": "sam2.1-hiera-tiny", "first": 3},
        {"clip": "/b.mp4", "name": "B", "formats": "coco overlay:crf=20", "non_overlap": True},
    ]
    path = tmp_path / f"jobs.{kind.split('-')[0]}"
    if kind == "csv":
        path.write_text(
            "clip,prompts,model,first,name,formats,non_overlap\n"
            "in/a.mp4,p.json,sam2.1-hiera-tiny,3,,,\n"
            "/b.mp4,,,,B,coco overlay:crf=20,true\n\n"
        )
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    else:
        path.write_text(json.dumps({"clips": rows} if "key" in kind else rows))
    found = by_name(list_jobs(path, defaults))
    assert set(found) == {"a", "B"}
    one, other = found["a"], found["B"]
    assert (one.clip, one.prompts) == (tmp_path / "in/a.mp4", tmp_path / "p.json")
    assert (one.settings.model, one.settings.first) == ("sam2.1-hiera-tiny", 3)
    assert one.settings.precision == "f32"
    assert one.outputs == defaults.outputs
    assert (other.clip, other.prompts) == (Path("/b.mp4"), None)
    assert [wish.format for wish in other.outputs] == ["coco", "overlay"]
    assert other.settings.non_overlap


def test_formats_may_be_mappings(tmp_path: Path, defaults: Defaults) -> None:
    path = tmp_path / "jobs.yaml"
    path.write_text("- clip: a.mp4\n  formats: [masks, {format: overlay, crf: 20}]\n")
    (item,) = list_jobs(path, defaults)
    assert item.outputs[1].values == {"crf": 20}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "prompts\np.json\n", "line 2: clip: it is missing"),
        ("a.csv", "clip,modle\na.mp4,x\n", "line 2: modle: .*A clip may have: clip, prompts"),
        ("a.csv", "clip,first\na.mp4,-1\n", "line 2: first:"),
        ("a.csv", "", "names no clip"),
        ("a.jsonl", '{"clip": "a"}\n{"clip"\n', "cannot be read"),
        ("a.jsonl", "[1]\n", "line 1: that is no clip"),
        ("a.yaml", "clips: 3\n", "no list of clips"),
        ("a.yaml", "- &a {clip: x}\n- *a\n", "anchors"),
        ("a.yaml", "- clip: [\n", "cannot be read"),
        ("a.yaml", "- clip: a.mp4\n  name: x\n- clip: b.mp4\n  name: X\n", "gives the name 'x'"),
        ("a.yaml", "- clip: a.mp4\n- clip: a.mp4\n", "names a clip twice"),
        ("a.txt", "", "neither a folder nor a manifest"),
    ],
)
def test_malformed_manifests_say_where(
    tmp_path: Path, defaults: Defaults, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(PromptError, match=said):
        list_jobs(tmp_path / name, defaults)


def test_an_unknown_format_is_said_before_anything_starts(
    tmp_path: Path, defaults: Defaults
) -> None:
    (tmp_path / "a.csv").write_text("clip,formats\na.mp4,gif\n")
    with pytest.raises(ExportError, match="no export 'gif'"):
        list_jobs(tmp_path / "a.csv", defaults)


def test_a_folder_without_clips_is_refused(tmp_path: Path, defaults: Defaults) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(PromptError, match="holds no clip"):
        list_jobs(tmp_path, defaults)
