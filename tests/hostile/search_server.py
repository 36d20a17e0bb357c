"""An index of images for `search`, spoken as docker's first registries did: PORT is the only argument."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

FOUND = [
    {"name": "web", "description": "serves", "star_count": 7, "is_official": True, "is_automated": False},
    {
        "name": "ada/web",
        "description": " ".join(["word"] * 30),
        "star_count": 3,
        "is_official": False,
        "is_automated": False,
    },
    {"name": "bob/web", "description": "", "star_count": 0, "is_official": False, "is_automated": False},
]


class Index(BaseHTTPRequestHandler):
    """`/v1/_ping` and `/v1/search?q=…&n=…`."""

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/v1/search":
            most = int(parse_qs(asked.query).get("n", ["25"])[0])
            body = {"num_results": len(FOUND), "query": "web", "results": FOUND[:most]}
        elif asked.path == "/v1/_ping":
            body = {"standalone": True}
        else:
            self.send_error(404)
            return
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Index).serve_forever()
