"""The form of a round as an XLSForm: what tablets with ODK Collect or KoboCollect ask, to come back as ballots.

Beside the questions it has the invitation's code, to be scanned or typed, and a mark that says which round and which
text of which questionnaire was asked. Where one respondent rates several units, the questions about a unit stand as
often as units may be rated: exports of repeated groups are several files, and answers would come apart in them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from questionnaires.draft_files import spelled
from questionnaires.model import Condition, Item, Questionnaire, Section, Text
from questionnaires.xlsform_writing import APART, LANGUAGE_NAMES, Cells, workbook_of

SCAN, CODE, MARK, UNIT, RATING = "hailong_scan", "hailong_code", "hailong_form", "hailong_unit", "hailong_rating"
# Of the hash of a questionnaire's text, what tells it from every other text that anybody will ever publish here.
_HASH_SYMBOLS = 12
_A_CODE = "^[0-9A-Za-z]([ .-]?[0-9A-Za-z]){13}$"

SCAN_LABEL = Text(
    "Quét mã QR trên giấy mời",
    "Scan the QR code on the invitation",
    "초대장의 QR 코드를 스캔해 주십시오",
    "扫描邀请单上的二维码",
    "案内状のQRコードを読み取ってください",
)
CODE_LABEL = Text(
    "Nhập mã trên giấy mời",
    "Type the code on the invitation",
    "초대장의 코드를 입력해 주십시오",
    "输入邀请单上的代码",
    "案内状のコードを入力してください",
)
CODE_HINT = Text(
    "14 chữ và số, ví dụ 2ZFK8-N0XV3-N07M. Mỗi mã chỉ dùng một lần.",
    "14 letters and digits, such as 2ZFK8-N0XV3-N07M. Each code counts once.",
    "글자와 숫자 14자리입니다(예: 2ZFK8-N0XV3-N07M). 코드는 한 번만 사용할 수 있습니다.",
    "14个字母和数字，例如 2ZFK8-N0XV3-N07M。每个代码只能使用一次。",
    "英数字14文字です（例：2ZFK8-N0XV3-N07M）。コードは1回だけ使えます。",
)
CODE_MESSAGE = Text(
    "Mã phải có 14 chữ và số như in trên giấy mời.",
    "The code has 14 letters and digits, as printed on the invitation.",
    "코드는 초대장에 인쇄된 글자와 숫자 14자리입니다.",
    "代码为邀请单上印的14个字母和数字。",
    "コードは案内状に印刷された英数字14文字です。",
)
UNIT_LABEL = Text("Đơn vị được đánh giá", "Agency that is rated", "평가 대상 기관", "被评价的单位", "評価する機関")
UNIT_HINT = Text(
    "Để trống nếu không đánh giá thêm đơn vị nào.",
    "Leave it empty where no further agency is rated.",
    "더 평가할 기관이 없으면 비워 두십시오.",
    "如不再评价其他单位，请留空。",
    "ほかに評価する機関がなければ空欄にしてください。",
)
APART_LABEL = Text(
    "Nếu không nêu được số",
    "If no number can be given",
    "숫자를 답할 수 없는 경우",
    "如无法填写数字",
    "数字で答えられない場合",
)


@dataclass(frozen=True, slots=True)
class UnitChoice:
    """A unit that a respondent may choose to rate."""

    code: str
    name: Text


@dataclass(frozen=True, slots=True)
class AskedColumn:
    """A question of the form as its answers come back: `path` are the groups that it stands in and its own name.

    `field` is the item's code; `place` counts the rated units from 1, and is 0 for what is asked once. `options` are
    the answers of a question that several may be chosen of, which exports may give a column each.
    """

    path: tuple[str, ...]
    field: str
    place: int = 0
    options: tuple[str, ...] = ()


def version_of(questionnaire: Questionnaire) -> str:
    """The version of a round's form: the questionnaire's name and version and the beginning of its content hash."""
    return f"{questionnaire.name}-{questionnaire.version}-{questionnaire.content_hash[:_HASH_SYMBOLS]}"


def mark_of(slug: str, questionnaire: Questionnaire) -> str:
    """What every answer of a round's form bears: the round, a stroke, and the form's version."""
    return f"{slug}/{version_of(questionnaire)}"


def round_form(
    slug: str, title: Text, questionnaire: Questionnaire, languages: Sequence[str], units: Sequence[UnitChoice]
) -> bytes:
    """The workbook with the sheets `survey`, `choices` and `settings`.

    :param languages: those that the round is asked in, Vietnamese first.
    :param units: those to choose from; not asked for where an invitation names its unit.
    """
    form = _Form(slug, questionnaire, tuple(languages), tuple(units))
    survey = list(form.survey())
    settings: Cells = {
        "form_title": title.vi,
        "form_id": f"hailong_{slug}",
        "version": version_of(questionnaire),
        "default_language": LANGUAGE_NAMES["vi"],
    }
    return workbook_of({"survey": survey, "choices": form.choices, "settings": [settings]})


def asked_columns(questionnaire: Questionnaire) -> Iterator[AskedColumn]:
    """Every question of the form of a round with this questionnaire, in order, the code and the mark apart."""
    has_rated = False
    for section in questionnaire.sections:
        if not section.per_unit:
            yield from _section_columns(section, (), 0)
        elif not has_rated:
            has_rated = True
            for place in range(1, questionnaire.most_units + 1):
                group = numbered(RATING, place)
                yield AskedColumn((group, numbered(UNIT, place)), UNIT, place)
                for asked in questionnaire.per_unit_sections:
                    yield from _section_columns(asked, (group,), place)


def numbered(name: str, place: int) -> str:
    """A name in the part about the unit at this place; the name itself for what is asked once."""
    return f"{name}__{place}" if place else name


def _apart_name(item: Item) -> str:
    return f"{item.code}__or"


def _section_columns(section: Section, around: tuple[str, ...], place: int) -> Iterator[AskedColumn]:
    group = (*around, numbered(section.code, place))
    for item in section.items:
        options = item.accepted_codes if item.kind == "multiple" else ()
        yield AskedColumn((*group, numbered(item.code, place)), item.code, place, options)
        if item.kind == "number" and item.reserved_codes:
            yield AskedColumn((*group, numbered(_apart_name(item), place)), item.code, place)


class _Form:
    """The rows of a form, and the lists of choices that they name."""

    def __init__(
        self, slug: str, questionnaire: Questionnaire, languages: tuple[str, ...], units: tuple[UnitChoice, ...]
    ) -> None:
        self.choices: list[Cells] = []
        self._slug = slug
        self._questionnaire = questionnaire
        self._languages = languages
        self._units = units
        self._lists: dict[tuple[tuple[str, Text], ...], str] = {}
        self._items = {item.code: item for item in questionnaire.items}

    def survey(self) -> Iterator[Cells]:
        yield {"type": "calculate", "name": MARK, "calculation": f"'{mark_of(self._slug, self._questionnaire)}'"}
        if self._questionnaire.about:
            yield {"type": "note", "name": "about_note", **self._texts("label", self._questionnaire.about)}
        yield {"type": "barcode", "name": SCAN, **self._texts("label", SCAN_LABEL)}
        yield {
            "type": "text",
            "name": CODE,
            **self._texts("label", CODE_LABEL),
            **self._texts("hint", CODE_HINT),
            "required": "yes",
            "relevant": f"${{{SCAN}}} = ''",
            "constraint": f"regex(., '{_A_CODE}')",
            **self._texts("constraint_message", CODE_MESSAGE),
        }
        has_rated = False
        for section in self._questionnaire.sections:
            if not section.per_unit:
                yield from self._section(section, 0)
            elif not has_rated:
                has_rated = True
                for place in range(1, self._questionnaire.most_units + 1):
                    yield from self._rating(place)

    def _rating(self, place: int) -> Iterator[Cells]:
        group, unit = numbered(RATING, place), numbered(UNIT, place)
        before = [numbered(UNIT, n) for n in range(1, place)]
        named = [(one.code, one.name) for one in self._units]
        yield {
            "type": "begin_group",
            "name": group,
            **self._texts("label", _numbered_text(UNIT_LABEL, place)),
            "relevant": f"${{{before[-1]}}} != ''" if before else "",
        }
        yield {
            "type": f"select_one {self._list(named, UNIT)}",
            "name": unit,
            **self._texts("label", UNIT_LABEL),
            **(self._texts("hint", UNIT_HINT) if before else {}),
            "required": "" if before else "yes",
            "constraint": " and ".join(f". != ${{{name}}}" for name in before),
            "appearance": "minimal",
        }
        for section in self._questionnaire.per_unit_sections:
            yield from self._section(section, place)
        yield {"type": "end_group", "name": group}

    def _section(self, section: Section, place: int) -> Iterator[Cells]:
        name = numbered(section.code, place)
        of_unit = f"${{{numbered(UNIT, place)}}} != ''" if place else ""
        shown = self._relevant(section.show_if, place)
        yield {
            "type": "begin_group",
            "name": name,
            **self._texts("label", section.title),
            "relevant": f"{of_unit} and ({shown})" if of_unit and shown else of_unit or shown,
        }
        if section.intro:
            yield {"type": "note", "name": f"{name}_intro_note", **self._texts("label", section.intro)}
        for item in section.items:
            yield from self._question(item, place)
        yield {"type": "end_group", "name": name}

    def _question(self, item: Item, place: int) -> Iterator[Cells]:
        name, relevant = numbered(item.code, place), self._relevant(item.show_if, place)
        reserved = [(code, Text(**APART[code])) for code in item.reserved_codes]
        kinds = {"number": "integer" if item.whole else "decimal", "text": "text"}
        kind = kinds.get(item.kind, "")
        if not kind:
            choices = [*((option.code, option.label) for option in item.options), *reserved]
            kind = f"select_{'one' if item.kind == 'single' else 'multiple'} {self._list(choices, item.code)}"
        has_apart = item.kind == "number" and bool(reserved)
        apart = numbered(_apart_name(item), place)
        required = f"${{{apart}}} = ''" if has_apart else "yes"
        yield {
            "type": kind,
            "name": name,
            **self._texts("label", item.text),
            **(self._texts("hint", item.hint) if item.hint else {}),
            "required": required if item.required else "",
            "relevant": relevant,
            "constraint": _constraint(item),
        }
        if has_apart:
            yield {
                "type": f"select_one {self._list(reserved, _apart_name(item))}",
                "name": apart,
                **self._texts("label", APART_LABEL),
                "relevant": relevant,
                # Not its relevance: the number's own requirement hangs on it, and forms may not go round in circles.
                "constraint": f"${{{name}}} = ''",
            }

    def _list(self, choices: Sequence[tuple[str, Text]], name: str) -> str:
        """The name of a list of choices; the same choices are one list."""
        known = self._lists.get(tuple(choices))
        if known is None:
            known = self._lists[tuple(choices)] = f"list_{name}"
            self.choices += [
                {"list_name": known, "name": code, **self._texts("label", label)} for code, label in choices
            ]
        return known

    def _relevant(self, condition: Condition | None, place: int) -> str:
        if condition is None:
            return ""
        asked = self._items[condition.item]
        is_of_unit = any(asked in section.items for section in self._questionnaire.per_unit_sections)
        name = numbered(condition.item, place if is_of_unit else 0)
        spelling = "selected(${{{name}}}, '{code}')" if asked.kind == "multiple" else "${{{name}}} = '{code}'"
        return " or ".join(spelling.format(name=name, code=code) for code in condition.any_of)

    def _texts(self, key: str, text: Text) -> Cells:
        return {f"{key}::{LANGUAGE_NAMES[one]}": text.in_language(one) for one in self._languages}


def _numbered_text(text: Text, place: int) -> Text:
    said: Mapping[str, str] = {one: f"{text.in_language(one)} ({place})" for one in LANGUAGE_NAMES}
    return Text(**said)


def _constraint(item: Item) -> str:
    if item.kind == "number":
        ends = ((">=", item.minimum), ("<=", item.maximum))
        return " and ".join(f". {sign} {spelled(end)}" for sign, end in ends if end is not None)
    if item.kind == "text":
        return f"string-length(.) <= {item.longest}" if item.longest else ""
    if item.kind == "multiple":
        alone = [*(option.code for option in item.options if option.exclusive), *item.reserved_codes]
        return " and ".join(f"not(selected(., '{code}') and count-selected(.) > 1)" for code in alone)
    return ""
