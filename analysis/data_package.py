"""The description of an archive as a Frictionless Data Package (https://specs.frictionlessdata.io, version 1)."""

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from analysis.sealed_folders import Finding, sha256_hex
from questionnaires.model import Questionnaire

DATA_PACKAGE = "datapackage.json"

MEDIA = {
    ".yaml": {"format": "yaml", "mediatype": "application/yaml"},
    ".csv": {"format": "csv", "mediatype": "text/csv", "encoding": "utf-8"},
    ".R": {"format": "r", "mediatype": "text/plain", "encoding": "utf-8"},
}


def data_package(
    name: str,
    title: str,
    schema: pa.Schema,
    unit_columns: tuple[str, ...],
    questionnaire: Questionnaire,
    files: Mapping[str, bytes],
) -> bytes:
    """The `datapackage.json` of an archive; `files` are all it describes, `schema` is that of its responses."""
    types = {pa.string(): "string", pa.float64(): "number", pa.bool_(): "boolean"}
    titles = {item.code: item.text.vi for item in questionnaire.items}
    response_fields = [
        {"name": field.name, "type": types[field.type], "title": titles.get(field.name, field.name)} for field in schema
    ]
    unit_fields = [
        {"name": column, "type": "integer" if column == "population" else "string"} for column in unit_columns
    ]
    package = {
        "profile": "data-package",
        "name": name,
        "title": title,
        "resources": [
            {
                "name": "responses",
                "path": "responses.parquet",
                "format": "parquet",
                "mediatype": "application/vnd.apache.parquet",
                "schema": {
                    "fields": response_fields,
                    "foreignKeys": [{"fields": "unit", "reference": {"resource": "units", "fields": "code"}}],
                },
                **_package_facts(files["responses.parquet"]),
            },
            {
                "name": "units",
                "path": "units.csv",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": {"fields": unit_fields, "primaryKey": "code"},
                **_package_facts(files["units.csv"]),
            },
            *(
                {
                    "name": Path(file).stem,
                    "path": file,
                    **MEDIA[Path(file).suffix],
                    **_package_facts(content),
                }
                for file, content in files.items()
                if file not in ("responses.parquet", "units.csv")
            ),
        ],
    }
    return (json.dumps(package, ensure_ascii=False, indent=1) + "\n").encode()


def package_findings(path: Path) -> list[Finding]:
    """Resources whose bytes are not those that datapackage.json describes: a second witness beside the manifest."""
    try:
        resources = json.loads((path / DATA_PACKAGE).read_bytes())["resources"]
        stated = {Path(resource["path"]).name: resource["hash"] for resource in resources}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return [Finding(DATA_PACKAGE, "no description of the files", "a Frictionless Data Package")]
    return [
        Finding(name, f"sha256:{actual}", f"{stated_hash} as datapackage.json says")
        for name, stated_hash in stated.items()
        if (path / name).is_file() and (actual := sha256_hex((path / name).read_bytes())) != stated_hash[7:]
    ]


def _package_facts(content: bytes) -> dict[str, object]:
    return {"hash": f"sha256:{sha256_hex(content)}", "bytes": len(content)}
