"""Our templates against Go's own, through the docker client: `docker context ls` needs no daemon."""

from __future__ import annotations

import json
from functools import cache

import pytest

from ipycontainer.commands.listing import Report
from ipycontainer.commands.look import _event_fields
from ipycontainer.commands.template_functions import StringMap
from ipycontainer.commands.templates import Template
from ipycontainer.engine.events import Event
from ipycontainer.errors import TemplateError
from tests.unit import docker_client

LIKE_GO = [
    "{{.Name}}",
    "a {{.Name}} b",
    "{{ .Name }}|{{.Current}}",
    "{{json .}}",
    '{{json .Name}} {{json (split .Name "a")}}',
    '{{printf "%10s|%-10s|%q|%v" .Name .Name .Name .Current}}',
    '{{printf "%d %5d %05d %x %t %.2f %%" 3 4 5 255 true 1.5}}',
    '{{upper .Name}} {{lower "ABC"}} {{title .Name}}',
    '{{.Name | upper | printf "%s!"}}',
    "{{truncate .Name 3}} {{pad .Name 1 2}}|",
    '{{len .Name}} {{slice .Name 1 3}} {{index (split .Name "f") 0}}',
    '{{join (split .Name "a") ","}} {{split .Name "a"}}',
    "{{println .Name}}x",
    '{{print 1 2 "a" "b" 3}} {{print .Name .Current}} {{print 1 2}}',
    '{{if eq .Name "x" "default"}}y{{else}}n{{end}}',
    "{{if (slice .Name 0 0)}}a{{else if .Current}}b{{else}}c{{end}}",
    "{{if (slice .Name 0 0)}}a{{else if (slice .Name 0 0)}}b{{else}}c{{end}}",
    "{{if not (slice .Name 0 0)}}{{if .Current}}deep{{end}}{{end}}",
    '{{/* nothing */}}a {{- "q" -}} b',
    "{{with .Name}}{{.}}{{$.Current}}{{end}}",
    "{{with (slice .Name 0 0)}}x{{else}}none{{end}}",
    "{{$x := .Name}}{{$x}} {{$x | len}}",
    "{{$x := 1}}{{if .Current}}{{$x = 2}}{{end}}{{$x}}",
    '{{and .Name .Current}} {{or (slice .Name 0 0) "none"}} {{not .Current}}',
    '{{range split .Name "a"}}[{{.}}]{{else}}none{{end}}',
    '{{range $i, $v := split .Name "a"}}{{$i}}={{$v}};{{end}}',
    '{{ge 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 2 1}} {{ne "a" "b"}}',
    '{{"a\\tb"}} {{`raw \\t`}} {{1.5}} {{true}} {{0x10}}',
    '{{(split .Name "a")}} {{len (split .Name "a")}}',
    "}} { { {x}",
]

WRONG_LIKE_GO = [
    "{{",
    "{{.Name",
    "{{.Nope}}",
    "{{nope}}",
    "{{if}}x{{end}}",
    "{{if .Name}}x",
    "{{end}}",
    "{{else}}",
    "{{range .Current}}x{{end}}",
    "{{.Name.Deeper}}",
    '{{"open}}',
    "{{(.Name}}",
    "{{.Name)}}",
    "{{}}",
    "{{$nope}}",
    "{{.Name 1}}",
    '{{index .Name "a"}}',
    "{{/* open }}",
]


@cache
def _context() -> dict[str, object]:
    return dict(json.loads(docker_client.ask("context", "ls", "--format", "{{json .}}").stdout))


@pytest.mark.parametrize("form", LIKE_GO)
def test_the_same_text_as_go(form: str) -> None:
    answer = docker_client.ask("context", "ls", "--format", form)
    assert answer.returncode == 0, answer.stderr
    assert Report(form).text(_context()) == answer.stdout.removesuffix("\n")


@pytest.mark.parametrize("form", WRONG_LIKE_GO)
def test_what_go_cannot_read_is_told_in_a_sentence(form: str) -> None:
    answer = docker_client.ask("context", "ls", "--format", form)
    assert answer.returncode != 0 and "template" in answer.stderr, answer
    with pytest.raises(TemplateError) as raised:
        Template(form).fill(_context())
    assert "\n" not in str(raised.value)


def test_an_attribute_that_an_event_does_not_have_is_no_value() -> None:
    event = Event(1.5, "container", "start", "ab", {"name": "web"})
    fields = _event_fields(event)
    form = "{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}} {{json .Actor.Attributes}}"
    assert Template(form).fill(fields) == 'web <no value> {"name":"web"}'
    assert Template("{{.Status}} {{.status}} {{.ID}} {{.TimeNano}}").fill(fields) == "start start ab 1500000000"
    assert '"status":"start"' in Template("{{json .}}").fill(fields)
    with pytest.raises(TemplateError):
        Template("{{.Actor.Nothing}}").fill(fields)


def test_maps_lists_and_nothing_look_as_in_go() -> None:
    value = {"Map": {"b": 1, "a": [True, None]}, "Labels": {"x": "y"}, "List": [], "None": None}
    assert Template("{{.Map}} {{.List}} {{.None}}").fill(value) == "map[a:[true <nil>] b:1] [] <nil>"
    assert Template('{{index .Labels "x"}}{{index .Labels "no"}}{{.Map.b}}').fill(value) == "y1"
    assert (
        Template("{{range $k, $v := .Labels}}{{$k}}:{{$v}}{{end}}{{range .List}}x{{else}}-{{end}}").fill(value)
        == "x:y-"
    )


def test_a_name_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(TemplateError, match=r"there is no \.C here; there are \.A, \.B"):
        Template("{{.C}}").fill({"B": 1, "A": 2})


def test_a_template_cannot_reach_into_python() -> None:
    for form in ("{{.__class__}}", "{{.Name.__class__}}", "{{.Name.upper}}", '{{printf "%(a)s" .}}'):
        with pytest.raises(TemplateError):
            Template(form).fill({"Name": "x"})


def test_a_deep_template_is_refused() -> None:
    with pytest.raises(TemplateError, match="too deeply"):
        Template("{{if true}}" * 500 + "{{end}}" * 500)


@pytest.mark.parametrize(
    "form",
    ['{{printf "%1000001d" 1}}', '{{printf "%-1000001s" "a"}}', '{{printf "%.1000001f" 1.0}}', '{{pad "a" 0 1000001}}'],
)
def test_a_width_never_fills_the_memory(form: str) -> None:
    with pytest.raises(TemplateError, match="a width is at most 1000000"):
        Template(form).fill({})


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ('{{define "A"}}<{{.}}>{{end}}{{template "A" .Name}}{{template "A"}}', "<web><<no value>>"),
        ('{{block "A" .List}}{{range .}}{{.}};{{end}}{{end}}', "a;b;c;"),
        ('{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "ac"),
        ('{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"),
        ('{{html "<&>" 1}} {{js "a\'b"}} {{urlquery "a b/c"}}', "&lt;&amp;&gt;1 a\\'b a+b%2Fc"),
        ("{{.Policy}} {{.Health}} {{.Entrypoint}} {{.Labels}} {{.Nobodys}} {{.Nobodys.x}}",
         "{no 0} <nil> [] map[] map[Key:v] <no value>"),
        ("{{json .Policy}} {{json .Nobodys}}", '{"Name":"no","Count":0} {"Key":"v"}'),
        ('{{split "abc" ""}} {{1e3}}', "[a b c] 1000"),
    ],
)  # fmt: skip
def test_what_go_prints(form: str, said: str) -> None:
    value = {
        "Name": "web", "List": ["a", "b", "c"], "Policy": {"Name": "no", "Count": 0}, "Health": None,
        "Entrypoint": None, "Labels": None, "Nobodys": StringMap(Key="v"),
    }  # fmt: skip
    assert Template(form).fill(value) == said


@pytest.mark.parametrize(
    "form",
    ["{{break}}", "{{range .}}{{end}}{{continue}}", '{{define "A"}}', "{{define}}{{end}}", '{{block "A"}}{{end}}',
     '{{if true}}{{define "A"}}{{end}}{{end}}', '{{define "A" .}}{{end}}', "{{template A}}",
     '{{range .}}{{define "A"}}{{break}}{{end}}{{end}}'],
)  # fmt: skip
def test_bodies_and_ways_out_that_stand_where_they_cannot(form: str) -> None:
    with pytest.raises(TemplateError):
        Template(form)


@pytest.mark.parametrize("form", ['{{define "A"}}{{template "A"}}{{end}}{{template "A"}}', '{{template "nobody"}}'])
def test_bodies_that_cannot_be_shown(form: str) -> None:
    template = Template(form)
    with pytest.raises(TemplateError):
        template.fill({})
