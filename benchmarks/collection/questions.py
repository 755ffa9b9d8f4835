"""The questionnaire of the measurement: 25 questions on a scale of five, five about the person, one short text."""

REFERENCE = "load/1"
N_QUESTIONS = 31

_GROUPS = ("Tiếp cận dịch vụ", "Thủ tục hành chính", "Công chức", "Kết quả", "Tiếp nhận góp ý")
_GROUPS_EN = ("Access", "Procedures", "Officials", "Result", "Feedback")
_LEVELS = (
    ("Rất không hài lòng", "Very dissatisfied"),
    ("Không hài lòng", "Dissatisfied"),
    ("Bình thường", "Neutral"),
    ("Hài lòng", "Satisfied"),
    ("Rất hài lòng", "Very satisfied"),
)


def source() -> bytes:
    """The questionnaire as a YAML file: as many questions of each kind as the LimeSurvey baseline asked."""
    lines = [
        "questionnaire: 1",
        "name: load",
        'version: "1"',
        "title: {vi: Phiếu đo tải, en: Load form}",
        "model_name: Load",
        "scales:",
        "  five:",
    ]
    for value, (vi, en) in enumerate(_LEVELS, start=1):
        lines.append(f'    - {{code: "{value}", value: {value}, label: {{vi: {vi}, en: {en}}}}}')
    lines.append("sections:")
    for group, (vi, en) in enumerate(zip(_GROUPS, _GROUPS_EN, strict=True), start=1):
        lines += [f"  - code: g{group}", f"    title: {{vi: {vi}, en: {en}}}", "    items:"]
        for number in range(1, 6):
            text = f"{{vi: 'Ông/bà hài lòng thế nào về điều thứ {number}?', en: 'How satisfied with point {number}?'}}"
            lines.append(
                f"      - {{code: q{group}_{number}, kind: single, scale: five, required: true, text: {text}}}"
            )
    lines += ["  - code: person", "    title: {vi: Về ông/bà, en: About you}", "    items:"]
    for number in range(1, 6):
        text = f"{{vi: Đặc điểm {number}, en: Trait {number}}}"
        lines += [
            f"      - code: person{number}",
            "        kind: single",
            "        required: true",
            f"        text: {text}",
            "        options:",
        ]
        lines += [f"          - {{code: o{n}, label: {{vi: Nhóm {n}, en: Group {n}}}}}" for n in range(1, 6)]
    lines.append("      - {code: say, kind: text, longest: 300, text: {vi: Ý kiến khác, en: Anything else}}")
    return ("\n".join(lines) + "\n").encode()
