"""Requests that change something: JSON in, JSON out, and a sentence where it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from guidex.viewer.queries import faults
from schemas.base import Model
from schemas.errors import GuidexError, StoreError

Asked = TypeVar("Asked", bound=Model)


def writes(
    model: type[Asked], write: Callable[[Request, Asked], Mapping[str, Any]]
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that changes something. The guards have let the request through before.

    It answers 409 where the run cannot be written, as another process does so, and 422 what is refused; both
    with the sentence to show as `error`.

    Args:
        model: What is sent.
        write: Does it; called in a thread. What it returns is the answer.
    """

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            asked = model.model_validate_json(body, strict=True)
            return JSONResponse(dict(await run_in_threadpool(write, request, asked)))
        except ValidationError as error:
            return _refused(422, f"This cannot be set. {faults(error)}.")
        except StoreError as error:
            return _refused(409, f"{error} {error.remedy}")
        except GuidexError as error:
            return _refused(422, f"{error} {error.remedy}")
        except HTTPException as error:
            return _refused(error.status_code, error.detail)

    return endpoint


def _refused(status: int, said: str) -> Response:
    return JSONResponse({"error": said}, status)
