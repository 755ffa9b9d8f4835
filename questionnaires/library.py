"""The questionnaires that come with the program, each an immutable file NAME/VERSION.yaml beside this module."""

import re
from functools import lru_cache
from importlib.resources import files

from questionnaires.errors import QuestionnaireError
from questionnaires.marked_yaml import quote
from questionnaires.model import Questionnaire
from questionnaires.reading import parse_questionnaire
from questionnaires.spelling import NAME, VERSION

REFERENCE = re.compile(rf"(?P<name>{NAME.pattern})/(?P<version>{VERSION.pattern})")


def bundled_references() -> tuple[str, ...]:
    """The references NAME/VERSION of all bundled questionnaires, by name and then by version, older ones first."""
    references = [
        f"{folder.name}/{file.name.removesuffix('.yaml')}"
        for folder in files("questionnaires").iterdir()
        if folder.is_dir() and NAME.fullmatch(folder.name)
        for file in folder.iterdir()
        if file.name.endswith(".yaml")
    ]
    return tuple(sorted(references, key=sort_key))


def sort_key(reference: str) -> tuple[str, str, tuple[int, ...]]:
    """What references are sorted by: sipas/2026.10 comes after sipas/2026.9, and the forms of a model stay together."""
    name, _, version = reference.partition("/")
    form, _, numbers = version.rpartition("-")
    return name, form, tuple(int(part) for part in numbers.split("."))


def bundled_source(reference: str) -> bytes:
    """The bytes of a bundled questionnaire's file.

    :raises QuestionnaireError: when no bundled questionnaire has this reference.
    """
    if reference not in bundled_references():
        known = ", ".join(bundled_references())
        raise QuestionnaireError(f"found no bundled questionnaire {quote(reference)}, expected one of: {known}")
    return files("questionnaires").joinpath(f"{reference}.yaml").read_bytes()


@lru_cache(maxsize=32)
def load_bundled(reference: str) -> Questionnaire:
    """The bundled questionnaire of this reference, read once.

    :raises QuestionnaireError: when no bundled questionnaire has this reference.
    """
    return parse_questionnaire(bundled_source(reference), f"{reference}.yaml")
