"""What a worker process of `bashgah import members` calls first; it loads no more than that needs."""

from backend import settings
from backend.infra import sealing


def configure_sealing() -> None:
    """Set up sealing from the environment. Raises SettingsInvalid."""
    sealing.configure(settings.load().sealer())
