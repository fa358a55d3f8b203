"""Classifiers, shuffled labels, projections."""

import numpy as np
import pytest

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.errors import ProbeError
from probelang.runtime.operations.classifier import accuracy, classifier, correct, held_out
from probelang.runtime.operations.project import project
from probelang.runtime.operations.shuffle import shuffle

RNG = np.random.default_rng(4)
LAYER = Axis("layer", (0, 1), "model")
FIT = Axis("item", tuple(f"fit{i}" for i in range(60)), "data")
TEST = Axis("item", tuple(f"test{i}" for i in range(30)), "data")


def sample(axis):
    """Two clusters that lie apart at layer 1 and not at layer 0, and their labels."""
    labels = np.array(["cat", "dog"], dtype=object)[np.arange(len(axis)) % 2]
    values = RNG.normal(size=(len(axis), 2, 6))
    values[labels == "dog", 1, 0] += 5
    return Cube((axis, LAYER), values), Cube((axis,), labels)


X, Y = sample(FIT)
NEW, TRUTH = sample(TEST)


@pytest.mark.parametrize("kind", ["logistic", "lda", "ridge"])
def test_a_classifier_finds_what_is_there_on_new_items(kind):
    fitted = classifier(kind, X, Y)
    right = fitted.correct(NEW, TRUTH)
    assert right.names == ("layer", "item") and right.values.dtype == bool
    assert right.values[1].mean() > 0.93 and 0.2 < right.values[0].mean() < 0.8


def test_it_agrees_with_sklearn():
    from sklearn.linear_model import LogisticRegression

    theirs = LogisticRegression(max_iter=1000).fit(X.values[:, 1], Y.values.astype(str))
    right = correct(classifier("logistic", X, Y), NEW, TRUTH)
    np.testing.assert_array_equal(right.values[1], theirs.predict(NEW.values[:, 1]) == TRUTH.values)


def test_shuffled_labels_are_a_null_with_an_axis_of_seeds():
    seeds = Cube((Axis("seed", (1, 2, 3)),), np.array([1, 2, 3]))
    dealt = shuffle(Y, seed=seeds)
    assert dealt.names == ("seed", "item")
    assert all((row == "cat").sum() == 30 for row in dealt.values)
    np.testing.assert_array_equal(dealt.values[1], shuffle(Y, seed=2).values)
    right = classifier("ridge", X, dealt).correct(NEW, TRUTH)
    assert set(right.names) == {"layer", "seed", "item"}
    assert 0.2 < right.values.mean() < 0.8


def test_cross_validation_is_honest_where_fitting_is_not():
    wide = Cube((FIT,), RNG.normal(size=(60, 100)))
    fitted = classifier("ridge", wide, Y, strength=1e6)
    assert fitted.correct(wide, Y).values.all()
    assert 0.25 < accuracy(fitted).value.values < 0.75
    assert held_out(fitted).names == ("item",) and fitted.accuracy()["n"].values == 60


def test_the_sides_of_a_contrast_are_labels():
    side = Axis("side", ("positive", "negative"))
    values = RNG.normal(size=(2, 60, 2, 6))
    values[0, :, 1, 2] += 6
    fitted = classifier("lda", Cube((side, FIT, LAYER), values))
    right = fitted.correct(Cube((side, FIT, LAYER), values))
    assert right.names == ("layer", "item", "side") and right.values[1].mean() > 0.97
    assert accuracy(fitted).value.values[1] > 0.97


def test_holes_and_single_labels_have_reasons():
    missing = np.full((60, 2), None, dtype=object)
    missing[:, 0], missing[5, 1] = "no such layer", "too long"
    fitted = classifier("logistic", Cube(X.axes, X.values, missing), Y)
    assert fitted.estimators.missing.tolist() == ["there are no items", None]
    assert held_out(fitted).missing[1, 5] == "too long"
    right = fitted.correct(NEW, TRUTH)
    assert right.missing[0, 0] == "there are no items" and right.missing[1, 0] is None
    one = classifier("logistic", X, Cube((FIT,), np.array(["cat"] * 60, dtype=object)))
    assert one.estimators.missing[0] == "all items have the same label, cat"


def test_selection_and_mistakes():
    fitted = classifier("lda", X, Y).sel("layer", 1)
    assert fitted.correct(NEW.sel("layer", 1), TRUTH).names == ("item",)
    with pytest.raises(ProbeError, match="no labels"):
        classifier("lda", X)
    with pytest.raises(ProbeError, match="another width"):
        fitted.correct(Cube((TEST,), np.ones((30, 5))), TRUTH)


def test_projections_agree_with_sklearn_and_use_the_fit():
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    got = project(NEW, fitted_on=X)
    assert got.names == ("layer", "item", "component")
    theirs = PCA(2).fit(X.values[:, 1]).transform(NEW.values[:, 1])
    np.testing.assert_allclose(np.abs(got.values[1]), np.abs(theirs), atol=1e-9)
    flat = project(NEW, method="lda", fitted_on=X, y=Y)
    theirs = LinearDiscriminantAnalysis().fit(X.values[:, 1], Y.values.astype(str)).transform(NEW.values[:, 1])
    np.testing.assert_allclose(np.abs(flat.values[1, :, 0]), np.abs(theirs[:, 0]), atol=1e-9)
    assert flat.missing[1, 0].tolist() == [None, "the fit has 1 dimensions"]
    with pytest.raises(ProbeError, match="one label per item|there are none"):
        project(NEW, method="lda", fitted_on=X)
