"""What the name of a file of predictions proposes: the run's name, the network, and which files belong together.

A proposal is shown and may be changed; nothing else is decided by it.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath

from cxrcore.import_export import table_kinds
from cxrcore.import_export.part_column import part_of

_START = r"(?<![a-z])"
_SEP = r"[-_ .]?"
# Names as files write them, and as people do; the first that fits counts.
_NETWORKS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (rf"{_START}chexnet", lambda found: "DenseNet-121"),
    (rf"dense{_SEP}net{_SEP}(\d+)", lambda found: f"DenseNet-{found[1]}"),
    (rf"se{_SEP}resnext{_SEP}(\d+)", lambda found: f"SE-ResNeXt-{found[1]}"),
    (rf"resnext{_SEP}(\d+)", lambda found: f"ResNeXt-{found[1]}"),
    (rf"wide{_SEP}resnet{_SEP}(\d+)", lambda found: f"Wide ResNet-{found[1]}"),
    (rf"inception{_SEP}resnet({_SEP}v\d)?", lambda found: f"Inception-ResNet{_version(found[1])}"),
    (rf"(?:res{_SEP}net|{_START}rn){_SEP}(\d+)", lambda found: f"ResNet-{found[1]}"),
    (rf"vgg{_SEP}(\d+)", lambda found: f"VGG{found[1]}"),
    (rf"mobile{_SEP}net{_SEP}v?([1-4])(?!\d)", lambda found: f"MobileNetV{found[1]}"),
    (rf"(?:efficient{_SEP}|eff{_SEP}|{_START}e)net{_SEP}v2{_SEP}([sml])(?![a-z])",
     lambda found: f"EfficientNetV2-{found[1].upper()}"),
    (rf"(?:efficient{_SEP}|eff{_SEP}|{_START}e)net{_SEP}b([0-8])(?!\d)", lambda found: f"EfficientNet-B{found[1]}"),
    (rf"efficient{_SEP}net{_SEP}v2", lambda found: "EfficientNetV2"),
    (rf"efficient{_SEP}net|eff{_SEP}net", lambda found: "EfficientNet"),
    (rf"conv{_SEP}next(?:{_SEP}(tiny|small|base|large))?", lambda found: f"ConvNeXt{_size(found[1])}"),
    (rf"{_START}(vit|deit){_SEP}(tiny|small|base|large|huge|[tsblh])(?:{_SEP}patch)?{_SEP}(\d\d)(?!\d)",
     lambda found: f"{_TRANSFORMERS[found[1]]}-{found[2][0].upper()}/{found[3]}"),
    (rf"{_START}(vit|deit)(?![a-z])", lambda found: _TRANSFORMERS[found[1]]),
    (rf"swin(?:{_SEP}v2)?(?:{_SEP}(tiny|small|base|large))?", lambda found: f"Swin{_size(found[1])}"),
    (rf"inception{_SEP}v?([1-4])(?!\d)", lambda found: f"Inception-v{found[1]}"),
    (r"xception", lambda found: "Xception"),
    (rf"nas{_SEP}net", lambda found: "NASNet"),
    (rf"reg{_SEP}net", lambda found: "RegNet"),
    (rf"alex{_SEP}net", lambda found: "AlexNet"),
    (rf"google{_SEP}net", lambda found: "GoogLeNet"),
    (rf"dense{_SEP}net", lambda found: "DenseNet"),
    (rf"mobile{_SEP}net", lambda found: "MobileNet"),
    (rf"res{_SEP}net", lambda found: "ResNet"),
)
_SPACE = re.compile(r"[-_ .]+")
_MEASURED = re.compile(r"\[\w+\]\d*\.?\d*")  # MedMNIST's names hold the AUC
_SPACE = re.compile(r"[-_ .]+")
_MEASURED = re.compile(r"\[\w+\]\d*\.?\d*")  # MedMNIST's names hold the AUC
_TRANSFORMERS = {"vit": "ViT", "deit": "DeiT"}


def stem(name: str) -> str:
    """A file's name without folders and the endings of its kind: 'a/x.csv.gz' is 'x'."""
    own = PurePath(name.replace("\\", "/")).name
    bare = _unpacked(own)
    ending = PurePath(bare).suffix
    return bare.removesuffix(ending) if ending.lower() in table_kinds.KINDS and bare != ending else bare or own


def architecture_in(name: str) -> str:
    """The network that a file's name names, as people write it ('DenseNet201_preds.csv': 'DenseNet-201'); else ''."""
    lower = stem(name).lower()
    return next((label(found) for form, label in _NETWORKS if (found := re.search(form, lower))), "")


def groups(names: Sequence[str]) -> list[dict[int, str]]:
    """Which files are parts of one network: those whose names differ by the part alone, as `x_val.csv`, `x_test.csv`.

    Returns:
        {place of a name: part} for each run to be; the part is '' for a file that stands alone.
    """
    known = [_without_part(name) for name in names]
    found: dict[object, dict[int, str]] = {}
    for place, (rest, part) in enumerate(known):
        parts = [other for words, other in known if words == rest and other]
        joined = part and len(parts) > 1 and len(set(parts)) == len(parts)
        found.setdefault(rest if joined else place, {})[place] = part if joined else ""
    return list(found.values())


def run_name(names: Sequence[str]) -> str:
    """What a run of these files is called unless somebody says otherwise."""
    if len(names) == 1:
        return stem(names[0])
    words = [word for word in _SPACE.split(_MEASURED.sub("", stem(names[0]))) if word and not part_of(word)]
    return "_".join(words) or stem(names[0])


def _without_part(name: str) -> tuple[tuple[str, ...], str]:
    """Folder and words of a name that are no part, and the one part among them; '' for none or several."""
    path = PurePath(name)
    words = _SPACE.split(_MEASURED.sub("", _unpacked(path.name.lower())))
    parts = [part for word in words if (part := part_of(word))]
    rest = tuple(word for word in words if not part_of(word))
    return (str(path.parent), *rest), parts[0] if len(parts) == 1 else ""


def _unpacked(name: str) -> str:
    return next((name.removesuffix(ending) for ending in table_kinds.PACKED if name.lower().endswith(ending)), name)


def _version(text: str | None) -> str:
    return f"-v{text[-1]}" if text else ""


def _size(text: str | None) -> str:
    return f"-{text[0].upper()}" if text else ""
