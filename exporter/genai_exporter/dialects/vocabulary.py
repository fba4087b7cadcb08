"""Value vocabularies: what providers, finish reasons, errors and operations are called in the wild, and here.

Targets are the well-known values of the OpenTelemetry GenAI semantic conventions. A value that is in no table keeps its
own spelling in lower case, so that a new provider shows up under its name instead of vanishing in "other".
"""

from __future__ import annotations

from typing import Final

from genai_exporter.records import Role

#: Names that stand for a framework, a client library or a store and never for the model's provider.
FRAMEWORKS: Final = frozenset(
    {
        "langchain", "langgraph", "crewai", "strands-agents", "strands", "gcp.vertex.agent", "litellm", "llamaindex",
        "llama_index", "openailike", "openai_like", "haystack", "smolagents", "pydantic-ai", "pydantic_ai", "mlflow",
        "langfuse", "unknown", "custom", "spring_ai", "crew_ai", "openai_agents", "openai-agents", "vercel",
        "autogen", "dspy", "semantic_kernel", "agno", "mastra", "inmemoryvectorstore",
        "openrouter-broadcast", "none", "null", "",
    }
)  # fmt: skip

PROVIDERS: Final = {
    "az.ai.inference": "azure.ai.inference", "az.ai.openai": "azure.ai.openai", "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai", "azure_openai": "azure.ai.openai", "azureopenai": "azure.ai.openai",
    "azure_ai": "azure.ai.inference", "azure-ai": "azure.ai.inference", "azure.openai": "azure.ai.openai",
    "vertex_ai": "gcp.vertex_ai", "vertexai": "gcp.vertex_ai", "vertex": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai", "google_vertexai": "gcp.vertex_ai", "google-vertex": "gcp.vertex_ai",
    "gemini": "gcp.gemini", "google": "gcp.gemini", "google.generative-ai": "gcp.gemini", "google_genai": "gcp.gemini",
    "google-genai": "gcp.gemini", "googleai": "gcp.gemini", "google_generativeai": "gcp.gemini",
    "google-gla": "gcp.gemini", "gcp.gen_ai": "gcp.gen_ai",
    "bedrock": "aws.bedrock", "amazon-bedrock": "aws.bedrock", "amazon_bedrock": "aws.bedrock", "aws": "aws.bedrock",
    "aws_bedrock": "aws.bedrock", "bedrock_converse": "aws.bedrock", "amazon": "aws.bedrock",
    "vertex.anthropic": "gcp.vertex_ai", "google.vertex.anthropic": "gcp.vertex_ai", "bedrock.anthropic": "aws.bedrock",
    "mistral": "mistral_ai", "mistralai": "mistral_ai", "mistral.ai": "mistral_ai",
    "xai": "x_ai", "x-ai": "x_ai", "grok": "x_ai",
    "watsonx": "ibm.watsonx.ai", "ibm": "ibm.watsonx.ai", "ibm_watsonx": "ibm.watsonx.ai",
    "moonshot": "moonshot_ai", "moonshotai": "moonshot_ai",
    "fireworks_ai": "fireworks", "fireworks-ai": "fireworks", "together": "together_ai", "togetherai": "together_ai",
    "together-ai": "together_ai", "huggingface": "hugging_face", "hugging-face": "hugging_face",
    "huggingface_hub": "hugging_face", "cohere_chat": "cohere", "text-completion-openai": "openai",
    "hosted_vllm": "vllm",
}  # fmt: skip

#: First match wins: how a provider is told from a model's name when no attribute names it.
MODEL_PREFIXES: Final = (
    ("us.anthropic.", "aws.bedrock"), ("eu.anthropic.", "aws.bedrock"), ("apac.anthropic.", "aws.bedrock"),
    ("global.anthropic.", "aws.bedrock"), ("us.amazon.", "aws.bedrock"), ("us.meta.", "aws.bedrock"),
    ("anthropic.claude", "aws.bedrock"), ("amazon.", "aws.bedrock"), ("meta.llama", "aws.bedrock"),
    ("bedrock/", "aws.bedrock"), ("googleai/", "gcp.gemini"), ("vertexai/", "gcp.vertex_ai"),
    ("azure/", "azure.ai.openai"), ("vertex_ai/", "gcp.vertex_ai"),
    ("gemini/", "gcp.gemini"), ("openai/", "openai"), ("anthropic/", "anthropic"), ("mistral/", "mistral_ai"),
    ("xai/", "x_ai"), ("groq/", "groq"), ("deepseek/", "deepseek"), ("ollama/", "ollama"), ("cohere/", "cohere"),
    ("openrouter/", "openrouter"), ("models/gemini", "gcp.gemini"),
    ("gpt-", "openai"), ("chatgpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"),
    ("text-embedding-", "openai"), ("davinci", "openai"), ("ft:gpt-", "openai"), ("computer-use-", "openai"),
    ("claude", "anthropic"), ("gemini", "gcp.gemini"), ("gemma", "gcp.gemini"), ("text-bison", "gcp.vertex_ai"),
    ("mistral", "mistral_ai"), ("mixtral", "mistral_ai"), ("codestral", "mistral_ai"), ("ministral", "mistral_ai"),
    ("command", "cohere"), ("embed-english", "cohere"), ("embed-multilingual", "cohere"), ("rerank-", "cohere"),
    ("grok", "x_ai"), ("deepseek", "deepseek"), ("sonar", "perplexity"), ("kimi", "moonshot_ai"),
    ("moonshot", "moonshot_ai"), ("granite", "ibm.watsonx.ai"), ("ibm/", "ibm.watsonx.ai"),
)  # fmt: skip

FINISH_REASONS: Final = {
    "stop": "stop", "end_turn": "stop", "stop_sequence": "stop", "eos": "stop", "complete": "stop",
    "completed": "stop", "finished": "stop", "eos_token": "stop", "finish": "stop", "end": "stop", "done": "stop",
    "finish_reason_stop": "stop", "pause_turn": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length", "max_output_tokens": "length",
    "incomplete": "length", "finish_reason_max_tokens": "length", "model_context_window_exceeded": "length",
    "max_length": "length", "token_limit": "length",
    "tool_call": "tool_call", "tool_calls": "tool_call", "tool_use": "tool_call", "function_call": "tool_call",
    "content_filter": "content_filter", "content_filtered": "content_filter", "refusal": "content_filter",
    "safety": "content_filter", "recitation": "content_filter", "prohibited_content": "content_filter",
    "blocklist": "content_filter", "spii": "content_filter", "image_safety": "content_filter",
    "guardrail_intervened": "content_filter", "guardrail": "content_filter",
    "error": "error", "failed": "error", "malformed_function_call": "error", "cancelled": "error",
}  # fmt: skip

#: Finish reasons that mean the model or the provider declined, before folding.
REFUSALS: Final = frozenset(
    raw for raw, folded in FINISH_REASONS.items() if folded == "content_filter"
)  # the two causes are told apart by llm_refusals_total and llm_finish_reasons_total

#: Substrings of an error's type or text, most specific first, and the type they are counted under (R43).
ERROR_PATTERNS: Final = (
    ("context_length", "context_length_exceeded"), ("contextwindow", "context_length_exceeded"),
    ("context window", "context_length_exceeded"), ("maximum context", "context_length_exceeded"),
    ("prompt is too long", "context_length_exceeded"), ("context length", "context_length_exceeded"),
    ("insufficient_quota", "quota_exceeded"), ("budgetexceeded", "quota_exceeded"),
    ("ratelimit", "rate_limit"), ("rate_limit", "rate_limit"), ("rate limit", "rate_limit"),
    ("too many requests", "rate_limit"), ("toomanyrequests", "rate_limit"), ("resource_exhausted", "rate_limit"),
    ("resourceexhausted", "rate_limit"), ("throttl", "rate_limit"), ("error code: 429", "rate_limit"),
    ("timeout", "timeout"), ("timed out", "timeout"), ("deadline", "timeout"),
    ("authentication", "authentication"), ("unauthenticated", "authentication"), ("invalid_api_key", "authentication"),
    ("error code: 401", "authentication"), ("unauthorized", "authentication"), ("api key", "authentication"),
    ("permission", "permission_denied"), ("forbidden", "permission_denied"),
    ("content_filter", "content_filter"), ("contentpolicy", "content_filter"), ("content_policy", "content_filter"),
    ("notfound", "not_found"), ("not_found", "not_found"),
    ("overloaded", "overloaded"), ("serviceunavailable", "overloaded"), ("service_unavailable", "overloaded"),
    ("error code: 529", "overloaded"), ("error code: 503", "overloaded"),
    ("internalserver", "server_error"), ("internal_server", "server_error"), ("servererror", "server_error"),
    ("server_error", "server_error"), ("api_error", "server_error"), ("error code: 500", "server_error"),
    ("internal server error", "server_error"), ("error code: 502", "server_error"), ("badgateway", "server_error"),
    ("connection", "connection"), ("connecterror", "connection"), ("remoteprotocol", "connection"),
    ("cancel", "cancelled"), ("abort", "cancelled"),
    ("badrequest", "invalid_request"), ("bad_request", "invalid_request"), ("invalid_request", "invalid_request"),
    ("invalidrequest", "invalid_request"), ("unprocessable", "invalid_request"), ("error code: 400", "invalid_request"),
)  # fmt: skip

HTTP_ERRORS: Final = {
    400: "invalid_request", 401: "authentication", 403: "permission_denied", 404: "not_found", 408: "timeout",
    413: "invalid_request", 422: "invalid_request", 429: "rate_limit", 499: "cancelled", 500: "server_error",
    502: "server_error", 503: "overloaded", 504: "timeout", 529: "overloaded",
}  # fmt: skip

_STATUS_DIGITS: Final = 3
_FIRST_ERROR: Final = 400
_FIRST_SERVER_ERROR: Final = 500

#: Every value that error_type can take besides a name that nobody has mapped yet.
ERROR_TYPES: Final = tuple(sorted({t for _, t in ERROR_PATTERNS} | set(HTTP_ERRORS.values()) | {"_OTHER"}))

_CALLS = ("chat", "generate_content", "text_completion", "embeddings")
OPERATIONS: Final = {
    **{name: (Role.CALL, name) for name in _CALLS},
    # LiteLLM's name for a chat; what is completed without a conversation it calls text_completion.
    "completion": (Role.CALL, "chat"), "acompletion": (Role.CALL, "chat"),
    "atext_completion": (Role.CALL, "text_completion"),
    "generate": (Role.CALL, "generate_content"), "generatetext": (Role.CALL, "chat"),
    "generate_text": (Role.CALL, "chat"), "stream_text": (Role.CALL, "chat"),
    "generate_object": (Role.CALL, "chat"), "stream_object": (Role.CALL, "chat"),
    "llm_call": (Role.CALL, "chat"), "embed_many": (Role.CALL, "embeddings"), "embedmany": (Role.CALL, "embeddings"),
    "streamtext": (Role.CALL, "chat"), "generateobject": (Role.CALL, "chat"), "streamobject": (Role.CALL, "chat"),
    "embedding": (Role.CALL, "embeddings"), "aembedding": (Role.CALL, "embeddings"), "embed": (Role.CALL, "embeddings"),
    "rerank": (Role.CALL, "rerank"), "arerank": (Role.CALL, "rerank"),
    "responses": (Role.CALL, "chat"), "aresponses": (Role.CALL, "chat"), "response": (Role.CALL, "chat"),
    "message": (Role.CALL, "chat"), "messages": (Role.CALL, "chat"), "chat_completion": (Role.CALL, "chat"),
    "anthropic_messages": (Role.CALL, "chat"), "generate_image": (Role.CALL, "generate_content"),
    "image_generation": (Role.CALL, "generate_content"), "aimage_generation": (Role.CALL, "generate_content"),
    "transcription": (Role.CALL, "generate_content"), "speech": (Role.CALL, "generate_content"),
    "text_to_speech": (Role.CALL, "generate_content"), "atranscription": (Role.CALL, "generate_content"),
    "ai.generatespeech": (Role.CALL, "generate_content"), "ai.transcribe": (Role.CALL, "generate_content"),
    "retrieval": (Role.RETRIEVAL, "retrieval"), "retrieve": (Role.RETRIEVAL, "retrieval"),
    "vector_db_retrieve": (Role.RETRIEVAL, "retrieval"), "retriever": (Role.RETRIEVAL, "retrieval"),
    "search_memory": (Role.RETRIEVAL, "search_memory"),
    "invoke_agent": (Role.AGENT, "invoke_agent"), "agent": (Role.AGENT, "invoke_agent"),
    "handle_conversation_turn": (Role.AGENT, "invoke_agent"), "agent_call": (Role.AGENT, "invoke_agent"),
    "execute_tool": (Role.TOOL, "execute_tool"), "tool": (Role.TOOL, "execute_tool"),
    "mcp_tool_call": (Role.TOOL, "execute_tool"), "running_tool": (Role.TOOL, "execute_tool"),
    "tool_call": (Role.TOOL, "execute_tool"),
    "invoke_workflow": (Role.WORKFLOW, "invoke_workflow"), "workflow": (Role.WORKFLOW, "invoke_workflow"),
    "invoke_swarm": (Role.WORKFLOW, "invoke_workflow"), "invoke_graph": (Role.WORKFLOW, "invoke_workflow"),
}  # fmt: skip
_SURFACES: Final = frozenset(
    {
        "chat", "responses", "messages", "completion", "embedding", "embeddings", "textembedding", "image", "generate",
        "text", "transcription", "speech", "reranking", "realtime",
    }
)  # fmt: skip
POSITIVE: Final = frozenset(
    {
        "positive",
        "thumbs_up",
        "thumbsup",
        "thumbs-up",
        "up",
        "like",
        "liked",
        "good",
        "1",
        "true",
        "yes",
        "helpful",
        "👍",
    }
)
NEGATIVE: Final = frozenset(
    {"negative", "thumbs_down", "thumbsdown", "thumbs-down", "down", "dislike", "disliked", "bad", "-1", "0", "false",
     "no", "unhelpful", "👎"}
)  # fmt: skip

PASS_LABELS: Final = frozenset({"pass", "passed", "true", "yes", "ok", "safe", "correct", "relevant", "grounded",
                                "factual", "success", "good", "acceptable", "compliant",
                                "not_hallucinated"})  # fmt: skip
FAIL_LABELS: Final = frozenset({"fail", "failed", "false", "no", "unsafe", "incorrect", "irrelevant", "hallucinated",
                                "ungrounded", "not_relevant", "not_grounded", "failure", "bad", "toxic", "violation",
                                "non_compliant", "unacceptable"})  # fmt: skip


def fold_provider(raw: str) -> str:
    """The well-known provider name for what a library calls it; ``""`` for the name of a framework."""
    name = raw.strip().lower()
    if name in FRAMEWORKS:
        return ""
    known = PROVIDERS.get(name)
    if known is not None:
        return known
    # "openai.chat", "anthropic.messages", "google.vertex.chat": provider and API surface in one value.
    head, _, surface = name.rpartition(".")
    if head and surface in _SURFACES:
        return fold_provider(head)
    return name


def provider_of_model(model: str) -> str:
    """The provider that a model's name gives away, ``""`` when it does not."""
    name = model.lower()
    for prefix, provider in MODEL_PREFIXES:
        if name.startswith(prefix):
            return provider
    return ""


def fold_finish(raw: str) -> str:
    """One of stop, length, content_filter, tool_call, error, other."""
    name = raw.strip().lower().replace("-", "_")
    known = FINISH_REASONS.get(name)
    if known is None and "." in name:  # "FinishReason.STOP"
        known = FINISH_REASONS.get(name.rpartition(".")[2])
    return known or "other"


def fold_error(raw: str) -> str:
    """The common type of an error name or message, ``""`` when no pattern matches."""
    text = raw.lower()
    if len(text) == _STATUS_DIGITS and text.isdecimal() and int(text) >= _FIRST_ERROR:
        return HTTP_ERRORS.get(int(text), "server_error" if int(text) >= _FIRST_SERVER_ERROR else "invalid_request")
    for pattern, error_type in ERROR_PATTERNS:
        if pattern in text:
            return error_type
    return ""


def fold_operation(raw: str) -> tuple[Role, str]:
    """Role and operation of a ``gen_ai.operation.name``; anything unknown is structure, never a call."""
    name = raw.strip().lower().replace("-", "_").replace(" ", "_")
    return OPERATIONS.get(name, (Role.STEP, name))
