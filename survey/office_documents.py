"""The documents of an edition that an office can write on in: leagues and the method annex as .docx."""

from collections.abc import Iterator, Sequence
from functools import partial

from analysis.release.edition import Edition
from analysis.scorecards.annex import compose_annex
from analysis.scorecards.cards import League
from analysis.scorecards.content import Composer, is_equally_weighted
from analysis.scorecards.html import Writer
from analysis.scorecards.league_factors import league_factors
from survey.printing import bundled_fonts, make_writer
from survey.texts import interval, number, percent

FONT = "BeVietnamPro-Regular.ttf"
METHOD = "method"


def office_documents(composer: Composer, languages: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The name and the bytes of each document: `league-<bloc>.docx` and `method.docx`; English beside Vietnamese is
    `<name>.en.docx`.

    They are a function of the composer's edition, as the PDFs are.
    """
    writer, edition = make_writer(), composer.edition
    for language in languages:
        ending = ".en.docx" if language == "en" and len(languages) > 1 else ".docx"
        for code, _ in edition.blocs:
            yield f"league-{code}{ending}", league_word(writer, composer.league(code), language)
        yield METHOD + ending, method_word(writer, edition, language)


def league_word(writer: Writer, league: League, language: str) -> bytes:
    """The league of a bloc as a document, with its chart as a picture that carries every value in words."""
    from analysis.scorecards.word import WordFacts, write_word
    from analysis.scorecards.word_charts import league_picture

    edition = league.edition
    font = bundled_fonts()[FONT]
    decimals = edition.plan.decimals
    content = font if isinstance(font, bytes) else font.read_bytes()
    drawn = league_picture(league, language, content, partial(_tick, language=language))
    t = writer.texts(language)
    rows = "; ".join(
        t(
            "word_chart_row",
            unit=member.name.in_language(language),
            value=number(member.figure.value, decimals, language),
            interval=interval(member.figure.low, member.figure.high, decimals, language),
        )
        for member in league.ranked
    )
    bloc = number(league.bloc_index.value, decimals, language)
    alternative = t("word_chart_alt", level=percent(edition.plan.level, 0, language), bloc=bloc, rows=f"{rows}.")
    factors = league_factors(league)
    html = writer.page(
        "report/league.word.html.jinja",
        language,
        **_values(edition, f"league-{league.bloc_code}", language),
        card=league,
        picture=alternative if drawn is not None else "",
        factors=factors.factors,
        factor_rows=factors.rows,
    )
    facts = WordFacts(
        f"{t('document_league')} – {league.bloc_name.in_language(language)}",
        edition.facts.issuer.in_language(language),
        language,
        edition.published_on,
    )
    return write_word(html, facts, {} if drawn is None else {"league": drawn})


def method_word(writer: Writer, edition: Edition, language: str) -> bytes:
    """The method annex as a document."""
    from analysis.scorecards.word import WordFacts, write_word

    html = writer.page(
        "report/method.word.html.jinja", language, **_values(edition, METHOD, language), card=compose_annex(edition)
    )
    title = f"{writer.texts(language)('document_method')} – {edition.facts.title.in_language(language)}"
    facts = WordFacts(title, edition.facts.issuer.in_language(language), language, edition.published_on)
    return write_word(html, facts)


def _values(edition: Edition, name: str, language: str) -> dict[str, object]:
    questionnaire = edition.questionnaire
    index = questionnaire.index
    return {
        "edition": edition,
        "name": name,
        "is_equally_weighted": is_equally_weighted(questionnaire, edition.profile),
        "is_several": questionnaire.rates_several_units,
        "index_name": "" if index is None else index.short_label.in_language(language),
    }


def _tick(value: float, language: str) -> str:
    return number(value, 0 if value == int(value) else 1, language)
