"""A list of half a million people: read from its file, cleaned by rules, and kept with a report.

Each format is done by a process of its own, as an officer's upload is: `upload_frame` and `clean_uploaded`, with the
sealed files that they leave. Its peak of memory is what the kernel says of the whole process, libraries included. The
lists have people twice, bad telephone numbers, days outside the window and units that are none of the round's.

    python -m benchmarks.office.frame INSTANCE FILE     one list, as JSON; what the measurement starts
"""

import datetime as dt
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.office.page import ROOT, Bar, Tell, table, taken
from questionnaires.library import bundled_source
from survey.frame_cleaning import CleaningRules
from survey.frames import clean_uploaded, upload_frame
from survey.questionnaire_library import publish_questionnaire
from survey.round_records import find_round
from survey.rounds import RoundRequest, create_round
from survey.services import open_services, today
from survey.settings import Settings
from survey.storage.stores import open_stores
from survey.storage.upgrading import upgrade_stores
from survey.units import import_units

NAME, SEED = "frame", 20261124
N_ROWS, N_UNITS = 500_000, 54
SECONDS, MEGABYTES = Bar(60, is_strict=True), Bar(1000, is_strict=True)
SLUG, QUESTIONNAIRE = "danh-sach", "sipas/2017.1"
HEADER = ("Mã hồ sơ", "Họ và tên", "Đơn vị", "Thủ tục", "Ngày trả kết quả", "Số điện thoại", "Địa chỉ")
_FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Ngô")
_MIDDLES = ("Thị", "Văn", "Hữu", "Ngọc", "Đức", "Thanh", "Quốc", "Minh")
_GIVEN = ("Hằng", "Dũng", "Phượng", "Tuấn", "Yến", "Khuê", "Sơn", "Thủy", "Quý", "Lộc", "Ánh", "Hiền", "Cường")
_PROCEDURES = ("Đăng ký khai sinh", "Cấp giấy phép xây dựng", "Chứng thực bản sao", "Đăng ký kết hôn", "Cấp đổi thẻ")
_STREETS = ("Lê Thánh Tông", "Trần Hưng Đạo", "Nguyễn Văn Cừ", "Hạ Long", "Bãi Cháy", "Quang Trung")
_TONES = {"\u0300": b"\xcc", "\u0301": b"\xec", "\u0303": b"\xde", "\u0309": b"\xd2", "\u0323": b"\xf2"}


def measure(seconds: float, tell: Tell) -> str:
    """The table of formats with seconds and memory."""
    load = os.getloadavg()[0]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make_instance(folder / "var")
        for what, path in _files(folder):
            tell(f"{NAME}: {what}, {path.stat().st_size / 1e6:.0f} MB")
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.office.frame", str(folder / "var"), str(path)],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(f"{what}: {done.stderr[-2000:]}")
            figures = json.loads(done.stdout)
            in_all = figures["read"] + figures["cleaned"]
            rows.append([
                what, f"{path.stat().st_size / 1e6:.0f}", f"{figures['read']:.1f}", f"{figures['cleaned']:.1f}",
                f"{in_all:.1f}", SECONDS.verdict(in_all), f"{figures['megabytes']:.0f}",
                MEGABYTES.verdict(figures["megabytes"]), f"{figures['kept']:,}",
            ])  # fmt: skip
            path.unlink()
    header = ["file", "MB", "read, s", "cleaned, s", "together, s", "bar", "peak MB", "bar", "rows that stay"]
    shown = table(header, rows)
    return (
        f"{taken(load, with_libraries=('pyarrow', 'numpy', 'openpyxl'))}\n\n"
        f"{N_ROWS:,} rows, {len(HEADER)} columns.\n\n{shown}"
    )


def clean_one(instance: Path, path: Path) -> dict[str, float]:
    """Upload and clean a list as the office does; seconds of both, and the most memory that this process ever had."""
    services = open_services(Settings.from_environment(_environment(instance)))
    content = path.read_bytes()
    began = time.perf_counter()
    record = find_round(services.stores, SLUG)
    upload_frame(
        services, record, "transactions", content, path.name, today() + dt.timedelta(days=60),
        actor="bench", by="bench", today=today(),
    )  # fmt: skip
    read = time.perf_counter()
    rules = CleaningRules(
        columns={
            "key": HEADER[0], "unit": HEADER[2], "stratum": HEADER[3], "day": HEADER[4], "phone": HEADER[5],
        },
        same_person=(HEADER[1], HEADER[5]),
        first_day=dt.date(2026, 1, 1),
        last_day=dt.date(2026, 6, 30),
        needs_phone=True,
        reads_each=True,
    )  # fmt: skip
    cleaned = clean_uploaded(services, record, rules, actor="bench")
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    services.stores.close()
    return {
        "read": read - began, "cleaned": ended - read, "megabytes": peak * 1.024, "kept": cleaned.report.n_kept,
    }  # fmt: skip


def _environment(instance: Path) -> dict[str, str]:
    return {"HAILONG_INSTANCE": str(instance), "HAILONG_PUBLIC_URL": "http://127.0.0.1"}


def _make_instance(instance: Path) -> None:
    settings = Settings.from_environment(_environment(instance))
    upgrade_stores(settings)
    stores = open_stores(settings)
    registry = instance / "units.csv"
    head = "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source\n"
    rows = (f"u{n},Phường số {n},Ward {n},ward,Khối phường,,2025-07-01,,9000,1.5,thử\n" for n in range(1, N_UNITS + 1))
    registry.write_text(head + "".join(rows), encoding="utf-8")
    import_units(stores, registry)
    publish_questionnaire(stores, bundled_source(QUESTIONNAIRE), f"{QUESTIONNAIRE}.yaml", today())
    last = today() + dt.timedelta(days=30)
    create_round(stores, RoundRequest(SLUG, QUESTIONNAIRE, "kind=ward", today(), last), today())
    stores.close()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each list as a file, one after the other."""
    path = folder / "list.csv"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(",".join(row) + "\n" for row in (HEADER, *_people()))
    yield "CSV, UTF-8", path
    with path.open("wb") as file:
        for n, row in enumerate((HEADER, *_people())):
            line = ",".join(row) + "\n"
            file.write(_in_1258(line) if n % 2 else line.encode())
    yield "CSV, every other row in Windows-1258", path
    path = folder / "list.xlsx"
    _write_workbook(path)
    yield "XLSX", path


def _people() -> Iterator[tuple[str, ...]]:
    draw = random.Random(SEED)  # noqa: S311 - made-up people, no secrets
    first = dt.date(2025, 12, 20)
    last: tuple[str, ...] = ()
    for n in range(N_ROWS):
        key = f"H{n:07}"
        if last and draw.random() < 0.02:
            last = (key, *last[1:])
        else:
            phone = f"09{draw.randrange(10**8):08}"
            name = f"{draw.choice(_FAMILIES)} {draw.choice(_MIDDLES)} {draw.choice(_GIVEN)}"
            unit = f"Phường số {draw.randint(1, N_UNITS)}" if draw.random() < 0.99 else "Phường không có"
            day = first + dt.timedelta(days=draw.randrange(200))
            last = (
                key, name, unit, draw.choice(_PROCEDURES), f"{day:%d/%m/%Y}",
                phone if draw.random() < 0.98 else phone[:6],
                f"Số {draw.randint(1, 900)} {draw.choice(_STREETS)}",
            )  # fmt: skip
        yield last


def _in_1258(line: str) -> bytes:
    """A line as programs of the nineties wrote it: letters with their marks, and the tone behind as a sign."""
    written = bytearray()
    for letter in line:
        if letter.isascii():
            written += letter.encode()
            continue
        apart = unicodedata.normalize("NFD", letter)
        tone = next((sign for sign in apart if sign in _TONES), "")
        base = unicodedata.normalize("NFC", apart.replace(tone, "") if tone else apart)
        written += base.encode("cp1258") + _TONES.get(tone, b"")
    return bytes(written)


def _write_workbook(path: Path) -> None:
    """A workbook as spreadsheet programs write it: each text once in a table, and cells that point there."""
    texts: dict[str, int] = {}
    columns = "ABCDEFG"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as package:
        package.writestr("[Content_Types].xml", _TYPES)
        package.writestr("_rels/.rels", _ROOT_RELATIONS)
        package.writestr("xl/workbook.xml", _WORKBOOK)
        package.writestr("xl/_rels/workbook.xml.rels", _RELATIONS)
        with package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(_SHEET_BEGINS)
            for n, row in enumerate((HEADER, *_people()), start=1):
                cells = "".join(
                    f'<c r="{column}{n}" t="s"><v>{texts.setdefault(text, len(texts))}</v></c>'
                    for column, text in zip(columns, row, strict=True)
                )
                sheet.write(f'<row r="{n}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        with package.open("xl/sharedStrings.xml", "w", force_zip64=True) as strings:
            strings.write(f'{_XML}<sst xmlns="{_MAIN}" uniqueCount="{len(texts)}">'.encode())
            for text in texts:
                strings.write(f"<si><t>{escape(text)}</t></si>".encode())
            strings.write(b"</sst>")


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET_BEGINS = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode()
_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_KIND}.sharedStrings+xml"/></Types>'
)
_ROOT_RELATIONS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_WORKBOOK = (
    f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Danh sách" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_RELATIONS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
)


if __name__ == "__main__":
    print(json.dumps(clean_one(Path(sys.argv[1]), Path(sys.argv[2]))))
