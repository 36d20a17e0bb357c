"""One image whose documents are damaged hides none of the others."""

from __future__ import annotations

import json

from tests.personas import Persona


def test_a_broken_image_is_told_and_the_others_are_listed(fresh_persona: Persona):
    persona = fresh_persona
    persona.ok("run", "--rm", "base", "true", timeout=120)
    persona.ok("tag", "base", "other:1")
    index = persona.store / "images" / "index.json"
    found = json.loads(index.read_text())
    lost = {**found["manifests"][0], "digest": "sha256:" + "5" * 64}
    lost["annotations"] = {
        "org.opencontainers.image.ref.name": "lost:1",
        "io.containerd.image.name": "docker.io/library/lost:1",
    }
    found["manifests"].append(lost)
    index.write_text(json.dumps(found))
    done = persona.cli("images")
    assert done.exit_code == 0 and "other" in done.out and "lost" not in done.out, done
    assert len(done.err.splitlines()) == 1 and "lost:1 is broken" in done.err, done
    found["manifests"].pop()
    index.write_text(json.dumps(found))
