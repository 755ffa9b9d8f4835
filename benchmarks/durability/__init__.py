"""Attempts to lose an acknowledged answer, or to count one twice: kills, power cuts, full disks, retries, tampering."""
