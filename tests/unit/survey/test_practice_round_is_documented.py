"""What `make round` runs is what the operators' guide tells them to type."""

from pathlib import Path

from benchmarks.whole_round import BEFORE, RESPONDENTS, ROUND, SEED, UNITS


def test_the_guide_has_the_commands_of_make_round():
    words = {"units": UNITS, "opens": "OPENS", "closes": "CLOSES", "respondents": RESPONDENTS, "seed": SEED}
    typed = "\n".join(command.format(**words) for command in (*BEFORE, *ROUND))
    guide = Path(__file__).parents[3] / "docs" / "operators.md"
    assert f"```sh\n{typed}\n```" in guide.read_text(encoding="utf-8")
