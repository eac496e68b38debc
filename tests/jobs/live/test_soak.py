"""The soak's short form: it measures, prompts come and go, and growth is told."""

import pytest

from tools.live_soak import Minute, growth_mb, main, soak


def minute(seconds: float, memory_mb: float) -> Minute:
    return Minute(seconds, memory_mb, 15.0, 40.0, 60.0, 900, 0)


def test_a_short_soak(capsys: pytest.CaptureFixture[str]) -> None:
    found = soak(minutes=0.1, rate=15, model="micro", stretch=2.0)
    assert found[-1].seconds >= 6
    assert all(each.memory_mb > 0 and each.latency_ms <= each.latency_95_ms for each in found)
    assert sum(each.frames for each in found) > 0
    assert capsys.readouterr().out.count("Minute(") == len(found)


def test_growth_is_counted_from_when_it_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [minute(60, 400), minute(120, 500), minute(600, 520), minute(1200, 530)]
    assert growth_mb(found) == 30
    monkeypatch.setattr("sys.argv", ["live_soak"])
    monkeypatch.setattr("tools.live_soak.soak", lambda *_: found)
    main()
    monkeypatch.setattr("tools.live_soak.soak", lambda *_: [*found, minute(1300, 600)])
    with pytest.raises(SystemExit, match="more than 50 MB"):
        main()
