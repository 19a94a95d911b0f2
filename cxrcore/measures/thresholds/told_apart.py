"""A score beside its threshold, with as many digits as tell the one from the other."""

from cxrcore.measures.thresholds.positions import FULL_DIGITS, rounded

SHOWN_DIGITS = 3  # at least


def told_apart(score: float, threshold: float) -> tuple[str, str]:
    """('0.4158', '0.4162'): both numbers, never rounded until they look alike where they are not."""
    if threshold > 1:
        return f"{score:.{SHOWN_DIGITS}g}", rounded(threshold)
    texts = [str(value) for value in (score, threshold)]
    for digits in range(SHOWN_DIGITS, FULL_DIGITS):
        texts = [f"{value:.{digits}g}" for value in (score, threshold)]
        if texts[0] != texts[1] or score == threshold:
            break
    return texts[0], texts[1]


def compared(score: float, threshold: float) -> str:
    """'0.00737 < 0.416'."""
    left, right = told_apart(score, threshold)
    return f"{left} {'≥' if score >= threshold else '<'} {right}"
