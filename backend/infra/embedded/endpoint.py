"""Whether an address can be listened on, and whether something there answers yet."""

import http.client
import socket

_ANSWER_SECONDS = 5.0
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - looked up only


class CantListen(Exception):
    """The address is taken, forbidden or unknown; `str()` is a plain sentence."""


def free_port(host: str, port: int) -> int:
    """The port itself where a server could listen there now; for 0 a free one.

    Raises: CantListen.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        raise CantListen(f"Can't listen on {host}:{port}: {error}.") from error


def is_ok(host: str, port: int, path: str) -> bool:
    """Whether GET `path` is answered with 200."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False  # not listening yet
    finally:
        connection.close()


def base_url(host: str, port: int) -> str:
    """The address for a browser on this machine."""
    name = _reachable(host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def _reachable(host: str) -> str:
    return _EVERY_ADDRESS.get(host, host)
