"""Masks from elsewhere as prompts: COCO, SA-V, CVAT, DAVIS, MOTS, and PNGs of single objects."""
