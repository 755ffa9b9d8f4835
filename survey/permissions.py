"""Who may do what: the roles, the rights, and the one table between them.

A right is what a page or a button asks for. An account of the office holds one role or several, and may do what any of
them may; an account of a unit's people has the role `unit` alone. Which page asks for which right is written down in
`survey.web.permissions`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, get_args

from survey.errors import BadInput

OfficeRole = Literal["administrator", "officer", "statistician", "custodian", "clerk", "auditor"]
# Everybody who signs in has one of these.
Role = Literal["administrator", "officer", "statistician", "custodian", "clerk", "auditor", "unit"]

Right = Literal[
    "account.own",
    "rounds.read",
    "rounds.set_up",
    "rounds.run",
    "rounds.seal",
    "questionnaires.read",
    "questionnaires.write",
    "questionnaires.publish",
    "frames.read",
    "frames.write",
    "frames.contacts",
    "codes.read",
    "codes.issue",
    "fieldwork.read",
    "paper.read",
    "paper.enter",
    "answers.import",
    "custody.read",
    "custody.entrust",
    "custody.try",
    "comments.read",
    "comments.review",
    "analysis.read",
    "analysis.run",
    "analysis.approve",
    "release.read",
    "release.prepare",
    "release.answer",
    "release.approve",
    "release.publish",
    "approvals.give",
    "unit_people.read",
    "unit_people.write",
    "office_people.read",
    "office_people.write",
    "audit.read",
    "portal.read",
    "portal.write",
]

OFFICE_ROLES: tuple[OfficeRole, ...] = get_args(OfficeRole)
# What an account has that was made without naming roles, as in an office of one: everything but looking on.
EVERY_TASK: tuple[OfficeRole, ...] = ("administrator", "officer", "statistician", "custodian", "clerk")

_THE_OFFICE: tuple[Role, ...] = OFFICE_ROLES
_LOOKING_ON: tuple[Role, ...] = ("administrator", "officer", "statistician", "auditor")

# The table. An auditor is in every line that reads and in none that changes anything.
PERMISSIONS: Mapping[Right, tuple[Role, ...]] = {
    "account.own": (*_THE_OFFICE, "unit"),
    "rounds.read": _THE_OFFICE,
    "rounds.set_up": ("officer", "statistician"),
    "rounds.run": ("officer",),
    "rounds.seal": ("officer", "custodian"),
    "questionnaires.read": _THE_OFFICE,
    "questionnaires.write": ("officer", "statistician"),
    "questionnaires.publish": ("officer", "statistician"),
    "frames.read": _LOOKING_ON,
    "frames.write": ("officer", "statistician"),
    # The one file in which the office hands out names and telephone numbers.
    "frames.contacts": ("officer",),
    "codes.read": _LOOKING_ON,
    "codes.issue": ("officer",),
    "fieldwork.read": _LOOKING_ON,
    "paper.read": (*_LOOKING_ON, "clerk"),
    "paper.enter": ("officer", "clerk"),
    "answers.import": ("officer", "statistician"),
    "custody.read": (*_LOOKING_ON, "custodian"),
    "custody.entrust": ("officer",),
    "custody.try": ("officer", "custodian"),
    # What citizens wrote, before names are covered.
    "comments.read": ("officer", "auditor"),
    "comments.review": ("officer",),
    "analysis.read": _LOOKING_ON,
    "analysis.run": ("officer", "statistician"),
    "analysis.approve": ("statistician",),
    "release.read": _LOOKING_ON,
    "release.prepare": ("officer", "statistician"),
    "release.answer": ("officer", "statistician"),
    "release.approve": ("officer", "statistician"),
    "release.publish": ("officer",),
    # The second person beside whoever asks to seal or to have codes.
    "approvals.give": ("administrator", "officer", "statistician", "custodian"),
    "unit_people.read": ("administrator", "officer", "auditor"),
    "unit_people.write": ("administrator", "officer"),
    "office_people.read": ("administrator", "auditor"),
    "office_people.write": ("administrator",),
    "audit.read": ("administrator", "auditor"),
    "portal.read": ("unit",),
    "portal.write": ("unit",),
}


def may(roles: Iterable[str], right: Right) -> bool:
    """Whether somebody with these roles has a right. Raises KeyError for a right that is not in the table."""
    allowed = PERMISSIONS[right]
    return any(role in allowed for role in roles)


def roles_with(right: Right) -> tuple[Role, ...]:
    """The roles that have a right, in the order of the table."""
    return PERMISSIONS[right]


def checked_roles(names: Collection[str]) -> tuple[OfficeRole, ...]:
    """Roles of the office, each once and in their order; raises BadInput for none and for a name that is no role."""
    strange = sorted(set(names) - set(OFFICE_ROLES))
    if strange or not names:
        found = f"the role {strange[0][:40]!r}" if strange else "no role"
        raise BadInput(f"found {found}, expected one or more of {', '.join(OFFICE_ROLES)}")
    return tuple(role for role in OFFICE_ROLES if role in names)


def spelled_roles(text: str) -> tuple[OfficeRole, ...]:
    """The roles that the office store keeps in one column, between commas; what is no role counts for nothing."""
    return tuple(role for role in OFFICE_ROLES if role in text.split(","))
