"""Personal data in comments is found by rules, each shown here at work in both languages (issue 6, S8)."""

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.comment_masks import LABELS, find_personal_data, is_covered, is_english, mask, released_text
from survey.comment_themes import parse_themes, suggested_theme
from survey.errors import BadInput

FOUND = [
    ("Gọi tôi 0912.345.678 nhé", "Gọi tôi [số điện thoại] nhé"),
    ("máy bàn 0203 3825 123", "máy bàn [số điện thoại]"),
    ("+84 912 345 678 là số của tôi", "[số điện thoại] là số của tôi"),
    ("Call me at (816) 555-1234 about the park", "Call me at [phone number] about the park"),
    ("the number is +1 816 555 1234", "the number is [phone number]"),
    ("gửi lan.nguyen+ho-so@gmail.com", "gửi [thư điện tử]"),
    ("write to me at j.smith@example.org", "write to me at [e-mail]"),
    ("CCCD 022301001234 của tôi", "CCCD [số giấy tờ] của tôi"),
    ("CMND 100 234 567 890", "CMND [số giấy tờ]"),
    ("CMND số 100234567", "CMND số [số giấy tờ]"),
    ("hộ chiếu C1234567", "hộ chiếu [số giấy tờ]"),
    ("my SSN is 123-45-6789 and they lost it", "my SSN is [document number] and they lost it"),
    ("mã hồ sơ 000.12.34.H49-230101-0001 chưa trả", "[số giấy tờ] chưa trả"),
    ("I have case number KC-2231 with them", "I have [document number] with them"),
    ("stk 0011 0022 3344 Vietcombank", "[tài khoản] Vietcombank"),
    ("kết bạn zalo: lan.ha.long", "kết bạn [tài khoản]"),
    ("xem facebook.com/lan.halong", "xem [liên kết]"),
    ("it is at https://example.org/a?b=1 you know", "it is at [link] you know"),
    ("xe 14A-123.45 của tôi", "xe [biển số] của tôi"),
    ("tôi sinh ngày 12/03/1985", "tôi [ngày sinh]"),
    ("she was born on 3/12/1985 in the city", "she was [date of birth] in the city"),
    ("nhà số 12/5 ngõ 45 đường Trần Phú, thôn 3 thiếu nước", "[địa chỉ] thiếu nước"),
    ("tổ dân phố 5 chưa có điện", "[địa chỉ] chưa có điện"),
    ("dân bản Khe Lặc xin cảm ơn", "dân [địa chỉ] xin cảm ơn"),
    ("The potholes at 4520 N Oak Trafficway Street are bad", "The potholes at [address] are bad"),
    ("Chị Lan ở quầy 3 rất niềm nở", "Chị [tên] ở quầy 3 rất niềm nở"),
    ("anh cán bộ Nguyễn Văn An quát tôi", "anh cán bộ [tên] quát tôi"),
    ("chị hương tiếp dân tốt", "chị [tên] tiếp dân tốt"),
    ("Đồng chí Trưởng phòng Tú. Rất tốt", "Đồng chí Trưởng phòng [tên]. Rất tốt"),
    ("Tôi tên là Lò Thị Mây, người Thái", "Tôi tên là [tên], người Thái"),
    ("nhờ Trần Thị Bích Ngọc giúp", "nhờ [tên] giúp"),
    ("Ông T. thu tiền", "Ông [tên] thu tiền"),
    ("Mr. John Smith was rude to me", "Mr. [name] was rude to me"),
    ("my name is Mary and I wait", "my name is [name] and I wait"),
]
LEFT = [
    "Năm 2026 tôi nộp 3 lần, mất 12 phút, 1.500.000 đồng và 250.000.000 đồng.",
    "Khu vực chờ chật, đường dây nóng 19001234 không ai nghe.",
    "Cán bộ Phường Hà Tu nhiệt tình, Chủ tịch nên khen.",
    "Đề nghị ông bà chờ, cô tiếp nhận nhẹ nhàng.",
    "Bộ phận một cửa ở Xã B rất tốt. Rất Tốt!",
    "The staff of the City were kind on 23 November 2026 and took 45 minutes.",
]


@pytest.mark.parametrize(("text", "covered"), FOUND)
def test_what_names_a_person_is_covered_with_what_it_was(text: str, covered: str) -> None:
    assert mask(text) == covered
    assert is_covered(covered, text)


@pytest.mark.parametrize("text", LEFT)
def test_what_names_nobody_is_left(text: str) -> None:
    assert find_personal_data(text) == ()


@pytest.mark.parametrize(
    ("released", "is_so"),
    [
        ("Chị Lan quát tôi vì thiếu giấy.", True),
        ("Chị [tên] quát tôi vì thiếu giấy.", True),
        ("[...] quát tôi [...].", True),
        ("[...]", True),
        ("Chị [tên] khen tôi vì thiếu giấy.", False),
        ("Chị [tên] quát tôi.", False),
        ("quát tôi vì thiếu giấy.", False),
        ("Chị [tuyệt vời] quát tôi vì thiếu giấy.", False),
        ("vì thiếu giấy. [...] Chị Lan", False),
        ("Chị [tên] quát [...] quát tôi vì thiếu giấy.", False),
        ("", False),
    ],
)
def test_an_officer_covers_words_and_writes_none(released: str, is_so: bool) -> None:
    assert is_covered(released, "Chị Lan  quát tôi\nvì thiếu giấy.") is is_so


def test_what_fonts_lack_is_said_in_words() -> None:
    assert released_text("Tốt 👍👍🏽 lắm!\r\n\r\n  Cảm ơn") == "Tốt [biểu tượng] lắm!\nCảm ơn"
    assert released_text("한국어 친절했습니다.") == "[chữ khác]."
    assert released_text("It was very good 😀 and quick") == "It was very good [emoji] and quick"
    assert released_text("\u202eđảo\u202c \u200bchữ\x00 <b>đậm</b>") == "đảo chữ <b>đậm</b>"
    assert is_covered("Tốt [biểu tượng] lắm!", "Tốt 👍 lắm!")


@given(st.text(max_size=300))
def test_any_text_is_released_without_what_cannot_be_seen_and_stays_so(text: str) -> None:
    once = released_text(mask(text))
    assert released_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(c) in ("Cf", "Cs", "Co", "Cn") or (c < " " and c != "\n") for c in once)
    assert is_covered(released_text(text), text)


@given(st.lists(st.sampled_from([text for text, _ in FOUND] + LEFT), min_size=1, max_size=4))
def test_what_rules_cover_is_always_the_citizens_text(sentences: list[str]) -> None:
    text = "\n".join(sentences)
    assert is_covered(released_text(mask(text)), text)
    spans = find_personal_data(text)
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
    assert {found.kind for found in spans} <= set(LABELS)


def test_the_language_of_a_comment_is_told_by_its_words() -> None:
    assert is_english("The staff was very kind")
    assert not is_english("Can bo nhiet tinh, cam on")
    assert not is_english("Cán bộ the best")
    assert not is_english("👍")


THEMES = (
    "a: {vi: A, en: A, words: [Chờ, chậm]}\nb: {vi: B, en: B, words: [phí]}\nother: {vi: Khác, en: Other, words: []}\n"
)


@pytest.mark.parametrize(
    ("text", "theme"),
    [
        ("CHỜ lâu", "a"),
        ("Thu phí rồi lại thu phí, chờ và chậm", "a"),
        ("lệ phí", "b"),
        ("chờn vờn", "other"),
        ("", "other"),
    ],
)
def test_words_suggest_a_theme(text: str, theme: str) -> None:
    assert suggested_theme(text, parse_themes(THEMES.encode(), "themes.yaml")) == theme


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("", "found no themes"),
        ("a: [1", "found no YAML"),
        ("A: {vi: A, en: A, words: []}", "found the theme 'A'"),
        ("a: {vi: A, words: []}", "expected vi, en and words"),
        ("a: {vi: '', en: A, words: []}", "expected a name in vi"),
        ("a: {vi: A, en: A, words: [1]}", "expected a list of words"),
    ],
)
def test_a_list_of_themes_that_is_none_is_named(source: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        parse_themes(source.encode(), "themes.yaml")
