-- The ledger: what was called, how long it took, what it cost. No prompt and no answer is in any of these tables.
-- Days are days in UTC. Every table that grows with traffic is partitioned by day, so that old days leave as a whole.

CREATE TABLE calls (
    day                   date             NOT NULL,
    trace_id              bytea            NOT NULL,
    span_id               bytea            NOT NULL,
    started_at            timestamptz      NOT NULL,
    duration_s            double precision NOT NULL,
    operation             text             NOT NULL,
    provider              text             NOT NULL,
    request_model         text             NOT NULL,
    response_model        text             NOT NULL,
    service               text             NOT NULL,
    service_version       text             NOT NULL,
    environment           text             NOT NULL,
    flow                  text             NOT NULL,
    segment               text             NOT NULL,
    agent                 text             NOT NULL,
    prompt_name           text             NOT NULL,
    prompt_version        text             NOT NULL,
    error_type            text             NOT NULL,
    finish_reason         text             NOT NULL,
    streaming             boolean          NOT NULL,
    ttft_s                double precision,
    input_tokens          bigint,
    output_tokens         bigint,
    cache_read_tokens     bigint,
    cache_write_tokens    bigint,
    cache_write_1h_tokens bigint,
    reasoning_tokens      bigint,
    reported_cost_usd     numeric(20, 12),
    cost_usd              numeric(20, 12),
    cost_source           text             NOT NULL,
    service_tier          text             NOT NULL,
    batch                 boolean          NOT NULL,
    refusal               boolean          NOT NULL,
    regenerated           boolean          NOT NULL,
    retries               integer          NOT NULL,
    response_cache_hit    boolean,
    response_id           text             NOT NULL,
    session               text             NOT NULL,
    user_id               text             NOT NULL,
    dialect               text             NOT NULL,
    recorded_at           timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (trace_id, span_id, day)
) PARTITION BY RANGE (day);

CREATE INDEX calls_started_at ON calls (started_at);
CREATE INDEX calls_session ON calls (session, started_at) WHERE session <> '';

COMMENT ON TABLE calls IS 'One row for each request to a model provider, counted once however many spans described it.';
COMMENT ON COLUMN calls.day IS 'The day on which the call started, in UTC: the partition.';
COMMENT ON COLUMN calls.trace_id IS 'The trace, 16 bytes; the views have it in hexadecimal.';
COMMENT ON COLUMN calls.span_id IS 'The span that is the call, 8 bytes. With the trace it names the call, so a replay changes nothing.';
COMMENT ON COLUMN calls.started_at IS 'When the request was sent.';
COMMENT ON COLUMN calls.duration_s IS 'Seconds until the answer was complete.';
COMMENT ON COLUMN calls.operation IS 'chat, embeddings and so on.';
COMMENT ON COLUMN calls.provider IS 'The model provider.';
COMMENT ON COLUMN calls.request_model IS 'The model that was asked for.';
COMMENT ON COLUMN calls.response_model IS 'The model version that answered; empty when not reported.';
COMMENT ON COLUMN calls.service IS 'The application.';
COMMENT ON COLUMN calls.service_version IS 'Its version.';
COMMENT ON COLUMN calls.environment IS 'production, staging and so on.';
COMMENT ON COLUMN calls.flow IS 'The endpoint or pipeline.';
COMMENT ON COLUMN calls.segment IS 'The group of users.';
COMMENT ON COLUMN calls.agent IS 'The agent in which the call was made.';
COMMENT ON COLUMN calls.prompt_name IS 'The prompt template.';
COMMENT ON COLUMN calls.prompt_version IS 'Its version.';
COMMENT ON COLUMN calls.error_type IS 'What failed; empty when the call succeeded.';
COMMENT ON COLUMN calls.finish_reason IS 'stop, length, content_filter, tool_call, error or other; empty when not reported.';
COMMENT ON COLUMN calls.streaming IS 'Whether the answer was streamed.';
COMMENT ON COLUMN calls.ttft_s IS 'Seconds to the first chunk of a streamed answer.';
COMMENT ON COLUMN calls.input_tokens IS 'Input tokens, cached ones included. NULL is not reported, here and below; 0 is zero.';
COMMENT ON COLUMN calls.output_tokens IS 'Output tokens, reasoning included.';
COMMENT ON COLUMN calls.cache_read_tokens IS 'Input tokens read from a prompt cache.';
COMMENT ON COLUMN calls.cache_write_tokens IS 'Input tokens written to a prompt cache.';
COMMENT ON COLUMN calls.cache_write_1h_tokens IS 'Those of them that are kept for an hour.';
COMMENT ON COLUMN calls.reasoning_tokens IS 'Output tokens spent on reasoning.';
COMMENT ON COLUMN calls.reported_cost_usd IS 'The cost that the application reported.';
COMMENT ON COLUMN calls.cost_usd IS 'The cost that counts, as in llm_cost_usd_total; NULL when no price is known.';
COMMENT ON COLUMN calls.cost_source IS 'computed or reported; empty when no price is known.';
COMMENT ON COLUMN calls.service_tier IS 'The tier of service at the provider.';
COMMENT ON COLUMN calls.batch IS 'Whether it was part of a batch at a reduced price.';
COMMENT ON COLUMN calls.refusal IS 'Whether the model refused to answer.';
COMMENT ON COLUMN calls.regenerated IS 'Whether a user had asked to answer again.';
COMMENT ON COLUMN calls.retries IS 'Attempts that came before it.';
COMMENT ON COLUMN calls.response_cache_hit IS 'Whether a stored answer was used; NULL when no response cache was asked.';
COMMENT ON COLUMN calls.response_id IS 'The provider''s name for the answer.';
COMMENT ON COLUMN calls.session IS 'The session or conversation; empty when none was reported.';
COMMENT ON COLUMN calls.user_id IS 'The user: a keyed hash, unless the setting store.user_ids says otherwise.';
COMMENT ON COLUMN calls.dialect IS 'The vocabulary in which the span was written.';
COMMENT ON COLUMN calls.recorded_at IS 'When the row was written.';

CREATE TABLE steps (
    day             date             NOT NULL,
    trace_id        bytea            NOT NULL,
    span_id         bytea            NOT NULL,
    kind            text             NOT NULL,
    name            text             NOT NULL,
    started_at      timestamptz      NOT NULL,
    duration_s      double precision NOT NULL,
    error_type      text             NOT NULL,
    service         text             NOT NULL,
    service_version text             NOT NULL,
    environment     text             NOT NULL,
    flow            text             NOT NULL,
    segment         text             NOT NULL,
    agent           text             NOT NULL,
    prompt_name     text             NOT NULL,
    prompt_version  text             NOT NULL,
    recorded_at     timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (trace_id, span_id, kind, day)
) PARTITION BY RANGE (day);

CREATE INDEX steps_started_at ON steps (started_at);

COMMENT ON TABLE steps IS 'One row for each agent run, tool execution, retrieval and workflow: timed, never billed.';
COMMENT ON COLUMN steps.day IS 'The day on which the step started, in UTC: the partition.';
COMMENT ON COLUMN steps.trace_id IS 'The trace, 16 bytes.';
COMMENT ON COLUMN steps.span_id IS 'The span that is the step, 8 bytes.';
COMMENT ON COLUMN steps.kind IS 'agent, tool, workflow or retrieval.';
COMMENT ON COLUMN steps.name IS 'The name of the agent, tool or workflow.';
COMMENT ON COLUMN steps.started_at IS 'When it began.';
COMMENT ON COLUMN steps.duration_s IS 'Seconds it took.';
COMMENT ON COLUMN steps.error_type IS 'What failed; empty when it succeeded.';
COMMENT ON COLUMN steps.service IS 'The application.';
COMMENT ON COLUMN steps.service_version IS 'Its version.';
COMMENT ON COLUMN steps.environment IS 'production, staging and so on.';
COMMENT ON COLUMN steps.flow IS 'The endpoint or pipeline.';
COMMENT ON COLUMN steps.segment IS 'The group of users.';
COMMENT ON COLUMN steps.agent IS 'The agent in which it ran.';
COMMENT ON COLUMN steps.prompt_name IS 'The prompt template.';
COMMENT ON COLUMN steps.prompt_version IS 'Its version.';
COMMENT ON COLUMN steps.recorded_at IS 'When the row was written.';

CREATE TABLE scores (
    day            date        NOT NULL,
    id             bytea       NOT NULL,
    scored_at      timestamptz NOT NULL,
    trace_id       bytea       NOT NULL,
    span_id        bytea       NOT NULL,
    response_id    text        NOT NULL,
    name           text        NOT NULL,
    score          double precision,
    result         text        NOT NULL,
    service        text        NOT NULL,
    environment    text        NOT NULL,
    flow           text        NOT NULL,
    segment        text        NOT NULL,
    prompt_name    text        NOT NULL,
    prompt_version text        NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);

CREATE INDEX scores_trace ON scores (trace_id);
CREATE INDEX scores_scored_at ON scores (scored_at);

COMMENT ON TABLE scores IS 'One row for each evaluation of an answer.';
COMMENT ON COLUMN scores.day IS 'The day of scored_at, in UTC: the partition.';
COMMENT ON COLUMN scores.id IS 'A digest of all that makes the evaluation what it is, so that the same one sent twice is stored once.';
COMMENT ON COLUMN scores.scored_at IS 'When the scored span started; when the score arrived, if it came without its trace.';
COMMENT ON COLUMN scores.trace_id IS 'The trace, 16 bytes; empty when not known.';
COMMENT ON COLUMN scores.span_id IS 'The span that was scored, 8 bytes; empty when not known.';
COMMENT ON COLUMN scores.response_id IS 'The answer that was scored, where the evaluator names it.';
COMMENT ON COLUMN scores.name IS 'What was evaluated.';
COMMENT ON COLUMN scores.score IS '0 to 1; NULL when the evaluation gave none.';
COMMENT ON COLUMN scores.result IS 'pass, fail or error; empty when no verdict was given.';
COMMENT ON COLUMN scores.service IS 'The application.';
COMMENT ON COLUMN scores.environment IS 'production, staging and so on.';
COMMENT ON COLUMN scores.flow IS 'The endpoint or pipeline.';
COMMENT ON COLUMN scores.segment IS 'The group of users.';
COMMENT ON COLUMN scores.prompt_name IS 'The prompt template.';
COMMENT ON COLUMN scores.prompt_version IS 'Its version.';
COMMENT ON COLUMN scores.recorded_at IS 'When the row was written.';

CREATE TABLE feedback (
    day            date        NOT NULL,
    id             bytea       NOT NULL,
    rated_at       timestamptz NOT NULL,
    trace_id       bytea       NOT NULL,
    span_id        bytea       NOT NULL,
    rating         text        NOT NULL,
    service        text        NOT NULL,
    environment    text        NOT NULL,
    flow           text        NOT NULL,
    segment        text        NOT NULL,
    prompt_name    text        NOT NULL,
    prompt_version text        NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);

CREATE INDEX feedback_trace ON feedback (trace_id);
CREATE INDEX feedback_rated_at ON feedback (rated_at);

COMMENT ON TABLE feedback IS 'One row for each verdict of a person on an answer.';
COMMENT ON COLUMN feedback.day IS 'The day of rated_at, in UTC: the partition.';
COMMENT ON COLUMN feedback.id IS 'A digest of all that makes the verdict what it is, so that the same one sent twice is stored once.';
COMMENT ON COLUMN feedback.rated_at IS 'When the rated span started; when the verdict arrived, if it came without its trace.';
COMMENT ON COLUMN feedback.trace_id IS 'The trace, 16 bytes; empty when not known.';
COMMENT ON COLUMN feedback.span_id IS 'The span that was rated, 8 bytes; empty when not known.';
COMMENT ON COLUMN feedback.rating IS 'positive or negative.';
COMMENT ON COLUMN feedback.service IS 'The application.';
COMMENT ON COLUMN feedback.environment IS 'production, staging and so on.';
COMMENT ON COLUMN feedback.flow IS 'The endpoint or pipeline.';
COMMENT ON COLUMN feedback.segment IS 'The group of users.';
COMMENT ON COLUMN feedback.prompt_name IS 'The prompt template.';
COMMENT ON COLUMN feedback.prompt_version IS 'Its version.';
COMMENT ON COLUMN feedback.recorded_at IS 'When the row was written.';

CREATE TABLE sessions (
    service       text        NOT NULL,
    environment   text        NOT NULL,
    session       text        NOT NULL,
    flow          text        NOT NULL,
    segment       text        NOT NULL,
    user_id       text        NOT NULL,
    calls         bigint      NOT NULL,
    errors        bigint      NOT NULL,
    priced_calls  bigint      NOT NULL,
    input_tokens  bigint      NOT NULL,
    output_tokens bigint      NOT NULL,
    cost_usd      numeric     NOT NULL,
    reported_usd  numeric     NOT NULL DEFAULT 0,
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz,
    runaway_at    timestamptz,
    PRIMARY KEY (service, environment, session)
) WITH (fillfactor = 80);

CREATE INDEX sessions_open ON sessions (updated_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_last_at ON sessions (last_at);

COMMENT ON TABLE sessions IS 'Totals of each session, kept up with the calls in the same transaction.';
COMMENT ON COLUMN sessions.service IS 'The application.';
COMMENT ON COLUMN sessions.environment IS 'production, staging and so on.';
COMMENT ON COLUMN sessions.session IS 'The session or conversation, as the application names it.';
COMMENT ON COLUMN sessions.flow IS 'The endpoint or pipeline with which it began.';
COMMENT ON COLUMN sessions.segment IS 'The group of users.';
COMMENT ON COLUMN sessions.user_id IS 'The user, as in calls.';
COMMENT ON COLUMN sessions.calls IS 'Provider calls so far.';
COMMENT ON COLUMN sessions.errors IS 'Those that failed.';
COMMENT ON COLUMN sessions.priced_calls IS 'Those whose price is known.';
COMMENT ON COLUMN sessions.input_tokens IS 'Input tokens so far.';
COMMENT ON COLUMN sessions.output_tokens IS 'Output tokens so far.';
COMMENT ON COLUMN sessions.cost_usd IS 'Cost so far of the calls whose price is known.';
COMMENT ON COLUMN sessions.reported_usd IS 'The part of the cost that llm_session_cost_usd has.';
COMMENT ON COLUMN sessions.first_at IS 'When its first call started.';
COMMENT ON COLUMN sessions.last_at IS 'When its last call ended.';
COMMENT ON COLUMN sessions.updated_at IS 'When the ledger last had a call of it; idleness counts from here.';
COMMENT ON COLUMN sessions.ended_at IS 'When it was found idle; NULL while it goes on.';
COMMENT ON COLUMN sessions.runaway_at IS 'When it was found to cost out of all proportion; NULL when it was not.';

CREATE TABLE deployments (
    service         text        NOT NULL,
    service_version text        NOT NULL,
    prompt_name     text        NOT NULL,
    prompt_version  text        NOT NULL,
    model           text        NOT NULL,
    environment     text        NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    PRIMARY KEY (service, service_version, prompt_name, prompt_version, model, environment)
);

COMMENT ON TABLE deployments IS 'Every combination of versions that was live, and when. It is never cut: the trail of what changed.';
COMMENT ON COLUMN deployments.service IS 'The application.';
COMMENT ON COLUMN deployments.service_version IS 'Its version.';
COMMENT ON COLUMN deployments.prompt_name IS 'The prompt template.';
COMMENT ON COLUMN deployments.prompt_version IS 'Its version.';
COMMENT ON COLUMN deployments.model IS 'The model version that answered, else the model asked for.';
COMMENT ON COLUMN deployments.environment IS 'production, staging and so on.';
COMMENT ON COLUMN deployments.first_seen_at IS 'When its first call started.';
COMMENT ON COLUMN deployments.last_seen_at IS 'When its last call started, to the minute.';

CREATE TABLE ledger_secrets (
    name  text PRIMARY KEY,
    value text NOT NULL
);

COMMENT ON TABLE ledger_secrets IS 'What the writers share and no reader may see.';
COMMENT ON COLUMN ledger_secrets.name IS 'user_hash_key: the key with which user ids are hashed when none is configured.';
COMMENT ON COLUMN ledger_secrets.value IS 'The secret.';

INSERT INTO ledger_secrets (name, value)
VALUES ('user_hash_key', replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));
