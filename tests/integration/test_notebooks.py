"""The notebook of the guide runs from its first cell to its last, in the interpreter of the tests (E10)."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from support.study_archives import write_study_archive

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_what_it_showed(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []


@pytest.mark.slow
def test_the_notebook_of_satisfaction_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The kernel listens on loopback alone, and writes nothing beside this folder.
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    write_study_archive(tmp_path / "archive")
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert any("Phường Hà Tu" in output.get("data", {}).get("text/html", "") for output in shown)
    assert (tmp_path / "indices.xlsx").is_file()
