"""One object for a statistician: a table with its labels and its design, every estimator, and results as frames.

It adds no statistics. A question is the specification that `hailong estimate` would read from a file, and is answered
by the same code.
"""

from analysis.study.results import Results
from analysis.study.studies import Study

__all__ = ["Results", "Study"]
