"""How far a training is, in words and as a share; and what to do with one that broke off. Pure: no store."""

from collections.abc import Mapping, Sequence
from typing import Any

from cxrcore.store.progress import WAITING
from cxrcore.store.queued import QUEUED, RUNNING, Queue

STAGES = {
    "starting": "starting",
    "preparing": "preparing the films",
    "timing": "timing both precisions",
    "training": "training",
    "validating": "validating",
    "evaluating": "evaluating the best epoch",
}


def share(progress: Mapping[str, Any]) -> float:
    """How much of the run is done, in [0, 1]; before the first epoch and after the last, how much of the stage."""
    step = _ratio(progress.get("step"), progress.get("steps"))
    epoch, epochs, stage = progress.get("epoch") or 0, progress.get("epochs") or 0, progress.get("stage")
    if stage not in ("training", "validating") or not epochs:
        return step
    done = 1.0 if stage == "validating" else step  # validation is short
    return min(max((epoch - 1 + done) / epochs, 0.0), 1.0)


def _ratio(step: Any, steps: Any) -> float:
    return min(max(step / steps, 0.0), 1.0) if step and steps else 0.0


def in_words(progress: Mapping[str, Any]) -> str:
    """'epoch 3 of 8, training: step 120 of 2,450 · 212 images/s · about 12 min left'."""
    stage = progress.get("stage", "starting")
    what = STAGES.get(stage, stage)
    if progress.get("epoch") and stage in ("training", "validating"):
        of = f" of {progress['epochs']}" if progress.get("epochs") else ""
        what = f"epoch {progress['epoch']}{of}, {what}"
    if progress.get("steps"):
        unit = "film" if stage in ("preparing", "validating", "evaluating") else "step"
        what += f": {unit} {progress.get('step') or 0:,} of {progress['steps']:,}"
    parts = [what]
    if progress.get("images_per_second"):
        parts.append(f"{progress['images_per_second']:,.0f} images/s")
    if progress.get("seconds_left") is not None:
        parts.append(f"about {duration(progress['seconds_left'])} left")
    return " · ".join(parts)


def queue_in_words(queue: Queue, known: Sequence[str]) -> str:
    """'Next: DenseNet-121, then MobileNetV2.'; a training that is no run yet is being prepared; '' where all is told.

    What comes next in a whole queue, its table says.

    Args:
        known: names of the runs that there are.
    """
    prepared = [name for name in queue.names(RUNNING) if name not in known]
    after = [] if queue.whole else queue.names(QUEUED)
    said = [f"Being prepared: {', '.join(prepared)}."] if prepared else []
    said += [f"Next: {', then '.join(after)}."] if after else []
    return " ".join(said)


def duration(seconds: float) -> str:
    """'45 s', '12 min', '3 h 20 min'."""
    if seconds < 60:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def trouble(status: str, progress: Mapping[str, Any], kind: str = "trained") -> str | None:
    """What happened to a run that did not finish; None where all is well.

    Args:
        kind: of the run.
    """
    if status == WAITING:
        return ("has been trained to its end, but the store was busy or away: its results wait to be handed in. The "
                "next script that opens the store does it, and so does:")
    if status == "failed":
        why = " ".join(str(progress.get("error") or "the reason is in the output of its training").split())
        return f"failed: {why}."
    if status == "interrupted":
        reached = f" in epoch {progress['epoch']}" if progress.get("epoch") else ""
        if kind != "trained":
            return ("is not whole: it is being saved just now, or that was broken off. If it stays so, delete it "
                    "(Manage) and make it once more.")
        why = f": {' '.join(str(progress['error']).split())}" if progress.get("error") else ""
        return f"was interrupted{reached}{why}. Its finished epochs are kept."
    return None
