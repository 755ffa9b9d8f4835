"""Slips and stands: what is on paper leads where it should, and nothing of it is lost under the knife (W4)."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from questionnaires.model import Text
from support.command_line import environment_of_settings, run
from support.printed import inked_millimetres, qr_texts
from support.rounds import SLUG, UNITS, Collection, planned_collection
from support.stores import Templates
from survey.code_files import issued_codes_csv
from survey.codes import new_code, read_code
from survey.errors import BadInput, WrongState
from survey.invitations import IssuedCode, find_invitation
from survey.printing import make_slip_printer
from survey.round_records import find_round, units_of_round
from survey.rounds import close_round, open_round
from survey.settings import Settings
from survey.slips import (
    SLIPS_A_FILE,
    draw_qr,
    heading_of,
    n_files,
    print_slips,
    print_stands,
    printed_address,
    read_issued_codes,
    refuse_printing,
    refuse_unknown_codes,
    slip_of,
)
from survey.storage.stores import Stores
from survey.units import UnitRecord

PUBLIC_URL = "https://hailong.example.vn"


@pytest.fixture
def collection(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Collection:
    return planned_collection(sqlite_settings, sqlite_stores, tmp_path)


@pytest.fixture
def units(collection: Collection) -> tuple[UnitRecord, ...]:
    return units_of_round(collection.stores, collection.record)


def pdf_of(printed: object) -> bytes:
    (file,) = printed if not hasattr(printed, "pdf") else (printed,)
    assert file.failure is None
    return file.pdf


def text_of(pdf: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


@pytest.mark.slow
def test_what_a_telephone_reads_from_a_slip_is_an_invitation_of_its_unit(collection, units, tmp_path):
    codes = [*collection.codes("phuong-a", 9), *collection.codes("xa-b", 1)]
    listed = read_issued_codes(issued_codes_csv(codes, PUBLIC_URL), "codes.csv", collection.record)
    refuse_unknown_codes(collection.stores, collection.secrets, collection.record, listed, "codes.csv")
    pdf = pdf_of(print_slips(collection.record, units, listed, PUBLIC_URL, workers=1))
    pages = qr_texts(pdf, tmp_path)
    addresses = [f"{PUBLIC_URL}/r/{SLUG}/{code.unit}#{code.qr}" for code in codes]
    # Nine slips of one unit fill a sheet and begin another; the next unit begins on a sheet of its own.
    assert pages == [sorted(addresses[:8]), addresses[8:9], addresses[9:]]
    for code in codes:
        invitation = find_invitation(collection.stores, collection.secrets, SLUG, code.qr)
        assert invitation is not None
        assert invitation.origin.unit == code.unit


@pytest.mark.slow
def test_a_slip_says_who_asks_until_when_and_what_to_type(collection, units):
    record = replace(
        collection.record,
        issuer=Text("Sở Nội vụ", "Department of Home Affairs"),
        decision="Kế hoạch 12/KH-UBND",
        hotline="0203 123 4567",
    )
    (code,) = collection.codes("phuong-a", 1)
    said = text_of(pdf_of(print_slips(record, units, [code], PUBLIC_URL, workers=1)))
    for expected in (
        "Phường A", "Ward A", "Sở Nội vụ", "Kế hoạch 12/KH-UBND", "0203 123 4567", "31/12/2026", "31 December 2026",
        f"{PUBLIC_URL}/r/{SLUG}/phuong-a",
    ):  # fmt: skip
        assert expected in said
    # Every sign of the code stands in a place of its own; read together they are the code.
    symbols = "".join(code.typed.split("-"))
    assert symbols in re.sub(r"[\s-]", "", said)
    assert code.qr not in said
    assert "mô phỏng" not in said
    simulated = replace(record, is_simulated=True)
    assert "Đợt mô phỏng" in text_of(pdf_of(print_slips(simulated, units, [code], PUBLIC_URL, workers=1)))


LONG = Text(
    "Khảo sát mức độ hài lòng của người dân, tổ chức đối với sự phục vụ của cơ quan hành chính nhà nước trên địa bàn "
    "tỉnh Quảng Ninh năm 2026",
    "Survey of the satisfaction of people and organisations with the service of the public administration in the "
    "province of Quảng Ninh in 2026",
)


@pytest.mark.slow
@pytest.mark.parametrize("is_long", [False, True])
def test_cutting_loses_nothing(collection, units, tmp_path, is_long):
    record, named = collection.record, units
    if is_long:
        record = replace(record, title=LONG, issuer=LONG, decision=LONG.vi, hotline="0" * 60, is_simulated=True)
        named = tuple(replace(unit, name_vi=LONG.vi, name_en=LONG.en) for unit in units)
    pdf = pdf_of(print_slips(record, named, collection.codes("phuong-a", 8), PUBLIC_URL, workers=1))
    (ink,) = inked_millimetres(pdf, tmp_path)
    assert ink.shape == (297, 210)
    ink = ink.copy()
    # The cut marks themselves: beside the sheet's edges and where cuts cross.
    for y in (74, 148, 222):
        ink[y - 1 : y + 2, :10] = ink[y - 1 : y + 2, 200:] = False
        ink[y - 4 : y + 5, 100:110] = False
    ink[:10, 103:107] = ink[287:, 103:107] = False
    for cut in (74, 148, 222):
        assert not ink[cut - 5 : cut + 6].any(), f"ink within 5 mm of the cut at {cut} mm"
    assert not ink[:, 100:110].any(), "ink within 5 mm of the cut in the middle"
    assert not ink[:4].any()
    assert not ink[-5:].any()
    assert not ink[:, :5].any()
    assert not ink[:, -4:].any()


@pytest.mark.slow
def test_every_slip_of_long_names_can_still_be_read(collection, units, tmp_path):
    record = replace(collection.record, title=LONG, issuer=LONG, decision=LONG.vi, hotline="0" * 60, is_simulated=True)
    named = tuple(replace(unit, name_vi=LONG.vi, name_en=LONG.en) for unit in units)
    codes = collection.codes("phuong-a", 8)
    pdf = pdf_of(print_slips(record, named, codes, "https://khao-sat-hai-long.quangninh.gov.vn", workers=1))
    said = text_of(pdf)
    assert len(qr_texts(pdf, tmp_path)[0]) == 8
    assert said.count("31/12/2026") == 8
    assert re.sub(r"\s", "", said).count(f"/r/{SLUG}/phuong-a") == 8


@pytest.mark.slow
def test_a_stand_leads_to_its_unit_and_carries_no_code(collection, units, tmp_path):
    pdf = pdf_of(print_stands(collection.record, units, PUBLIC_URL))
    assert qr_texts(pdf, tmp_path) == [[f"{PUBLIC_URL}/r/{SLUG}/{unit}"] for unit in UNITS]
    (first, _) = inked_millimetres(pdf, tmp_path)
    assert first.shape == (148, 105)
    assert not first[:6].any()
    assert not first[-6:].any()
    assert pdf_of(print_stands(collection.record, units, PUBLIC_URL)) == pdf
    whole = pdf_of(print_stands(collection.record, (None,), PUBLIC_URL))
    assert qr_texts(whole, tmp_path) == [[f"{PUBLIC_URL}/r/{SLUG}"]]


@pytest.mark.slow
def test_the_same_list_prints_the_same_bytes(collection, units):
    codes = collection.codes("phuong-a", 2)
    first, second = (pdf_of(print_slips(collection.record, units, codes, PUBLIC_URL, workers=1)) for _ in range(2))
    assert first == second


def test_a_slip_for_a_ballot_on_several_units_names_none(collection):
    code = new_code()
    printer = make_slip_printer()
    issued = IssuedCode(SLUG, "", code.typed, code.qr, "slip")
    leaf = slip_of(issued, {}, PUBLIC_URL)
    assert (leaf.subject, leaf.address) == (None, f"{PUBLIC_URL}/r/{SLUG}")
    html = printer.page("slips.html.jinja", "vi", heading=heading_of(collection.record), sheets=[[leaf]])
    assert "về các cơ quan đã liên hệ" in html


def test_many_slips_fill_several_files():
    def codes(*counts: int) -> list[IssuedCode]:
        return [IssuedCode(SLUG, f"u{n}", "", "", "slip") for n, count in enumerate(counts) for _ in range(count)]

    assert n_files(codes(SLIPS_A_FILE)) == 1
    assert n_files(codes(SLIPS_A_FILE + 1)) == 2
    # Units of one slip each take a sheet each.
    assert n_files(codes(*[1] * (SLIPS_A_FILE // 8))) == 1
    assert n_files(codes(*[1] * (SLIPS_A_FILE // 8 + 1))) == 2


def test_a_qr_code_is_drawn_with_its_white_rim():
    drawing = draw_qr("https://hailong.example.vn/r/thu-2026/phuong-a#AAAAAAAAAAAAAAAAAAAAAA")
    strokes = [tuple(map(float, found)) for found in re.findall(r"M(\d+) (\d+\.5)h(\d+)", drawing.path)]
    assert min(x for x, _, _ in strokes) == 4
    assert min(y for _, y, _ in strokes) == 4.5
    assert max(x + length for x, _, length in strokes) == drawing.side - 4


def rows(collection: Collection, units: tuple[str, ...] = ("phuong-a",)) -> list[str]:
    codes = [code for unit in units for code in collection.codes(unit, 1)]
    return issued_codes_csv(codes, PUBLIC_URL).decode().splitlines()


def test_a_list_is_read_as_it_was_made_and_as_a_spreadsheet_saves_it(collection):
    codes = collection.codes("xa-b", 2)
    made = issued_codes_csv(codes, PUBLIC_URL)
    saved = b"\xef\xbb\xbf" + made.replace(b",", b";").replace(b"\n", b"\r\n")
    for content in (made, saved, issued_codes_csv(codes, None), issued_codes_csv(codes, "http://elsewhere.example")):
        read = read_issued_codes(content, "codes.csv", collection.record)
        assert [(code.unit, code.typed, code.qr) for code in read] == [
            (code.unit, code.typed, code.qr) for code in codes
        ]
        assert {code.address(PUBLIC_URL).partition("/r/")[0] for code in read} == {PUBLIC_URL}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda header, row: (header, ""), "codes.csv: found no code below the columns' names"),
        (lambda header, row: ("unit,code,url", row), "codes.csv:1: found the columns unit, code, url, expected unit, "),
        (lambda header, row: (header, row + ",more"), "codes.csv:2: found 5 fields, expected 4"),
        (lambda header, row: (header, "xa-c" + row[8:]), "codes.csv:2: column unit: found “xa-c”, expected a unit of"),
        (lambda header, row: (header, "xa-b" + row[8:]), "codes.csv:2: column url: found an address that is not one"),
        (lambda header, row: (header, row[:9] + "0" * 13 + "1" + row[25:]), "codes.csv:2: column code: found “"),
        (lambda header, row: (header, row.replace("/r/thu-2026", "/r/thu-2027")), "codes.csv:2: column url"),
        (lambda header, row: (header, row.replace("#", "?code=")), "codes.csv:2: column url"),
        (lambda header, row: (header, row + "\n" + row), "codes.csv:3: found a code that line 2 has too"),
    ],
)
def test_a_list_that_is_not_one_is_refused(collection, change, complaint):
    header, row = rows(collection)
    content = "\n".join(change(header, row)).encode()
    with pytest.raises(BadInput) as refusal:
        read_issued_codes(content, "codes.csv", collection.record)
    assert str(refusal.value).startswith(complaint)


def test_codes_that_were_never_issued_are_not_printed(collection):
    record = collection.record
    (good,), made_up = collection.codes("phuong-a", 1), new_code()
    (other,) = collection.codes("xa-b", 1)
    assert read_code(made_up.typed) is not None
    refuse_unknown_codes(collection.stores, collection.secrets, record, [good, other], "codes.csv")
    for bad in (
        IssuedCode(SLUG, "phuong-a", made_up.typed, made_up.qr, "slip"),
        # The two spellings of different invitations, and the code of another unit.
        IssuedCode(SLUG, "phuong-a", other.typed, good.qr, "slip"),
        IssuedCode(SLUG, "phuong-a", other.typed, other.qr, "slip"),
    ):
        with pytest.raises(BadInput, match="code 2 of the list: found a code that was not issued for the round"):
            refuse_unknown_codes(collection.stores, collection.secrets, record, [good, bad], "codes.csv")


def test_nothing_is_printed_without_a_public_address(sqlite_settings, tmp_path, store_templates: Templates):
    assert printed_address(sqlite_settings, "http://127.0.0.1:8000") == PUBLIC_URL
    unknown = replace(sqlite_settings, public_url=None)
    with pytest.raises(WrongState, match="HAILONG_PUBLIC_URL: found nothing"):
        printed_address(unknown, "http://127.0.0.1:8000")
    assert printed_address(replace(unknown, is_demonstration=True), "http://127.0.0.1:8000") == "http://127.0.0.1:8000"


def test_nothing_is_printed_for_a_round_that_is_over(collection):
    refuse_printing(collection.record)
    open_round(collection.stores, collection.vault, SLUG, collection.record.opens_on)
    refuse_printing(find_round(collection.stores, SLUG))
    close_round(collection.stores, SLUG)
    with pytest.raises(WrongState, match="is closed; slips and stands are printed while it is draft or open"):
        refuse_printing(find_round(collection.stores, SLUG))


class TestCommands:
    @pytest.fixture
    def hailong(self, collection):
        environment = environment_of_settings(collection.settings.instance, None)
        return lambda *words, **changes: run({**environment, **changes}, "round", *words)

    @pytest.fixture
    def listed(self, collection, tmp_path):
        path = tmp_path / "codes.csv"
        path.write_text("\n".join(rows(collection, UNITS)), encoding="utf-8")
        return path

    def test_without_a_public_address_both_refuse_and_write_nothing(self, hailong, listed, tmp_path):
        out = tmp_path / "out.pdf"
        for words in (("slips", SLUG, "--codes", listed), ("stands", SLUG)):
            done = hailong(*words, "--out", out, HAILONG_PUBLIC_URL="")
            assert done.exit_code == 2
            assert done.errors.startswith("hailong: HAILONG_PUBLIC_URL: found nothing, expected the address")
            assert len(done.errors.splitlines()) == 1
            assert not out.exists()

    @pytest.mark.slow
    def test_slips_and_stands_are_printed_into_new_private_files(self, hailong, listed, tmp_path):
        slips, stands = tmp_path / "slips.pdf", tmp_path / "stands.pdf"
        done = hailong("slips", SLUG, "--codes", listed, "--out", slips, "--workers", 1)
        assert (done.exit_code, "2 slips in" in done.output) == (0, True)
        assert slips.stat().st_mode & 0o777 == 0o600
        done = hailong("stands", SLUG, "--unit", "xa-b", "--out", stands)
        assert (done.exit_code, "1 stand in" in done.output) == (0, True)
        assert qr_texts(stands.read_bytes(), tmp_path) == [[f"{PUBLIC_URL}/r/{SLUG}/xa-b"]]
        for again in (
            hailong("stands", SLUG, "--out", stands),
            hailong("slips", SLUG, "--codes", listed, "--out", slips),
        ):
            assert (again.exit_code, "is there already" in again.errors) == (2, True)
            assert len(again.errors.splitlines()) == 1

    def test_a_unit_of_another_round_has_no_stand(self, hailong, tmp_path):
        done = hailong("stands", SLUG, "--unit", "xa-c", "--out", tmp_path / "out.pdf")
        assert (done.exit_code, list(tmp_path.glob("*.pdf"))) == (2, [])
        assert "--unit: found 'xa-c', expected a unit of the round thu-2026" in done.errors

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff\xfe\x00\x01" * 50,
            "tên,đơn vị\nPhường Hồng Gai,1\n".encode("cp1258", errors="replace"),
            b"%PDF-1.7\n1 0 obj\n",
            pytest.param(b"a,b\n" + b"1,2\n" * 7_000_000, marks=pytest.mark.slow),
            None,
            "link",
        ],
        ids=["nothing", "no text", "another encoding", "something else", "far too much", "missing", "a link"],
    )
    def test_a_bad_list_is_named_and_nothing_is_written(self, hailong, listed, tmp_path, content):
        given = tmp_path / "handed-over.csv"
        if content == "link":
            given.symlink_to(listed)
        elif content is not None:
            given.write_bytes(content)
        done = hailong("slips", SLUG, "--codes", given, "--out", tmp_path / "out.pdf")
        assert done.exit_code == 2
        (line,) = done.errors.splitlines()
        assert line.startswith("hailong: ")
        assert "handed-over.csv" in line
        assert list(tmp_path.glob("*.pdf")) == []
