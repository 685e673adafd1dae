"""DashScope's error codes: which are only for now, which say that an account must be put right, and what a
reader can do about each. Codes are matched, never texts, except where one code stands for two things.

Source: https://help.aliyun.com/zh/model-studio/error-code
"""

from wan_mcp.domain.language import later, said, say

_REWORD = later("Reword the prompt (content filters also err) and create a new task.")
_ACCOUNT = later("The person must put the Alibaba Cloud account right in its console, then create the task again.")
_KEY = later(
    "Check DASHSCOPE_API_KEY, and that it belongs to the region that WAN_MCP_REGION names: "
    "a key of another region looks like a bad one."
)
_WORKSPACE = later("Check DASHSCOPE_WORKSPACE.")
_MEND = later("Mend what it names and create a new task.")
_SAFE = later("It can be created again safely.")
_AUDIO = later("Mend audio_url: a public .wav or .mp3 of 3 to 30 seconds and at most 15 MB.")
_AGAIN = later("Create the task again later.")
_GONE = later("Check WAN_MCP_REGION; the model may not be offered there any more.")

# The longest matching prefix counts, so that `InvalidFile` covers `InvalidFile.Duration`.
_ADVICE = {
    "InvalidApiKey": _KEY,
    "invalid_api_key": _KEY,
    "NOT AUTHORIZED": _WORKSPACE,
    "Arrearage": _ACCOUNT,
    "AccessDenied": later("Check that the model is activated for this account and region, and the workspace's grants."),
    "AccessDenied.Unpurchased": later("The person must activate Model Studio for this account first."),
    "Model.AccessDenied": later("The person must grant this workspace access to the model."),
    "Workspace.AccessDenied": _WORKSPACE,
    "WorkSpaceNotFound": _WORKSPACE,
    "ModelNotFound": _GONE,
    "Model.NotExist": _GONE,
    "Endpoint.AccessDenied": _GONE,
    "AllocationQuota.FreeTierOnly": later(
        'The free quota is used up and "free tier only" is switched on; the person must put the Alibaba Cloud account '
        "right in its console, then create the task again."
    ),
    "Throttling.AllocationQuota": _ACCOUNT,
    "CommodityNotPurchased": _ACCOUNT,
    "PrepaidBillOverdue": _ACCOUNT,
    "PostpaidBillOverdue": _ACCOUNT,
    "DataInspectionFailed": _REWORD,
    "IPInfringementSuspect": later(
        "Take names of brands, characters and people out of the prompt and create a new task."
    ),
    "CustomRoleBlocked": _REWORD,
    "InvalidURL": _AUDIO,
    "InvalidFile": _AUDIO,
    "InvalidParameter.DataInspection": _AUDIO,
    "InvalidParameter": _MEND,
    "BadRequest": _MEND,
    "RewriteFailed": later("Create the task again, or with prompt_extend false."),
    "InternalError": _AGAIN,
    "SystemError": _AGAIN,
    "ModelServiceFailed": _AGAIN,
    "ModelServingError": _AGAIN,
    "RequestTimeOut": _AGAIN,
    "ModelUnavailable": _AGAIN,
    "ServiceUnavailable": _AGAIN,
    "GatewayTimeout": _AGAIN,
    "Throttling": _AGAIN,
    "LimitRequests": _AGAIN,
    "NeverArrived": _SAFE,
    "SettledByPerson": _SAFE,
    "ReleasedFromQueue": later("If it is still wanted, create it again."),
    "CanceledByCaller": "",
}

_PASSING = frozenset({_AGAIN, _SAFE})

_ACCOUNT_CODES = frozenset(
    {
        "AllocationQuota.FreeTierOnly",
        "Arrearage",
        "CommodityNotPurchased",
        "PostpaidBillOverdue",
        "PrepaidBillOverdue",
    }
)


def advice(code: str) -> str:
    """Return what to do next about `code`; a general word where we know of none."""
    known = _known(code)
    return say("Read the message, mend what it names, and create a new task.") if known is None else said(known)


def is_passing(code: str) -> bool:
    """Did a task end with a code that says nothing against its request, so that the same one may well succeed?"""
    return _known(code) in _PASSING


def _known(code: str) -> str | None:
    prefixes = [known for known in _ADVICE if code == known or code.startswith(known + ".")]
    return _ADVICE[max(prefixes, key=len)] if prefixes else None


def is_only_for_now(code: str, message: str) -> bool:
    """Does a 429 with this code go away by waiting? Overdue bills and used-up quotas come as 429 too."""
    if code in _ACCOUNT_CODES:
        return False
    return not (code.startswith("Throttling.AllocationQuota") and "free" in message.lower())
