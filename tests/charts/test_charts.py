"""Figures from frames: what is drawn, in which colour, and what a reader without eyes is told."""

import base64
import itertools

import pandas as pd
import pytest

from cxrcore.charts import look
from cxrcore.charts.look import RunStyle, run_styles
from cxrcore.charts.training import PANELS, Curve, training_alt, training_chart


def epochs(n):
    return pd.DataFrame({"epoch": range(1, n + 1), "train_loss": 0.3, "val_loss": 0.25,
                         "val_macro_auroc": [0.7 + i / 100 for i in range(n)], "val_macro_f1_best": 0.3,
                         "learning_rate": 1e-4})


STYLE = RunStyle("#0072B2", "solid", "circle")


def test_architectures_are_called_as_people_write_them():
    assert look.architecture_label("vit_b_16") == "ViT-B/16"
    assert look.architecture_label("imported_net") == "imported_net"


def luminance(colour):
    channels = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("background", ["#FFFFFF", "#10161E"])
@pytest.mark.parametrize("colour", look.RUN_COLOURS)
def test_colours_can_be_seen_in_both_themes(colour, background):
    light, dark = sorted((luminance(colour), luminance(background)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) > 2.2  # lines are thick and carry markers


def test_each_run_has_a_colour_and_a_mark_of_its_own_by_its_place():
    styles = run_styles("abcdef")
    assert len({one.colour for one in styles.values()}) == len({one.symbol for one in styles.values()}) == 6
    assert {one.dash for one in styles.values()} == {"solid"}
    assert len(set(run_styles(map(str, range(20))).values())) == 20  # more runs than colours: dashes
    assert run_styles("bdx", {"b": 1, "d": 3}) == {"b": styles["b"], "d": styles["d"], "x": styles["e"]}


@pytest.mark.parametrize(("dash", "symbol"), list(itertools.product(look.DASHES, look.SYMBOLS))[::5])
def test_swatches_are_svg(dash, symbol):
    head, data = RunStyle("#0072B2", dash, symbol).swatch().split(",")
    svg = base64.b64decode(data).decode()
    assert head == "data:image/svg+xml;base64" and "#0072B2" in svg
    assert ("stroke-dasharray" in svg) == (dash != "solid")


def test_the_loss_chart_has_training_behind_validation_and_a_ring_at_the_best_epoch():
    figure = training_chart(PANELS["loss"], [Curve("a", STYLE, epochs(5), best_epoch=3)], last_epoch=8)
    training, validation, ring = figure.data
    assert list(training.y) == [0.3] * 5 and training.line.width < validation.line.width
    assert list(validation.y) == [0.25] * 5
    assert list(ring.x) == [3]
    assert tuple(figure.layout.xaxis.range) == (0.5, 8.5)  # stands still while the run grows
    assert figure.layout.title.text.startswith("Loss") and [one.text for one in figure.layout.annotations] == ["Epoch"]
    assert figure.layout.xaxis.tickfont.size >= 14


def test_a_single_epoch_is_visible_as_a_marker():
    figure = training_chart(PANELS["loss"], [Curve("a", STYLE, epochs(1))], last_epoch=1)
    assert figure.data and all("markers" in trace.mode for trace in figure.data)


@pytest.mark.parametrize(("last", "step"), [(1, 1), (8, 1), (9, 2), (30, 5), (100, 20), (4000, 500)])
def test_epoch_ticks_are_whole_numbers(last, step):
    assert training_chart(PANELS["auroc"], [], last).layout.xaxis.dtick == step


def test_a_name_cannot_inject_markup_into_hover():
    figure = training_chart(PANELS["auroc"], [Curve("<b>%{x}", STYLE, epochs(2))], 2)
    assert figure.data[0].hovertemplate.startswith("&lt;b>%&#123;x}<br>")


def test_alt_text_says_where_each_run_went():
    curves = [Curve("a", STYLE, epochs(3)), Curve("b", STYLE, epochs(0))]
    assert training_alt(PANELS["auroc"], curves) == "Validation macro AUROC (0 to 1). a: 0.7000 to 0.7200 in 3 epochs."
    assert training_alt(PANELS["auroc"], curves[1:]).endswith("no finished epoch yet.")


def test_charts_download_as_vector_graphics():
    assert look.plot_config("loss")["toImageButtonOptions"] == {"format": "svg", "filename": "loss"}
