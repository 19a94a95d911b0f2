"""Whether the packages are there, of a version that fits, and can be loaded; torch with torchvision and the GPU."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from cxrcore.demo.doctor.result import INSTALL, ROOT, Answer, Result, ask, problem

OLDEST = (3, 11)
_MODULES = {"scikit-learn": "sklearn", "pillow": "PIL", "grad-cam": "pytorch_grad_cam", "python-gdcm": "gdcm",
            "pylibjpeg-openjpeg": "openjpeg"}  # where the name of the module is another
_IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    print("begin", name, flush=True)
    try:
        importlib.import_module(name)
        print("ok", name, flush=True)
    except BaseException as error:
        print("failed", name, type(error).__name__ + ": " + " ".join(str(error).split())[:160], flush=True)
"""
_TORCH = """
import json, torch, torchvision
from torchvision.ops import nms
nms(torch.zeros(1, 4), torch.zeros(1), 0.5)  # compiled code of torchvision, on tensors of torch
found = {"cuda": torch.version.cuda, "devices": []}
for k in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
    a = torch.ones(8, 8, device=k)
    found["devices"].append([torch.cuda.get_device_name(k), float((a @ a).sum())])
print(json.dumps(found))
"""


def python() -> Result:
    """This Python's version."""
    own = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        return problem(f"Python {own} is too old", f"install Python {OLDEST[0]}.{OLDEST[1]} or newer, then {INSTALL}")
    return Result(f"Python {own}, {sys.executable}")


def wanted(requirements: Path = ROOT / "requirements.txt") -> dict[str, str]:
    """{package: the versions that fit} of what the product needs; what only its tests need is left out."""
    product = requirements.read_text(encoding="utf-8").partition("# Tests")[0]
    return dict(re.findall(r"^([A-Za-z][\w.-]*)([<>=!].*)?$", product, re.M))


def installed(needed: Mapping[str, str]) -> Iterator[Result]:
    """What is missing or of a version that does not fit."""
    bad = False
    for name, versions in needed.items():
        try:
            own = metadata.version(name)
        except metadata.PackageNotFoundError:
            bad = True
            yield problem(f"the package {name} is not installed", INSTALL)
            continue
        if not fits(own, versions):
            bad = True
            yield problem(f"{name} {own} does not fit: {versions} is needed", f"pip install '{name}{versions}'")
    if not bad:
        yield Result(f"{len(needed)} packages are there, of versions that fit")


def fits(own: str, versions: str) -> bool:
    """Whether a version is within bounds such as '>=1.2,<2'; a local part such as +cpu does not count."""
    return all(_holds(_numbers(own), sign, _numbers(bound))
               for sign, bound in re.findall(r"([<>=!]=|<|>)\s*([\w.]+)", versions))


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    return tuple(numbers + [0] * (6 - len(numbers)))


def _holds(own: tuple[int, ...], sign: str, bound: tuple[int, ...]) -> bool:
    return {"<": own < bound, "<=": own <= bound, ">": own > bound, ">=": own >= bound, "==": own == bound,
            "!=": own != bound}[sign]


def loadable(needed: Mapping[str, str]) -> dict[str, str]:
    """{module: why it cannot be loaded, '' where it can}, tried in a process that may die of it."""
    left = [_MODULES.get(name, name.replace("-", "_")) for name in needed]
    found: dict[str, str] = {}
    while left:
        answer = ask(["-c", _IMPORT, *left])
        last = None
        for line in answer.out:
            word, _, rest = line.partition(" ")
            name, _, why = rest.partition(" ")
            if word == "begin":
                last = name
            elif word in ("ok", "failed") and name in left:
                found[name], last = why, None
        if last is None:
            found |= {name: answer.reason for name in left if name not in found}
        else:
            found[last] = f"Python itself ended: {_death(answer)}"
        left = [name for name in left if name not in found]
    return found


def _death(answer: Answer) -> str:
    return answer.reason if answer.code is None or answer.code >= 0 else f"signal {-answer.code}"


def broken(found: Mapping[str, str]) -> Iterator[Result]:
    """What cannot be loaded."""
    for name, why in found.items():
        if why:
            yield problem(f"{name} cannot be loaded: {why}", f"{INSTALL}; where it is installed, remove it first: "
                                                             f"{sys.executable} -m pip uninstall {name}")


def torch_pair() -> Iterator[Result]:
    """Whether torch and torchvision are made for each other, and whether they see the GPU that is there."""
    try:
        torch, vision = metadata.version("torch"), metadata.version("torchvision")
        asked = next((text for text in metadata.requires("torchvision") or [] if re.match(r"torch\b", text)), "")
    except metadata.PackageNotFoundError:
        return  # said already
    again = "install both from one index: bash scripts/start.sh --torch-index URL --install-only"
    if not fits(torch, asked):
        yield problem(f"torchvision {vision} is made for{asked.removeprefix('torch')}, and torch is {torch}", again)
        return
    builds = [version.partition("+")[2] for version in (torch, vision)]
    if all(builds) and builds[0] != builds[1]:
        yield problem(f"torch {torch} and torchvision {vision} are of different builds", again)
        return
    answer = ask(["-c", _TORCH])
    if answer.code != 0 or not answer.out:
        yield problem(f"torch {torch} and torchvision {vision} do not work together: {_death(answer)}", again)
        return
    yield Result(f"torch {torch} and torchvision {vision} work together")
    yield gpu(json.loads(answer.out[-1]), cards())


def cards() -> list[str]:
    """The names of the NVIDIA cards that the system itself sees."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        asked = subprocess.run([program, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True,
                               timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in asked.stdout.splitlines() if line.strip()] if asked.returncode == 0 else []


def gpu(seen: Mapping, there: list[str]) -> Result:
    """What torch sees of the cards that are there.

    Args:
        seen: cuda (version that torch was built for, or None) and devices: [name, sum of a small product].
    """
    wrong = [name for name, total in seen["devices"] if total != 8.0 ** 3]
    if wrong:
        return problem(f"the GPU {wrong[0]} counts wrong", "restart the machine, or hide the card: "
                       "CUDA_VISIBLE_DEVICES= before the command")
    if seen["devices"]:
        return Result(f"GPU: {', '.join(name for name, _ in seen['devices'])}, CUDA {seen['cuda']}")
    if there:
        why = ("torch is a build for CPUs" if seen["cuda"] is None else
               f"torch is built for CUDA {seen['cuda']}, which the driver may be too old for")
        return problem(f"the GPU {there[0]} is there, and torch does not see it: {why}",
                       "install torch for this driver (nvidia-smi shows its CUDA), or update the driver")
    return Result("no GPU: trainings run on the CPU, and the demo and small data sets are fine with it")
