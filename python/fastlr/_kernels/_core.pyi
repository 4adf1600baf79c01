"""The extension, which loads level libraries: plain shared libraries without Python in them, one per CPU level."""

from types import ModuleType

def supported_levels() -> list[str]:
    """Levels that this machine can run, best first."""

def load(name: str, path: bytes) -> ModuleType:
    """Make a module of this name, with the kernels of the level library at ``path``; see `_generic.pyi`.

    Raises
    ------
    RuntimeError
        If the library does not load, or comes of another build.
    """
