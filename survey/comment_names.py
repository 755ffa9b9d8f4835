"""Names of people in comments: after a title, after a family name, or given names that everybody has."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final


def words_of(line: str) -> frozenset[str]:
    """The words of a line, as a set."""
    return frozenset(line.split())


_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?\.?")
LONGEST_NAME: Final = 4
# Forms of address and offices that a name follows; of two words the second alone is enough to find it.
_TITLES: Final = words_of(
    "ông bà anh chị cô chú bác em cậu dì thím mợ thầy cụ đ/c chí bộ viên chức trưởng phó tịch đốc sĩ tá úy"
    " mr mrs ms miss dr prof officer mayor councilman councilwoman clerk"
)
_PERSONS: Final = words_of("ông bà anh chị cô chú bác em cậu thầy")
# What may stand before a name in a sentence about oneself or others, as the words that end it.
_INTRODUCTIONS: Final = tuple(
    tuple(said.split())
    for said in (
        "tên là",
        "tôi là",
        "em là",
        "mình là",
        "tôi tên",
        "name is",
        "tên",
        "named",
        "trưởng phòng",
        "phó phòng",
    )
)
_FAMILY_NAMES: Final = words_of(
    "nguyễn trần lê phạm hoàng huỳnh phan vũ võ đặng bùi đỗ hồ ngô dương lý đinh trịnh đoàn đào lương trương tô tạ"
    " vương quách lưu triệu nông hứa chu phùng lò giàng vàng chíu tằng chìu phùn"
)
_GIVEN_NAMES: Final = words_of(
    "an anh bình châu chi cúc cường diệp dung dũng duy dương đạt đức giang hà hải hạnh hằng hậu hiền hiếu hiệp hòa hoa"
    " hoài hoàng hồng huế huệ hùng huy huyền hương hường khánh khoa kiên kiều lan lâm lệ liên linh loan long lộc lợi"
    " mai mạnh minh mỹ nam nga ngân ngọc nguyệt nhàn nhung nhi ninh oanh phong phúc phương phượng quang quân quyên"
    " quyết quỳnh sơn sương tâm tân thanh thành thảo thắm thắng thịnh thơm thu thúy thủy thùy thư tiến tình toàn trang"
    " trinh trung trường tuấn tùng tuyết tú vân việt vinh vy xuân yến"
)
# Capitals that follow a title and are no name: the unit, the state, the beginning of another sentence.
_NO_NAMES: Final = words_of(
    "phường xã đặc ubnd hđnd ủy ban trung tâm sở nhà nước tthc bộ tỉnh thành huyện quận khu tổ thôn phòng công một hành"
    " chính bưu điện quảng ninh việt nam không rất cán tôi the city department and"
)


def name_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where names of people stand in a text, as (start, end); a title before a name is not part of it."""
    words = list(_WORD.finditer(text))
    place = 0
    while place < len(words):
        n_words = _n_words_of_name(text, words, place)
        if n_words:
            last = words[place + n_words - 1]
            # A full stop belongs to an initial and ends a sentence after a name.
            end = last.end() - _ends_sentence(last[0])
            yield words[place].start(), end
        place += n_words or 1


def _n_words_of_name(text: str, words: list[re.Match[str]], place: int) -> int:
    capitals = _n_capitals(text, words, place)
    first = _small(words[place][0])
    if capitals >= 2 and first in _FAMILY_NAMES:
        return capitals
    before = [_small(word[0]) for word in words[max(0, place - 2) : place]]
    if not before or not _is_next(text, words[place - 1], words[place]):
        return 0
    is_announced = before[-1] in _TITLES or any(tuple(before[-len(said) :]) == said for said in _INTRODUCTIONS)
    if is_announced and capitals and first not in _NO_NAMES and first not in _TITLES:
        return capitals
    # In small letters people write `chị lan`; after an office a small word is no name.
    return int(before[-1] in _PERSONS and first in _GIVEN_NAMES)


def _n_capitals(text: str, words: list[re.Match[str]], place: int) -> int:
    """How many words from this one on begin with a capital and follow one another, at most four."""
    count = 0
    while count < LONGEST_NAME and place + count < len(words):
        word = words[place + count]
        if not word[0][0].isupper():
            break
        if count and (
            not _is_next(text, words[place + count - 1], word)
            or _ends_sentence(words[place + count - 1][0])
            or _small(word[0]) in _NO_NAMES
        ):
            break
        count += 1
    return count


def _ends_sentence(word: str) -> bool:
    """Whether the full stop of a word ends a sentence; that of an initial does not."""
    return word.endswith(".") and len(word) > 2


def _is_next(text: str, one: re.Match[str], other: re.Match[str]) -> bool:
    return text[one.end() : other.start()] in (" ", "\N{NO-BREAK SPACE}", ": ", " : ")


def _small(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold().rstrip(".")
