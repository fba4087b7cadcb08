"""Who bills a call: from the names that telemetry uses to the provider ids of genai-prices.

Names are compared whole, never by what they contain: ``azure.ai.openai`` is Azure although it says openai. Case and
the choice between ``-``, ``_`` and a space do not matter. A name that ends in a product (``openai.chat``,
``google.generative-ai``) is tried again without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

NO_LIST_PRICE = "-"
"""Stands for a host whose prices are its own business: never priced by the name of the model it happens to run."""

_NAMES: dict[str, tuple[str, ...]] = {
    # Values of gen_ai.provider.name and gen_ai.system, then those of SDKs and gateways.
    "anthropic": ("anthropic", "claude"),
    "aws": ("aws.bedrock", "aws", "bedrock", "aws_bedrock", "amazon_bedrock", "bedrock_converse", "chatbedrock"),
    "azure": (
        "azure",
        "azure.ai.openai",
        "azure.ai.inference",
        "az.ai.openai",
        "az.ai.inference",
        "azure_openai",
        "azureopenai",
        "azure_ai",
        "azure_ai_foundry",
        "azure_text",
    ),
    "cloudflare": ("cloudflare", "workers_ai", "cloudflare_workers_ai"),
    "cohere": ("cohere", "cohere_chat"),
    "fireworks": ("fireworks", "fireworks_ai", "fireworksai"),
    "github-copilot": ("github_copilot", "copilot"),
    "google": (
        "google",
        "gcp.gen_ai",
        "gcp.gemini",
        "gcp.vertex_ai",
        "gemini",
        "vertex_ai",
        "vertexai",
        "vertex_ai_beta",
        "google_genai",
        "google_generativeai",
        "google_generative_ai",
        "google_vertexai",
        "google_vertex",
        "google_ai_studio",
        "googleai",
        "palm",
    ),
    "minimax": ("minimax", "minimax_ai"),
    "mistral": ("mistral_ai", "mistral", "mistralai", "codestral"),
    "moonshotai": ("moonshot_ai", "moonshotai", "moonshot"),
    "novita": ("novita", "novita_ai"),
    "openai": ("openai", "openai_chat", "text_completion_openai"),
    "openrouter": ("openrouter", "open_router"),
    "perplexity": ("perplexity", "perplexity_ai"),
    "together": ("together", "together_ai", "togetherai"),
    "voyageai": ("voyageai", "voyage", "voyage_ai"),
    "x-ai": ("x_ai", "xai", "x.ai"),
    "zai": ("zai", "z_ai", "z.ai"),
    "zhipuai": ("zhipuai", "zhipu", "zhipu_ai"),
    **{
        provider: (provider,)
        for provider in (
            "arcee",
            "avian",
            "baseten",
            "cerebras",
            "cursor",
            "databricks",
            "deepseek",
            "doubleword",
            "elevenlabs",
            "groq",
            "meta",
            "modal",
            "ovhcloud",
            "typesafe",
        )
    },
    NO_LIST_PRICE: (
        # Run by the user: the bill is for hardware.
        "ollama",
        "ollama_chat",
        "vllm",
        "hosted_vllm",
        "sglang",
        "tgi",
        "text_generation_inference",
        "triton",
        "llama.cpp",
        "llama_cpp",
        "llamacpp",
        "llamafile",
        "lm_studio",
        "lmstudio",
        "localai",
        "gpt4all",
        "mlx",
        "xinference",
        "transformers",
        "aws.sagemaker",
        "sagemaker",
        # Billed by somebody whose list genai-prices does not have.
        "ai21",
        "aleph_alpha",
        "anyscale",
        "deepinfra",
        "friendli",
        "hugging_face",
        "huggingface",
        "hyperbolic",
        "ibm.watsonx.ai",
        "watsonx",
        "lambda_ai",
        "nebius",
        "nvidia",
        "nvidia_nim",
        "oci",
        "oracle_cloud",
        "predibase",
        "replicate",
        "runpod",
        "sambanova",
        "snowflake",
        "writer",
    ),
}

_BEDROCK_VENDORS = (
    "ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|"
    "stability|twelvelabs|writer|zai"
)
_SHAPES = (
    (re.compile(r"arn:aws[\w-]*:bedrock:"), "aws"),
    (re.compile(rf"(?:(?:af|apac|au|ca|eu|global|il|jp|me|sa|us|us-gov)\.)?(?:{_BEDROCK_VENDORS})\.[a-z]"), "aws"),
    (re.compile(r"accounts/fireworks/"), "fireworks"),
    (re.compile(r"(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/models/"), "google"),
    (re.compile(r"models/gem(?:ini|ma)"), "google"),
    (re.compile(r"@cf/"), "cloudflare"),
    (re.compile(r"ft:(?:gpt-|o\d|davinci|babbage)"), "openai"),
)
"""Forms of a model id that only one host uses, so that they name the biller where the provider name does not."""

_RUN_LOCALLY = re.compile(r"[^/]*:(?:latest|[\d.]+[bm](?:-.*)?|.*q\d_.*)$")
"""``llama3:8b``, ``deepseek-r1:latest``: a local runtime's tag. Bare, such a name must not borrow a cloud price."""

_FINE_TUNED = re.compile(r"ft:|.*(?::|\.)ft-")
"""OpenAI's ``ft:base:org::id``, its older ``base:ft-org``, Azure's ``base.ft-id``."""


class Lookup(NamedTuple):
    """One question for the price list. ``provider`` ``""`` asks the list to tell the provider from the model."""

    provider: str
    model: str


def _key(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


_BY_NAME = {_key(name): provider for provider, names in _NAMES.items() for name in names}


class Aliases:
    """Resolves names against the tables above and the provider ids that the price list itself has."""

    def __init__(self, provider_ids: frozenset[str]) -> None:
        self._by_name = {_key(provider): provider for provider in provider_ids} | _BY_NAME

    def provider(self, name: str) -> str:
        """The id of genai-prices, :data:`NO_LIST_PRICE`, or ``""`` when the name is not that of a provider."""
        key = _key(name)
        while key:
            found = self._by_name.get(key)
            if found is not None:
                return found
            key = key.rpartition(".")[0]
        return ""

    def lookups(self, provider_name: str, response_model: str, request_model: str) -> Iterator[Lookup]:
        """What to ask the price list, best first. Yields nothing when no list price can be right."""
        provider = self.provider(provider_name)
        if not provider:
            # A framework or gateway. It often names the real provider in front of the requested model, and that also
            # tells who served the model that the response names.
            provider = self.provider(request_model.partition("/")[0]) if "/" in request_model else ""
        if provider == NO_LIST_PRICE:
            return
        for model in (response_model, request_model):
            if model:
                yield from self._of_model(provider, model.strip().lower())

    def _of_model(self, provider: str, model: str) -> Iterator[Lookup]:
        if provider:
            for form in self._forms(provider, model):
                yield Lookup(provider, form)
        host = next((host for shape, host in _SHAPES if shape.match(model)), "")
        if host and host != provider:
            for form in self._forms(host, model):
                yield Lookup(host, form)
        if provider or host or _RUN_LOCALLY.match(model):
            return
        owner, slash, rest = model.partition("/")
        if not slash:
            yield Lookup("", model)
            return
        # "owner/model" with an unknown owner is a repository of weights that anybody may host: no price follows.
        host = self.provider(owner)
        if host not in ("", NO_LIST_PRICE):
            yield from (Lookup(host, form) for form in self._forms(host, rest))

    def _forms(self, provider: str, model: str) -> Iterator[str]:
        yield model
        owner, _, rest = model.partition("/")
        if rest and self.provider(owner) == provider:
            yield rest
            model = rest
        if provider == "google" and (model.startswith("models/") or "/models/" in model):
            yield model.rpartition("models/")[2]
        elif provider == "aws" and "/" in model:
            yield model.rpartition("/")[2]


def is_fine_tuned(model: str) -> bool:
    """Whether the id is that of a fine-tuned model, whose price is not the price of its base."""
    return _FINE_TUNED.match(model.strip().lower()) is not None
