"""Folders that never change again: written whole or not at all, with a manifest that names every file's hash.

An archive and an edition are both such folders. The manifest keeps, beside the SHA-256 of each file, a short digest of
every line of the small text files, so that a later change is named by its line and not only by its file.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from analysis.errors import AnalysisError

LINE_DIGEST_LENGTH = 16
# Line digests are worth their room only where a person would look for the line.
LARGEST_TEXT_WITH_LINES = 256 * 1024
TEXT_SUFFIXES = (".yaml", ".csv")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: where it is, what was found there and what was expected."""

    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: found {self.found}, expected {self.expected}"


def sha256_hex(content: bytes) -> str:
    """The SHA-256 of the bytes, in lower-case hex digits."""
    return hashlib.sha256(content).hexdigest()


def describe_files(files: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    """What a manifest says of each file: its SHA-256, its size in bytes and, for small texts, a digest a line."""
    described: dict[str, dict[str, object]] = {}
    for name in sorted(files):
        content = files[name]
        described[name] = {"sha256": sha256_hex(content), "bytes": len(content)}
        if name.endswith(TEXT_SUFFIXES) and len(content) <= LARGEST_TEXT_WITH_LINES:
            described[name]["lines"] = _line_digests(content)
    return described


def write_sealed_folder(path: Path, files: Mapping[str, bytes], error: type[AnalysisError]) -> None:
    """Write the files into a new folder at `path`, all or none, and wait until the disk has them.

    Raises `error` when something is at `path` already, for what is sealed is never overwritten.
    """
    if os.path.lexists(path):
        raise error(f"{path}: found something there already, expected a new folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The folder is filled beside its place and renamed, because a rename is the only step that cannot be half done.
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for name, content in files.items():
            _write_durably(draft / name, content)
        _flush_folder(draft)
        draft.chmod(0o755)
        draft.rename(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _flush_folder(path.parent)


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put the files into the folder, replacing those of the same name; no name ever shows half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    drafts: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            handle, draft = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
            os.close(handle)
            drafts.append((Path(draft), folder / name))
            _write_durably(Path(draft), content)
            Path(draft).chmod(0o644)
        for draft_path, place in drafts:
            draft_path.replace(place)
    except BaseException:
        for draft_path, _ in drafts:
            with contextlib.suppress(FileNotFoundError):
                draft_path.unlink()
        raise
    _flush_folder(folder)


def manifest_bytes(manifest: Mapping[str, object]) -> bytes:
    """The manifest as a file that people can read; its signature is over the canonical form and not over these
    bytes.
    """
    return (json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def read_manifest(path: Path, name: str, error: type[AnalysisError]) -> dict[str, object]:
    """The manifest of a sealed folder, as it stands; its hashes and signature are for the caller to check.

    Raises `error` with what was found where there is no folder, no manifest or no JSON.
    """
    if path.is_symlink() or not path.is_dir():
        raise error(f"{path}: found {_what_is_at(path)}, expected a folder with {name}")
    place = path / name
    if place.is_symlink() or not place.is_file():
        raise error(f"{place}: found {_what_is_at(place)}, expected a manifest")
    try:
        manifest = json.loads(place.read_bytes())
    except (ValueError, RecursionError) as complaint:
        raise error(f"{place}: found no JSON ({complaint}), expected a manifest") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise error(f"{place}: found JSON without `files`, expected a manifest")
    return manifest


def folder_findings(
    path: Path, manifest: Mapping[str, object], manifest_name: str, erasable: Collection[str] = ()
) -> Iterator[Finding]:
    """Everything in which the folder differs from what its manifest says of its files.

    A missing file of `erasable` is no finding. Symbolic links and files the manifest does not know are. Raises
    TypeError for a manifest that `read_manifest` did not read.
    """
    described = manifest["files"]
    if not isinstance(described, Mapping):
        raise TypeError("the manifest was not read by read_manifest")
    # The signature is over what the manifest says, and would not see a space or a key that is there twice.
    if (path / manifest_name).read_bytes() != _spelled(manifest):
        yield Finding(manifest_name, "JSON in another spelling", "the manifest as it was written")
    for entry in sorted(path.iterdir()):
        if entry.name == manifest_name:
            continue
        if entry.is_symlink():
            yield Finding(entry.name, "a symbolic link", "a file of the folder's own")
        elif entry.name not in described:
            yield Finding(entry.name, "a file that the manifest does not know", "only the manifest's files")
    for name, facts in described.items():
        place = path / name
        if Path(name).name != name or not isinstance(facts, Mapping):
            yield Finding(manifest_name, f"the file name {name!r}", "a plain name with its hash")
        elif place.is_symlink():
            continue
        elif not place.is_file():
            if name not in erasable:
                yield Finding(name, "no such file", "the file that the manifest names")
        else:
            yield from _content_findings(name, place.read_bytes(), facts)


def _spelled(manifest: Mapping[str, object]) -> bytes:
    try:
        return manifest_bytes(manifest)
    except ValueError:
        # Half a character or a NaN is nothing that was ever written.
        return b""


def _content_findings(name: str, content: bytes, facts: Mapping[str, object]) -> Iterator[Finding]:
    actual = sha256_hex(content)
    lines = facts.get("lines")
    changed = list(_changed_lines(name, content, lines)) if isinstance(lines, list) else []
    yield from changed
    if actual != facts.get("sha256"):
        yield Finding(name, f"SHA-256 {actual}", f"{facts.get('sha256')} as the manifest says")


def _changed_lines(name: str, content: bytes, expected: list[object]) -> Iterator[Finding]:
    present = content.splitlines()
    matcher = SequenceMatcher(None, expected, _line_digests(content), autojunk=False)
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        for number in range(start, max(end, start + 1)):
            text = present[number].decode(errors="replace").strip() if number < end else "no line"
            yield Finding(f"{name}, line {number + 1}", f"`{text}`", "the line as it was sealed")


def _line_digests(content: bytes) -> list[str]:
    return [hashlib.sha256(line).hexdigest()[:LINE_DIGEST_LENGTH] for line in content.splitlines()]


def _what_is_at(path: Path) -> str:
    if path.is_symlink():
        return "a symbolic link"
    if path.is_dir():
        return "a folder"
    return "a file" if path.exists() else "nothing"


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
