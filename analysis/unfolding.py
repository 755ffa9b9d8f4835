"""What a compressed file would unfold into, asked of its table of contents before a byte is unfolded."""

import zipfile

# A workbook of a million rows and ten columns unfolds into less; whoever has more has CSV or Parquet.
LARGEST_WORKBOOK = 512 * 1024**2
MOST_PARTS = 2_000


def unfolding_complaint(
    package: zipfile.ZipFile, largest: int = LARGEST_WORKBOOK, most_parts: int = MOST_PARTS
) -> str | None:
    """What was found and expected where a zip file has too many parts or unfolds into too many bytes, else None.

    The sizes are the file's own word, and they hold: what reads a part stops at the size that was announced.
    """
    parts = package.infolist()
    if len(parts) > most_parts:
        return f"found {len(parts):,} files packed in it, expected at most {most_parts:,}"
    unfolded = sum(part.file_size for part in parts)
    if unfolded > largest:
        return f"found a file that unfolds into {unfolded:,} bytes, expected at most {largest:,}"
    return None
