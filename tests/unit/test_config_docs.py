"""The reference and the example are what the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_exporter.config import Settings, environment, load, render, schema
from genai_exporter.config.load import FLAGS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "rendered"), [(render.REFERENCE, render.reference), (render.EXAMPLE, render.example)])
def test_the_committed_file_equals_a_rebuild(name: str, rendered: object) -> None:
    assert callable(rendered)
    assert (DOCS / name).read_text(encoding="utf-8") == rendered(), "run `make docs`"


def test_the_reference_names_every_key_with_variable_and_flag() -> None:
    text = render.reference()
    for key in schema.all_keys():
        assert f" `{'.'.join(map(str, key.path))}`\n" in text
        assert f"`{environment.variable(key.path)}`" in text
    for flag in FLAGS:
        assert f"`{flag}`" in text


def test_the_example_is_the_default_configuration() -> None:
    assert load(str(DOCS / render.EXAMPLE), environ={}) == Settings()


def test_every_example_value_is_accepted(tmp_path: Path) -> None:
    for key in schema.all_keys():
        if "file" in str(key.path[-1]):
            continue  # a path that exists on the reader's machine
        for example in key.examples:
            nested: object = example
            for part in reversed(key.path):
                nested = {part: nested}
            path = tmp_path / "example.yml"
            path.write_text(render.inline(nested), encoding="utf-8")
            load(str(path), environ={})
