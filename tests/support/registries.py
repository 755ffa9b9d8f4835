"""A registry of four units as its files hold it."""

from pathlib import Path

from survey.unit_files import SUCCESSION_COLUMNS, UNIT_COLUMNS

HEADER = ",".join(UNIT_COLUMNS)
SUCCESSION_HEADER = ",".join(SUCCESSION_COLUMNS)
ROWS = [
    "193,Thành phố Hạ Long,Ha Long City,district,Khối địa phương,,2020-01-01,2025-06-30,300267,1119.12,NQ 837",
    "06652,Phường Hà Tu,Ha Tu Ward,ward,Khối địa phương,,2025-07-01,,29643,37.6,NQ 1679",
    "06967,Xã Cái Chiên,Cai Chien Commune,commune,Khối địa phương,,,,752,,NQ 1679",
    '"QN-SNV",Sở Nội vụ,"Department of Home Affairs",department,"Khối sở, ban, ngành",,2025-03-01,,,,',
]
SUCCESSIONS = ["193,06652,2025-07-01,split,NQ 1679"]


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path
