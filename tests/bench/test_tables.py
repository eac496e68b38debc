"""Reports in words."""

import dataclasses
import io

from rich.console import Console

from sam2ov.bench.report import BenchReport
from sam2ov.bench.tables import heading, markdown, notes, print_tables


def test_markdown(report: BenchReport) -> None:
    lines = markdown(report).splitlines()
    assert "| 1 | 2.00 | 0.500 | 0.400–0.600 | 1.00 | 10% | 60% | 1.00 GiB |" in lines
    assert "| 1, torch bf16 | 1.000 | 2.00× | 1.90–2.10 | 0.9951 | 0.9942 | 3.00 GiB |" in lines
    assert "| 1, torch FP32 | 3.000 | 6.00× | 5.50–6.50 | 0.9987 | – | – |" in lines
    assert "| 1, memory attention | 1 | 400.0 | 80% | 400.0 | 50% |" in lines
    assert "| 8 | 1.25 | 0.800 | 2.00 GiB |" in lines
    assert "| loading, compiled graphs cached | 1.5 s |" in lines
    assert "| 1, memory attention, MatMul | brgemm_avx512_bf16 | 64 | 398.5 | 99.6% |" in lines
    assert not any("Concat" in line for line in lines)
    rows = [line for line in lines if line.startswith("|")]
    for table in "\n".join("" if line not in rows else line for line in lines).split("\n\n"):
        assert len({line.count("|") for line in table.splitlines() if line}) <= 1, table


def test_what_one_has_to_know(report: BenchReport) -> None:
    assert "random weights" in heading(report)[0]
    text = " ".join(notes(report))
    assert "decoding is not counted" in text
    assert "masks are noise" in text
    assert "preset" not in text
    subject = dataclasses.replace(report.subject, preset="fast", preset_notes=("INT8 it is.",))
    fast = dataclasses.replace(report, subject=subject)
    assert "INT8 it is." in heading(fast)
    assert "The preset fast is ours alone" in " ".join(notes(fast))
    assert not any("Other programs" in line for line in heading(report))
    busy = dataclasses.replace(report, load_before=3.0)
    assert any("Other programs" in line for line in heading(busy))


def test_without_torch(report: BenchReport) -> None:
    (one,) = report.tracking
    alone = dataclasses.replace(
        report, torch_version=None, tracking=(dataclasses.replace(one, torch=()),), load_before=None
    )
    text = markdown(alone)
    assert "torch" not in text
    assert "unknown" in text


def test_terminal(report: BenchReport) -> None:
    out = io.StringIO()
    print_tables(report, Console(file=out, width=120))
    text = out.getvalue()
    assert "0.400–0.600" in text
    assert "image encoder" in text
    assert "|" not in text
