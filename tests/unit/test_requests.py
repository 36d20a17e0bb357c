"""What the options of run and create ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ipycontainer.commands.options import read
from ipycontainer.commands.run import RUN, request
from ipycontainer.engine.request import Bind, ImageMount, RunRequest, Tmpfs, Ulimit, VolumeMount
from ipycontainer.errors import ImageNameError, InputError, OptionError


def _request(*words: str, cwd: str = "/cwd") -> RunRequest:
    return request(read(RUN, words), cwd)


def test_nothing_but_an_image() -> None:
    assert _request("base") == RunRequest("base", network="")


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        (
            "--rm -it --init --read-only",
            {"remove": True, "interactive": True, "tty": True, "init": True, "read_only": True},
        ),
        (
            "--name web -h box -w /tmp -u 1000:1000",
            {"name": "web", "hostname": "box", "workdir": "/tmp", "user": "1000:1000"},
        ),
        (
            "-m 64m --cpus 1/4 -c 512 --pids-limit 32",
            {"memory": 64 << 20, "cpus": 0.25, "cpu_shares": 512, "pids_limit": 32},
        ),
        ("--expose 80 --expose 90-91/udp", {"exposed_ports": ("80/tcp", "90/udp", "91/udp")}),
        (
            "--gpus all --runtime runc --isolation default",
            {"gpus": ("all",), "runtime": "runc", "isolation": "default"},
        ),
        ("--storage-opt size=1g", {"storage_opts": ("size=1g",)}),
        ("--network host", {"network": "host"}),
        ("--net none", {"network": "none"}),
        ("--stop-signal INT --stop-timeout 3", {"stop_signal": "INT", "stop_timeout": 3}),
        ("--entrypoint sh", {"entrypoint": ("sh",)}),
        ("--entrypoint=", {"entrypoint": ()}),
        ("-l a=b --label c", {"labels": ("a=b", "c=")}),
        (
            "--cap-add NET_ADMIN --cap-drop ALL --cap-drop KILL",
            {"cap_add": ("NET_ADMIN",), "cap_drop": ("ALL", "KILL")},
        ),
        ("--ulimit nofile=10:20 --ulimit nproc=-1", {"ulimits": (Ulimit("nofile", 10, 20), Ulimit("nproc", -1, -1))}),
        ("--tmpfs /run --tmpfs /x:ro,size=1m", {"tmpfs": (Tmpfs("/run"), Tmpfs("/x", ("ro", "size=1m")))}),
    ],
)
def test_options(line: str, changes: dict[str, Any]) -> None:
    assert _request(*line.split(), "base") == RunRequest("base", network="").replace(**changes)


def test_the_command() -> None:
    assert _request("--", "base", "sh", "-c", "exit 3", "--").command == ("sh", "-c", "exit 3", "--")


class TestBinds:
    @pytest.mark.parametrize(
        ("word", "bind"),
        [
            (".:/work", Bind("/cwd", "/work")),
            ("./data:/d:ro", Bind("/cwd/data", "/d", read_only=True)),
            ("../x:/x", Bind("/x", "/x")),
            ("/srv/a:/a:rw", Bind("/srv/a", "/a", mode="rw")),
            ("/a:/x:ro,rslave", Bind("/a", "/x", read_only=True, mode="ro,rslave", propagation="rslave")),
            ("~/x:/x", Bind(str(Path.home() / "x"), "/x")),
        ],
    )
    def test_volume(self, word: str, bind: Bind) -> None:
        assert _request("-v", word, "base").binds == (bind,)

    @pytest.mark.parametrize(
        ("word", "volume"),
        [
            ("data:/d", VolumeMount("data", "/d")),
            ("/d", VolumeMount("", "/d")),
            ("data:/d:ro,z", VolumeMount("data", "/d", read_only=True, mode="ro,z")),
            ("data:/d:nocopy", VolumeMount("data", "/d", copy=False, mode="nocopy")),
        ],
    )
    def test_named_volume(self, word: str, volume: VolumeMount) -> None:
        assert _request("-v", word, "base").volumes == (volume,)

    def test_volume_mount(self) -> None:
        words = "type=volume,src=a,dst=/a,volume-nocopy,volume-label=k=v,volume-opt=o=bind,readonly"
        expected = VolumeMount("a", "/a", True, copy=False, labels=("k=v",), options=("o=bind",), origin="mount")
        assert _request("--mount", words, "base").volumes == (expected,)
        assert _request("--mount", "type=image,src=a,dst=/a", "base").images == (ImageMount("a", "/a"),)

    def test_mount(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        found = _request("--mount", "type=bind,src=in,dst=/in,ro", "base", cwd=str(tmp_path))
        assert found.binds == (Bind(str(tmp_path / "in"), "/in", read_only=True, create=False, origin="mount"),)
        found = _request("--mount", "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700", "base")
        assert found.tmpfs == (Tmpfs("/t", ("size=1048576", "mode=700"), origin="mount"),)

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["-v", "a:b:c:d"], "invalid volume specification: 'a:b:c:d'"),
            (["-v", ""], "invalid volume specification: ''"),
            (["-v", "a:"], "invalid volume specification: 'a:'"),
            (["-v", "."], "mount path must be absolute"),
            (["-v", "a:x"], "mount path must be absolute"),
            (["-v", "/a:/x:bad"], "invalid mode: bad"),
            (["-v", "/a:/x:ro,rw"], "invalid mode: ro,rw"),
            (["-v", "/a:/x:nocopy"], "field VolumeOptions must not be specified"),
            (["-v", "a:/x:rslave"], "field BindOptions must not be specified"),
            (["--mount", "type=volume,src=a"], "target is required"),
            (["--mount", "type=volume,src=a,dst=/x,foo=bar"], "unexpected key 'foo' in 'foo=bar'"),
            (["--mount", "type=volume,src=a,dst=/x,readonly=foo"], "invalid value for readonly: foo"),
            (["--mount", "type=bind,src=/tmp,dst=/x,volume-nocopy"], "cannot mix 'volume-\\*' options"),
            (["--mount", "type=bind,src=/tmp,dst=/x,bind-propagation=bad"], "invalid propagation mode: bad"),
            (["--mount", "type=bind,dst=/x"], "field Source must not be empty"),
            (["--mount", "type=tmpfs,src=a,dst=/x"], "field Source must not be specified"),
            (["--mount", "type=tmpfs,dst=/x,tmpfs-mode=9"], "invalid value for tmpfs-mode: 9"),
            (["--mount", "type=tmpfs,dst=/x,tmpfs-size=z"], "invalid value for tmpfs-size: z"),
            (["--mount", "type=foo,dst=/x"], "mount type unknown"),
            (["--mount", "type=volume,src=a,dst=/x,volume-driver=nfs"], 'plugin "nfs" not found'),
            (["--mount", "type=volume,src=a,dst=/x,volume-subpath=b"], "volume-subpath is refused"),
            (["--mount", "type=image,src=a,dst=/x,image-subpath=b"], "image-subpath is refused"),
        ],
    )
    def test_what_is_refused(self, words: list[str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence) as raised:
            _request(*words, "base")
        assert raised.value.exit_code == 125


class TestEnvironment:
    def test_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OUTSIDE", "there")
        monkeypatch.delenv("NOWHERE", raising=False)
        found = _request("-e", "A=b=c", "-e", "E=", "-e", "OUTSIDE", "-e", "NOWHERE", "-e", "A=2", "base")
        assert found.env == ("A=2", "E=", "OUTSIDE=there", "NOWHERE")  # a bare name takes the variable away

    def test_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OUTSIDE", "there")
        (tmp_path / "env").write_text("# a comment\n\nA=1\n  B=two words \nOUTSIDE\nC='kept'\r\n")
        found = _request("--env-file", "env", "-e", "A=over", "base", cwd=str(tmp_path))
        assert found.env == ("A=over", "B=two words ", "OUTSIDE=there", "C='kept'")

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [("A B=1", "contains whitespace"), ("=x", "no variable name"), ("\udcff", "not text in UTF-8")],
    )
    def test_bad_files(self, tmp_path: Path, text: str, sentence: str) -> None:
        (tmp_path / "env").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(OptionError, match=sentence):
            _request("--env-file", "env", "base", cwd=str(tmp_path))

    def test_a_file_that_is_not_there(self) -> None:
        with pytest.raises(OptionError, match="/cwd/none cannot be read: No such file"):
            _request("--env-file", "none", "base")


@pytest.mark.parametrize("name", ["", "BASE", "-", "a:b:c", "base@sha256:xx"])
def test_what_no_image_name_is(name: str) -> None:
    with pytest.raises(ImageNameError):
        _request("--", name)


def test_what_goes_away_while_a_folder_of_devices_is_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    from ipycontainer.engine import confinement

    monkeypatch.setattr(confinement.os, "walk", lambda _folder: [("/dev", [], ["null", "gone-meanwhile"])])
    assert confinement._devices_below("/dev") == ["/dev/null"]
