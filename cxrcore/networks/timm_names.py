"""Networks of timm by name: `timm:NAME`, where NAME is of timm's registry, with or without the tag of its weights.

Nothing of timm is imported before a name has to be looked up. A name that is not in the registry never reaches timm's
builder, which would also take folders and repositories for names.
"""

import difflib
import functools

from cxrcore.errors import RunError

PREFIX = "timm:"
HUB = "hf-hub:"  # timm:hf-hub:ORG/NAME
_OFFERED = 3  # names at most, where one is unknown


def is_timm(name: str) -> bool:
    """Whether an architecture's name means a network of timm that is not one of the six."""
    return name.startswith(PREFIX)


def is_registered(timm_name: str) -> bool:
    """Whether timm knows NAME or NAME.TAG; imports timm."""
    base, _, tag = timm_name.partition(".")
    return base in _registered() and (not tag or timm_name in _with_weights())


def require(timm_name: str) -> None:
    """Hold a name to timm's registry; imports timm.

    Raises:
        RunError: it is not there; the text offers the nearest.
    """
    if is_registered(timm_name):
        return
    base, _, tag = timm_name.partition(".")
    if base in _registered():
        tags = [name.partition(".")[2] for name in _with_weights() if name.partition(".")[0] == base]
        known = f"its tags are {', '.join(tags)}" if tags else "it has no weights there, so no tag"
        raise RunError(f"timm has no weights '{tag}' of {base}: {known}")
    raise RunError(f"timm has no network '{timm_name[:80]}'{_or_nearest(base)}")


def offer(name: str) -> str:
    """What to say after a name that is none of the six: the network of timm that may be meant, or ''."""
    bare = name.removeprefix(PREFIX)
    if is_registered(bare):
        return f"; timm has it: --arch {PREFIX}{bare}"
    return _or_nearest(bare.partition(".")[0])


def _or_nearest(base: str) -> str:
    near = nearest(base)
    return f"; the nearest: {', '.join(PREFIX + one for one in near)}" if near else ""


def nearest(base: str) -> list[str]:
    """The names of timm's registry, at most three, that are most like this one, the nearest first."""
    wanted = base.lower().replace("-", "_").replace("/", "")
    names = list(_registered())
    near = difflib.get_close_matches(wanted, names, _OFFERED, 0.75)
    begins = sorted((name for name in names if name.startswith(wanted)), key=len) if len(wanted) > 2 else []
    return list(dict.fromkeys([*near, *begins]))[:_OFFERED]


def own_size(timm_name: str) -> int | None:
    """Pixels a side of the pictures that a network's weights were trained on; None of a name that is none."""
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(timm_name, allow_unregistered=True)
    return int(config.input_size[-1]) if config and is_registered(timm_name) else None


@functools.cache
def _registered() -> dict[str, None]:
    import timm

    return dict.fromkeys(timm.list_models())


@functools.cache
def _with_weights() -> dict[str, None]:
    import timm

    return dict.fromkeys(timm.list_models(pretrained=True))


def has_weights(base: str) -> bool:
    """Whether timm has pretrained weights of a network, under any tag."""
    return any(name.partition(".")[0] == base for name in _with_weights())
