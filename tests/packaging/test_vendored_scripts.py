"""Scripts of others are listed with their version and hash, ours put nothing into a page but text (criterion 22)."""

import hashlib
import json
import re
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "survey" / "web" / "static"
VENDORED = json.loads((ROOT / ".ci" / "vendored.json").read_text(encoding="utf-8"))
# Whoever's script begins so, is of others.
OF_OTHERS = re.compile(r"@license|copyright|/\*!", re.IGNORECASE)
# Ways from a text to a markup or a program, and memory that outlives the tab.
DANGEROUS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(\s*[\"'`]|srcdoc"
    r"|createContextualFragment|DOMParser|javascript:|localStorage|indexedDB|document\.cookie|__proto__|https?://(?!www\.w3\.org)"
)


def test_each_script_of_others_is_the_one_that_is_listed() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in STATIC.rglob("*.js")
        if OF_OTHERS.search(path.read_text(encoding="utf-8")[:500])
    }
    assert found == set(VENDORED)
    for name, entry in VENDORED.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == entry["sha256"], name
        assert entry["version"] in (ROOT / name).read_text(encoding="utf-8")[:500]
        assert Path(name).name in (ROOT / "NOTICE").read_text(encoding="utf-8")
        date.fromisoformat(entry["looked_at"])


def test_our_scripts_put_text_and_nothing_else_into_a_page() -> None:
    complaints = []
    for path in sorted(STATIC.rglob("*.js")):
        if str(path.relative_to(ROOT)) in VENDORED:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if DANGEROUS.search(line):
                complaints.append(f"{path.name}:{number}: {line.strip()[:100]}")
    assert complaints == []


def test_templates_switch_escaping_off_nowhere_unjudged() -> None:
    found = {}
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in (".html", ".jinja"):
            source = path.read_text(encoding="utf-8")
            count = len(re.findall(r"\|\s*safe\b|autoescape\s+false|Markup\(", source))
            if count:
                found[str(path.relative_to(ROOT))] = count
    assert found == {}
