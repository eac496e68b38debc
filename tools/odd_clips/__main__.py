"""Makes the clips, each with its facts as JSON beside it.

Usage, from the repository: python -m tools.odd_clips FOLDER [NAME …]

Needs ffmpeg; that of Debian 12 does. ``sam2ov probe CLIP --json`` should say the same.
"""

import argparse
from pathlib import Path

from tools.odd_clips.clips import CLIPS
from tools.odd_clips.making import make


def main() -> None:
    """Make all clips, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CLIPS))
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(CLIPS))
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or CLIPS:
        print(make(CLIPS[name], options.folder))


if __name__ == "__main__":
    main()
