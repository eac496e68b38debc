"""The version of the package: read by the build, the command line and the exported projects."""

__version__ = "0.1.0"
