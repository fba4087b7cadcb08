"""What the simulated application is made of: models, prompts, tools, documents, languages.

Speeds and sizes are those of an ordinary hosted chat model; every text is invented and names nobody.
"""

from __future__ import annotations

import msgspec

from .model import Prompt


class Model(msgspec.Struct, frozen=True):
    """A model: ``ttft_s`` is the median time to first token, ``speed`` the output tokens per second after it.

    ``reasoning_share`` is the part of the output that is reasoning, ``fallback`` the model asked when this one fails.
    """

    provider: str
    name: str
    snapshot: str
    ttft_s: float
    speed: float
    fallback: str
    reasoning_share: float = 0.0
    id_prefix: str = "chatcmpl-"
    tunable: bool = True  # accepts a temperature


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model("openai", "gpt-4o", "gpt-4o-2024-11-20", 0.42, 85, "claude-sonnet-4-5"),
        Model("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 0.3, 110, "gemini-2.5-flash"),
        Model("openai", "o4-mini", "o4-mini-2025-04-16", 1.1, 120, "claude-sonnet-4-5", 0.6, tunable=False),
        Model("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 0.6, 70, "gpt-4o", 0.0, "msg_"),
        Model("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash", 0.35, 160, "gpt-4o-mini", 0.3, "gemini-"),
    )
}
EMBEDDING_MODEL = Model("openai", "text-embedding-3-small", "text-embedding-3-small", 0.05, 1e9, "")

# Which model answers, plans, rewrites and summarises; a session keeps the one it started with.
ANSWER_MODELS = {"gpt-4o": 0.45, "claude-sonnet-4-5": 0.25, "gemini-2.5-flash": 0.2, "gpt-4o-mini": 0.1}
AGENT_MODELS = {"gpt-4o": 0.5, "claude-sonnet-4-5": 0.3, "o4-mini": 0.2}
SMALL_MODEL = "gpt-4o-mini"
MAIN_MODEL = MODELS["gpt-4o"]

REWRITE_PROMPT = Prompt("query-rewrite", "v1.2")
AGENT_PROMPT = Prompt("support-agent", "v1.4")
SUMMARY_PROMPT = Prompt("summarize", "v1.0")
ANSWER_PROMPT_NAME = "rag-answer"

SYSTEM_TEXT = {
    "query-rewrite": "Rewrite the user's question as one short search query.",
    "rag-answer": "Answer from the passages given. Say so when they do not contain the answer.",
    "support-agent": "You help customers of an online shop. Use the tools; never guess the state of an order.",
    "summarize": "Summarize the text in three sentences.",
}
SYSTEM_TOKENS = {"query-rewrite": 60, "rag-answer": 150, "support-agent": 640, "summarize": 90}

SEGMENTS = {"free": 0.6, "pro": 0.3, "enterprise": 0.1}
LANGUAGES = {"en": 0.55, "ja": 0.15, "de": 0.15, "es": 0.15}
TOPICS = ("returns", "warranty", "delivery", "invoices")
QUESTIONS = {
    "en": "How does it work with {topic}, and what should I do next?",
    "ja": "{topic}について、次に何をすればよいですか。",
    "de": "Wie funktioniert das mit {topic}, und was muss ich als Nächstes tun?",
    "es": "¿Cómo funciona lo de {topic} y qué debo hacer ahora?",
}
ANSWERS = {
    "en": "Here is what the handbook says about {topic}: open your account, choose the order, and follow the steps.",
    "ja": "{topic}については、アカウントを開いて注文を選び、手順に従ってください。",
    "de": "Zu {topic} sagt das Handbuch: Konto öffnen, Bestellung wählen und den Schritten folgen.",
    "es": "Sobre {topic} dice el manual: abra su cuenta, elija el pedido y siga los pasos.",
}
REFUSAL = "I cannot help with that request."
PASSAGE = "Handbook, section {number}: the rules for {topic} and the time limits that apply."

AGENT = "support_agent"
# name -> (arguments as JSON, result as JSON, median seconds, tokens that the result adds to the context)
TOOLS: dict[str, tuple[str, str, float, int]] = {
    "lookup_order": ('{"order": "A-1007"}', '{"state": "shipped", "days": 2}', 0.12, 60),
    "search_catalogue": ('{"query": "spare part"}', '{"hits": 4}', 0.35, 240),
    "get_delivery_slots": ('{"region": "north"}', '{"slots": ["09:00", "13:00"]}', 0.22, 110),
}
KNOWLEDGE_BASE = "handbook"
RERANKER = "bge-reranker-v2-m3"
