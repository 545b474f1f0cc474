"""What a tensor is for, read from its name.

Names are those that transformers, PEFT and TRL give (Llama, Qwen, Mistral, Mixtral, Gemma, Phi, GPT-2, GPT-NeoX, OPT, BERT).
A name that fits nothing is `OTHER`: it is measured like any tensor, and no rule for a role speaks of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType


class Role(StrEnum):
    """What a tensor does in the model."""

    EMBEDDING = "embedding"
    QUERY = "attention query"
    KEY = "attention key"
    VALUE = "attention value"
    FUSED = "attention query, key, value"
    """Query, key and value (or two of them) in one matrix."""
    OUTPUT = "attention output"
    MLP = "mlp"
    ROUTER = "router"
    """Chooses the experts of a mixture."""
    NORM = "norm"
    ATTENTION_NORM = "norm of queries and keys"
    HEAD = "head"
    VALUE_HEAD = "value head"
    """Of a value, reward or classification model: begun anew by the training."""
    ADAPTER_A = "adapter A"
    ADAPTER_B = "adapter B"
    """The matrix of a LoRA module that is zero before training."""
    ADAPTER = "adapter"
    """What else an adapter holds (magnitudes, prompts)."""
    BUFFER = "buffer"
    """No weight: masks and tables that are saved along, which may hold infinity by design."""
    OTHER = "other"

    @property
    def group(self) -> str:
        """The wider grouping, as summaries show it."""
        return _GROUPS.get(self, self.value)


_GROUPS: Mapping[Role, str] = MappingProxyType(
    {
        Role.QUERY: "attention",
        Role.KEY: "attention",
        Role.VALUE: "attention",
        Role.FUSED: "attention",
        Role.OUTPUT: "attention",
        Role.ATTENTION_NORM: "norm",
        Role.ADAPTER_A: "adapter",
        Role.ADAPTER_B: "adapter",
    }
)

ADAPTERS = frozenset({Role.ADAPTER_A, Role.ADAPTER_B, Role.ADAPTER})


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the model a tensor stands.

    Attributes:
        role: What it does.
        layer: The number of its layer; None outside the layers.
        kind: Its name with the layer's number left out: the same for the tensors of all layers that do the same.
    """

    role: Role
    layer: int | None
    kind: str


_WRAPPERS = re.compile(r"^(?:[^/]*/)?(?:module\.|_orig_mod\.|pretrained_model\.|base_model\.model\.|base_model\.)+")
_LAYER = re.compile(r"(?:^|\.)(?:layers|layer|h|blocks|block)\.(\d+)(?=\.)")

_ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
    (role, re.compile(pattern, re.IGNORECASE))
    for role, pattern in (
        (Role.ADAPTER_A, r"\.lora_(embedding_)?A(\.|$)"),
        (Role.ADAPTER_B, r"\.lora_(embedding_)?B(\.|$)"),
        (Role.ADAPTER, r"(\.lora_|(^|\.)prompt_embeddings|(^|\.)(ia3|vera|hada|oft|boft)_)"),
        (
            Role.BUFFER,
            r"(\.attn\.(masked_)?bias|inv_freq|position_ids|rotary_emb\.(cos|sin)_cached|causal_mask|attention\.(masked_)?bias"
            r"|num_batches_tracked|running_(mean|var))$",
        ),
        (Role.VALUE_HEAD, r"(^|\.)(v_head|value_head|score|classifier|regression_head|classification_head|reward_head)\."),
        (Role.ATTENTION_NORM, r"\.(q|k|query|key)_(layer_?)?norm\."),
        (Role.NORM, r"(^|\.)[^.]*(norm|ln_\d+|ln_f|_ln|ln)(\.\d+)?\.(weight|bias|scale|gamma|beta)$"),
        (Role.HEAD, r"(^|\.)(lm_head|embed_out|output_projection)\.|^output\.weight$"),
        (Role.EMBEDDING, r"(^|\.)(wte|wpe|[^.]*embed[^.]*)\."),
        (Role.ROUTER, r"(^|\.)(block_sparse_moe|mlp|moe|ffn)\.(gate|router)\.|(^|\.)router\.|shared_expert_gate\."),
        (Role.MLP, r"(^|\.)(mlp|feed_forward|ffn|block_sparse_moe|experts?|moe|intermediate)\.|(^|\.)fc[12]\."),
        (Role.FUSED, r"(^|\.)(c_attn|qkv_proj|qkv|wqkv|query_key_value|kv_proj|q_attn)\."),
        (Role.QUERY, r"(^|\.)(q_proj|query|wq|q_[ab]_proj)\."),
        (Role.KEY, r"(^|\.)(k_proj|key|wk)\."),
        (Role.VALUE, r"(^|\.)(v_proj|value|wv)\."),
        (Role.OUTPUT, r"(^|\.)(o_proj|out_proj|wo)\.|attn\.c_proj\.|(attention|attn)\.(output\.)?dense\."),
        (
            Role.MLP,
            r"(^|\.)(gate_proj|up_proj|down_proj|gate_up_proj|c_fc|c_proj|dense_h_to_4h|dense_4h_to_h|w[123]|output\.dense)\.",
        ),
    )
)
"""In this order: an adapter on a query projection is an adapter, the norm of a query no query."""


@lru_cache(maxsize=200_000)
def place_of(name: str) -> Place:
    """Where the tensor of this name stands."""
    bare = _WRAPPERS.sub("", name)
    layer = _LAYER.search(bare)
    if layer is None:
        return Place(_role_of(bare), None, bare)
    kind = f"{bare[: layer.start(1)]}*{bare[layer.end(1) :]}"
    return Place(_role_of(kind), int(layer[1]), kind)


@lru_cache(maxsize=20_000)
def _role_of(kind: str) -> Role:
    """The role of all tensors of this kind: a layer's number says nothing of it."""
    return next((role for role, pattern in _ROLES if pattern.search(kind)), Role.OTHER)
