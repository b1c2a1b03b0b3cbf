"""Asking a model: what is shared changes no answer, and an answer ends where its list does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.answers import Ending
from tests.finetune.tiny_models import tiny_model

torch = pytest.importorskip("torch")

from finetune.evaluation.transformers_predictor import TransformersPredictor  # noqa: E402

PROMPTS = [
    f'# a beginning that all have\ntext = "{words}"\nresult =' for words in ("Ann", "Bob in Oslo", "é", "")
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


def one_by_one(base: Path, prompts: list[str], most: int) -> list[str]:
    """Greedy answers by transformers' own `generate`, without batches or shared beginnings."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(base)
    made = []
    for prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt")
        out = model.generate(**ids, max_new_tokens=most, do_sample=False)[0, ids["input_ids"].shape[1] :]
        made.append(tokenizer.decode(out, skip_special_tokens=True))
    return made


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("share", [True, False])
def test_answers_are_those_of_each_prompt_alone(
    base: Path, batch: int, share: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finetune.evaluation.transformers_predictor.computes_in_bf16", lambda wanted: False)
    # A model that knows nothing writes no list: what ends answers is left out to compare whole ones.
    monkeypatch.setattr(Ending, "reached", lambda self, text: False)
    predictor = TransformersPredictor(str(base), batch=batch, share=share)
    answers = dict(predictor.answers(PROMPTS, 12))
    assert sorted(answers) == list(range(len(PROMPTS)))
    assert [answers[place].text for place in sorted(answers)] == one_by_one(base, PROMPTS, 12)
    assert all(answer.truncated == (answer.tokens == 12) for answer in answers.values())


def ends_after(text: str) -> str | None:
    """What of a text is the answer; None if it does not end within."""
    ending = Ending()
    for place, character in enumerate(text, 1):
        if ending.reached(character):
            return text[:place]
    return None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (" []\n\n# more", " []"),
        (' [A(span="x]"), B(span=[1, (2)])] and', ' [A(span="x]"), B(span=[1, (2)])]'),
        ("\n[\n    A(span='it\\'s ]'),\n]\nresult", "\n[\n    A(span='it\\'s ]'),\n]"),
        (' [A(span="x"', None),
        ('Analysis(text, ["x"], and so on', 'Analysis(text, ["x"]'),
        ("Analysis(text_to_analyze, and so on", "Analysis(text_to"),
        ("```python\n[]\n```", "```python\n[]"),
        ("The text has no such instances at all.", "The text has no such"),
    ],
)
def test_an_answer_ends_with_the_list_it_begins_with(text: str, answer: str | None) -> None:
    assert ends_after(text) == answer


@given(st.lists(st.text(max_size=8), max_size=4), st.text(max_size=20))
def test_any_list_of_strings_is_read_to_its_end(items: list[str], behind: str) -> None:
    written = " [" + ", ".join(f"A(span={item!r})" for item in items) + "]"
    assert ends_after(written + behind) == written
