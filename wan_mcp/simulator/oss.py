"""What both buckets share with Alibaba's object storage: its signature, and its XML errors.

Source: help.aliyun.com/zh/oss (V1 signatures in a URL, error responses).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from uuid import uuid4
from xml.sax.saxutils import escape

from starlette.responses import Response

__all__ = ["ACCESS_KEY", "SECRET", "OssError", "signature"]

# Invented: they sign the simulator's own links and open nothing else.
ACCESS_KEY = "LTAI5tSimulatedKeyId000000"
SECRET = b"simulated-secret"


def signature(verb: str, *, key: str, expires: int) -> str:
    """The V1 signature of a link. The verb is part of it: a link to GET cannot be asked HEAD."""
    text = f"{verb}\n\n\n{expires}\n/{key}"
    return base64.b64encode(hmac.digest(SECRET, text.encode(), hashlib.sha1)).decode()


class OssError(Exception):
    """The bucket says no; it speaks XML, never JSON."""

    def __init__(self, status: int, code: str, message: str, extra: Mapping[str, str] | None = None) -> None:
        self.status, self.code, self.message, self.extra = status, code, message, dict(extra or {})
        super().__init__(f"{status} {code}")

    def xml(self, host: str) -> str:
        """The error as a document."""
        fields = {
            "Code": self.code,
            "Message": self.message,
            "RequestId": uuid4().hex[:24].upper(),
            "HostId": host,
            **self.extra,
        }
        inner = "\n".join(f"  <{name}>{escape(value)}</{name}>" for name, value in fields.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n{inner}\n</Error>\n'

    def answer(self, host: str) -> Response:
        """The error as a response."""
        return Response(self.xml(host), self.status, media_type="application/xml")
