"""Images beside the real docker: lists, names, histories, archives; and what system says of it all."""

from __future__ import annotations

import re
import shlex
import tarfile

import pytest

from tests.hostile.beside import Beside, ids_taken_out

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

# The same small tree under the same names; {h}/tree.tar has one file.
MADE = (
    "import {h}/tree.tar small:1",
    "image import -m why -c 'ENV A=b' -c 'CMD [\"x\"]' -c 'LABEL kind=web' {h}/tree.tar small:2",
    "import {h}/nobody.tar small:3",
    "import {h}/tree.tar 'BAD NAME'",
)
LISTS = """
images small
images -q small
images -a small
images --no-trunc small
images --digests small
image ls small
image list -q small
images small:2
images 'sm*'
images nobody
images --format '{{.Repository}}:{{.Tag}}' small
images --format 'table {{.Repository}}\\t{{.Tag}}' small
images --format '{{.CreatedSince}} {{.Size}} {{.ID}} {{.Digest}}' small
images --format '{{.Containers}} {{.SharedSize}} {{.UniqueSize}} {{.VirtualSize}}' small
images --format 'table {{.Containers}}\\t{{.SharedSize}}\\t{{.UniqueSize}}\\t{{.VirtualSize}}' small
image inspect -f 'a\\tb{{.Os}}' small:1
images -f reference=small:2
images -f label=kind
images -f label=kind=web --format {{.Tag}}
images -f dangling=true
images -f dangling=false small
images -f since=small:1 -q
images -f before=small:2 --format {{.Tag}} small
images -f nonsense=1
images -f dangling=x
images --format '{{'
image inspect -f '{{json .Config.Env}} {{json .Config.Cmd}} {{json .Config.Labels}}' small:2
image inspect -f '{{.Os}} {{.Architecture}} {{.Comment}} {{.Author}}' small:2
image inspect -f '{{json .RepoTags}} {{len .RootFS.Layers}} {{.RootFS.Type}}' small:1
image inspect -f '{{.Id}}' nobody
inspect --type image -f '{{.Config.Env}}' small:2
inspect -f '{{json .RepoTags}}' small:1
history small:2
image history -q small:2
history --no-trunc small:2
history --format '{{.ID}} {{.CreatedBy}} {{.Size}} {{.Comment}}' small:2
history -H=false --format '{{.Size}}' small:2
history --human small:2
history nobody
tag small:1 other:1
image tag small:1 other:2
tag nobody other:3
tag small:1 'BAD NAME'
images other
tag small:1 my/other:1
tag small:1 reg.example:5000/my/other:2
images 'my*'
images '*/*' --format {{.Repository}}
images 'my?other' -q
images 'my/[^o]*' -q
images 'my/[^a]*' --format {{.Repository}}
images -f 'reference=*/*/*' --format {{.Repository}}
images -f 'reference=sm\\all:[1-1]' --format {{.Tag}}
images 'my/['
images 'my/[]o]*'
rmi my/other:1 reg.example:5000/my/other:2
save -o {h}/one.tar small:2
image save -o {h}/two.tar other:1 other:2
save -o {h}/none/x small:2
save -o {h}/x nobody
rmi other:1
image rm other:2
rmi nobody
image rm -f nobody
rmi small:2
load -i {h}/one.tar
rmi --no-prune small:2
image load -q -i {h}/one.tar
load -q --input {h}/two.tar
load -i {h}/nobody.tar
image inspect -f '{{json .Config.Env}}' small:2
create --network none --name keeps small:1 x
rmi small:1
rm keeps
image rm -f other:1 other:2
rmi -f small:1
image prune -f
images -f dangling=true -q
commit nobody
rmi small:2
image prune --force --filter until=1h
image prune -a -f --filter label=nobody
image prune -f --filter nonsense=1
images small
"""


def _normal(text: str) -> str:
    text = ids_taken_out(text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[ \d:+A-Z]+)?", "TIME", text)
    text = re.sub(r"(About |Less than )?(a|an|\d+) (second|minute|hour)s?( ago)?", "AGO", text)
    text = re.sub(r"/tmp/\S*?/(ours|dockers)/", "{h}/", text)
    return "\n".join(re.sub(r" {2,}", "  ", line) for line in text.splitlines())


def _layers_alike(text: str) -> str:
    """A deleted image's layers: docker tells of layers of its own making, ours of the image's."""
    return "\n".join(dict.fromkeys(_normal(text).splitlines()))


def _sorted(text: str) -> str:
    """Images of one second come in no order from docker."""
    return "\n".join(sorted(_normal(text).splitlines()))


def test_images(beside: Beside):
    for folder in (beside.ours, beside.dockers):
        (folder / "tree").mkdir()
        (folder / "tree/f").write_text("in the tree\n" * 1000)
        beside.persona.run(["tar", "-C", folder / "tree", "-cf", folder / "tree.tar", "f"])
    names = ("small:1", "small:2", "other:1", "other:2")
    beside.both("image", "prune", "-f")  # what an earlier test has left without a name
    try:
        beside.lines(MADE, _normal)
        for line in filter(None, LISTS.splitlines()):
            rows = re.match("images |image (ls|list) ", line)
            beside.line(line, _sorted if rows else _layers_alike if re.search(r"\brmi?\b|prune", line) else _normal)
    finally:
        beside.remove("keeps")
        beside.persona.cli("rmi", "-f", *names)
        beside.daemon.run("rmi", "-f", *names)
    beside.end()


# Instructions of -c: words, quotes, variables, and what docker refuses.
CHANGES = r"""
ENV B=2 C=3
ENV D a  b c
ENV Z=$A/x Y=${A}y X=${A:-q} W=${NO:-q} V=${A:+q} U=\$A
ENV Z='$A' Y="$A \" x" W=a\ b
ENV Z="a
ENV x
ENV =x
LABEL a="b c" d='e f' g=h\ i "j k"="$A"
LABEL a
LABEL a b c
USER $A
USER a b
WORKDIR rel
WORKDIR $A/x
WORKDIR /a/../b/./c/
EXPOSE 80/TCP 81/udp 90-92 $A
EXPOSE 5-3
EXPOSE 80/xyz
EXPOSE x
VOLUME /v1 /v$A
VOLUME ["/v 3", "/v4"]
VOLUME ""
CMD a b
CMD ["x", "y"]
CMD ['a']
CMD [1]
ENTRYPOINT ["a"]
ENTRYPOINT ["a"
ONBUILD RUN x
ONBUILD FROM x
ONBUILD onbuild RUN x
HEALTHCHECK --retries=0 CMD a
HEALTHCHECK --retries=2 CMD ["a","b"]
NOSUCH a
"""
FIELDS = "Cmd Entrypoint User WorkingDir ExposedPorts Volumes OnBuild Healthcheck".split()
COMMITTED = """
commit -c 'ENV M=$A' -c 'ENV N=$M' -c 'CMD ["x"]' -c 'ENTRYPOINT ["y"]' -m 'é "m"' two small:2
image inspect -f '{{json .Config.Cmd}} {{json .Config.Entrypoint}} {{.Comment}} {{json .Comment}}' small:2
history --format '{{.CreatedBy}}|{{json .Comment}}' small:2
history -H=false --format '{{.CreatedAt}} {{.CreatedSince}}' small:2
history --format '{{json .}}' small:2
images --format '{{json .}}' small:2
image inspect -f '{{json .Config.Labels}}' small:1
tag small:1 small:3
tag small:1 sha256:abc
tag small:1 sha256
commit two sha256
events --since 1h --until 0s -f container=two -f event=commit --format '{{json .Actor.Attributes}}'
save -o {h}/saved.tar small:1 small:3
rmi small:3
events --since 1h --until 0s -f label=told --format '{{.Action}} {{json .Actor.Attributes}}'
"""


def _as_read(text: str) -> str:
    """Go escapes these two in the JSON of a row."""
    return _normal(text).replace("\\u003c", "<").replace("\\u003e", ">").replace("<missing>", "ID")


def _instructions(beside: Beside) -> None:
    form = " ".join(f"{{{{json .Config.{name}}}}}" for name in FIELDS)
    for change in filter(None, CHANGES.splitlines()):
        beside.line(f"commit -c {shlex.quote(change)} two small:9", _normal)
        # Variables in no order, as docker has them; where nothing was committed there is nothing to see.
        beside.line("image inspect -f '{{range .Config.Env}}{{println .}}{{end}}' small:9", _sorted)
        beside.line(f"image inspect -f '{form} {{{{.Config.Labels}}}}' small:9", _normal)
        beside.both("rmi", "small:9")


def test_changes_of_a_commit(beside: Beside):
    for folder in (beside.ours, beside.dockers):
        tarfile.open(folder / "tree.tar", "w").close()
    try:
        beside.lines(
            [
                """import -c 'ENV Q=r' -c 'LABEL told="é<&>" b=1' {h}/tree.tar small:1""",
                "create --network none --name two -e A=1 -w /w --entrypoint /bin/sh small:1 -c 'exit 0'",
            ]
        )
        _instructions(beside)
        beside.lines(COMMITTED.splitlines(), _as_read)
    finally:
        beside.remove("two")
        beside.both("rmi", "-f", "small:1", "small:2")
        beside.both("image", "prune", "-f")
    beside.end()


SYSTEM = """
version --format nonsense
version -f '{{.Nothing}}'
version x
info -f {{.Containers}},{{.ContainersRunning}},{{.ContainersPaused}},{{.ContainersStopped}}
system info -f '{{.OSType}} {{.Architecture}} {{.NCPU}} {{.MemTotal}} {{.KernelVersion}}'
info --format '{{.Driver}} {{.LoggingDriver}}'
info x
system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
system df x
events --since 2h --until 1h
system events --since 2h --until 1h --filter type=container
events --since 1h --until 0s --filter container=over --format '{{.Action}}'
events --since 1h --until 0s -f container=over -f event=die --format '{{.Type}} {{.Actor.Attributes.exitCode}}'
events --since nonsense
events --until 0s --since 1h --filter nonsense
"""


def _no_builds(text: str) -> str:
    """docker's row of what builds have kept; there are none here."""
    return "\n".join(line for line in _normal(text).splitlines() if not line.startswith("Build Cache"))


def test_system(beside: Beside):
    try:
        beside.line("run -d --network none --name over base sh -c 'exit 3'")
        beside.line("wait over")
        beside.lines(SYSTEM.splitlines(), _no_builds)
    finally:
        beside.remove("over")
    beside.end()
