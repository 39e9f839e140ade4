"""What is compiled once and kept: C kernels, by the machine's compiler, under a key of all that went into them, and
the files of Numba modules, beside which Numba keeps what it compiled."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

FLAGS = ("-O3", "-march=native", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-std=gnu11", "-shared", "-fPIC")
X86_FLAGS = ("-mprefer-vector-width=512",)  # where the processor has such registers, they pay here
COMPILERS = ("cc", "gcc", "clang")
_TIMEOUT = 120


class CannotBuild(RuntimeError):
    """There is no compiler, or it refused; the text says what to do."""


def compiler() -> str:
    """The C compiler: ``$CC``, or the first of ``cc``, ``gcc`` and ``clang``."""
    wanted = os.environ.get("CC")
    for name in (wanted,) if wanted else COMPILERS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise CannotBuild(
        f"no C compiler was found ({wanted or ', '.join(COMPILERS)}): install one, set CC, or use the NumPy target"
    )


def cache() -> Path:
    """Where libraries are kept: ``$DERIVE_CACHE``, or derive's folder in the user's cache."""
    chosen = os.environ.get("DERIVE_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derive" / "kernels"


def library(source: str, real: str) -> ctypes.CDLL:
    """A C file compiled for one precision (``float`` or ``double``) and loaded.

    Raises:
        CannotBuild: there is no compiler, or it refused.
    """
    command = compiler()
    flags = (*FLAGS, *(X86_FLAGS if platform.machine() in ("x86_64", "AMD64") else ()), f"-DREAL={real}")
    key = hashlib.sha256("\0".join([source, *flags, _version(command), _machine()]).encode()).hexdigest()[:32]
    folder = _folder()
    path = folder / f"{key}.so"
    if not _is_whole(path):
        _compile(source, command, flags, path)
    return ctypes.CDLL(str(path))


def _is_whole(path: Path) -> bool:
    """Whether a library is there as it was compiled: to load one that was cut short could end the process."""
    try:
        return _sum_of(path).read_text(encoding="ascii") == _digest(path)
    except (OSError, UnicodeDecodeError):
        return False


def _sum_of(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def module_file(source: str) -> Path:
    """The file of a Python module, written where there is none with this text."""
    path = _folder() / f"derive_{hashlib.sha256(source.encode()).hexdigest()[:32]}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder, path.name)
            made.write_text(source, encoding="utf-8")
            made.replace(path)
    return path


def _folder() -> Path:
    """The cache; a folder of this process where that can not be written."""
    folder = cache()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _own_folder()


@lru_cache(maxsize=1)
def _own_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="derive-kernels-"))


@lru_cache(maxsize=8)
def _version(command: str) -> str:
    done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    return done.stdout


def _machine() -> str:
    """What ``-march=native`` depends on: the processor's name and features."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
    return f"{platform.machine()} {platform.processor()}"


def _compile(source: str, command: str, flags: tuple[str, ...], path: Path) -> None:
    """Compile beside the place, then move there: two processes may do so at once."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        text, made = Path(folder, "kernel.c"), Path(folder, "kernel.so")
        text.write_text(source, encoding="utf-8")
        done = subprocess.run(
            [command, *flags, "-o", str(made), str(text), "-lm"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        if done.returncode:
            said = "\n".join(done.stderr.strip().splitlines()[:8])
            raise CannotBuild(f"{command} could not compile the kernel; use the NumPy target. It said:\n{said}")
        digest = Path(folder, "kernel.sha256")
        digest.write_text(_digest(made), encoding="ascii")
        made.replace(path)
        digest.replace(_sum_of(path))


__all__ = ["CannotBuild", "cache", "compiler", "library", "module_file"]
