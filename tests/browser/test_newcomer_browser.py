"""From Home to what people come for, in few clicks."""

import pytest
from newcomer import PATHS, Mouse
from picking import settle

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
def test_from_home_in_few_clicks(page, served, phantoms, path):
    page.goto(f"{served}/")
    settle(page)
    mouse = Mouse(page)
    path(mouse, min(phantoms.films.rglob("*.png")))
    assert len(mouse.clicks) <= PATHS[path], mouse.clicks
