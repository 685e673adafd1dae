"""The HTTP client that every one of ours is made as: certificates read once, the environment's proxies, no redirects.

The only adapter that others import: it is how they all get out, and what they say where that cannot be.
"""

import functools
import ssl
from typing import Any

import httpx

from wan_mcp.domain.errors import BadSettings
from wan_mcp.domain.language import say


@functools.cache
def certificates() -> ssl.SSLContext:
    """Made once in a process: reading the certificates takes as long as a whole call."""
    return httpx.create_ssl_context()


def web_client(*, is_local: bool, **options: Any) -> httpx.AsyncClient:
    """Make a client with these options of httpx's. `is_local`: what it asks is this machine, where no proxy leads.

    Raises:
        BadSettings: a proxy or a certificate of the environment cannot be used.
    """
    try:
        return httpx.AsyncClient(verify=certificates(), follow_redirects=False, trust_env=not is_local, **options)
    except (ValueError, httpx.InvalidURL, OSError, ImportError) as error:
        raise BadSettings(
            say(
                "The way to the network that the environment names cannot be used ({kind}).",
                kind=type(error).__name__,  # its own words may hold a proxy's password
            ),
            next_step=say(
                "The person must mend HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY or SSL_CERT_FILE (a proxy is "
                "http://, https:// or socks5://) and start the server again."
            ),
        ) from error
