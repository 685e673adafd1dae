"""Who calls: the one function by which tools, resources and tasks know whose view of the ledger to show."""

from mcp.server.auth.middleware.auth_context import get_access_token

from wan_mcp.domain.caller import LOCAL


def caller() -> str:
    """Return the name of the present caller; `local` on stdio, and on loopback where no token is asked for."""
    token = get_access_token()
    return LOCAL if token is None else token.subject or token.client_id
