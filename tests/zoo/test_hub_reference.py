"""References to files of the hub, which may be hostile."""

import pytest

from sam2ov.errors import ModelNotFoundError
from sam2ov.zoo.hub_reference import HubReference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "hf:me/my-sam2/best.pt",
            HubReference("me/my-sam2", "best.pt", "main", "best"),
        ),
        (
            "hf:me/my.sam2/runs/7/epoch=3-step=100.ckpt@v1.0",
            HubReference("me/my.sam2", "runs/7/epoch=3-step=100.ckpt", "v1.0", "epoch=3-step=100"),
        ),
        (
            "hf:facebook/sam2.1-hiera-tiny",
            HubReference(
                "facebook/sam2.1-hiera-tiny", "model.safetensors", "main", "sam2.1-hiera-tiny"
            ),
        ),
        ("hf:a/b@0123abc", HubReference("a/b", "model.safetensors", "0123abc", "b")),
    ],
)
def test_what_is_written_is_read(text: str, expected: HubReference) -> None:
    read = HubReference.parse(text)
    assert read == expected
    assert HubReference.parse(str(read)).file == expected.file


@pytest.mark.parametrize(
    "text",
    [
        "hf:",
        "hf:repo",
        "hf:me/repo/",
        "hf:me//repo.pt",
        "hf:../repo/x.pt",
        "hf:me/../x.pt",
        "hf:me/repo/../x.pt",
        "hf:me/repo/..",
        "hf:me/repo/.hidden.pt",
        "hf:me/repo/a/../../x.pt",
        "hf:me/repo/x.pt@../../etc",
        "hf:me/repo/x.pt@a/b",
        "hf:me/repo/x.pt@",
        "hf:me/re--po/x.pt",
        "hf:me/repo./x.pt",
        "hf:me/repo/x\\y.pt",
        "hf:me/repo/C:x.pt",
        "hf:me/repo/x.pt\n",
        "hf:me/repo/x y.pt",
        "hf:me/repo/x.pt?download=1",
        "hf:me/repo/x%2e%2e.pt",
        "hf:me/repo/ｘ.pt",
        "hf:me/repo/x.pt;rm",
        "hf:http://elsewhere/x.pt",
        "hf:me/repo/" + "/".join("abcdef") + "/x.pt",
        "hf:me/" + "r" * 96 + "/x.pt",
        "hf:me/repo/" + "x" * 300,
    ],
)
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ModelNotFoundError, match="hf:ORG/REPO/FILE") as caught:
        HubReference.parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
