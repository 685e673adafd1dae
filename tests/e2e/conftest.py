"""What every slow run takes from the command line."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """A run of chance that failed can be run again, as far as processes let it."""
    parser.addoption("--seed", type=int, default=None, help="what the random runs are drawn from")
