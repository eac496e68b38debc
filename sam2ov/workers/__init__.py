"""Processes of their own for what parses bytes from outside: crashes, hangs and memory stay there.

A worker is for one file. It may read that file and Python's own, talk to nobody but the process
that has started it, and take as much memory as it is told; where the system cannot hold it to that
(``confinement``), the checks of the parsers stand alone. What it answers is JSON and pixels, never
objects of Python.
"""
