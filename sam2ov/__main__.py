"""``python -m sam2ov`` is ``sam2ov``."""

from sam2ov.cli import main

if __name__ == "__main__":
    main()
