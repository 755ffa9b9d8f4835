"""Archives of a questionnaire of twelve ratings, with channels, so that there is something to examine."""

from pathlib import Path

import numpy as np

from analysis.archive import Archive
from analysis.responses import tabulate_responses
from questionnaires.reading import parse_questionnaire
from support.archives import archive_at, contents_of

N_ITEMS = 12
ITEMS = tuple(f"q{number}" for number in range(1, N_ITEMS + 1))
_OPTION = '    - {{code: "{0}", value: {0}, label: {{vi: Mức {0}, en: Level {0}}}}}'
_ITEM = "      - {{code: {0}, kind: single, scale: five, dont_know: true, text: {{vi: Câu {0}, en: Item {0}}}}}"
_SHARE = (
    "  - {name: share, label: {vi: Tỷ lệ, en: Share}, formula: share, threshold: 4, confirmed: false, source: ours}"
)
_STANDARD = (
    "  - {name: standard, label: {vi: Chuẩn, en: Standard}, formula: standardised, confirmed: false, source: ours}"
)
_LINES = (
    "questionnaire: 1",
    "name: rated",
    'version: "1"',
    "title: {vi: Khảo sát, en: Survey}",
    "model_name: RATED",
    "scales:",
    "  five:",
    *(_OPTION.format(value) for value in range(1, 6)),
    "sections:",
    "  - code: all_items",
    "    title: {vi: Câu hỏi, en: Questions}",
    "    items:",
    "      - {code: minutes, kind: number, minimum: 0, maximum: 600, text: {vi: Số phút, en: Minutes}}",
    *(_ITEM.format(item) for item in ITEMS),
    "index:",
    "  label: {vi: Chỉ số, en: Index}",
    "  factors:",
    "    - code: all_of_it",
    "      label: {vi: Tất cả, en: All}",
    "      criteria:",
    *(f"        - {{item: {item}, source: ours}}" for item in ITEMS),
    "profiles:",
    _SHARE,
    _STANDARD,
    "default_profile: share",
)
QUESTIONNAIRE = "\n".join(_LINES) + "\n"
PLAN = 'plan: 1\nversion: "1"\naggregate: units\n'

Ratings = np.ndarray


def honest_ratings(n_units: int, n_a_unit: int, seed: int) -> Ratings:
    """Ratings from 1 to 5 (units, rows, items)."""
    random = np.random.default_rng(seed)
    level = 3.6 + 0.25 * random.normal(0, 1, (n_units, 1, 1)) + 0.6 * random.normal(0, 1, (n_units, n_a_unit, 1))
    chance = 0.8 * random.normal(0, 1, (n_units, n_a_unit, N_ITEMS))
    return np.clip(np.rint(level + chance), 1, 5).astype(np.int64)


def rated_archive(
    path: Path,
    ratings: Ratings,
    channels: list[str],
    *,
    plan: str = PLAN,
    minutes: Ratings | None = None,
) -> Archive:
    """An archive of these ratings (units, rows, items), 0 for "don't know"; `channels` are those of a unit's rows."""
    questionnaire = parse_questionnaire(QUESTIONNAIRE.encode(), "rated.yaml")
    records = []
    for u, of_unit in enumerate(ratings):
        for row, answers in enumerate(of_unit.tolist()):
            given: dict[str, str | tuple[str, ...] | float] = {
                item: "dk" if code == 0 else str(code) for item, code in zip(ITEMS, answers, strict=True)
            }
            if minutes is not None:
                given["minutes"] = float(minutes[u, row])
            records.append(({"unit": f"u{u:02d}", "channel": channels[row]}, given))
    contents = contents_of(
        tabulate_responses(questionnaire, records),
        blocs={f"u{u:02d}": "all" for u in range(len(ratings))},
        plan=plan,
        questionnaire_source=QUESTIONNAIRE,
    )
    return archive_at(path, contents)
