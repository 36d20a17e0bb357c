"""docker's words for what is mounted: `-v`, `--mount`, `--volumes-from`, each as a record."""

from __future__ import annotations

import os

from ipycontainer.engine.request import Bind, ImageMount, Tmpfs, VolumeMount
from ipycontainer.engine.sizes import size_bytes
from ipycontainer.errors import InputError
from ipycontainer.linux.working_folder import working_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PROPAGATIONS = ("private", "rprivate", "slave", "rslave", "shared", "rshared")
# Of each kind a mode names one at most: access, label, copy, propagation, consistency.
_MODES = (("ro", "rw"), ("z", "Z"), ("nocopy",), PROPAGATIONS, ("consistent", "cached", "delegated"))


def volume(text: str, cwd: str) -> Bind | VolumeMount:
    """`-v`: `SOURCE:TARGET[:MODE]`, `NAME:TARGET[:MODE]` or `TARGET`.  Raises InputError."""
    parts = text.split(":")
    if len(parts) > 3 or not parts[-1] or (len(parts) > 1 and not parts[1]):
        raise InputError(f"invalid volume specification: '{text}'")
    if len(parts) == 1:
        return VolumeMount("", _inside(text, text, "volume"))
    source, mode = parts[0], parts[2] if len(parts) == 3 else ""
    words = _mode(mode) if mode else []
    propagation = next((word for word in words if word in PROPAGATIONS), "")
    is_bind = source[:1] in ("/", ".", "~")
    target = _inside(parts[1], text, "bind" if is_bind else "volume")
    if is_bind:
        if "nocopy" in words:
            raise InputError(
                f"invalid volume specification: '{text}': invalid mount config for type \"bind\": "
                "field VolumeOptions must not be specified"
            )
        return Bind(absolute(source, cwd), target, "ro" in words, mode=_told(mode), propagation=propagation)
    if propagation:
        raise InputError(
            f"invalid volume specification: '{text}': invalid mount config for type \"volume\": "
            "field BindOptions must not be specified"
        )
    return VolumeMount(source, target, "ro" in words, copy="nocopy" not in words, mode=_told(mode))


def friendly_volume(text: str) -> Bind | VolumeMount:
    """The same for Python, where a source with a slash in it is a folder, too.  Raises InputError."""
    source, colon, _ = text.partition(":")
    if not source or not colon:
        raise InputError(f"invalid volume specification: '{text}'; write SOURCE:TARGET or NAME:TARGET")
    return volume(f"./{text}" if "/" in source and source[0] not in "./~" else text, working_folder())


def friendly_mount(text: str) -> Bind | Tmpfs | VolumeMount | ImageMount:
    """`mount` for Python.  Raises InputError."""
    try:
        found = mount(text)
    except ValueError as error:
        raise InputError(f"{text}: {error}") from None
    return found.replace(source=absolute(found.source, working_folder())) if isinstance(found, Bind) else found


def _told(mode: str) -> str:
    """What a record needs to keep of a mode beside what it means."""
    return "" if mode == "ro" else mode


def _mode(mode: str) -> list[str]:
    words = mode.split(",")
    known = all(any(word in kind for kind in _MODES) for word in words)
    if not known or any(sum(word in kind for word in words) > 1 for kind in _MODES):
        raise InputError(f"invalid mode: {mode}; it is ro or rw, and nocopy, z, Z, rslave, …")
    return words


def _inside(path: str, text: str, kind: str) -> str:
    try:
        return _target(path, kind)
    except ValueError as error:
        raise InputError(f"invalid volume specification: '{text}': {error}") from None


def _target(path: str, kind: str) -> str:
    """docker's rule.  Raises ValueError with its words."""
    if not path.startswith("/"):
        raise ValueError(
            f"invalid mount config for type \"{kind}\": invalid mount path: '{path}' mount path must be absolute"
        )
    if not path.strip("/"):
        raise ValueError(f"invalid mount config for type \"{kind}\": invalid specification: destination can't be '/'")
    return path


def absolute(path: str, cwd: str) -> str:
    """A folder of the host, where a relative one begins at `cwd`.  Raises InputError where that is gone."""
    found = os.path.normpath(os.path.join(cwd, os.path.expanduser(path)))
    if not os.path.isabs(found):
        raise InputError(
            f"{path} begins in the current folder, which was removed; go to another, or write a whole path"
        )
    return found


def volumes_from(text: str) -> tuple[str, str]:
    """`NAME[:ro|rw]` as (name, mode).  Raises InputError."""
    name, _, mode = text.partition(":")
    if not name:
        raise InputError(f"malformed volumes-from specification: {text}")
    if mode not in ("", "ro", "rw", "z", "Z"):
        raise InputError(f"invalid mode: {mode}")
    return name, mode


_NAMES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_FLAGS = ("readonly", "volume-nocopy", "bind-nonrecursive")
_MANY = ("volume-label", "volume-opt")
_KEYS = (
    "type", "source", "target", "readonly", "consistency", "bind-propagation", "bind-nonrecursive", "bind-recursive",
    "volume-nocopy", "volume-label", "volume-driver", "volume-opt", "volume-subpath", "image-subpath", "tmpfs-size",
    "tmpfs-mode",
)  # fmt: skip
_TRUE = ("", "1", "t", "T", "true", "True", "TRUE")
_FALSE = ("0", "f", "F", "false", "False", "FALSE")


def mount(text: str) -> Bind | Tmpfs | VolumeMount | ImageMount:
    """`--mount`: fields of one line of CSV.  Raises ValueError with the half sentence that says what is wrong."""
    fields = _fields(text)
    kind, target = _last(fields, "type", "volume").lower(), _last(fields, "target", "")
    if not target:
        raise ValueError("target is required")
    _target(target, kind)
    for name in fields:
        group, dash, _ = name.partition("-")
        if dash and group != kind:
            raise ValueError(f"cannot mix '{group}-*' options with mount type '{kind}'")
    if "consistency" in fields and _last(fields, "consistency", "") not in ("default", *_MODES[4]):
        raise ValueError(f"invalid value for consistency: {_last(fields, 'consistency', '')}")
    if kind == "bind":
        return _bind(fields, target)
    if kind == "tmpfs":
        return _tmpfs(fields, target)
    if kind == "volume":
        return _volume(fields, target)
    if kind == "image":
        return _image(fields, target)
    raise ValueError(f'invalid mount config for type "{kind}": mount type unknown')


def _bind(fields: dict[str, list[str]], target: str) -> Bind:
    source, propagation = _last(fields, "source", ""), _last(fields, "bind-propagation", "")
    if not source:
        raise ValueError('invalid mount config for type "bind": field Source must not be empty')
    if propagation and propagation not in PROPAGATIONS:
        raise ValueError(f'invalid mount config for type "bind": invalid propagation mode: {propagation}')
    recursive = _last(fields, "bind-recursive", "enabled")
    if recursive in ("writable", "readonly"):
        raise ValueError(f"bind-recursive={recursive} is refused: what lies below is read-only where its top is")
    if recursive not in ("enabled", "disabled"):
        raise ValueError(f"invalid value for bind-recursive: {recursive}: must be enabled or disabled")
    whole = recursive == "enabled" and not _flag(fields, "bind-nonrecursive")
    return Bind(
        source,
        target,
        _flag(fields, "readonly"),
        create=False,
        propagation=propagation,
        recursive=whole,
        origin="mount",
    )


def _volume(fields: dict[str, list[str]], target: str) -> VolumeMount:
    if _last(fields, "volume-driver", "local") not in ("", "local"):
        name = _last(fields, "volume-driver", "")
        raise ValueError(f'error looking up volume plugin {name}: plugin "{name}" not found; there is local alone')
    if "volume-subpath" in fields:
        raise ValueError("volume-subpath is refused: a volume is shown whole in this release")
    return VolumeMount(
        _last(fields, "source", ""),
        target,
        _flag(fields, "readonly"),
        copy=not _flag(fields, "volume-nocopy"),
        labels=tuple(fields.get("volume-label", ())),
        options=tuple(fields.get("volume-opt", ())),
        origin="mount",
    )


def _tmpfs(fields: dict[str, list[str]], target: str) -> Tmpfs:
    if "source" in fields:
        raise ValueError('invalid mount config for type "tmpfs": field Source must not be specified')
    options = []
    if "tmpfs-size" in fields:
        options.append(f"size={_size(_last(fields, 'tmpfs-size', ''))}")
    if "tmpfs-mode" in fields:
        mode = _last(fields, "tmpfs-mode", "")
        if not mode or any(digit not in "01234567" for digit in mode):
            raise ValueError(f"invalid value for tmpfs-mode: {mode}")
        options.append(f"mode={mode}")
    return Tmpfs(target, (*options, *(("ro",) if _flag(fields, "readonly") else ())), origin="mount")


def _image(fields: dict[str, list[str]], target: str) -> ImageMount:
    if "image-subpath" in fields:
        raise ValueError("image-subpath is refused: an image is shown whole in this release")
    source = _last(fields, "source", "")
    if not source:
        raise ValueError('invalid mount config for type "image": field Source must not be empty')
    return ImageMount(source, target)


def _size(text: str) -> int:
    try:
        return size_bytes(text)
    except ValueError:
        raise ValueError(f"invalid value for tmpfs-size: {text}") from None


def _last(fields: dict[str, list[str]], name: str, default: str) -> str:
    return fields[name][-1] if name in fields else default


def _flag(fields: dict[str, list[str]], name: str) -> bool:
    text = _last(fields, name, "false")
    if text not in (*_TRUE, *_FALSE):
        raise ValueError(f"invalid value for {name}: {text}")
    return text in _TRUE


def _fields(text: str) -> dict[str, list[str]]:
    """Name -> its values."""
    found: dict[str, list[str]] = {}
    for field in _comma_separated(text):
        name, equals, value = field.partition("=")
        name = _NAMES.get(name.lower(), name.lower())
        if not equals and name not in _FLAGS:
            raise ValueError(f"invalid field '{field}' must be a key=value pair")
        if name not in _KEYS:
            raise ValueError(f"unexpected key '{name}' in '{field}'")
        if name in _MANY:
            found.setdefault(name, []).append(value)
        else:
            found[name] = [value]
    return found


def _comma_separated(text: str) -> Sequence[str]:
    """The fields of one line of CSV: a field with a comma stands in double quotes."""
    fields, inside = [""], False
    for character in text:
        if character == '"':
            inside = not inside
        elif character == "," and not inside:
            fields.append("")
        else:
            fields[-1] += character
    return fields
