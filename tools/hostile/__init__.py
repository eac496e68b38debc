"""Hostile files and command lines, drawn from a seed: what comes of them is one clear line.

``python -m tools.hostile --seed N --count M`` mutates small valid clips, pictures, masks, prompts,
projects, model folders and command lines, has sam2ov read them in processes with limits, and counts
what happens. Everything but a result or an error on purpose, in one printable line, is a fault.
"""
