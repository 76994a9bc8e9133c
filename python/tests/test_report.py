"""The report: one file, with what was given, and nothing that could run in it."""

import dataclasses
import re

import numpy as np
import pytest

from gradsieve import Found, Targets
from gradsieve.files import replaced


def found(n=30):
    random = np.random.default_rng(0)
    return Found(
        ids=np.arange(n)[::-1].copy(),
        scores=random.normal(size=n),
        p=random.uniform(size=n),
        flagged=random.uniform(size=n),
        visits=np.full(n, 3),
        labels=np.arange(n) % 3,
        losses=random.uniform(size=n),
        history=random.uniform(size=3 * n).astype(np.float32),
    )


def test_pictures_stand_in_the_page_worst_first(tmp_path):
    page = tmp_path / "report.html"
    images = np.random.default_rng(1).uniform(size=(30, 1, 8, 8))
    found().to_html(page, images=images, classes=["a", "b", "<i>c</i>"], predicted=np.zeros(30), top=7)
    text = page.read_text()
    assert text.count('<img src="data:image/png;base64,') == 7
    assert text.index(f'data-id="{found().top(2)[0]}"') < text.index(f'data-id="{found().top(2)[1]}"')
    assert "<i>c</i>" not in text and "&lt;i&gt;c&lt;/i&gt;" in text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text) and "default-src 'none'" in text


def test_texts_are_text(tmp_path):
    page = tmp_path / "report.html"
    found().to_html(page, texts=["<script>alert(1)</script>"] * 30, top=3)
    assert "<script>alert" not in page.read_text()


def test_rows_and_pictures_of_any_form_are_shown(tmp_path):
    page = tmp_path / "report.html"
    found().to_html(page, rows=np.arange(60.0).reshape(30, 2), top=3)
    assert page.read_text().count("column 2") == 3
    for shape in [(30, 8, 8), (30, 3, 8, 8), (30, 8, 8, 3)]:
        images = np.random.default_rng(1).integers(0, 256, size=shape).astype(np.uint8)
        found().to_html(page, images=images, top=3)
        assert page.read_text().count('<img src="data:image/png;base64,') == 3
        found().to_html(page, images=list(images / 255), top=3)
        assert page.read_text().count('<img src="data:image/png;base64,') == 3
    with pytest.raises(ValueError, match="expected a picture as height × width"):
        found().to_html(page, images=np.zeros((30, 5)))


def test_targets_stand_beside_who_helps_and_harms_them(tmp_path):
    page = tmp_path / "report.html"
    ids = np.arange(20)
    scores = np.zeros((20, 2))
    scores[[3, 4, 5], 0] = [0.5, 2.0, 2.0]
    scores[7, 0] = -1.5
    scores[9, 1] = np.nan
    texts = [f"sample of {i}" for i in range(30)]
    targets = Targets(scores, ids, texts=["aim one", "aim two"], names=["first", "<i>second</i>"], beside=2)
    found().to_html(page, texts=texts, targets=targets, top=0)
    text = page.read_text()
    assert "aim one" in text and "aim two" in text and "<i>second" not in text
    # Of equals the smaller id; no third beside two, and nothing that is not a number.
    assert text.index("sample of 4") < text.index("sample of 5") < text.index("sample of 7")
    assert "sample of 3" not in text and "sample of 9" not in text


def test_targets_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"found shapes \(20, 2\) and \(19,\)"):
        Targets(np.zeros((20, 2)), np.arange(19))
    with pytest.raises(ValueError, match="expected 2 names, one for each target, found 1"):
        Targets(np.zeros((20, 2)), np.arange(20), names=["one"])
    with pytest.raises(ValueError, match="one of images, texts and rows"):
        Targets(np.zeros((1, 1)), np.arange(1), texts=["a"], rows=[[1]])
    with pytest.raises(ValueError, match="expected ids of samples that were watched, found 99"):
        found().to_html(tmp_path / "r.html", targets=Targets(np.ones((1, 1)), np.array([99])))
    assert not list(tmp_path.iterdir())


def test_labels_may_be_any_numbers(tmp_path):
    page = tmp_path / "report.html"
    few = dataclasses.replace(found(), labels=np.where(np.arange(30) % 2, 10**12, -1))
    few.to_html(page, predicted=np.full(30, 7))
    text = page.read_text()
    assert "1000000000000" in text and "without a label" in text and "Given and predicted label" in text


def test_what_does_not_fit_is_told_and_no_file_is_left(tmp_path):
    page = tmp_path / "report.html"
    with pytest.raises(ValueError, match="expected images to have an entry"):
        found().to_html(page, images=np.zeros((3, 8, 8)))
    with pytest.raises(ValueError, match="expected one of images, texts and rows"):
        found().to_html(page, images=np.zeros((30, 8, 8)), texts=[""] * 30)
    assert not page.exists()


def test_the_table_is_a_csv_worst_first(tmp_path):
    file = tmp_path / "found.csv"
    found().to_csv(file)
    lines = file.read_text().splitlines()
    assert lines[0] == "id,score,p,flagged,visits,label,loss" and len(lines) == 31
    assert int(lines[1].split(",")[0]) == found().top(1)[0]


def test_a_file_that_fails_leaves_what_was_there(tmp_path):
    file = tmp_path / "found.csv"
    file.write_text("before")

    def broken():
        yield "half"
        raise RuntimeError

    with pytest.raises(RuntimeError), replaced(file) as partial:
        partial.writelines(broken())
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]
