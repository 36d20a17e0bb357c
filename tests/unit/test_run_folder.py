"""The folder in which a launcher listens: whoever is killed over it leaves one that works, or none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ipycontainer.launcher import folders

MADE = ("containers", "slots", "root", "etc")


@pytest.mark.parametrize("order", [sorted, lambda names: sorted(names, reverse=True)], ids=["down", "up"])
@pytest.mark.parametrize("step", range(len(MADE) + 1))
def test_a_removal_that_is_killed_leaves_nothing_that_looks_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, order: Callable[[list[str]], list[str]]
) -> None:
    """The order in which a folder's names are told is its file system's."""
    store = tmp_path / "store"
    run, left = folders.prepare(str(store)), [step]
    real_list, real_remove = os.listdir, os.rmdir

    def remove(path: str) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        real_remove(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", lambda path: order(real_list(path)))
        patch.setattr(os, "rmdir", remove)
        with pytest.raises(KeyboardInterrupt):
            folders.remove_run(run)
    folders.prepare(str(store))
    assert set(MADE) <= set(os.listdir(run))
    folders.remove_run(run)
    assert not os.path.exists(run)


def test_a_store_whose_reset_was_killed_is_made_anew(tmp_path: Path) -> None:
    store = tmp_path / "store"
    folders.prepare(str(store))
    (store / "containers").rmdir()
    folders.prepare(str(store))
    assert (store / "containers").is_dir()
