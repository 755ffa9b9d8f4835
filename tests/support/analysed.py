"""A round whose plan was run, without a process for it."""

from datetime import UTC, datetime

from survey.analysis_runs import RunRecord, run_analysis, run_of
from survey.settings import Settings
from survey.storage.releases import AnalysisRun
from survey.storage.sessions import writing
from survey.storage.stores import Stores

MARK = "a" * 32


def analyse_here(settings: Settings, stores: Stores, slug: str) -> RunRecord:
    """The results of a sealed round's plan, as its page shows them."""
    moment = datetime.now(UTC)
    with writing(stores.office) as session:
        session.add(
            AnalysisRun(
                round_slug=slug,
                mark=MARK,
                state="running",
                started_by="Nguyễn Thị Lan",
                began=moment,
                seen=moment,
                number=1,
            )
        )
    run_analysis(settings, slug, MARK)
    found = run_of(stores, slug)
    assert found is not None
    assert (found.state, found.complaint) == ("done", "")
    return found
