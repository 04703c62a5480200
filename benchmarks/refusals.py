"""Why there is no measurement; the text is for the person at the console."""


class Refused(Exception):
    """The benchmark can't be run, or what it measured does not count; `str()` is a plain sentence."""
