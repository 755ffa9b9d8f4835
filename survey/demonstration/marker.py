"""What makes an instance a demonstration: a file that remembers its codes and its login."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from survey.settings import Settings


@dataclass(frozen=True, slots=True)
class DemonstrationCode:
    """An invitation to try: the unit's name, what is typed, and the path that a QR code would hold."""

    unit: str
    typed: str
    path: str


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the person who started it needs to look around: the office, the portal of one unit, three codes.

    A demonstration of a former version has no way into the portal.
    """

    login: str
    password: str
    codes: tuple[DemonstrationCode, ...]
    portal_login: str = ""
    portal_password: str = ""


def marker_path(settings: Settings) -> Path:
    """The file that makes an instance a demonstration, and remembers its codes and its login."""
    return settings.instance / "demonstration"


def found_demonstration(settings: Settings) -> Demonstration | None:
    """The demonstration that was set up whole; None when that has not been done or was cut off."""
    marker = marker_path(settings)
    if not marker.exists():
        return None
    kept = json.loads(marker.read_text(encoding="utf-8") or "{}")
    if not kept:
        return None
    codes = tuple(DemonstrationCode(**code) for code in kept["codes"])
    return Demonstration(**(kept | {"codes": codes}))


def keep_demonstration(settings: Settings, prepared: Demonstration | None) -> None:
    """Remember a demonstration; with None the instance is claimed for one that is still to be set up.

    Codes and passwords are kept nowhere else; here they are, because this instance is only a demonstration.
    """
    _write_private(marker_path(settings), {} if prepared is None else asdict(prepared))


def _write_private(path: Path, content: dict[str, object]) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream, ensure_ascii=False, indent=1)
    draft.replace(path)
