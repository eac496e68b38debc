"""Pixels as the browser gets them: pictures of frames, small ones on disk, masks."""
