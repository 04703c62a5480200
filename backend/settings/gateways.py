"""Settings of what is asked over HTTP: who carries text messages, and who knows the owners of numbers."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from backend.infra.sms.template import Endpoint
from backend.infra.sms.template import Field as AnswerField
from backend.settings.values import Method, Secret, SecretForm, Text


class SmsRoute(StrEnum):
    """Who carries text messages."""

    LINES = "lines"
    HTTP = "http"


class GatewaySettings(BaseModel):
    """Two gateways described by templates, so that another provider needs no code."""

    sms_route: SmsRoute = Field(
        default=SmsRoute.LINES,
        description="`lines` writes text messages to sms.jsonl in the data folder, `http` sends them.",
    )
    sms_url: Secret = Field(
        default=None,
        description="The SMS gateway's URL, with places such as `{to}`, `{to_local}`, `{text}`, `{id}`.",
    )
    sms_method: Method = Field(
        default="POST", description="How the gateway is asked: GET, POST or PUT."
    )
    sms_headers: dict[str, SecretStr] = Field(
        default={}, description="Headers of the gateway, as JSON; `{id}` may stand in them."
    )
    sms_json: Secret = Field(
        default=None, description="The body that the gateway wants, JSON with places in its texts."
    )
    sms_form: SecretForm = Field(
        default=None, description="Or the fields of a form, as JSON, with places in their texts."
    )
    sms_success: Text = Field(
        default=None,
        pattern="^[^=]+=.*$",
        description="What a good answer holds beside a status 2xx: `return.status=200`.",
    )
    sms_timeout_seconds: float = Field(
        default=5.0, ge=0.1, le=60, description="How long one attempt at a gateway may take."
    )
    sms_attempts: int = Field(
        default=3, ge=1, le=10, description="How often a gateway is tried for one message."
    )
    owner_check_url: Secret = Field(
        default=None,
        description="Who knows the owner of a number; places `{phone}`, `{phone_local}`, `{national_code}`.",
    )
    owner_check_method: Method = Field(
        default="POST", description="How it is asked: GET, POST or PUT."
    )
    owner_check_headers: dict[str, SecretStr] = Field(
        default={}, description="Its headers, as JSON."
    )
    owner_check_json: Secret = Field(
        default=None, description="The body that it wants, JSON with places in its texts."
    )
    owner_check_form: SecretForm = Field(
        default=None, description="Or the fields of a form, as JSON, with places in their texts."
    )
    owner_check_field: str = Field(
        default="matched",
        min_length=1,
        description="The field of its JSON answer that decides: `result.matched`.",
    )
    owner_check_yes: str = Field(default="true", description="That field's value for the own name.")
    owner_check_no: str = Field(default="false", description="That field's value for another name.")

    @model_validator(mode="after")
    def _gateways_are_complete(self) -> Self:
        if self.sms_route is SmsRoute.HTTP and self.sms_url is None:
            raise ValueError("sms_route=http needs sms_url")
        for endpoint in (self.sms_endpoint(), self.owner_check_endpoint()):
            if endpoint is not None:
                endpoint.check(needed=frozenset(), allowed=endpoint.places())
        return self

    def sms_endpoint(self) -> Endpoint | None:
        """The gateway of text messages; None where none is set."""
        return _endpoint(
            self.sms_url, self.sms_method, self.sms_headers, self.sms_json, self.sms_form
        )

    def sms_success_answer(self) -> tuple[AnswerField, str] | None:
        """The field of the gateway's answer that says "taken", and its value then."""
        if self.sms_success is None:
            return None
        path, _, value = self.sms_success.partition("=")
        return AnswerField(path), value

    def owner_check_endpoint(self) -> Endpoint | None:
        """Who knows the owner of a number; None where nobody is asked."""
        return _endpoint(
            self.owner_check_url,
            self.owner_check_method,
            self.owner_check_headers,
            self.owner_check_json,
            self.owner_check_form,
        )


def _endpoint(
    url: SecretStr | None,
    method: Method,
    headers: Mapping[str, SecretStr],
    json: SecretStr | None,
    form: Mapping[str, SecretStr] | None,
) -> Endpoint | None:
    if url is None:
        return None
    return Endpoint(
        url=url.get_secret_value(),
        method=method,
        headers=_revealed(headers),
        json_body=None if json is None else json.get_secret_value(),
        form_body=None if form is None else _revealed(form),
    )


def _revealed(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in secrets.items()}
