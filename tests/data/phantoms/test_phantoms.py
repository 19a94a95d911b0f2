"""Phantoms: what is drawn where, and what the table says of it."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from cxrcore.data import splits
from cxrcore.data.phantoms import anatomy, occurrence
from cxrcore.data.phantoms import film as phantom_film
from cxrcore.data.phantoms import people as phantom_people
from cxrcore.data.phantoms import signs as phantom_signs
from cxrcore.data.phantoms.drawn import Drawn, box
from cxrcore.data.phantoms.occurrence import DRAWABLE, first_findings
from cxrcore.data.phantoms.recipe import Recipe, draw_film, plan
from cxrcore.data.phantoms.textures import Textures
from cxrcore.errors import DataError, FindingError
from cxrcore.findings import NIH_FINDINGS, checked_list
from cxrcore.measures.metrics import confusion

SIZE = 128


@pytest.fixture(scope="module")
def textures():
    return Textures(SIZE)


def render(signs, textures, body_seed=5):
    """The same chest with these signs: float film and the signs' effects."""
    body = anatomy.draw_body(np.random.default_rng(body_seed), 50, "M")
    pose = anatomy.draw_pose(np.random.default_rng(body_seed), "PA")
    phantom_signs.shape_body(body, signs)
    fields = anatomy.build(body, pose, SIZE, textures)
    effects = phantom_signs.draw_signs(fields, signs, textures)
    return phantom_film.expose(fields, body, pose, np.random.default_rng(1), textures).astype(float), effects


def drawn(contrast=1.0, side=1, seed=3):
    return Drawn(contrast, side, np.random.default_rng(seed))


# -- what is drawn


@pytest.mark.parametrize("finding", DRAWABLE)
@pytest.mark.parametrize("seed", [3, 4])
def test_a_sign_changes_the_film_inside_its_box(finding, seed, textures):
    healthy, _ = render({}, textures)
    ill, effects = render({finding: drawn(seed=seed)}, textures)
    x, y, w, h = box(effects[finding])
    assert 0 <= x < x + w <= SIZE and 0 <= y < y + h <= SIZE
    change = np.abs(ill - healthy)
    inside = change[y:y + h, x:x + w].mean()
    outside = (change.sum() - change[y:y + h, x:x + w].sum()) / (change.size - w * h)
    assert inside > 3 and inside > 2.5 * outside


@pytest.mark.parametrize("finding", DRAWABLE)
def test_a_faint_sign_changes_less_than_a_plain_one(finding, textures):
    healthy, _ = render({}, textures)
    faint, plain = (np.abs(render({finding: drawn(contrast)}, textures)[0] - healthy).sum() for contrast in (0.2, 1.0))
    assert faint < plain


def test_signs_lie_on_the_side_they_are_drawn_for(textures):
    for finding in ("Mass", "Nodule", "Pneumonia", "Pneumothorax", "Consolidation", "Pleural_Thickening"):
        for side in (-1, 1):
            x, _, w, _ = box(render({finding: drawn(side=side)}, textures)[1][finding])
            assert (x + w / 2 > SIZE / 2) == (side == 1), finding


def test_a_nodule_is_smaller_than_three_centimetres_and_a_mass_is_larger(textures):
    for seed in range(12):
        sizes = {finding: max(box(render({finding: drawn(seed=seed)}, textures)[1][finding])[2:])
                 for finding in ("Nodule", "Mass")}
        assert sizes["Nodule"] <= 30 / 358 * SIZE < sizes["Mass"] + 1


def test_granulomas_are_smaller_and_denser_than_nodules(textures):
    for seed in range(6):
        (_, small), (_, large) = (render({finding: drawn(seed=seed)}, textures) for finding in ("Granuloma", "Nodule"))
        assert np.count_nonzero(small["Granuloma"] > 0.4) < np.count_nonzero(large["Nodule"] > 0.4)


def test_a_granuloma_is_never_lost_between_pixels():
    small = Textures(64)
    fields = anatomy.build(anatomy.draw_body(np.random.default_rng(5), 50, "M"),
                           anatomy.Pose("PA", 0.5, 0.15, 0.0, 1.0), 64, small)
    effects = [phantom_signs.draw_signs(fields, {"Granuloma": drawn(seed=seed)}, small) for seed in range(40)]
    assert all(effect["Granuloma"].max() > 0.1 for effect in effects)


def test_a_spine_is_bent_to_its_side_and_straight_without_scoliosis(textures):
    def spine(signs):
        body = anatomy.draw_body(np.random.default_rng(8), 50, "F")
        phantom_signs.shape_body(body, signs)
        return anatomy.build(body, anatomy.Pose("PA", 0.5, 0.15, 0.0, 1.0), SIZE, textures).spine

    assert not spine({}).any()
    bends = [spine({"Scoliosis": drawn(seed=seed)}) for seed in range(20)]
    sides = [int(np.sign(bend[np.abs(bend).argmax()])) for bend in map(np.ravel, bends)]
    assert {np.abs(bend).max() > 0.2 for bend in bends} == {True} and 10 < sides.count(-1) < 20  # mostly to the right


def test_free_gas_is_dark_and_lies_below_the_diaphragm(textures):
    healthy, _ = render({}, textures)
    ill, effects = render({"Pneumoperitoneum": drawn()}, textures)
    x, y, w, h = box(effects["Pneumoperitoneum"])
    assert (ill - healthy)[y:y + h, x:x + w].mean() < -10 and x < SIZE / 2 < y and w > 2 * h


def test_cardiomegaly_is_a_heart_wider_than_half_the_chest(textures):
    def ratio(signs):
        body = anatomy.draw_body(np.random.default_rng(8), 50, "F")
        phantom_signs.shape_body(body, signs)
        pose = anatomy.Pose("PA", 0.5, 0.15, 0.0, 1.0)
        left, _, right, _ = anatomy.build(body, pose, SIZE, textures).heart_box
        return (right - left) / 2  # the chest is 2 wide

    assert ratio({}) < 0.5 < ratio({"Cardiomegaly": drawn(0.6)})


def test_equal_recipes_give_equal_pixels_in_any_order(textures):
    planned, again = plan(Recipe(films=30, size=SIZE)), plan(Recipe(films=30, size=SIZE))
    for film in (7, 2):
        (pixels, boxes), (same, same_boxes) = draw_film(planned, film, textures), draw_film(again, film, textures)
        assert np.array_equal(pixels, same) and boxes == same_boxes
        assert pixels.shape == (SIZE, SIZE) and pixels.dtype == np.uint8 and pixels.std() > 40
    other = draw_film(plan(Recipe(films=30, size=SIZE, seed=1)), 2, textures)[0]
    assert not np.array_equal(other, pixels)


def test_films_of_one_patient_show_the_same_chest(textures, monkeypatch):
    planned, bodies = plan(Recipe(films=30, size=SIZE)), []
    monkeypatch.setattr(phantom_signs, "shape_body", lambda body, signs: bodies.append(body))
    for film in range(30):
        draw_film(planned, film, textures)
    patient = planned.people.films["patient"].to_numpy()
    same = [bodies[a] == bodies[b] for a in range(30) for b in range(a) if patient[a] == patient[b]]
    other = [bodies[a] == bodies[b] for a in range(30) for b in range(a) if patient[a] != patient[b]]
    assert same and all(same) and not any(other)


# -- what the labels say


def test_a_val_split_of_the_default_set_holds_fifty_positives_of_every_finding():
    planned = plan(Recipe())
    ids = [planned.image_id(film) for film in range(planned.recipe.films)]
    split = splits.draw_split("patient", ids, planned.people.films["patient"].astype(str), planned.labels)
    assert planned.labels[split.rows("val")].sum(axis=0).min() >= 50


def test_nih_prevalences_and_company_are_those_of_the_published_table():
    people = phantom_people.draw_people(60_000, "nih", np.random.default_rng(2))
    share = people.present.mean(axis=0)
    assert np.allclose(share, occurrence.prevalences("nih", NIH_FINDINGS), rtol=0.15, atol=0.0006)
    assert abs((~people.present.any(axis=1)).mean() - 60_361 / 112_120) < 0.02  # 'No Finding'
    together = people.present.astype(float).T @ people.present / 60_000
    lift = together / np.outer(share, share)
    names = {name: k for k, name in enumerate(NIH_FINDINGS)}
    for a, b, published in (("Pneumonia", "Edema", 11.6), ("Pneumothorax", "Emphysema", 6.3),
                            ("Pneumothorax", "Edema", 0.3), ("Effusion", "Atelectasis", 2.4)):
        assert lift[names[a], names[b]] == pytest.approx(published, rel=0.25, abs=0.1), (a, b)


def test_the_counts_of_nih_are_those_of_its_table(real_table):
    labels = real_table.labels.astype(float)
    assert np.array_equal(occurrence._counts(), labels.T @ labels)
    bedside = (real_table.images["view"] == "AP").to_numpy()
    ratio = labels[bedside].mean(axis=0) / labels[~bedside].mean(axis=0)
    assert np.allclose(occurrence._NIH_AP_RATIO, ratio, atol=0.006)


def test_the_bivariate_normal_is_scipys():
    for h, k, r in ((0.3, 1.2, 0.6), (2.0, 1.5, -0.4), (1.0, 1.0, 0.9), (2.5, 0.1, 0.0)):
        expected = multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([-h, -k])
        assert occurrence.both_above(np.array(h), np.array(k), np.array(r)) == pytest.approx(expected, abs=1e-6)


def test_more_findings_keep_the_published_shares_and_nihs_company():
    people = phantom_people.draw_people(60_000, "nih", np.random.default_rng(2), DRAWABLE)
    share = people.present.mean(axis=0)
    assert np.allclose(share, occurrence.prevalences("nih", DRAWABLE), rtol=0.15, atol=0.0006)
    assert abs(occurrence.correlations(DRAWABLE)[:14, :14] - occurrence.correlations(NIH_FINDINGS)).max() < 0.05
    names = {name: k for k, name in enumerate(DRAWABLE)}
    together = (people.present[:, names["Pacemaker"]] & people.present[:, names["Cardiomegaly"]]).mean()
    assert together > 2 * share[names["Pacemaker"]] * share[names["Cardiomegaly"]]
    published, raised = (occurrence.prevalences(kind, DRAWABLE) for kind in ("nih", "raised"))
    assert raised.min() > 0.1 and np.array_equal(np.argsort(raised), np.argsort(published))


@pytest.mark.parametrize("n", [1, 5, 14, 15, 20])
def test_a_list_of_findings_decides_every_shape(n):
    planned = plan(Recipe(films=60, findings=first_findings(n)))
    assert checked_list(planned.recipe.findings) == DRAWABLE[:n]
    assert planned.people.present.shape == planned.labels.shape == planned.contrast.shape == (60, n)
    assert planned.oracle().shape == (n,)


def test_every_finding_of_the_list_has_a_drawing_and_nihs_come_first():
    assert tuple(phantom_signs._DRAWERS) == DRAWABLE and set(phantom_signs._SHAPES) < set(DRAWABLE)
    assert first_findings(14) == NIH_FINDINGS == Recipe().findings


def test_any_list_is_drawn_in_its_own_order(textures):
    planned = plan(Recipe(films=300, size=SIZE, findings=("Pacemaker", "Edema")))
    film = int(np.argmax(planned.contrast.all(axis=1)))
    assert list(draw_film(planned, film, textures)[1]) == ["Pacemaker", "Edema"]


@pytest.mark.parametrize("findings", [(), ("Edema", "Edema"), ("edema",), "Edema", ("Gout",)])
def test_a_wrong_list_is_refused(findings):
    with pytest.raises((DataError, FindingError), match="finding"):
        Recipe(findings=findings)


def test_without_noise_and_difficulty_the_oracle_is_perfect():
    clean = plan(Recipe(films=800, label_noise=0, difficulty=0))
    assert np.allclose(clean.oracle(), 1) and np.array_equal(clean.labels > 0, clean.people.present)
    assert (clean.contrast[clean.people.present] == 1).all()


def test_noise_and_difficulty_lower_the_oracle_by_what_they_say():
    noisy = plan(Recipe(films=20_000, label_noise=0.1, difficulty=0))
    truth = noisy.people.present
    missed = 1 - noisy.labels[truth].mean()
    assert missed == pytest.approx(0.1, abs=0.01)
    assert noisy.labels.mean(axis=0) == pytest.approx(truth.mean(axis=0), abs=0.01)  # prevalences stay
    hard = plan(Recipe(films=20_000, label_noise=0, difficulty=1))
    assert (hard.contrast[hard.people.present] == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert np.mean(hard.oracle()) == pytest.approx(0.85, abs=0.01)  # 30 % of the positives look like negatives


def test_the_shortcut_is_a_drain_with_pneumothorax():
    planned = plan(Recipe(films=5000, shortcut=0.8))
    counts = confusion(planned.people.present[:, 7:8].astype(float), planned.drain[:, None].astype(float),
                       np.array([0.5]))
    assert counts.recall[0] == pytest.approx(0.8, abs=0.05) and counts.specificity[0] > 0.97
    assert not plan(Recipe(films=500)).drain.any()
    with pytest.raises(DataError, match="Pneumothorax is none of the findings"):
        Recipe(shortcut=0.5, findings=first_findings(5))


def test_a_drain_is_seen(textures):
    body = anatomy.draw_body(np.random.default_rng(5), 50, "M")
    fields = anatomy.build(body, anatomy.Pose("PA", 0.5, 0.15, 0.0, 1.0), SIZE, textures)
    before = fields.tissue.copy()
    anatomy.draw_drain(fields, -1, np.random.default_rng(0))
    change = fields.tissue - before
    assert change.max() > 0.1 and change[:, : SIZE // 2].sum() > 10 * change[:, SIZE // 2 :].sum()


@pytest.mark.parametrize("wrong", [{"films": 0}, {"size": 16}, {"seed": -1}, {"label_noise": 0.9}, {"shortcut": 2},
                                   {"difficulty": -0.1}, {"prevalence": "high"}])
def test_a_wrong_recipe_is_refused_by_name(wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        Recipe(**wrong)
