"""What can go wrong on a wire to a model, said in one line that a learner can act on.

Both SDKs raise errors of the same make, so that one table serves both. What a server writes is not even read: it may
hold anything, the key included.
"""

import re
from typing import TYPE_CHECKING, cast

from microgpt.errors import MicroGPTError

if TYPE_CHECKING:
    import httpx2  # the HTTP client of both SDKs

BUSY_S = 1.0  # to wait for a busy server that does not say how long


class Trouble(MicroGPTError):  # noqa: N818  (it reads as what it is)
    """A model gave no answer that could be used.

    Args:
        message: what happened, as the start of a sentence.
        lasting: whether asking again is in vain: a refused key, an unknown model.
        retry_after_s: for a server that is busy, how long to wait; None where trying again at once is of no use.
    """

    def __init__(self, message: str, *, lasting: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.lasting, self.retry_after_s = lasting, retry_after_s


def unread(response: "httpx2.Response") -> None:
    """Leave what a server writes of a refusal unread: the status says enough, and the text may have no end."""
    import httpx2

    if response.status_code >= 300:
        cast("httpx2.SyncByteStream", response.stream).close()
        response.stream = httpx2.ByteStream(b"")


def turned_down(error: Exception) -> bool:
    """Whether a server refused a request, or never got it, so that nothing is to be paid for."""
    status = cast(object, getattr(error, "status_code", None))
    if isinstance(status, int):
        return status >= 300 and status not in (408, 504)  # a gateway may give up on what is being worked at
    return type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout")


def explained(error: Exception, *, host: str, model: str, key: str, begun: bool) -> Trouble:
    """Return an SDK's error as what it means.

    Args:
        host: whom we spoke to.
        model: that was asked for.
        key: the name of the environment variable that holds the key.
        begun: whether an answer had begun to come.
    """
    status = cast(object, getattr(error, "status_code", None))
    kind = f"{getattr(error, 'type', '')} {getattr(error, 'code', '')} {type(error).__name__}".lower()
    match status:
        case 401 | 403:
            return Trouble(
                f"{host} refused the key in {key}. Try: check it, or start with --voice offline", lasting=True
            )
        case 402:
            return Trouble(f"{host} wants to be paid first. Try: look at your account there", lasting=True)
        case 404:
            return Trouble(
                f"{host} knows no model {model!r}. Try: another --model, or look at --base-url", lasting=True
            )
        case 413:
            return Trouble(f"{host} finds the request too long")
        case 408 | 504:
            return Trouble(f"{host} took too long")
        case 429:
            return _busy(error, f"{host} has had too many requests with this key")
        case int() if status >= 500:
            return _busy(error, f"{host} is overloaded or out of order ({status})")
        case int() if status >= 400:
            return Trouble(f"{host} refused the request ({status}). Try: another --model", lasting=True)
        case int() if status >= 300:  # not followed: elsewhere was not told of
            return Trouble(f"{host} sends us to another address. Try: that one as --base-url", lasting=True)
        case _ if "overload" in kind or "rate_limit" in kind:
            return _busy(error, f"{host} is overloaded")
        case _ if "timeout" in kind:
            return Trouble(f"{host} took too long")
        case _ if "apiconnection" in kind and not begun:
            return Trouble(
                f"{host} cannot be reached. Try: look at the network, or at --base-url", retry_after_s=BUSY_S
            )
        case _:
            return Trouble(f"the answer of {host} broke off or made no sense")


def _busy(error: Exception, what: str) -> Trouble:
    """Return a trouble that may pass by itself, with the time that the server names for it."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    said = str(headers.get("retry-after", BUSY_S))
    wait = float(said) if re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", said) else BUSY_S
    return Trouble(f"{what}. Try: again in {max(1, round(wait))} s", retry_after_s=wait)
