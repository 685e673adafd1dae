"""An OAuth issuer on this machine: its metadata, its keys, and the tokens that it signs."""

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AUDIENCE = "https://video.example.com/mcp"


RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    """The public half, as issuers publish it."""
    public: Any = key.public_key()
    told = RSAAlgorithm.to_jwk(public) if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm.to_jwk(public)
    return {**json.loads(told), "use": "sig", **more}


@dataclass
class Issuer:
    """What it publishes, and how often it was asked."""

    url: str = ""
    keys: list[dict[str, Any]] = field(
        default_factory=lambda: [jwk(RSA_KEY, kid="rsa", alg="RS256"), jwk(EC_KEY, kid="ec")]
    )
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    asked: list[str] = field(default_factory=list[str])

    def token(self, *, key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "rsa", **claims: Any) -> str:
        """Sign a token for alice that is good for an hour, unless told otherwise.

        A claim of `None` is left out, one that is a time span counts from now.
        """
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "exp": timedelta(hours=1), "scope": "video x"}
        payload = {name: _claim(value) for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid} if kid else None)

    async def answer(self, request: Request) -> Response:
        """Metadata at the place of OpenID Connect, keys where the metadata says."""
        self.asked.append(request.url.path)
        match request.url.path:
            case "/.well-known/openid-configuration":
                return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.metadata})
            case "/keys":
                return JSONResponse({"keys": self.keys})
            case _:
                return Response(status_code=404)


def _claim(value: Any) -> Any:
    return datetime.now(UTC) + value if isinstance(value, timedelta) else value


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def issuing() -> AsyncGenerator[Issuer]:
    """Serve one in the running loop."""
    issuer = Issuer()
    app = Starlette(routes=[Route("/{path:path}", issuer.answer)])
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    listener = config.bind_socket()
    issuer.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Server(config)
    async with anyio.create_task_group() as background:
        background.start_soon(server.serve, [listener])
        yield issuer
        server.should_exit = True
