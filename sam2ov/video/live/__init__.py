"""Pictures that are still coming: from cameras, streams, standard input, or any iterator."""

from sam2ov.video.live.capture import Capture
from sam2ov.video.live.inputs import LiveInput, parse_input
from sam2ov.video.live.source import LiveFrame, LiveSource

__all__ = ["Capture", "LiveFrame", "LiveInput", "LiveSource", "parse_input"]
