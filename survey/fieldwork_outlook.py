"""What counts tell of a fieldwork under way: response rates, forecasts, precision, and what an officer should look at.

Nothing here knows an answer. Everything follows from how many were asked, how many answered, and on which days.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal

from analysis.accounting import OPEN_LINK
from analysis.estimation.sample_sizes import Precision, half_width
from survey.fieldwork_days import DayCounts
from survey.round_status import StatusCell

AlertKind = Literal["silent", "behind", "slow", "burst", "unopened", "channels"]

# Of the round's days, the part that has to have passed before a unit can lag, and of its target what it may miss.
EARLIEST = 0.25
NEARLY = 0.8
# Fewer invitations than these say nothing of a rate.
FEWEST_ISSUED = 20
FEWEST_IN_CHANNEL = 30
# Standard errors beyond which a difference of counts is no chance: one of 500 units is named by mistake (two-sided).
BEYOND = 3.09
# A day is a burst with so many answers at least, so many times as many as on the unit's other days.
FEWEST_IN_BURST = 20
TIMES_IN_BURST = 4
DAYS_BEFORE_BURST = 3
# Answers beyond the times that questions were opened: an open page can be sent days later, but not so often.
MOST_UNOPENED = 10
PACE_DAYS = 7
# Half the width of the interval of a share of one half, at 95 %, as if people had been drawn by lot.
PLANNED = Precision(level=0.95, share=0.5)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of a round as seen on one of them."""

    opens_on: dt.date
    closes_on: dt.date
    today: dt.date
    is_open: bool

    @property
    def n_days(self) -> int:
        """All days of the round."""
        return (self.closes_on - self.opens_on).days + 1

    @property
    def n_passed(self) -> int:
        """The days that have begun, today among them; 0 before the first one."""
        return min(max((self.today - self.opens_on).days + 1, 0), self.n_days)

    @property
    def n_left(self) -> int:
        """The days after today on which answers may come; none once the round is closed."""
        return self.n_days - self.n_passed if self.is_open else 0

    @property
    def part_passed(self) -> float:
        """What part of the days has passed, 0 to 1."""
        return self.n_passed / self.n_days


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to look at: its kind, and the figures that its sentence names."""

    kind: AlertKind
    figures: Mapping[str, float | int | str | dt.date] = field(hash=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One unit, or the whole round: what was asked and answered, and where that leads.

    Answers without a code (open link) are apart: nobody was asked for them. `target` is None where none was set,
    `forecast` the answers to be expected at the end, `margin` half the width of the interval of a share of one half
    at 95 % with the answers that are there, in points of 0 to 1; None without answers.
    """

    unit: str
    issued: int
    spent: int
    unasked: int
    opened: int
    opened_today: int
    target: int | None
    forecast: int | None
    margin: float | None
    alerts: tuple[Alert, ...] = ()

    @property
    def rate(self) -> float | None:
        """The part of those asked who answered; None where nobody was asked."""
        return self.spent / self.issued if self.issued else None


def outlook_of(
    unit: str,
    cells: Sequence[StatusCell],
    days: Mapping[dt.date, DayCounts],
    calendar: Calendar,
    *,
    target: int | None = None,
    people: int | None = None,
    rate_of_all: float | None = None,
) -> Outlook:
    """What the counts of a unit tell on a day.

    :param cells: the unit's counts, one a channel.
    :param days: its days as far as they were counted.
    :param people: how many could be asked about it; None where nobody counted them.
    :param rate_of_all: the response rate of the whole round, which a unit is held against that has no target.
    """
    asked = [cell for cell in cells if cell.channel != OPEN_LINK]
    issued, spent = sum(cell.issued for cell in asked), sum(cell.spent for cell in asked)
    forecast = _forecast(issued, spent, days, calendar)
    today = days.get(calendar.today, DayCounts())
    outlook = Outlook(
        unit=unit,
        issued=issued,
        spent=spent,
        unasked=sum(cell.spent for cell in cells if cell.channel == OPEN_LINK),
        opened=sum(day.opened for day in days.values()),
        opened_today=today.opened,
        target=target,
        forecast=forecast,
        margin=half_width(spent, people if people and people >= spent else None, PLANNED),
    )
    alerts = (*_lags(outlook, calendar, rate_of_all), *_bursts(days), *_unopened(days), *_channel_gaps(asked))
    return replace(outlook, alerts=alerts) if alerts else outlook


def sum_of(outlooks: Iterable[Outlook], people: int | None = None) -> Outlook:
    """All units together; the targets add up where every unit has one, and so do the forecasts."""
    known = tuple(outlooks)
    targets = [one.target for one in known if one.target is not None]
    forecasts = [one.forecast for one in known if one.forecast is not None]
    spent = sum(one.spent for one in known)
    return Outlook(
        unit="",
        issued=sum(one.issued for one in known),
        spent=spent,
        unasked=sum(one.unasked for one in known),
        opened=sum(one.opened for one in known),
        opened_today=sum(one.opened_today for one in known),
        target=sum(targets) if known and len(targets) == len(known) else None,
        forecast=sum(forecasts) if known and len(forecasts) == len(known) else None,
        margin=half_width(spent, people if people and people >= spent else None, PLANNED),
    )


def _forecast(issued: int, spent: int, days: Mapping[dt.date, DayCounts], calendar: Calendar) -> int | None:
    """The answers at the end if they go on coming as in the last week, and never more than were asked."""
    if not calendar.n_passed:
        return None
    if not calendar.n_left:
        return spent
    first = max(calendar.opens_on, calendar.today - dt.timedelta(days=PACE_DAYS - 1))
    n_counted = sum(own.received for day, own in days.items() if first <= day <= calendar.today)
    n_days = (calendar.today - first).days + 1
    # Without counts by day the whole time so far is the measure.
    pace = n_counted / n_days if any(own.received for own in days.values()) else spent / calendar.n_passed
    return min(issued, spent + math.floor(pace * calendar.n_left + 0.5)) if issued else spent


def _lags(outlook: Outlook, calendar: Calendar, rate_of_all: float | None) -> list[Alert]:
    if calendar.part_passed < EARLIEST:
        return []
    if outlook.issued >= FEWEST_ISSUED and not outlook.spent:
        return [Alert("silent", {"issued": outlook.issued})]
    if outlook.target is not None and outlook.forecast is not None and outlook.forecast < NEARLY * outlook.target:
        return [Alert("behind", {"forecast": outlook.forecast, "target": outlook.target})]
    if outlook.target is None and rate_of_all is not None and outlook.rate is not None:
        spread = math.sqrt(outlook.issued * rate_of_all * (1 - rate_of_all))
        if outlook.issued >= FEWEST_ISSUED and outlook.spent < outlook.issued * rate_of_all - BEYOND * spread:
            return [Alert("slow", {"rate": outlook.rate, "of_all": rate_of_all})]
    return []


def _bursts(days: Mapping[dt.date, DayCounts]) -> list[Alert]:
    """The day with the most answers, where it stands out from the unit's other days."""
    if len(days) <= DAYS_BEFORE_BURST:
        return []
    day, most = max(days.items(), key=lambda entry: entry[1].received)
    others = [own.received for other, own in days.items() if other != day]
    usual = sum(others) / len(others)
    if most.received < FEWEST_IN_BURST or most.received < TIMES_IN_BURST * max(usual, 1):
        return []
    return [Alert("burst", {"day": day, "answers": most.received, "usual": usual})]


def _unopened(days: Mapping[dt.date, DayCounts]) -> list[Alert]:
    opened, received = sum(own.opened for own in days.values()), sum(own.received for own in days.values())
    if received <= opened + MOST_UNOPENED:
        return []
    return [Alert("unopened", {"answers": received, "opened": opened})]


def _channel_gaps(cells: Sequence[StatusCell]) -> list[Alert]:
    """The widest difference between two channels' response rates that is more than chance."""
    found = []
    large = sorted(
        (cell.spent / cell.issued, number, cell)
        for number, cell in enumerate(cells)
        if cell.issued >= FEWEST_IN_CHANNEL
    )
    for (low_rate, _, low), (high_rate, _, high) in combinations(large, 2):
        pooled = (low.spent + high.spent) / (low.issued + high.issued)
        error = math.sqrt(pooled * (1 - pooled) * (1 / low.issued + 1 / high.issued))
        gap = high_rate - low_rate
        if error and gap / error > BEYOND:
            rates = {"high_rate": high_rate, "low_rate": low_rate}
            found.append((gap, Alert("channels", {"high": high.channel, "low": low.channel, **rates})))
    return [max(found, key=lambda entry: entry[0])[1]] if found else []
