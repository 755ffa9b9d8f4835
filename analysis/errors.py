"""What the statistics complain of: one line for the person who asked."""


class AnalysisError(Exception):
    """The root of what the statistics refuse; the message says what was found, what was expected and where."""


class DesignError(AnalysisError):
    """The design does not fit the table, or says something that cannot be."""


class SpecError(AnalysisError):
    """The specification of an estimate is not usable."""


class ArchiveError(AnalysisError):
    """The folder is no whole, unchanged archive."""


class EditionError(AnalysisError):
    """The folder is no whole, unchanged edition."""


class PlanError(AnalysisError):
    """The plan of a round's analysis is not usable."""
