"""The numbers of issue 7, each measured by itself and printed with its bar.

    python -m benchmarks.office [screens] [monitor] [editor] [frame] [--seconds 60] [--write]

Without a name all four, in some ten minutes. `--write` puts each table into docs/benchmarks/office.md.
"""

import argparse

from benchmarks.office import editor, frame, monitor, page, screens

PARTS = {"screens": screens, "monitor": monitor, "editor": editor, "frame": frame}


def main() -> None:
    """Measure what was asked for, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; everything without a name")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the monitor's load")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks/office.md")
    chosen = parser.parse_args()
    for name in chosen.parts or PARTS:
        text = PARTS[name].measure(chosen.seconds, lambda line: print(line, flush=True))
        print(f"{text}\n", flush=True)
        if chosen.write:
            page.write(name, text)


if __name__ == "__main__":
    main()
