"""As in the suite of a container's life: every test leaves its persona's store without containers."""

from __future__ import annotations

from tests.life.conftest import _no_containers_left as _no_containers_left
