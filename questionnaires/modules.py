"""Modules: questionnaires with a tree of their own that a round asks along with its host."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from questionnaires.errors import QuestionnaireError
from questionnaires.marked_yaml import quote
from questionnaires.meaning import reserved_item_codes
from questionnaires.model import Item, Questionnaire


def attach(host: Questionnaire, modules: Sequence[Questionnaire]) -> Questionnaire:
    """The host with the sections of its modules behind its own, asked once each; without modules the host itself.

    Index, profiles and all names stay the host's: no answer to a module counts in the host's index. Asked in are the
    languages that the host and every module have. The content hash is the SHA-256 of the hashes of the host and of its
    modules, in this order, a line each.

    :raises QuestionnaireError: when a module cannot be asked beside the host and the others.
    """
    if not modules:
        return host
    if host.modules:
        raise QuestionnaireError(
            f"{host.reference}: found modules attached already, expected a questionnaire without any"
        )
    attached = host
    for module in modules:
        _refuse_strange(host, module)
        _refuse_clashes(attached, module)
        attached = replace(
            attached,
            sections=attached.sections + module.sections,
            modules=(*attached.modules, module),
            languages=tuple(language for language in attached.languages if language in module.languages),
        )
    hashes = "\n".join(one.content_hash for one in (host, *modules))
    return replace(attached, content_hash=hashlib.sha256(hashes.encode("ascii")).hexdigest())


def _refuse_strange(host: Questionnaire, module: Questionnaire) -> None:
    where = f"module {module.reference}"
    if module.modules:
        raise QuestionnaireError(f"{where}: found modules of its own, expected a questionnaire without modules")
    if module.rates_several_units:
        raise QuestionnaireError(
            f"{where}: found the rating of several units (“most_units”), expected a questionnaire that is asked once"
        )
    if module.index is None:
        raise QuestionnaireError(f"{where}: found no scoring tree, expected one: a module has an index of its own")
    if module.profile(module.default_profile).formula == "standardised":
        raise QuestionnaireError(
            f"{where}: found the standardised profile {quote(module.default_profile)} as its default, expected one "
            "that scores a unit by itself"
        )
    for item in module.items:
        if item.code in reserved_item_codes(host.most_units):
            raise QuestionnaireError(
                f"{where}: found the item {quote(item.code)}, a code that is reserved where several units are rated, "
                "expected another"
            )


def _refuse_clashes(attached: Questionnaire, module: Questionnaire) -> None:
    where = f"module {module.reference}"
    if module.name in {attached.name, *(other.name for other in attached.modules)}:
        raise QuestionnaireError(
            f"{where}: found the name {quote(module.name)} twice among {attached.name} and its modules, "
            "expected each name once"
        )
    for what, theirs, ours in (
        ("section", [section.code for section in module.sections], {section.code for section in attached.sections}),
        ("item", _columns(module.items), set(_columns(attached.items))),
    ):
        clash = next((code for code in theirs if code in ours), None)
        if clash is not None:
            raise QuestionnaireError(
                f"{where}: found the {what} code {quote(clash)}, which stands in {attached.name} or another module "
                "too, expected a code of its own"
            )


def _columns(items: Sequence[Item]) -> list[str]:
    """The codes of items, and the columns an archive has of their choices."""
    return [
        column
        for item in items
        for column in (
            item.code,
            *(f"{item.code}_{code}" for code in (item.accepted_codes if item.kind == "multiple" else ())),
        )
    ]
