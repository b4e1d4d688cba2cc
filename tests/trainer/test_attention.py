from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from workbench.trainer import attention

WIDTH = attention.LONGEST


@pytest.fixture(scope="module")
def transformer() -> BertModel:
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=2 * WIDTH, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model: BertModel = BertModel(config).train()
    return model


def _gradient(model: BertModel, kernel: str, dtype: torch.dtype, tokens: int = 30) -> Tensor:
    """Return the gradient of the weights of all queries, read with padding."""
    model.set_attn_implementation(kernel)
    ids = torch.arange(2 * tokens).reshape(2, tokens) % 50
    mask = torch.ones_like(ids)
    mask[1, tokens // 2 :] = 0
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    (states * mask[..., None]).pow(3).sum().backward()
    weights = [value for name, value in model.named_parameters() if name.endswith("query.weight")]
    return torch.cat([value.grad.flatten().clone() for value in weights if value.grad is not None])


def test_gradients_are_those_of_the_kernel_within_bfloat16(transformer: BertModel) -> None:
    exact = _gradient(transformer, "sdpa", torch.float32)
    kernel = _gradient(transformer, "sdpa", torch.bfloat16)
    ours = _gradient(transformer, attention.NAME, torch.bfloat16)
    assert (ours - exact).norm() <= max(2 * (kernel - exact).norm(), 0.02 * exact.norm())
    assert not torch.equal(ours, kernel)


@pytest.mark.parametrize(("dtype", "tokens"), [(torch.float32, 30), (torch.bfloat16, WIDTH + 1)])
def test_the_kernel_attends_in_float32_and_to_long_texts(
    transformer: BertModel, dtype: torch.dtype, tokens: int
) -> None:
    ours = _gradient(transformer, attention.NAME, dtype, tokens)
    assert torch.equal(ours, _gradient(transformer, "sdpa", dtype, tokens))


def test_the_kernel_attends_where_nothing_is_learned_or_more_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(attention, "sdpa_attention_forward", lambda *_, **__: calls.append("kernel"))
    q = torch.randn(1, 2, 4, 8, dtype=torch.bfloat16, requires_grad=True)
    mask = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    module = nn.Module()  # causal unless it says otherwise, as torch's kernel has it
    attention.attend(module, q, q, q, mask)
    assert not calls
    attention.attend(module, q, q, q, None)
    attention.attend(module, q, q, q, mask, dropout=0.1)
    attention.attend(module, q, q, q, mask, position_bias=torch.zeros(1))
    attention.attend(module, q, q[:, :1], q[:, :1], mask)
    with torch.no_grad():
        attention.attend(module, q, q, q, mask)
    assert calls == ["kernel"] * 5


def test_an_additive_mask_hides_what_a_boolean_one_hides() -> None:
    torch.manual_seed(2)
    q, k, v = (torch.randn(1, 2, 4, 8, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    boolean = torch.tensor([True, True, True, False]).expand(1, 1, 4, 4)
    additive = torch.zeros(1, 1, 4, 4).masked_fill(~boolean, torch.finfo(torch.float32).min)
    by_boolean, _ = attention.attend(nn.Module(), q, k, v, boolean)
    by_additive, _ = attention.attend(nn.Module(), q, k, v, additive)
    without, _ = attention.attend(nn.Module(), q, k[:, :, :3], v[:, :, :3], boolean[..., :3])
    assert torch.equal(by_boolean, by_additive)
    torch.testing.assert_close(by_boolean, without, atol=0.02, rtol=0.02)


def test_a_saved_student_attends_as_before(tmp_path: Path, transformer: BertModel) -> None:
    transformer.set_attn_implementation("sdpa")
    attention.use_for_training(transformer)
    assert transformer.config._attn_implementation == attention.NAME
    transformer.save_pretrained(tmp_path)
    assert BertModel.from_pretrained(tmp_path).config._attn_implementation == "sdpa"
    assert attention.NAME not in (tmp_path / "config.json").read_text()
