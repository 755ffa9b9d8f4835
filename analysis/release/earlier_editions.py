"""How an edition names the editions of earlier rounds that it was held against."""

from collections.abc import Mapping
from datetime import date

from analysis.release.context_rows import EarlierEdition
from questionnaires.model import Text


def earlier_to_json(one: EarlierEdition) -> dict[str, object]:
    """An earlier edition as edition.json carries it."""
    return {
        "round": one.slug,
        "title": {"vi": one.title.vi, "en": one.title.en},
        "opens_on": one.opens_on.isoformat(),
        "closes_on": one.closes_on.isoformat(),
        "number": one.number,
        "published_on": one.published_on.isoformat(),
        "manifest_sha256": one.manifest_sha256,
    }


def earlier_from_json(stored: Mapping[str, object]) -> EarlierEdition:
    """An earlier edition from edition.json; raises KeyError, TypeError or ValueError when it is not all there."""
    title = stored["title"]
    if not isinstance(title, Mapping):
        raise TypeError(f"found the title {title!r:.80}, expected one in two languages")
    return EarlierEdition(
        slug=str(stored["round"]),
        title=Text(vi=str(title["vi"]), en=str(title["en"])),
        opens_on=date.fromisoformat(str(stored["opens_on"])),
        closes_on=date.fromisoformat(str(stored["closes_on"])),
        number=int(str(stored["number"])),
        published_on=date.fromisoformat(str(stored["published_on"])),
        manifest_sha256=str(stored["manifest_sha256"]),
    )
