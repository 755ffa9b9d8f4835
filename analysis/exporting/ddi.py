"""A DDI Codebook 2.5 of the responses: who asked whom, how the sample was drawn, and what each column holds.

Source: DDI Alliance, DDI-Codebook 2.5 XML Schema (2012).
"""

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from analysis.exporting.codebook import Variable
from analysis.exporting.labelling import Microdata
from analysis.release.round_design import RoundDesign, parse_design
from questionnaires.model import LANGUAGES, Text

NAMESPACE = "ddi:codebook:2_5"
# Characters that no XML may hold.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_FILE_ID = "F1"
_COLLECTED = {
    "here": Text("Trực tuyến và tại quầy, bằng mã mời", "Online and at the counter, by invitation codes"),
    "elsewhere": Text("Khảo sát do cơ quan khác thực hiện", "A survey held elsewhere"),
    "simulated": Text("Số liệu mô phỏng, không phải kết quả khảo sát", "Simulated data, no results of a survey"),
}
_RESTRICTION = Text(
    "Số liệu từng người trả lời, đã khử định danh; chỉ dành cho người làm thống kê và kiểm toán của cơ quan.",
    "De-identified microdata; for the office's statisticians and auditors alone.",
)


def codebook_xml(microdata: Microdata, file_name: str) -> bytes:
    """The codebook of the responses in the CSV file of this name, every text in both languages."""
    contents = microdata.archive.contents
    root = ElementTree.Element(
        "codeBook", {"xmlns": NAMESPACE, "version": "2.5", "ID": f"hailong.{contents.facts.slug}"}
    )
    _study(ElementTree.SubElement(root, "stdyDscr"), microdata)
    file_text = _child(_child(root, "fileDscr", {"ID": _FILE_ID}), "fileTxt")
    _child(file_text, "fileName", text=file_name)
    dimensions = _child(file_text, "dimensns")
    _child(dimensions, "caseQnty", text=str(contents.responses.num_rows))
    _child(dimensions, "varQnty", text=str(len(microdata.variables)))
    _child(file_text, "fileType", text="text/csv; charset=utf-8")
    data = _child(root, "dataDscr")
    for number, variable in enumerate(microdata.variables, start=1):
        _variable(data, variable, number, f"V{len(microdata.variables)}")
    ElementTree.indent(root, " ")
    spelled: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return spelled + b"\n"


def _study(study: ElementTree.Element, microdata: Microdata) -> None:
    contents, questionnaire = microdata.archive.contents, microdata.archive.questionnaire
    facts = contents.facts
    design = parse_design(contents.design_source, "design.yaml")
    citation = _child(study, "citation")
    title = _child(citation, "titlStmt")
    _child(title, "titl", {"xml:lang": "vi"}, microdata.title("vi"))
    _child(title, "parTitl", {"xml:lang": "en"}, microdata.title("en"))
    _child(title, "IDNo", {"agency": "hailong"}, facts.slug)
    if facts.issuer.vi:
        _child(_child(citation, "rspStmt"), "AuthEnty", {"xml:lang": "vi"}, facts.issuer.vi)
    information = _child(study, "stdyInfo")
    _both(information, "abstract", questionnaire.title)
    summary = _child(information, "sumDscr")
    _child(summary, "collDate", {"date": facts.opens_on.isoformat(), "event": "start"}, facts.opens_on.isoformat())
    _child(summary, "collDate", {"date": facts.closes_on.isoformat(), "event": "end"}, facts.closes_on.isoformat())
    _child(summary, "nation", {"abbr": "VNM"}, "Việt Nam")
    _both(summary, "anlyUnit", _analysed(microdata))
    _child(summary, "dataKind", {"xml:lang": "en"}, "survey data")
    collection = _child(_child(study, "method"), "dataColl")
    _both(collection, "sampProc", _sampling(design))
    _both(collection, "collMode", _COLLECTED[facts.collected])
    _both(collection, "weight", _weighting(design))
    use = _child(_child(study, "dataAccs"), "useStmt")
    # The schema has room for one, in whatever language.
    _child(use, "restrctn", text=f"{_RESTRICTION.vi} / {_RESTRICTION.en}")


def _analysed(microdata: Microdata) -> Text:
    if microdata.archive.questionnaire.rates_several_units:
        return Text("Lượt đánh giá một đơn vị trong một phiếu", "The rating of one unit in a ballot")
    return Text("Người trả lời", "The respondent")


def _sampling(design: RoundDesign) -> Text:
    strata = ", ".join(design.strata)
    if design.rates_several_units:
        return Text(
            f"Tầng: {strata}. Mỗi phiếu là một cụm gồm các lượt đánh giá.",
            f"Strata: {strata}. Each ballot is a cluster of ratings.",
        )
    if design.clusters:
        return Text(
            f"Tầng: {strata}. Cụm (psu) được chọn trong mỗi tầng, người trả lời được chọn trong cụm.",
            f"Strata: {strata}. Clusters (psu) drawn in each stratum, respondents in the clusters.",
        )
    return Text(f"Tầng: {strata}. Người trả lời được chọn trong mỗi tầng.", f"Strata: {strata}. Respondents in each.")


def _weighting(design: RoundDesign) -> Text:
    if not design.has_counts:
        return Text("Dân số chưa được đếm: mọi trọng số tính từ 1.", "Nobody counted the people: weights begin at 1.")
    vi = "Số người của mỗi ô chia cho xác suất chọn cụm và số người đã trả lời"
    en = "The people of each cell over the cluster's probability and the number who answered"
    if design.household is not None:
        vi += f", nhân với số người trong hộ ({design.household})"
        en += f", times the people of the household ({design.household})"
    if design.margins:
        vi += "; sau đó hiệu chỉnh theo tổng đã biết (raking)"
        en += "; then raked to known totals"
    return Text(f"{vi}.", f"{en}.")


def _variable(data: ElementTree.Element, variable: Variable, number: int, weight_id: str) -> None:
    is_number = variable.kind in ("number", "weight")
    attributes = {
        "ID": f"V{number}",
        "name": variable.name,
        "files": _FILE_ID,
        "intrvl": "contin" if is_number and not variable.categories else "discrete",
    }
    if variable.kind == "weight":
        attributes["wgt"] = "wgt"
    elif variable.kind != "label":
        attributes["wgt-var"] = weight_id
    element = _child(data, "var", attributes)
    _both(element, "labl", variable.text)
    if variable.kind not in ("label", "weight"):
        question = _child(element, "qstn")
        _both(question, "qstnLit", variable.text)
    if variable.asked_if is not None:
        _both(element, "universe", variable.asked_if)
    for category in variable.categories:
        entry = _child(element, "catgry", {"missing": "Y"} if category.is_missing else {})
        _child(entry, "catValu", text=category.code)
        _both(entry, "labl", category.label)
    _child(element, "varFormat", {"type": "numeric" if is_number else "character"})


def _both(parent: ElementTree.Element, name: str, text: Text) -> None:
    for language in LANGUAGES:
        _child(parent, name, {"xml:lang": language}, text.in_language(language))


def _child(
    parent: ElementTree.Element, name: str, attributes: Mapping[str, str] | None = None, text: str = ""
) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name, dict(attributes or {}))
    if text:
        element.text = _NO_XML.sub("", text)
    return element
