"""Names of tensors as the libraries give them."""

from __future__ import annotations

import pytest

from rldk_tui.checkpoints.roles import Role, place_of


@pytest.mark.parametrize(
    ("name", "role", "layer"),
    [
        ("model.embed_tokens.weight", Role.EMBEDDING, None),
        ("model.layers.11.self_attn.q_proj.weight", Role.QUERY, 11),
        ("model.layers.0.self_attn.k_proj.bias", Role.KEY, 0),
        ("model.layers.0.self_attn.v_proj.weight", Role.VALUE, 0),
        ("model.layers.0.self_attn.o_proj.weight", Role.OUTPUT, 0),
        ("model.layers.0.self_attn.q_norm.weight", Role.ATTENTION_NORM, 0),
        ("model.layers.0.mlp.gate_proj.weight", Role.MLP, 0),
        ("model.layers.0.input_layernorm.weight", Role.NORM, 0),
        ("model.layers.0.pre_feedforward_layernorm.weight", Role.NORM, 0),
        ("model.norm.weight", Role.NORM, None),
        ("lm_head.weight", Role.HEAD, None),
        ("transformer.wte.weight", Role.EMBEDDING, None),
        ("transformer.wpe.weight", Role.EMBEDDING, None),
        ("transformer.h.3.ln_1.weight", Role.NORM, 3),
        ("transformer.ln_f.bias", Role.NORM, None),
        ("transformer.h.3.attn.c_attn.weight", Role.FUSED, 3),
        ("transformer.h.3.attn.c_proj.weight", Role.OUTPUT, 3),
        ("transformer.h.3.attn.bias", Role.BUFFER, 3),
        ("transformer.h.3.attn.c_attn.bias", Role.FUSED, 3),
        ("h.3.mlp.c_proj.weight", Role.MLP, 3),
        ("model.decoder.layers.2.self_attn.out_proj.weight", Role.OUTPUT, 2),
        ("model.decoder.layers.2.self_attn_layer_norm.weight", Role.NORM, 2),
        ("model.decoder.layers.2.fc1.weight", Role.MLP, 2),
        ("model.decoder.embed_positions.weight", Role.EMBEDDING, None),
        ("model.layers.4.block_sparse_moe.gate.weight", Role.ROUTER, 4),
        ("model.layers.4.block_sparse_moe.experts.7.w2.weight", Role.MLP, 4),
        ("model.layers.4.mlp.gate.weight", Role.ROUTER, 4),
        ("model.layers.4.mlp.experts.7.down_proj.weight", Role.MLP, 4),
        ("gpt_neox.layers.1.attention.query_key_value.weight", Role.FUSED, 1),
        ("gpt_neox.layers.1.attention.dense.weight", Role.OUTPUT, 1),
        ("gpt_neox.layers.1.mlp.dense_4h_to_h.weight", Role.MLP, 1),
        ("bert.encoder.layer.5.attention.self.query.weight", Role.QUERY, 5),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", Role.ADAPTER_A, 0),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.default.weight", Role.ADAPTER_B, 0),
        ("base_model.model.model.embed_tokens.lora_embedding_B", Role.ADAPTER_B, None),
        ("base_model.model.model.layers.0.mlp.up_proj.lora_magnitude_vector", Role.ADAPTER, 0),
        ("v_head.summary.weight", Role.VALUE_HEAD, None),
        ("score.weight", Role.VALUE_HEAD, None),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", Role.BUFFER, 0),
        ("something.new", Role.OTHER, None),
        ("", Role.OTHER, None),
    ],
)
def test_a_name_tells_the_role_and_the_layer(name: str, role: Role, layer: int | None) -> None:
    assert (place_of(name).role, place_of(name).layer) == (role, layer)


def test_the_same_tensor_of_all_layers_is_of_one_kind() -> None:
    kinds = {place_of(f"model.layers.{layer}.mlp.up_proj.weight").kind for layer in range(20)}
    assert kinds == {"model.layers.*.mlp.up_proj.weight"}
    assert place_of("module.model.norm.weight").kind == place_of("model.norm.weight").kind
