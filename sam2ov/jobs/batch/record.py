"""What is written down of each clip of a batch: ``job.json`` beside its results."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

RECORD_NAME: Final = "job.json"
MAX_RECORD_BYTES: Final = 8 << 20


class JobRecord(BaseModel):
    """How a clip went.

    Attributes:
        version: of this form.
        name: of the clip among the results.
        clip: its path.
        state: whether its results are there.
        reason: why not, for people; empty where they are.
        fingerprint: of contents and settings; empty where it failed before they were known.
        settings: digest of the settings alone.
        weights: what tells the model and its preset apart.
        sources: size and time of the clip and of all files that its prompts are in, by path; while
            they stay, their contents are not read again.
        outputs: names in the clip's folder.
        outcome: ``ClipOutcome``, where the clip was tracked.
        seconds: that it took altogether.
        finished: when, ISO 8601, UTC.
        program: the version of sam2ov.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    name: str
    clip: str
    state: Literal["done", "failed"]
    reason: str = ""
    fingerprint: str = ""
    settings: str
    weights: str = ""
    sources: dict[str, str]
    outputs: tuple[str, ...] = ()
    outcome: dict[str, Any] | None = None
    seconds: float = 0.0
    finished: str
    program: str

    def text(self) -> str:
        """As it is written."""
        return self.model_dump_json(indent=1) + "\n"


def parse_record(content: bytes) -> JobRecord | None:
    """Read a record back; None for what is none, so that its clip is tracked again."""
    try:
        return JobRecord.model_validate_json(content)
    except ValidationError:
        return None
