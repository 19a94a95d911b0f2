"""The label queue on the Cases page: what is asked, that it is read blind, and what is saved of it."""

import re

import films_to_read
import numpy as np
import pandas as pd
import pytest
from opened_pages import open_page, text_of
from read_runs import read_runs
from scored_runs import DATASET
from sklearn.metrics import roc_auc_score

from cxrcore.errors import UsageError, WorkbenchError
from cxrcore.queries.labels import label_queue
from cxrcore.queries.labels.label_queue import BOTH, MISSED, NO, NOT_THERE, UNSURE, WORST, YES, doubtful
from cxrcore.store import Store
from cxrcore.ui.cases import label_queue as page

MAKE, PAGE = films_to_read.make, "cases"
OPEN = {"films": "Label queue"}


def asked_of(store: Store, side: str = BOTH, finding: str | None = "Effusion", most: int = 25, **more):
    return doubtful(store, read_runs(store), "test", finding, side, False, most, **more)


def begin(reader: str, finding: str = "Effusion", most: int = 25):
    app = open_page(PAGE, **OPEN)
    app.text_input(key="queue_initials").set_value(reader)
    app.selectbox(key="queue_finding").set_value(finding)
    app.selectbox(key="queue_side").set_value(BOTH)
    app.selectbox(key="queue_most").set_value(most)
    press(app, "Begin")
    return app


def press(app, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception[0].value


def all_of(app) -> str:
    """Everything that the browser is told, attributes and labels of widgets too."""
    return "\n".join(str(getattr(one, "proto", "")) for tree in (app.main, app.sidebar) for one in tree)


# -- what is asked


def test_both_kinds_are_mixed_and_each_is_worst_first(store):
    asked = asked_of(store)
    assert len(asked) == 25 and set(asked.findings) == {"Effusion"} and 12 <= asked.own.sum() <= 13
    turns = np.flatnonzero(np.diff(asked.own))
    assert len(turns) > 5  # neither all of one first, nor one after the other
    for own in (0, 1):
        quality = asked.quality[asked.own == own]
        assert (np.diff(quality) >= 0).all()
    films = store.predictions(read_runs(store)[0].prediction_id("test"))
    missed = asked_of(store, MISSED)
    k, rows = films.place("Effusion"), np.flatnonzero(films.labels[:, films.place("Effusion")] == 0)
    expected = films.image_ids[rows[np.argsort(-films.scores[rows, k], kind="stable")]][:25]
    assert missed.image_ids.tolist() == expected.tolist() and not missed.own.any()
    assert asked_of(store, NOT_THERE).own.all()
    plain = doubtful(store, read_runs(store), "test", "Effusion", NOT_THERE, True, 25)
    assert (np.diff(plain.plain) <= 0).all()


def test_films_of_training_are_never_asked_about(store):
    with pytest.raises(UsageError, match="no network was trained on"):
        doubtful(store, read_runs(store), "train", None, BOTH, False, 25)


def test_few_positives_are_left_out_and_named(store):
    asked = asked_of(store, finding=None, most=200)
    assert "Hernia" in asked.left_out and "Hernia" not in set(asked.findings) and len(set(asked.findings)) > 3
    assert len(asked_of(store, finding="Hernia")) == 0


def test_the_worst_are_those_with_the_least_probable_labels_whatever_they_say(store):
    worst = asked_of(store, WORST, None, 50)
    assert (np.diff(worst.quality) >= 0).all()
    for side in (BOTH, NOT_THERE, MISSED):
        assert worst.quality.max() <= asked_of(store, side, None, 50).quality.max()


# -- reading


def test_films_are_read_blind_saved_corrected_and_taken_up_again(own_store):
    asked = asked_of(own_store)
    app = begin("AB")
    assert "1 of 25, read by AB" in all_of(app) and "Effusion?" in text_of(app)
    shown = re.sub(r'terms\\*": \{[^}]*\}', "", all_of(app))  # what a tap on a measure's name tells
    assert "Film 1 of the queue" in shown
    for secret in (*own_store.images(DATASET)["image_id"], "AUROC", "called wrong"):
        assert secret not in shown, secret
    assert not re.search(r"\b0[.]\d\d", shown)  # no score

    answers = [NO if asked.own[0] else YES, float(asked.own[1]), UNSURE]  # wrong, right, unsure
    words = {YES: "Yes", NO: "No"}
    for answer in answers:
        press(app, words.get(answer, "Unsure"))
    assert "4 of 25" in all_of(app)
    press(app, "Back")
    assert "3 of 25" in all_of(app)
    press(app, "Unsure")
    press(app, "Save 3")
    said = text_of(app)
    assert "Saved as the label set “AB”. Of 3 labels, 1 called wrong (50 %), 1 right, 1 unsure" in said

    made = own_store.label_set(DATASET, "AB")
    assert (made.reader, made.findings, made.source) == ("AB", ("Effusion",), "read in the label queue, blind")
    read = own_store.labels(DATASET, "AB")["Effusion"]
    assert np.array_equal(read[asked.image_ids[:3]], answers, equal_nan=True)

    [run] = read_runs(own_store)
    films = own_store.predictions(run.prediction_id("test"))
    k = films.place("Effusion")
    corrected = pd.Series(films.labels[:, k], films.image_ids)
    before = roc_auc_score(corrected, films.scores[:, k])
    corrected[asked.image_ids[:3]] = answers
    known = corrected.notna().to_numpy()
    after = roc_auc_score(corrected[known], films.scores[known, k])
    effect = app.dataframe[0].value
    assert effect["AUROC"].tolist() == [f"{before:.3f} → {after:.3f}"] and before != after

    press(app, "Save the corrected labels too")
    assert "Saved as the label set “AB corrected”" in text_of(app)
    whole, own = own_store.labels(DATASET, "AB corrected"), own_store.labels(DATASET)
    changed = (whole != own) & ~(whole.isna() & own.isna())
    assert len(whole) == len(own)
    assert set(changed.index[changed["Effusion"]]) == {asked.image_ids[0], asked.image_ids[2]}
    assert not changed.drop(columns="Effusion").to_numpy().any()
    assert set(own_store.metrics([run.prediction_id("test")])["label_set"]) >= {"AB corrected"}

    press(app, "Read on")
    assert "4 of 25" in all_of(app)
    taken_up(own_store, asked)


def taken_up(store: Store, asked) -> None:
    """The same initials in another session: what was answered is not asked again, what was unsure is."""
    again = begin("AB")
    assert "1 of 25, read by AB; 2 read before" in all_of(again)
    left = asked_of(store, reader="AB")
    assert left.n_read == 2 and not set(asked.image_ids[:2]) & set(left.image_ids)
    assert asked.image_ids[2] in left.image_ids
    press(again, "Yes")
    press(again, "Save 1")
    read = store.labels(DATASET, "AB")["Effusion"]
    assert read[left.image_ids[0]] == 1 and read.notna().sum() == 3
    label_queue.save_corrected(store, DATASET, "AB", {(left.image_ids[0], "Effusion"): YES})  # of both sittings
    whole, own = store.labels(DATASET, "AB corrected"), store.labels(DATASET)
    assert whole.at[asked.image_ids[0], "Effusion"] != own.at[asked.image_ids[0], "Effusion"]


def test_a_key_pressed_twice_in_a_breath_answers_one_film(store, monkeypatch):
    asked, state = asked_of(store), {page._ANSWERS: {}, page._AT: 0}
    monkeypatch.setattr(page.st, "session_state", state)
    for _ in range(2):
        page._answer(asked, 0, YES)
    assert state[page._AT] == 1 and list(state[page._ANSWERS]) == [(asked.image_ids[0], "Effusion")]


def test_initials_that_mean_something_else_begin_nothing(own_store):
    for one in ("panel", "CD corrected"):
        own_store.save_label_set(DATASET, one, own_store.labels(DATASET)[["Mass"]].iloc[:4])
    for name, said in (("", "Type your initials first"), ("panel", "no reader panel has made")):
        app = begin(name)
        assert said in text_of(app) and "read by" not in all_of(app)
    for name, said in (("csv", "means the labels"), ("Own", "means the labels"), ("<b>", "name of a label set"),
                       ("PANEL", "no reader PANEL has made"), ("CD", "'CD corrected' already")):
        with pytest.raises(WorkbenchError, match=said):
            label_queue.require_reader(own_store, DATASET, name)
        with pytest.raises(WorkbenchError, match=said):
            label_queue.save_reading(own_store, DATASET, name, {("x", "Mass"): YES})
    assert len(own_store.label_sets()) == 3


def test_nothing_read_is_nothing_to_save(own_store):
    with pytest.raises(UsageError, match="nothing was read yet"):
        label_queue.save_reading(own_store, DATASET, "AB", {})
    assert len(own_store.label_sets()) == 1


def test_the_findings_are_the_data_sets_whatever_labels_are_in_use(own_store):
    own_store.save_label_set(DATASET, "experts", own_store.labels(DATASET)[["Mass"]])
    app = open_page(PAGE, labels="experts", **OPEN)
    assert "Effusion" in app.selectbox(key="queue_finding").options
