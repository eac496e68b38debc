"""Clips that are odd in one way each, made with ffmpeg, with what is true of them beside them."""
