"""The errors a video task can meet, as the service's public table lists them.

Source: help.aliyun.com/zh/model-studio/error-code. The table is data, so that any of
its rows can be played by a mishap; `Refusal` is what the simulated service itself raises.
"""

from dataclasses import dataclass

__all__ = ["CODES", "Code", "Refusal", "looked_up"]


@dataclass(frozen=True)
class Code:
    """One row: the HTTP status a code comes with, and its usual words."""

    status: int
    message: str


CANCEL_REFUSED = "Failed to cancel the task, please confirm if the task is in PENDING status."

CODES: dict[str, Code] = {
    "InvalidParameter": Code(400, "Required parameter(s) missing or invalid, please check the request parameters."),
    "InvalidParameter.DataInspection": Code(
        400, "Unable to download the media resource during the data inspection process."
    ),
    "BadRequest.EmptyModel": Code(400, 'Required parameter "model" missing from request.'),
    "BadRequest.EmptyInput": Code(400, 'Required parameter "input" missing from request.'),
    "BadRequest.EmptyParameters": Code(400, 'Required parameter "parameters" missing from request.'),
    "BadRequest.IllegalInput": Code(400, "The input parameter requires json format."),
    "BadRequest.TooLarge": Code(400, "Payload Too Large"),
    "BadRequest.InputDownloadFailed": Code(400, "Failed to download the input file."),
    "BadRequest.UnsupportedFileFormat": Code(400, "Input file format is not supported."),
    "Arrearage": Code(400, "Access denied, please make sure your account is in good standing."),
    "DataInspectionFailed": Code(400, "Input data may contain inappropriate content."),
    "IPInfringementSuspect": Code(400, "Input data is suspected of being involved in IP infringement."),
    "CustomRoleBlocked": Code(400, "Input or output data may contain inappropriate content with custom rule."),
    "InvalidURL": Code(400, "Invalid URL provided in your request."),
    "InvalidURL.ConnectionRefused": Code(400, "Connection to the file refused, please provide avaiable URL."),
    "InvalidURL.Timeout": Code(400, "Download the file timeout, please check network connection."),
    "InvalidFile.Size": Code(400, "Invalid file size. The file size must be no more than 15MB."),
    "InvalidFile.Duration": Code(400, "Invalid file duration. The file duration must be 3 s ~ 30 s."),
    "InvalidFile.Format": Code(400, "Invalid file format, must be one of wav, mp3."),
    "InvalidFile.Resolution": Code(400, "Invalid file resolution."),
    "InvalidFile.AspectRatio": Code(400, "Invalid file aspect ratio."),
    "InvalidFile.FPS": Code(400, "Invalid file FPS."),
    "InvalidFile.Openerror": Code(400, "Invalid file, cannot open file."),
    "InvalidFile.DownloadFailed": Code(400, "The file cannot be downloaded."),
    "InvalidFile.AudioLengthError": Code(400, "Audio length must be between 3s and 30s."),
    "UnsupportedOperation": Code(400, CANCEL_REFUSED),
    "InvalidApiKey": Code(401, "Invalid API-key provided."),
    "NOT AUTHORIZED": Code(401, "Access denied: Either you are not authorized to access this workspace."),
    "AccessDenied": Code(403, "Access denied."),
    "AccessDenied.Unpurchased": Code(
        403, "Access to model denied. Please make sure you are eligible for using the model."
    ),
    "Model.AccessDenied": Code(403, "Model access denied."),
    "Workspace.AccessDenied": Code(403, "Workspace access denied."),
    "App.AccessDenied": Code(403, "App access denied."),
    "Endpoint.AccessDenied": Code(403, "Workspace endpoint access denied."),
    "AllocationQuota.FreeTierOnly": Code(403, "The free tier of the model has been exhausted."),
    "ModelNotFound": Code(404, "Model can not be found."),
    "Model.NotExist": Code(404, "Model not exist."),
    "WorkSpaceNotFound": Code(404, "WorkSpace can not be found."),
    "NotFound": Code(404, "Not found!"),
    "Throttling": Code(429, "Requests throttling triggered."),
    "Throttling.RateQuota": Code(429, "Requests rate limit exceeded, please try again later."),
    "LimitRequests": Code(429, "You exceeded your current requests list."),
    "Throttling.BurstRate": Code(429, "Request rate increased too quickly."),
    "Throttling.AllocationQuota": Code(429, "Allocated quota exceeded, please increase your quota limit."),
    "CommodityNotPurchased": Code(429, "Commodity has not purchased yet."),
    "PrepaidBillOverdue": Code(429, "The prepaid bill is overdue."),
    "PostpaidBillOverdue": Code(429, "The postpaid bill is overdue."),
    "InternalError": Code(500, "An internal error has occured, please try again later or contact service support."),
    "InternalError.Algo": Code(500, "inference internal error."),
    "InternalError.Timeout": Code(500, "An internal timeout error has occured during execution."),
    "InternalError.Upload": Code(500, "Failed to upload result."),
    "InternalError.FileUpload": Code(500, "Failed to upload result."),
    "SystemError": Code(500, "An system error has occured, please try again later."),
    "ModelServiceFailed": Code(500, "Failed to request model service."),
    "RequestTimeOut": Code(500, "Request timed out, please try again later."),
    "RewriteFailed": Code(500, "Failed to rewrite content for prompt."),
    "ModelServingError": Code(
        503, "Too many requests. Your requests are being throttled due to system capacity limits."
    ),
    "ModelUnavailable": Code(503, "Model is unavailable, please try again later."),
    "ServiceUnavailable": Code(503, "Service is unavailable, please try again later."),
    "GatewayTimeout": Code(504, "The gateway timed out."),
}


def looked_up(code: str) -> Code:
    """The row of a code; an unknown code of a known family borrows the family's row."""
    family = code.split(".", maxsplit=1)[0]
    return CODES.get(code) or CODES.get(family) or Code(400, code)


class Refusal(Exception):
    """The service says no: at once with an HTTP status, or later inside a FAILED task."""

    def __init__(self, code: str, message: str | None = None, *, status: int | None = None) -> None:
        row = looked_up(code)
        self.code = code
        self.message = row.message if message is None else message
        self.status = row.status if status is None else status
        super().__init__(f"{self.status} {code}: {self.message}")
