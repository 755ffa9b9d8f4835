"""Microdata for other tools: an archive's responses with labels, as CSV, XLSX, Parquet, SAV, DTA and DDI."""
