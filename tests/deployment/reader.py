"""A program of somebody else's: follows a session's server-sent events and writes down each frame's id and hash.

`python reader.py URL KEY FILE`. Connects again, with its cursor, whenever the connection ends; ends with the session.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import httpx

BEHIND_TLS = {"Host": "tape.example.org", "X-Forwarded-Proto": "https"}
"""What the proxy of the deployment page adds."""


def follow(url: str, key: str, file: Path) -> None:
    cursor = ""
    while True:
        headers = {**BEHIND_TLS, "Authorization": f"Bearer {key}"} | ({"Last-Event-ID": cursor} if cursor else {})
        try:
            with httpx.stream("GET", url, headers=headers, params={"from_start": "true"}, timeout=20) as answer:
                answer.raise_for_status()
                for line in answer.iter_lines():
                    if not line.startswith("data: "):
                        continue
                    message = json.loads(line[6:])
                    if message["id"] is None:
                        if message["events"][0]["type"] == "end":
                            return
                        continue
                    cursor = message["id"]
                    with file.open("a") as out:
                        out.write(f"{cursor} {message['hash']}\n")
        except httpx.HTTPError as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            time.sleep(0.5)


if __name__ == "__main__":
    follow(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
