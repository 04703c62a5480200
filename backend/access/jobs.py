"""Background work of access."""

from uuid import UUID

from backend.access import sign_in
from backend.infra import jobs


# Few and quick retries: a code that comes late is of no use, and the member can ask again.
@jobs.job(sign_in.SEND_JOB, retries=4, retry_seconds=2.0, most_seconds=60.0)
async def send_sign_in_code(payload: jobs.Payload) -> None:
    """Send the code of the request that the payload names."""
    await sign_in.send_code(request_id=UUID(str(payload["request_id"])))
