"""Scoring profiles: what an answer is worth, so that an item's value is a plain mean."""

from analysis.errors import AnalysisError
from questionnaires.model import Item, Profile


def option_scores(item: Item, profile: Profile) -> dict[str, float]:
    """The points of each option of an item; options without a value, "na" and "dk" have none and are left out.

    share: 100 from the threshold on, else 0. mean_of_maximum: 100·x/max. rescaled: 100·(x − min)/(max − min). The mean
    of the points is the profile's formula, because all three are linear in what is averaged. standardised: the option's
    own value, for what is standardised are the means.

    Raises AnalysisError when the item has no scale to be scored on.
    """
    values = {option.code: option.value for option in item.options if option.value is not None}
    if item.kind != "single" or len(set(values.values())) < 2:
        raise AnalysisError(
            f"item {item.code}: found no scale with two values, expected one to score with {profile.name}"
        )
    low, high = min(values.values()), max(values.values())
    if profile.formula == "share":
        if profile.threshold is None:
            raise AnalysisError(f"profile {profile.name}: found no threshold, expected one for a share")
        return {code: 100.0 if value >= profile.threshold else 0.0 for code, value in values.items()}
    if profile.formula == "standardised":
        return values
    if profile.formula == "mean_of_maximum":
        if high <= 0:
            raise AnalysisError(f"item {item.code}: found the largest value {high:g}, expected one above 0")
        return {code: 100.0 * value / high for code, value in values.items()}
    return {code: 100.0 * (value - low) / (high - low) for code, value in values.items()}


def score_range(items: list[Item], profile: Profile) -> tuple[float, float]:
    """The smallest and the largest value that any of the items can have under the profile."""
    scores = [score for item in items for score in option_scores(item, profile).values()]
    return min(scores), max(scores)
