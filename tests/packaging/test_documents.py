"""What the documents say is there is there: commands, settings, make targets, decisions."""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import click

from survey.cli import COMMANDS, hailong

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_every_command_is_documented_and_has_help():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"hailong {name}" in text, name
        command = hailong.get_command(click.Context(hailong), name)
        assert command is not None
        assert command.help, name
        if isinstance(command, click.Group):
            for child_name in command.list_commands(click.Context(command)):
                child = command.get_command(click.Context(command), child_name)
                assert child is not None
                assert f"hailong {name} {child_name}" in text, f"{name} {child_name}"
                assert child.help, f"{name} {child_name}"


def test_every_setting_is_documented():
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    source = (ROOT / "survey" / "settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r"HAILONG_[A-Z_]*[A-Z]", source))
    assert len(names) >= 6
    assert {name for name in names if name not in text} == set()


def test_make_targets_named_in_the_documents_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        for target in re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8")):
            assert target in targets, f"{document.name}: make {target}"


def test_links_between_documents_lead_somewhere():
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if "://" not in link and not link.startswith("mailto:"):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


def _anchors(document: Path) -> set[str]:
    """What the headings of a document are called in links to them: small letters and digits, dashes for blanks."""
    text = re.sub(r"(?s)```.*?```", "", document.read_text(encoding="utf-8"))
    headings = (heading.lower() for heading in re.findall(r"(?m)^#+ (.*)$", text))
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in headings}


def test_every_picture_of_the_guide_is_one_that_a_browser_test_makes():
    journeys = [ROOT / "tests" / "support" / "journeys.py", *(ROOT / "tests" / "browser").glob("test_a_*.py")]
    made = set(
        re.findall(r'picture(?:s\(|\([a-z]+, )"([a-z-]+)"', "".join(path.read_text("utf-8") for path in journeys))
    )
    shown = {path.stem for path in (ROOT / "docs" / "pictures" / "guide").glob("*.png")}
    guide = (ROOT / "docs" / "huong-dan.md").read_text(encoding="utf-8")
    assert set(re.findall(r"!\[[^\]]+\]\(pictures/guide/([a-z-]+)\.png\)", guide)) == shown
    assert shown <= made
    assert all(path.stat().st_size < 60_000 for path in (ROOT / "docs" / "pictures" / "guide").iterdir())


def test_links_to_a_part_of_a_document_find_its_heading():
    for document in DOCUMENTS:
        for page, anchor in re.findall(r"\]\(([^)#\s]*\.md)?#([^)\s]+)\)", document.read_text(encoding="utf-8")):
            target = document.parent / page if page else document
            assert anchor in _anchors(target), f"{document.relative_to(ROOT)}: {page}#{anchor}"


PATH = re.compile(
    r"(?<![\w./-])(?:survey|analysis|questionnaires|templates|migrations|tests|benchmarks|tools|deploy|docs)/"
    r"[\w./-]*\.(?:py|md|yaml|jinja|html|css|js|csv|conf|service|timer)\b"
)


def test_files_named_in_the_documents_exist():
    for document in DOCUMENTS:
        for named in PATH.findall(document.read_text(encoding="utf-8")):
            found = [place / named for place in (ROOT, document.parent)]
            assert any(path.is_file() for path in found), f"{document.relative_to(ROOT)}: {named}"


def test_decision_records_have_their_three_parts():
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert records
    for record in records:
        text = record.read_text(encoding="utf-8")
        for part in ("## Context", "## Decision", "## Consequences"):
            assert part in text, f"{record.name}: {part}"


TEXT_FILES = {".py", ".md", ".yaml", ".html", ".css", ".js", ".jinja", ".csv", ".cfg", ".toml", ".json"}


def test_text_files_are_utf8_in_composed_form():
    for path in tracked_files():
        if path.suffix in TEXT_FILES and "bad" not in path.parts:
            text = path.read_text(encoding="utf-8")
            assert unicodedata.is_normalized("NFC", text), path


def test_help_starts_without_the_heavy_libraries():
    program = (
        "import sys\nfrom survey.cli import main\nsys.argv = ['hailong', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'ibis', 'duckdb', 'pandas', 'scipy', 'statsmodels', 'weasyprint', 'pyarrow', 'flask', 'sqlalchemy'}\n"
        "loaded = sorted(heavy & set(sys.modules))\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
