"""Following objects while their frames come: from a camera, a stream, or a program of one's own."""

from sam2ov.jobs.live.tracker import LiveMasks, LiveTracker

__all__ = ["LiveMasks", "LiveTracker"]
