"""Kernels for the tests of the notebook's side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.jupyter.kernels import READY, Kernel
from tests.personas import Persona


@pytest.fixture(scope="module")
def _shared_kernels() -> Iterator[dict[str, Kernel]]:
    kernels: dict[str, Kernel] = {}
    yield kernels
    for kernel in kernels.values():
        kernel.close()


@pytest.fixture
def kernel(persona: Persona, _shared_kernels: dict[str, Kernel]) -> Kernel:
    """A kernel with the extension loaded, shared by a module's tests: do not end it."""
    return _of(persona, _shared_kernels)


def _of(persona: Persona, kernels: dict[str, Kernel]) -> Kernel:
    if persona.name not in kernels:
        kernels[persona.name] = Kernel(persona)
        kernels[persona.name].ok(READY)
    return kernels[persona.name]


@pytest.fixture
def any_kernel(_everybody: dict[str, Persona], _shared_kernels: dict[str, Kernel]) -> Kernel:
    """The same of an ordinary user (root where there is none), for what is the same for all."""
    persona = _everybody.get("user") or next(iter(_everybody.values()))
    return _of(persona, _shared_kernels)


@pytest.fixture
def fresh_kernel(persona: Persona) -> Iterator[Kernel]:
    """A kernel of this test's own."""
    kernel = Kernel(persona)
    kernel.ok(READY)
    yield kernel
    kernel.close()
