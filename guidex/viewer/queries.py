"""What an address asks a list for: which rows, in which order, from where on."""

from __future__ import annotations

from typing import Any, Final, Self

from pydantic import Field, ValidationError, field_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request

from schemas.base import Model

PAGE: Final = 50
"""Rows of a page."""

LAST_POSITION: Final = 2**63 - 1
"""The greatest number SQLite has."""

_LAST: Final = 10**9
_LONGEST: Final = 200


class Query(Model):
    """The query of an address. What is left empty, as forms do, is not given."""

    q: str = Field(default="", max_length=_LONGEST, description="Words to search for.")
    offset: int = Field(default=0, ge=0, le=_LAST, description="Rows passed over.")

    @field_validator("*", mode="before")
    @classmethod
    def _no_null(cls, value: object) -> object:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("there is a character that no text has")
        return value

    @classmethod
    def of(cls, request: Request) -> Self:
        """Read the query of a request.

        Raises:
            HTTPException: 400, it asks for something that there is not.
        """
        given = {name: value for name, value in request.query_params.items() if value != ""}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise HTTPException(
                400, f"The address asks for what this page does not have: {faults(error)}."
            ) from None

    def changed(self, **changes: Any) -> dict[str, Any]:
        """The query of an address that asks for the same but for some parts; a part that is None falls away.

        Unless a place in the list is among them, the list begins anew.
        """
        asked = self.model_dump(mode="json", exclude_defaults=True, exclude={"offset"}) | changes
        return {
            name: int(value) if value is True else value
            for name, value in asked.items()
            if value is not None and value is not False
        }


def faults(error: ValidationError) -> str:
    """What is wrong with what was sent, place by place."""
    return "; ".join(_place(fault) + fault["msg"].removeprefix("Value error, ") for fault in error.errors())


def _place(fault: Any) -> str:
    place = ".".join(map(str, fault["loc"]))
    return f"{place}: " if place else ""
