"""`hailong questionnaire`: what rounds ask, checked, published and compared."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from questionnaires.model import Questionnaire
    from survey.questionnaire_library import LibraryEntry


@click.group(name="questionnaire")
def command() -> None:
    """List, check, publish and compare questionnaires."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for a script.")
def list_command(as_json: bool) -> None:
    """List the published questionnaires: those that come with the program and those published here."""
    entries = _published_entries()
    if as_json:
        click.echo(json.dumps([_summary_of(entry) for entry in entries], ensure_ascii=False, indent=2))
        return
    for entry in entries:
        questionnaire = entry.questionnaire
        origin = f"published {entry.published_on}" if entry.published_on else "bundled"
        click.echo(
            f"{questionnaire.reference:<24}{origin:<22}{len(questionnaire.items):>4} items  {questionnaire.title.vi}"
            f"{_units_and_profiles(questionnaire)}"
        )


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The complaints as a JSON list, for a script.")
def check(file: Path, as_json: bool) -> None:
    """Check the questionnaire in FILE: every complaint on a line of its own, with its line and key."""
    from questionnaires.errors import QuestionnaireError
    from questionnaires.reading import parse_questionnaire

    try:
        questionnaire = parse_questionnaire(_read(file), str(file))
    except QuestionnaireError as error:
        if as_json:
            complaints = [
                {"file": one.origin, "line": one.line, "key": one.key, "message": one.message}
                for one in error.complaints
            ]
            click.echo(json.dumps({"complaints": complaints}, ensure_ascii=False, indent=2))
        else:
            for complaint in error.complaints:
                click.echo(str(complaint))
        raise
    if as_json:
        click.echo(json.dumps({"complaints": [], **_description_of(questionnaire)}, ensure_ascii=False, indent=2))
    else:
        click.echo(
            f"{file}: {questionnaire.reference} is fine; sections: {len(questionnaire.sections)}, "
            f"items: {len(questionnaire.items)}, criteria: {_n_criteria(questionnaire)}"
            f"{_units_and_profiles(questionnaire)}, sha256 {questionnaire.content_hash}"
        )


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
def publish(file: Path) -> None:
    """Publish the questionnaire in FILE for good: from then on, another text needs another version."""
    from survey.cli.instance import opened
    from survey.questionnaire_library import publish_questionnaire
    from survey.services import today

    source = _read(file)
    with opened() as (_, stores):
        questionnaire = publish_questionnaire(stores, source, str(file), today())
    click.echo(f"{questionnaire.reference} is published, sha256 {questionnaire.content_hash}")


@command.command()
@click.argument("a")
@click.argument("b")
@click.option("--json", "as_json", is_flag=True, help="The differences as JSON, for a script.")
def diff(a: str, b: str, as_json: bool) -> None:
    """Compare two versions, each NAME/VERSION or a file: what breaks a trend is marked with an exclamation mark."""
    from questionnaires.compatibility import comparability_note, compare

    differences = compare(_find(a), _find(b))
    note = comparability_note(differences)
    if as_json:
        found = [
            {
                "key": one.key,
                "kind": one.kind,
                "breaks_trend": one.breaks_trend,
                "before": one.before,
                "after": one.after,
            }
            for one in differences
        ]
        answer = {"differences": found, "note": {"vi": note.vi, "en": note.en}}
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for one in differences:
        click.echo(
            f"{'!' if one.breaks_trend else ' '} {one.kind:<22}{one.key}: {one.before or '–'} → {one.after or '–'}"
        )
    click.echo(note.en)


def _published_entries() -> "tuple[LibraryEntry, ...]":
    from survey.cli.instance import opened
    from survey.errors import WrongState
    from survey.questionnaire_library import list_bundled, list_published

    try:
        with opened() as (_, stores):
            return list_published(stores)
    except WrongState as empty:
        # The bundled ones can be looked at before anything is set up.
        click.echo(f"hailong: only bundled questionnaires are listed: {empty}", err=True)
        return list_bundled()


def _find(reference_or_file: str) -> "Questionnaire":
    from questionnaires.library import REFERENCE, bundled_references, load_bundled
    from questionnaires.reading import parse_questionnaire
    from survey.cli.instance import opened
    from survey.questionnaire_library import find_questionnaire

    path = Path(reference_or_file)
    if not REFERENCE.fullmatch(reference_or_file) or path.is_file():
        return parse_questionnaire(_read(path), reference_or_file)
    if reference_or_file in bundled_references():
        return load_bundled(reference_or_file)
    with opened() as (_, stores):
        return find_questionnaire(stores, reference_or_file)


def _read(file: Path) -> bytes:
    from questionnaires.marked_yaml import LARGEST_FILE
    from survey.errors import BadInput

    try:
        with file.open("rb") as opened_file:
            # One byte more than is allowed is enough for the reader to refuse the file.
            return opened_file.read(LARGEST_FILE + 1)
    except OSError as problem:
        raise BadInput(
            f"found no readable file {file} ({problem.strerror}), expected a questionnaire in YAML"
        ) from None


def _summary_of(entry: "LibraryEntry") -> dict[str, object]:
    day = entry.published_on
    return {**_description_of(entry.questionnaire), "published_on": day.isoformat() if day else None}


def _description_of(questionnaire: "Questionnaire") -> dict[str, object]:
    return {
        "reference": questionnaire.reference,
        "title": {"vi": questionnaire.title.vi, "en": questionnaire.title.en},
        "sections": len(questionnaire.sections),
        "items": len(questionnaire.items),
        "criteria": _n_criteria(questionnaire),
        "most_units": questionnaire.most_units,
        "profiles": [
            {
                "name": profile.name,
                "formula": profile.formula,
                "points": profile.points,
                "hard_data": profile.uses_hard,
                "confirmed": profile.confirmed,
                "is_default": profile.name == questionnaire.default_profile,
            }
            for profile in questionnaire.profiles
        ],
        "sha256": questionnaire.content_hash,
    }


def _n_criteria(questionnaire: "Questionnaire") -> int:
    return sum(node.kind == "criterion" for node in questionnaire.nodes())


def _units_and_profiles(questionnaire: "Questionnaire") -> str:
    """How many units a form rates, where that is more than one, and the profiles, the default one first."""
    said = f", up to {questionnaire.most_units} units a form" if questionnaire.rates_several_units else ""
    names = [profile.name for profile in questionnaire.profiles if profile.name != questionnaire.default_profile]
    if questionnaire.default_profile:
        said += f", profiles: {', '.join([f'{questionnaire.default_profile} (default)', *names])}"
    return said
