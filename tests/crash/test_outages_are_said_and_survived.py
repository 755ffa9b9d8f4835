"""Criterion 9 in small: full and failing disks and absent databases; nothing is acknowledged that is not stored."""

import pytest

from benchmarks.durability.faults import FAULTS, OUTAGES, suffer_failing_calls, suffer_outage
from benchmarks.durability.rounds import ENGINES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("engine", "outage"), [(engine, outage) for engine in ENGINES for outage in OUTAGES[engine]])
def test_an_outage_keeps_what_was_typed_and_ends_by_itself(engine: str, outage: str) -> None:
    suffered = suffer_outage(engine, outage, n_submissions=9, seconds=0.0)  # type: ignore[arg-type]
    assert suffered.verdict.is_sound, suffered.verdict.words()
    assert suffered.verdict.n_stored == 9
    assert suffered.told["meanwhile: 503"] == suffered.n_kept == 3
    assert suffered.told["meanwhile: form 200"] == 3


@pytest.mark.parametrize(("engine", "fault"), [(engine, fault) for engine in ENGINES for fault in FAULTS[engine]])
def test_failing_writes_and_syncs_are_never_acknowledged(engine: str, fault: str) -> None:
    suffered = suffer_failing_calls(engine, fault, n_submissions=24)  # type: ignore[arg-type]
    assert suffered.told["503"] > 0
    assert suffered.verdict.is_sound, suffered.verdict.words()
    assert suffered.verdict.n_stored == suffered.verdict.n_acknowledged == 24
