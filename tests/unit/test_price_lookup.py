"""Which model of which provider a call is priced as, from the names on the wire."""

from __future__ import annotations

import pytest
from price_samples import book, make_call, pricer

from genai_exporter.price.aliases import NO_LIST_PRICE, Aliases, is_fine_tuned

ALIASES = book().aliases


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        # OpenTelemetry's values of gen_ai.provider.name, then those of gen_ai.system.
        ("openai", "openai"),
        ("anthropic", "anthropic"),
        ("gcp.gen_ai", "google"),
        ("gcp.vertex_ai", "google"),
        ("gcp.gemini", "google"),
        ("aws.bedrock", "aws"),
        ("azure.ai.inference", "azure"),
        ("azure.ai.openai", "azure"),
        ("cohere", "cohere"),
        ("deepseek", "deepseek"),
        ("groq", "groq"),
        ("ibm.watsonx.ai", NO_LIST_PRICE),
        ("mistral_ai", "mistral"),
        ("moonshot_ai", "moonshotai"),
        ("perplexity", "perplexity"),
        ("x_ai", "x-ai"),
        ("az.ai.openai", "azure"),
        ("az.ai.inference", "azure"),
        ("vertex_ai", "google"),
        ("gemini", "google"),
        ("xai", "x-ai"),
        # SDKs and gateways.
        ("OpenAI", "openai"),
        (" Anthropic ", "anthropic"),
        ("openai.chat", "openai"),
        ("openai.responses", "openai"),
        ("anthropic.messages", "anthropic"),
        ("google.generative-ai", "google"),
        ("google.vertex.chat", "google"),
        ("azure-openai.chat", "azure"),
        ("amazon-bedrock", "aws"),
        ("bedrock_converse", "aws"),
        ("xai.chat", "x-ai"),
        ("together_ai", "together"),
        ("togetherai.chat", "together"),
        ("fireworks_ai", "fireworks"),
        ("voyage", "voyageai"),
        ("openrouter", "openrouter"),
        # Not providers: frameworks, gateways, nothing.
        ("strands-agents", ""),
        ("langchain", ""),
        ("Langchain", ""),
        ("crewai", ""),
        ("gcp.vertex.agent", ""),
        ("litellm", ""),
        ("pydantic_ai", ""),
        ("my-openai-gateway", ""),
        ("", ""),
        ("  ", ""),
        # Hosts whose prices do not follow from the name of the model.
        ("ollama", NO_LIST_PRICE),
        ("ollama.chat", NO_LIST_PRICE),
        ("vllm", NO_LIST_PRICE),
        ("hugging_face", NO_LIST_PRICE),
        ("aws.sagemaker", NO_LIST_PRICE),
        ("oracle_cloud.generative_ai", NO_LIST_PRICE),
        ("replicate", NO_LIST_PRICE),
    ],
)
def test_provider_names(name: str, provider: str) -> None:
    assert ALIASES.provider(name) == provider


def test_every_provider_of_the_price_list_is_known_by_its_own_id() -> None:
    for provider_id in book()._by_id:
        assert ALIASES.provider(provider_id) == provider_id


def test_the_alias_table_points_only_at_providers_that_the_price_list_has() -> None:
    known = {*book()._by_id, NO_LIST_PRICE}
    assert set(Aliases(frozenset())._by_name.values()) <= known


@pytest.mark.parametrize(
    ("provider", "response_model", "request_model", "found"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o", ("openai", "gpt-4o")),
        ("openai", "", "gpt-4o", ("openai", "gpt-4o")),
        ("openai", "gpt-4o-2099-01-01", "gpt-4o", ("openai", "gpt-4o")),
        ("openai", "GPT-4o", "", ("openai", "gpt-4o")),
        ("openai", "", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("groq", "", "groq/llama-3.3-70b-versatile", ("groq", "llama-3.3-70b-versatile")),
        ("x_ai", "", "xai/grok-4", ("x-ai", "grok-4-0709")),
        # Azure answers with the model, and is asked for a deployment of any name.
        ("azure.ai.openai", "gpt-4o-2024-08-06", "my-deployment", ("azure", "gpt-4o")),
        ("azure.ai.openai", "", "my-gpt-4o", None),
        ("azure.ai.inference", "Phi-4", "", ("azure", "phi-4")),
        # Bedrock.
        (
            "aws.bedrock",
            "",
            "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            ("aws", "regional.anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ),
        (
            "strands-agents",
            "",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ("aws", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        (
            "anthropic",
            "",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ("aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        (
            "",
            "",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            ("aws", "regional.anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ),
        ("langchain", "", "bedrock/us.meta.llama3-3-70b-instruct-v1:0", ("aws", "meta.llama3-3-70b-instruct-v1:0")),
        ("", "", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", None),
        ("", "", "us.anthropic.claude-99-v1:0", None),
        # Google.
        ("gcp.gemini", "", "models/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("", "", "models/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("gcp.gen_ai", "gemini-2.5-flash", "", ("google", "gemini-2.5-flash")),
        ("gcp.vertex_ai", "", "publishers/google/models/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        (
            "gcp.vertex.agent",
            "",
            "projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929",
            ("google", "claude-sonnet-4-5"),
        ),
        # Fireworks, Cloudflare: the form of the id names the host, also through an OpenAI client.
        ("", "", "accounts/fireworks/models/llama-v3p1-8b-instruct", ("fireworks", "llama-v3p1-8b-instruct")),
        ("openai", "", "accounts/fireworks/models/llama-v3p1-8b-instruct", ("fireworks", "llama-v3p1-8b-instruct")),
        ("fireworks", "", "accounts/acme/models/llama-v3p1-8b-instruct", None),
        ("openai", "", "@cf/meta/llama-3.1-8b-instruct", ("cloudflare", "@cf/meta/llama-3.1-8b-instruct")),
        # Frameworks and gateways: by the model, or by the provider in front of it.
        ("langchain", "gpt-4o-mini-2024-07-18", "gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("strands-agents", "", "claude-sonnet-4-5-20250929", ("anthropic", "claude-sonnet-4-5")),
        ("", "", "gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("litellm", "", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("litellm", "gpt-4o-2024-08-06", "azure/my-deployment", ("azure", "gpt-4o")),
        ("litellm", "openai/gpt-4o", "openrouter/openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
        ("openrouter", "openai/gpt-4o", "openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
        ("my-gateway", "", "mistral/mistral-large-latest", ("mistral", "mistral-large")),
        # Somebody else's host: what it charges does not follow from the name.
        ("openai", "", "claude-sonnet-4-5", None),
        ("ollama", "deepseek-r1", "deepseek-r1:7b", None),
        ("langchain", "", "deepseek-r1:7b", None),
        ("", "", "gpt-oss:20b", None),
        ("litellm", "deepseek-chat", "ollama/deepseek-r1", None),
        ("", "", "deepseek-ai/DeepSeek-V3", None),
        ("vllm", "", "gpt-4o", None),
        ("vllm", "", "accounts/fireworks/models/llama-v3p1-8b-instruct", None),
        ("hugging_face", "", "deepseek-ai/DeepSeek-V3", None),
    ],
)
def test_which_model_a_call_is_priced_as(
    provider: str, response_model: str, request_model: str, found: tuple[str, str] | None
) -> None:
    listed = book().find(provider, response_model, request_model)
    assert (None if listed is None else (listed.provider_id, listed.model_id)) == found


@pytest.mark.parametrize("provider", ["azure.ai.openai", "azure.ai.inference", "az.ai.openai", "azure_openai"])
def test_azure_is_never_taken_for_openai(provider: str) -> None:
    listed = book().find(provider, "gpt-4o-2024-08-06", "prod")
    assert listed is not None
    assert listed.provider_id == "azure"


class TestFineTunedModels:
    @pytest.mark.parametrize(
        ("name", "fine_tuned"),
        [
            ("ft:gpt-4o-mini-2024-07-18:org::id", True),
            ("FT:gpt-4o", True),
            ("davinci:ft-acme-2023-04-01", True),
            ("gpt-35-turbo-0613.ft-0ab1", True),
            ("gpt-4o", False),
            ("microsoft-phi", False),
            ("draft:model", False),
        ],
    )
    def test_are_recognised_by_name(self, name: str, fine_tuned: bool) -> None:
        assert is_fine_tuned(name) is fine_tuned

    def test_have_their_own_price_where_the_list_knows_it(self) -> None:
        tokens = {"input_tokens": 1_000_000, "output_tokens": 0}
        tuned = pricer().price(make_call("openai", "ft:gpt-4o-mini-2024-07-18:org::id", **tokens))
        base = pricer().price(make_call("openai", "gpt-4o-mini-2024-07-18", **tokens))
        assert (tuned.usd, base.usd) == (pytest.approx(0.30), pytest.approx(0.15))
        inferred = pricer().price(make_call("langchain", "ft:gpt-4o-mini-2024-07-18:org::id", **tokens))
        assert inferred == tuned

    @pytest.mark.parametrize(
        ("provider", "response_model", "request_model"),
        [
            ("openai", "ft:gpt-4.1-nano-2099-01-01:org::id", "ft:gpt-4.1-nano-2099-01-01:org::id"),
            ("openai", "ft:gpt-99:org::id", "gpt-4o"),
            ("mistral_ai", "ft:mistral-small-latest:abc", "mistral-small-latest"),
            ("azure.ai.openai", "gpt-35-turbo-0613.ft-0ab1", "gpt-35-turbo"),
            ("openai", "davinci:ft-acme-2023-04-01", ""),
        ],
    )
    def test_never_have_the_price_of_their_base(self, provider: str, response_model: str, request_model: str) -> None:
        assert book().find(provider, response_model, request_model) is None
