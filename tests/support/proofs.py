"""What a phone does for a form without a code: it takes a challenge and solves it."""

import base64
import json
from collections.abc import Mapping
from typing import Any


def solved(challenge: Mapping[str, Any]) -> str:
    """The text that goes with the form: the challenge and a counter whose key begins as it should."""
    from altcha.v2 import Challenge, solve_challenge

    solution = solve_challenge(Challenge.from_dict(dict(challenge)))
    assert solution is not None
    return base64.b64encode(json.dumps({"challenge": challenge, "solution": solution.to_dict()}).encode()).decode()
