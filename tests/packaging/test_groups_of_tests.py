"""What a fixture makes once for a file is made once: xdist keeps a group of tests on one worker."""

import pytest


@pytest.mark.xdist_group("together")
def test_xdist_reads_the_group_of_a_test(request: pytest.FixtureRequest) -> None:
    is_shared_out = request.config.getoption("loadgroup", default=False)
    assert request.node.nodeid.endswith("@together") == bool(is_shared_out)
