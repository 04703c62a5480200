"""Settings of what may be asked: trusted documents, the limits of an operation, and other sites' pages."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from backend.settings.process import ProcessSettings
from backend.settings.values import Switch
from schema.execution.policy import DEFAULTS, Audience, Execution, Limits

MAX_COUNT = 1_000_000

Origin = Annotated[str, StringConstraints(pattern=r"^https?://[a-z0-9.-]+(:[0-9]+)?$")]


def _most(default: int, description: str) -> int:
    """A limit of at least one."""
    return Field(default=default, ge=1, le=MAX_COUNT, description=description)


class LimitSettings(BaseModel):
    """The most that one operation may be, cost, take and answer."""

    operation_tokens: int = _most(DEFAULTS.tokens, "Words and signs of a document.")
    operation_depth: int = _most(DEFAULTS.depth, "How deep a document nests.")
    operation_aliases: int = _most(DEFAULTS.aliases, "Fields that a document names anew.")
    operation_directives: int = _most(DEFAULTS.directives, "Directives of a document.")
    operation_root_fields: int = _most(DEFAULTS.root_fields, "Fields at a document's root.")
    operation_list_items: int = _most(DEFAULTS.list_items, "Items of a list in the input.")
    operation_cost: int = _most(
        DEFAULTS.cost, "What an operation may cost: about the objects that it could answer."
    )
    operation_seconds: float = Field(
        default=DEFAULTS.seconds,
        gt=0,
        le=600,
        description="What a query may take; then UNAVAILABLE.",
    )
    answer_bytes: int = Field(
        default=DEFAULTS.answer_bytes,
        ge=1024,
        le=104_857_600,
        description="A query's longest answer.",
    )

    def limits(self) -> Limits:
        """These, as the executor wants them."""
        return Limits(
            tokens=self.operation_tokens,
            depth=self.operation_depth,
            aliases=self.operation_aliases,
            directives=self.operation_directives,
            root_fields=self.operation_root_fields,
            list_items=self.operation_list_items,
            cost=self.operation_cost,
            seconds=self.operation_seconds,
            answer_bytes=self.answer_bytes,
        )


class DocumentSettings(LimitSettings, ProcessSettings):
    """Which documents are run, and for whose pages."""

    documents: dict[Audience, Literal["any", "trusted"]] = Field(
        default={},
        description="Who may send which documents, of `app`, `console`, `campaigns`: "
        '`{"app":"trusted"}`. Else `any` in development, `trusted` in production.',
    )
    executor: Execution = Field(
        default=Execution.TRUSTED,
        description="Which operations are compiled: `trusted`, `any` (what clients send as text too) or "
        "`reference` (none).",
    )
    cost_report: Switch = Field(
        default=None,
        description="Whether answers tell their cost; by default in development only.",
    )
    cors_origins: tuple[Origin, ...] = Field(
        default=(), description='Sites whose pages may ask: `["https://console.example"]`.'
    )

    @property
    def closed_audiences(self) -> frozenset[Audience]:
        """Who may send trusted documents only."""
        default = "trusted" if self.is_production else "any"
        return frozenset(
            each for each in Audience if self.documents.get(each, default) == "trusted"
        )

    @property
    def reports_cost(self) -> bool:
        """Whether answers tell their cost."""
        return not self.is_production if self.cost_report is None else self.cost_report
