"""Fixtures for all suites: personas, their stores, and the guard that nothing is left.

def test_hello(persona):                 # once as root, as a user, as one without subordinate ids
    assert persona.ok("run", "--rm", "base", "echo", "hi") == "hi"

@pytest.mark.personas("root")            # only as these
def test_limits(fresh_persona): …        # an empty store, gone afterwards

def test_gone(persona, nothing_left): …  # names of everything compared before and after
"""

from __future__ import annotations

import compileall
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import names
from tests.accounts import WITH_RANGE, WITHOUT, Accounts, has_range
from tests.personas import CHECKOUT, Persona

pytest_plugins = ["tests.skips", "tests.compatibility.evidence"]

# A shell ignores SIGINT for what it starts with `&`, nohup ignores SIGHUP, and an ignored signal stays so in every
# child: the tests of interrupts start from what a person's terminal gives.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)

ALL = ("root", "user", "solo")


def _possible() -> tuple[str, ...]:
    """Who this run can be: everybody for root, an ordinary user only itself."""
    if os.geteuid() == 0:
        return ALL
    own = pwd.getpwuid(os.geteuid()).pw_name
    return ("user",) if has_range(own, os.geteuid()) else ("solo",)


def pytest_sessionstart() -> None:
    """Compiles what was edited: the personas may not write here and would do it at every start."""
    compileall.compile_dir(CHECKOUT / "ipycontainer", quiet=1)


def pytest_report_header() -> str:
    return f"personas: {', '.join(_possible())}" + ("" if os.geteuid() == 0 else " (this account alone)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "persona" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("personas")
    wanted = marker.args if marker else ALL
    unknown = set(wanted) - set(ALL)
    assert not unknown, f"{metafunc.definition.nodeid}: no such personas: {unknown}"
    metafunc.parametrize("persona", [name for name in wanted if name in _possible()], indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out, and counts, what this account cannot be: an ordinary user is nobody else, and does not mount."""
    there, left = [], []
    for item in items:
        persona = getattr(getattr(item, "callspec", None), "params", {}).get("persona", "")
        nobody = not isinstance(persona, str)  # pytest's NOTSET: of those asked for, nobody is possible
        (left if nobody or (item.get_closest_marker("as_root") and os.geteuid() != 0) else there).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = there


@pytest.fixture(scope="session")
def _folder() -> Iterator[Path]:
    """One short folder that every account can reach; a socket's path ends at 108 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="ipyc-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _everybody(_folder: Path) -> Iterator[dict[str, Persona]]:
    """All personas; each one's store, and the base image in it, is made once."""
    accounts = Accounts() if os.geteuid() == 0 else None
    everybody = {}
    for name in _possible():
        own = pwd.getpwuid(os.geteuid()).pw_name
        account = {"user": WITH_RANGE, "solo": WITHOUT}.get(name, own) if accounts else own
        entry = pwd.getpwnam(account)
        everybody[name] = Persona(name, account, entry.pw_uid, entry.pw_gid, _folder / name)
    yield everybody
    for persona in everybody.values():
        persona.close()
    if accounts:
        accounts.close()


@pytest.fixture(scope="session")
def persona(request: pytest.FixtureRequest, _everybody: dict[str, Persona]) -> Persona:
    """Who this test runs as; the store is shared by the session, so remove what you make."""
    found: Persona = _everybody[request.param]
    return found


@pytest.fixture
def fresh_persona(persona: Persona) -> Iterator[Persona]:
    """The same account with an empty store of its own, shut down and removed afterwards."""
    fresh = persona.fresh()
    yield fresh
    fresh.close()


@pytest.fixture
def nothing_left(persona: Persona, _folder: Path) -> Iterator[None]:
    """Fails the test if any name is there afterwards that was not there before, or is gone."""
    # The launcher and base stay on purpose, and an earlier test may have ended the launcher.
    persona.ok("run", "--rm", "base", "true", timeout=120)

    def look() -> names.Names:
        return names.snapshot(str(_folder), [persona.store, *persona.run_folders()], persona.store / "events")

    before = names.settled(look)
    yield
    names.assert_same(before, look)
