"""Which entry of docker's config.json is the login for a registry."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ipycontainer.images.registry import credentials


@pytest.mark.parametrize(
    "written",
    ["reg.example:5000", "https://reg.example:5000/v1/", "http://reg.example:5000/any/path", "reg.example:5000/v2/"],
)
def test_however_a_registry_is_written(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    file = tmp_path / "config.json"
    other = {"auth": base64.b64encode(b"you:theirs").decode()}
    own = {"auth": base64.b64encode(b"me:secret").decode()}
    file.write_text(json.dumps({"auths": {"https://reg.example/v1/": other, written: own}}))
    found = credentials.find("reg.example:5000")
    assert found is not None and (found.user, found.password) == ("me", "secret")
    assert credentials.find("reg.example.org") is None
    assert credentials.forget("reg.example:5000") and not credentials.forget("reg.example:5000")
    assert json.loads(file.read_text())["auths"] == {"https://reg.example/v1/": other}
