"""One HTTP request as the simulator remembers it, for tests to look at afterwards."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

from starlette.requests import Request

__all__ = ["Call"]

KEPT_BODY = 64 * 1024
"""A longer body is an upload: counted, used, and not kept in the log."""


@dataclass(kw_only=True)
class Call:
    """A request: what was asked, when, and how it was answered."""

    at: datetime
    method: str
    path: str
    query: dict[str, str]
    headers: list[tuple[str, str]]
    json: Any | None  # whatever JSON the caller sent; nothing is promised about it
    body: bytes = field(repr=False)
    host: str
    scheme: str
    task_id: str | None
    request_id: str = field(default_factory=lambda: str(uuid4()))
    status: int | None = None
    """The HTTP status of the answer; None while there is none, and for a connection that was dropped."""

    @classmethod
    async def of(cls, request: Request, *, at: datetime) -> "Call":
        """Read a request to its end."""
        body = await request.body()
        return cls(
            at=at,
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
            json=_parsed(body),
            body=body,
            host=request.headers.get("host", "localhost"),
            scheme=request.url.scheme,
            task_id=request.path_params.get("task_id"),
        )

    def answered(self, status: int | None) -> None:
        """Note how it went; the bytes of an upload are not needed any more."""
        self.status = status
        if len(self.body) > KEPT_BODY:
            self.body = b""

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def fields(self) -> dict[str, object] | None:
        """The JSON body, when it is an object."""
        body: object = self.json
        return cast("dict[str, object]", body) if isinstance(body, dict) else None

    def field(self, name: str) -> object | None:
        """What stands under a name in the JSON body; None where there is nothing."""
        return (self.fields or {}).get(name)

    @property
    def prompt(self) -> str | None:
        """The prompt that was sent, whole."""
        given = self.field("input")
        prompt = cast("dict[str, object]", given).get("prompt") if isinstance(given, dict) else None
        return prompt if isinstance(prompt, str) else None


def _parsed(body: bytes) -> Any | None:
    if not body or len(body) > KEPT_BODY:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None
