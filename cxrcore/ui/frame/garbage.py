"""What the collection of garbage need not look through: nobody's page goes on meanwhile.

With what pages import it takes .08 s, with torch, which Explain loads, .4 s. Python collects when it has to; that
Streamlit does so after every run of every visitor's page besides is switched off in `.streamlit/config.toml`.
"""

import gc
import sys
import threading

FURTHER = 20  # modules
_guard, _left_out = threading.Lock(), 0


def leave_out_modules() -> None:
    """Take what there is out of the collection of garbage, each time that further modules have been imported.

    They stay to the server's end. So does what else lies there in circles at these few moments; all other objects
    go as ever when nobody holds them any more.
    """
    global _left_out
    with _guard:
        if len(sys.modules) >= _left_out + FURTHER:
            gc.collect()
            gc.freeze()
            _left_out = len(sys.modules)
