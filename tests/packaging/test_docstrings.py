"""What is public in the statistics says what is true of it, and which errors it raises."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "analysis").rglob("*.py"))

Named = ast.FunctionDef | ast.ClassDef


def public_names(body: list[ast.stmt]) -> Iterator[Named]:
    """The classes and functions of a module or class that others may use."""
    for node in body:
        if isinstance(node, Named) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_names(node.body)


def complaints(source: str) -> list[str]:
    """What has no docstring, and what raises an error that neither its docstring nor its module's speaks of."""
    module = ast.parse(source)
    speaks = "raise" in (ast.get_docstring(module) or "").lower()
    found = []
    for node in public_names(module.body):
        text = ast.get_docstring(node)
        if text is None:
            found.append(f"{node.name} has no docstring")
        elif isinstance(node, ast.FunctionDef) and not (speaks or "raise" in text.lower() or "Error" in text):
            found += [
                f"{node.name} does not say what it raises"
                for inner in ast.walk(node)
                if isinstance(inner, ast.Raise) and inner.exc is not None
            ][:1]
    return found


def test_public_names_say_what_they_are_and_raise() -> None:
    found = {module: complaints((ROOT / module).read_text(encoding="utf-8")) for module in MODULES}
    assert {module: said for module, said in found.items() if said} == {}


def test_a_missing_word_is_found() -> None:
    assert complaints("def mean(y):\n    return y") == ["mean has no docstring"]
    assert complaints("def mean(y):\n    '''The mean.'''\n    raise ValueError(y)") == [
        "mean does not say what it raises"
    ]
