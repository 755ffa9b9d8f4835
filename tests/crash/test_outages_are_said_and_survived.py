"""Criterion 9 in small: full and failing disks and absent databases; nothing is acknowledged that is not stored."""

import pytest

from benchmarks.durability.faults import OUTAGES, suffer_failing_calls, suffer_outages
from benchmarks.durability.rounds import EngineName

pytestmark = pytest.mark.slow


def test_outages_keep_what_was_typed_and_end_by_themselves(engine_name: EngineName) -> None:
    for suffered in suffer_outages(engine_name, OUTAGES[engine_name], n_submissions=9, seconds=0.0, workers=1):
        assert suffered.verdict.is_sound, suffered.verdict.words()
        assert suffered.verdict.n_stored == 9 * len(OUTAGES[engine_name])
        assert suffered.told["meanwhile: 503"] == suffered.n_kept == 3, suffered
        assert suffered.told["meanwhile: form 200"] == 3, suffered


@pytest.mark.parametrize(
    ("engine", "fault"), [("sqlite", "no space"), ("sqlite", "sync fails"), ("postgresql", "sync fails")]
)
def test_failing_writes_and_syncs_are_never_acknowledged(engine: EngineName, fault: str) -> None:
    suffered = suffer_failing_calls(engine, fault, n_submissions=24, workers=1)
    assert suffered.told["503"] > 0
    assert suffered.verdict.is_sound, suffered.verdict.words()
    assert suffered.verdict.n_stored == suffered.verdict.n_acknowledged == 24
