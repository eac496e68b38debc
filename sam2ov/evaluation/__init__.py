"""Measuring a model on annotated videos, as video object segmentation is scored.

One concept a file: ``metrics`` (J and F), ``datasets`` (which folders are understood), ``user``
(simulated prompts), ``scoring`` (one sequence), ``corrections`` (do clicks help?), ``scores``
(averages, and what is written), ``contact_sheet`` (pictures to look at).
"""
