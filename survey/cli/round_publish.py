"""`hailong round publish`: the next edition of a sealed round, printed, signed and recorded."""

import json
from pathlib import Path

import click

from survey.cli.options import LANGUAGES, next_edition_options
from survey.cli.printing_progress import report, tell_progress


@click.command()
@click.argument("slug")
@next_edition_options
def publish(
    slug: str,
    reason: str | None,
    workers: int | None,
    language: str,
    passphrase_file: Path | None,
    hard_data: Path | None,
    as_json: bool,
) -> None:
    """Publish SLUG: compute the edition, print its scorecards and leagues, sign it and record it.

    Where the round's plan asks for a preview, what is published is that preview, when nothing stands in its way.
    """
    from survey.analysing import read_hard_data
    from survey.cli.instance import opened
    from survey.errors import BadInput
    from survey.publishing import publish_round, release_plan_of
    from survey.releasing import publish_preview
    from survey.round_records import find_round
    from survey.services import instance_vault, today

    figures = read_hard_data(hard_data)
    with opened() as (settings, stores):
        if release_plan_of(find_round(stores, slug)).needs_preview:
            if figures is not None or reason is not None:
                raise BadInput(
                    f"the round {slug} is published as its preview was prepared; found --hard-data or --reason, which "
                    "belong to `hailong round preview`"
                )
            published = publish_preview(stores, settings, slug, today())
            _tell(slug, published.number, published.manifest_hash, as_json=as_json)
            return
        vault = instance_vault(settings, passphrase_file)
        made = publish_round(
            stores,
            vault,
            settings,
            slug,
            today(),
            reason=reason,
            hard_data=figures,
            languages=LANGUAGES[language],
            workers=workers,
            progress=tell_progress,
        )
    report(made, as_json=as_json)


def _tell(slug: str, number: int, manifest_sha256: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"round": slug, "edition": number, "manifest_sha256": manifest_sha256}, indent=2))
        return
    click.echo(f"edition {number} of {slug} is published")
    click.echo(f"manifest sha256 {manifest_sha256}")
