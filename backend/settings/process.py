"""Settings of every process: where it runs, what it logs, how it stops, and its jobs."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field

from backend.settings.values import Seconds, Switch


class Environment(StrEnum):
    """Where the system runs; production refuses what is only comfortable."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class ProcessSettings(BaseModel):
    """What an API process and a worker have alike."""

    env: Environment = Field(
        default=Environment.DEVELOPMENT, description="`development` or `production`."
    )
    data_dir: Path = Field(
        default=Path(".data"), description="The demo's folder: databases, logs, sockets."
    )
    drain_seconds: Seconds = Field(
        default=20, description="What requests and jobs may take to finish after SIGTERM."
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="The least level logged.",
    )
    log_json: Switch = Field(
        default=None, description="JSON lines instead of text; by default in production only."
    )
    job_log_days: int = Field(
        default=7, ge=1, le=365, description="How long the queue's log of finished jobs is kept."
    )
    session_retention_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="How long sessions that ended or expired are kept.",
    )
    job_heartbeat_seconds: Seconds = Field(
        default=30,
        description="After this long without a sign of life a job is taken up by another worker.",
    )

    @property
    def is_production(self) -> bool:
        """Whether unsafe values are refused."""
        return self.env is Environment.PRODUCTION

    @property
    def logs_json(self) -> bool:
        """Whether logs are JSON lines."""
        return self.is_production if self.log_json is None else self.log_json
