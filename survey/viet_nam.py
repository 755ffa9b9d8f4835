"""The time of Viet Nam, where rounds open and close; the country has one time and no summer time."""

from datetime import timedelta, timezone

VIET_NAM = timezone(timedelta(hours=7))
