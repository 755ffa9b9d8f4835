"""The tiny questionnaires of the tests: one for each behaviour, and one for each mistake."""

from functools import cache
from pathlib import Path

from questionnaires.model import Questionnaire
from questionnaires.reading import parse_questionnaire

FOLDER = Path(__file__).parents[1] / "unit" / "questionnaires"


def behaviours() -> list[str]:
    return sorted(path.stem for path in (FOLDER / "behaviours").glob("*.yaml"))


def behaviour_source(name: str) -> bytes:
    return (FOLDER / "behaviours" / f"{name}.yaml").read_bytes()


@cache
def behaviour(name: str) -> Questionnaire:
    return parse_questionnaire(behaviour_source(name), f"{name}.yaml")


def mistakes(folder: str) -> list[Path]:
    return sorted((FOLDER / folder).glob("*.yaml"))


def expected_complaints(path: Path) -> list[tuple[int, str]]:
    """The line and key of each complaint, as the file's first lines have them: `# expect LINE KEY`."""
    marks = [line.split() for line in path.read_text("utf-8").splitlines() if line.startswith("# expect ")]
    return sorted((int(line), key) for _, _, line, key in marks)
