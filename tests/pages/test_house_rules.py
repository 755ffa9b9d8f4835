"""The rules that every fetched page is held to, each seen to fail on a page that breaks it."""

import pytest
from lxml import html

from support.pages import page_complaints

GOOD = """<!doctype html><html lang="vi"><head><title>Trang</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:image/svg+xml,%3Csvg/%3E"><link rel="stylesheet" href="/static/a.css"></head>
<body><main><h1>Trang</h1><!--here--></main></body></html>"""


def complaints(inserted: str, page: str = GOOD) -> list[str]:
    return page_complaints(html.document_fromstring(page.replace("<!--here-->", inserted)))


def test_a_good_page_is_passed() -> None:
    good = (
        "<h2>Phần</h2><form action='/r/a'><fieldset><legend>Câu 1</legend><label><input type=radio name=a> Có</label>"
        "</fieldset><label for=b>Tên</label><input id=b aria-describedby=c><p id=c>Gợi ý</p><button>Gửi</button></form>"
        "<table><tr><th>Đơn vị<td>1</table><svg role=img aria-label='Biểu đồ'></svg><a href='#c'>Xem</a>"
    )
    assert complaints(good) == []


@pytest.mark.parametrize(
    ("inserted", "complaint"),
    [
        ("<h1>Hai</h1>", "2 h1"),
        ("<h3>Nhảy</h3>", "an h3 right under an h1"),
        ("<input name=a>", "the field 'a' has no label"),
        ("<label for=a></label><textarea id=a name=a></textarea>", "the field 'a' has no label"),
        ("<button> </button>", "a button without words"),
        ("<a href='/x'><img src='/x.svg' alt=''></a>", "a a without words"),
        ("<img src='/x.svg'>", "an image without alt"),
        ("<svg></svg>", "a drawing that is neither described nor hidden"),
        ("<p id=a></p><p id=a></p>", "the id 'a' twice"),
        ("<p aria-describedby='a b' id=a></p>", "aria-describedby='b' leads nowhere"),
        ("<a href='#nowhere'>Xem</a>", "the link #nowhere leads nowhere"),
        ("<a href='https://example.com/'>Xem</a>", "a foreign address: https://example.com/"),
        ("<a href='//example.com/'>Xem</a>", "a foreign address: //example.com/"),
        ("<a href='javascript:x()'>Xem</a>", "a foreign address: javascript:x()"),
        ("<img alt='' srcset='https://example.com/a.png 2x'>", "a foreign address"),
        ("<a href='data:text/html,x'>Xem</a>", "a a whose content stands in its address"),
        ("<style>p{}</style>", "an element style"),
        ("<iframe src='/x'></iframe>", "an element iframe"),
        ("<script>x()</script>", "an inline script"),
        ("<p style='color:red'>x</p>", "an inline style on p"),
        ("<p onclick='x()'>x</p>", "an inline onclick on p"),
        ("<label><input type=radio name=a>Có</label>", "the choice 'a' stands in no fieldset"),
        ("<table><tr><td>1</table>", "a table without headings"),
        ("<p>{{ name }}</p>", "'{{' in the text"),
        ("<p>Ha\u0300</p>", "letters that are not NFC"),
        ("<p>\ufffd</p>", "in the text"),
    ],
)
def test_each_rule_finds_the_page_that_breaks_it(inserted: str, complaint: str) -> None:
    (found,) = complaints(inserted)
    assert complaint in found


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ('lang="vi"', "", "lang is None"),
        ("<title>Trang</title>", "<title></title>", "no title"),
        ("<h1>Trang</h1>", "", "0 h1"),
        ('name="viewport"', 'name="other"', "no viewport"),
        ('<meta name="viewport"', '<meta http-equiv="refresh"><meta name="viewport"', "a meta that acts as a header"),
        ("<main>", "<main></main><main>", "expected one main"),
    ],
)
def test_the_frame_of_a_page_is_checked_too(good: str, bad: str, complaint: str) -> None:
    (found,) = complaints("", GOOD.replace(good, bad))
    assert complaint in found
