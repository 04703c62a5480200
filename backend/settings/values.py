"""The kinds of values that several sections have."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr


def _none_where_empty(value: object) -> object:
    return None if value == "" else value


NONE_WHERE_EMPTY = BeforeValidator(_none_where_empty)

Seconds = Annotated[int, Field(ge=1, le=3600)]
Switch = Annotated[bool | None, NONE_WHERE_EMPTY]
Text = Annotated[str | None, NONE_WHERE_EMPTY]
Secret = Annotated[SecretStr | None, NONE_WHERE_EMPTY]
SecretForm = Annotated[dict[str, SecretStr] | None, NONE_WHERE_EMPTY]
Method = Literal["GET", "POST", "PUT"]
