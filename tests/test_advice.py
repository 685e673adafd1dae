"""Every documented error code has a next step that fits it, and a 429 that waiting cannot cure is known."""

import pytest

from wan_mcp.domain.advice import advice, is_only_for_now

GENERAL = advice("SomethingNew")

# help.aliyun.com/zh/model-studio/error-code: what a video task can meet.
TABLE = """
    InvalidParameter InvalidParameter.DataInspection BadRequest.EmptyModel BadRequest.EmptyInput
    BadRequest.EmptyParameters BadRequest.IllegalInput BadRequest.TooLarge BadRequest.InputDownloadFailed
    BadRequest.UnsupportedFileFormat Arrearage DataInspectionFailed IPInfringementSuspect CustomRoleBlocked
    InvalidURL InvalidURL.ConnectionRefused InvalidURL.Timeout InvalidFile.Size InvalidFile.Duration
    InvalidFile.Format InvalidFile.Openerror InvalidFile.DownloadFailed InvalidFile.AudioLengthError
    InvalidApiKey AccessDenied AccessDenied.Unpurchased Model.AccessDenied Workspace.AccessDenied
    Endpoint.AccessDenied AllocationQuota.FreeTierOnly ModelNotFound Model.NotExist WorkSpaceNotFound Throttling
    Throttling.RateQuota LimitRequests Throttling.BurstRate Throttling.AllocationQuota CommodityNotPurchased
    PrepaidBillOverdue PostpaidBillOverdue InternalError InternalError.Algo InternalError.Timeout
    InternalError.Upload InternalError.FileUpload SystemError ModelServiceFailed RequestTimeOut RewriteFailed
    ModelServingError ModelUnavailable ServiceUnavailable GatewayTimeout
"""
CODES = [*TABLE.split(), "NOT AUTHORIZED", "invalid_api_key"]


@pytest.mark.parametrize("code", CODES)
def test_every_documented_code_has_a_next_step_of_its_own(code: str) -> None:
    """ "Mend what it names" is no help to somebody whose bill is overdue or whose server fell over."""
    assert advice(code) != GENERAL


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("DataInspectionFailed", "Reword"),
        ("InvalidFile.Duration", "audio_url"),
        ("InvalidParameter.DataInspection", "audio_url"),
        ("InvalidParameter", "Mend"),
        ("AccessDenied.Unpurchased", "activate"),
        ("AccessDenied.SomethingNew", "grants"),
        ("InvalidApiKey", "WAN_MCP_REGION"),
        ("PostpaidBillOverdue", "account"),
        ("InternalError.Algo", "later"),
        ("RewriteFailed", "prompt_extend"),
        ("NeverArrived", "safely"),
    ],
)
def test_the_longest_known_beginning_of_a_code_decides(code: str, word: str) -> None:
    """New codes are made by adding to known ones, and the more exact word is the better advice."""
    assert word in advice(code)


def test_a_code_that_only_begins_alike_is_another_code() -> None:
    """`InvalidParameterless` is not a kind of `InvalidParameter`."""
    assert advice("InvalidParameterless") == GENERAL
    assert advice("") == GENERAL


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", ""),
        ("Throttling", "Requests throttling triggered."),
        ("Throttling.RateQuota", "Requests rate limit exceeded"),
        ("LimitRequests", "You exceeded your current requests list."),
        ("Throttling.BurstRate", "Request rate increased too quickly."),
        ("Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit."),
    ],
)
def test_a_rate_limit_passes_by_waiting(code: str, message: str) -> None:
    """House rule 4: such a task is QUEUED, and nobody gets an error for it."""
    assert is_only_for_now(code, message)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("CommodityNotPurchased", "Commodity has not purchased yet."),
        ("PrepaidBillOverdue", "The prepaid bill is overdue."),
        ("PostpaidBillOverdue", "The postpaid bill is overdue."),
        ("Arrearage", "Access denied, please make sure your account is in good standing."),
        ("AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted."),
        ("Throttling.AllocationQuota", "Free allocated quota exceeded."),
    ],
)
def test_an_overdue_bill_is_a_429_that_no_waiting_cures(code: str, message: str) -> None:
    """Queued, it would hold money and be sent for ever to an account that cannot pay."""
    assert not is_only_for_now(code, message)
