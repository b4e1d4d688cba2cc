"""The utility workbench: where similarity and utility disagree, and how to distil one into the other.

Every verb is a function of a store. The public names are those of `__init__.pyi`, and of that list alone; each is
looked up when it is first used, so that importing this costs nothing.
"""

# Without `from __future__ import annotations`, which would hide the verb of that name.
from typing import Any

import lazy_loader

from workbench import machine

_public, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    # Before anything can import torch: an OpenMP that spins slows training eightfold on a busy machine.
    machine.prepare()
    return _public(name)
