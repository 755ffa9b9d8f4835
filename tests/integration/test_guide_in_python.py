"""The examples of the statisticians' guide are run as they are printed (E10)."""

import doctest
import re
from pathlib import Path

import pytest

from support.study_archives import write_study_archive

GUIDE = Path(__file__).parents[2] / "docs" / "statistics.md"


@pytest.mark.slow
def test_the_examples_in_python_give_what_the_guide_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = GUIDE.read_text(encoding="utf-8").split("## In Python", 1)[1].split("\n## ", 1)[0]
    examples = "\n".join(re.findall(r"```python\n(>>> .*?)```", section, re.DOTALL))
    write_study_archive(tmp_path / "archive")
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(examples, {}, GUIDE.name, str(GUIDE), 0)
    assert len(test.examples) == 11
    found: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=found.append)
    assert not found, "".join(found)
