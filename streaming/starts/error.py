"""Why nothing was started."""


class StartError(Exception):
    """Nothing was started; `field` is the part of the request that it is about."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message, self.field = message, field
