"""Bounded and the same at every run; IPYCONTAINER_FUZZ=1000 looks further, with a seed that hypothesis prints."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = int(os.environ.get("IPYCONTAINER_FUZZ", "120"))

settings.register_profile(
    "fuzz",
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize="IPYCONTAINER_FUZZ" not in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("fuzz")
