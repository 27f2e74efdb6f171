"""The package's version, as it says to servers."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tapedeck-client")
except PackageNotFoundError:  # used from its source, without being installed
    __version__ = "0"
