-- What dashboards and people read. Ids are in hexadecimal, as traces show them; days and hours are in UTC.

CREATE VIEW v_calls AS
SELECT
    day,
    encode(trace_id, 'hex') AS trace_id,
    encode(span_id, 'hex') AS span_id,
    started_at,
    duration_s,
    operation, provider, request_model, response_model,
    coalesce(nullif(response_model, ''), request_model) AS model,
    service, service_version, environment, flow, segment, agent, prompt_name, prompt_version,
    error_type, finish_reason, streaming, ttft_s,
    input_tokens, output_tokens,
    coalesce(input_tokens, 0) + coalesce(output_tokens, 0) AS total_tokens,
    cache_read_tokens, cache_write_tokens, reasoning_tokens,
    cost_usd, cost_source, service_tier, batch, refusal, regenerated, retries, response_cache_hit,
    response_id, session, user_id, dialect, recorded_at
FROM calls;

COMMENT ON VIEW v_calls IS 'Every call. With session = ... and ordered by started_at: the whole conversation around a failed request.';

CREATE VIEW v_calls_recent AS
SELECT * FROM v_calls
WHERE day >= (now() AT TIME ZONE 'UTC')::date - 1 AND started_at > now() - interval '24 hours';

COMMENT ON VIEW v_calls_recent IS 'The calls of the last 24 hours.';

CREATE VIEW v_steps AS
SELECT
    day,
    encode(trace_id, 'hex') AS trace_id,
    encode(span_id, 'hex') AS span_id,
    kind, name, started_at, duration_s, error_type,
    service, service_version, environment, flow, segment, agent, prompt_name, prompt_version
FROM steps;

COMMENT ON VIEW v_steps IS 'Every agent run, tool execution, retrieval and workflow.';

CREATE VIEW v_scores AS
SELECT
    day,
    encode(trace_id, 'hex') AS trace_id,
    encode(span_id, 'hex') AS span_id,
    scored_at, response_id, name, score, result,
    service, environment, flow, segment, prompt_name, prompt_version
FROM scores;

COMMENT ON VIEW v_scores IS 'Every evaluation of an answer.';

CREATE VIEW v_feedback AS
SELECT
    day,
    encode(trace_id, 'hex') AS trace_id,
    encode(span_id, 'hex') AS span_id,
    rated_at, rating, service, environment, flow, segment, prompt_name, prompt_version
FROM feedback;

COMMENT ON VIEW v_feedback IS 'Every verdict of a person on an answer.';

CREATE VIEW v_sessions AS
SELECT
    service, environment, session, flow, segment, user_id,
    calls, errors, input_tokens, output_tokens,
    input_tokens + output_tokens AS total_tokens,
    CASE WHEN priced_calls > 0 THEN cost_usd END AS cost_usd,
    first_at, last_at,
    extract(epoch FROM last_at - first_at)::double precision AS lasted_s,
    ended_at IS NOT NULL AS ended,
    runaway_at IS NOT NULL AS runaway,
    runaway_at
FROM sessions;

COMMENT ON VIEW v_sessions IS 'Totals of each session: calls, errors, tokens, cost, first and last time, and whether it ran away.';

CREATE VIEW v_users AS
SELECT
    day, service, environment, segment, user_id,
    count(*) AS calls,
    count(DISTINCT nullif(session, '')) AS sessions,
    count(*) FILTER (WHERE error_type <> '') AS errors,
    coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
    coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
    sum(cost_usd) AS cost_usd,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM calls
WHERE user_id <> ''
GROUP BY day, service, environment, segment, user_id;

COMMENT ON VIEW v_users IS 'Totals of each user on each day.';

CREATE VIEW v_costs_daily AS
SELECT
    day, service, environment, flow, segment, provider,
    coalesce(nullif(response_model, ''), request_model) AS model,
    prompt_name, prompt_version, cost_source,
    count(*) AS calls,
    count(*) FILTER (WHERE cost_usd IS NULL AND coalesce(input_tokens, output_tokens) IS NOT NULL) AS unpriced_calls,
    coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
    coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
    coalesce(sum(cache_read_tokens), 0)::bigint AS cache_read_tokens,
    sum(cost_usd) AS cost_usd
FROM calls
GROUP BY day, service, environment, flow, segment, provider, 7, prompt_name, prompt_version, cost_source;

COMMENT ON VIEW v_costs_daily IS 'Calls, tokens and cost of each day by everything that is paid for.';

CREATE VIEW v_prompt_versions AS
SELECT
    c.service, c.environment, c.prompt_name, c.prompt_version,
    c.calls, c.errors, c.errors::double precision / c.calls AS error_ratio,
    c.timeouts, c.truncated, c.refusals,
    c.duration_mean_s, c.duration_p95_s, c.ttft_p95_s,
    c.input_tokens, c.output_tokens, c.input_tokens_mean, c.output_tokens_mean,
    c.cost_usd, c.cost_usd / nullif(c.priced_calls, 0) AS cost_mean_usd,
    f.positive, f.negative,
    c.first_at, c.last_at
FROM (
    SELECT
        service, environment, prompt_name, prompt_version,
        count(*) AS calls,
        count(*) FILTER (WHERE error_type <> '') AS errors,
        count(*) FILTER (WHERE error_type = 'timeout') AS timeouts,
        count(*) FILTER (WHERE finish_reason = 'length') AS truncated,
        count(*) FILTER (WHERE refusal) AS refusals,
        count(cost_usd) AS priced_calls,
        avg(duration_s) AS duration_mean_s,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_s) AS duration_p95_s,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY ttft_s) AS ttft_p95_s,
        coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
        coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
        avg(input_tokens)::double precision AS input_tokens_mean,
        avg(output_tokens)::double precision AS output_tokens_mean,
        sum(cost_usd) AS cost_usd,
        min(started_at) AS first_at,
        max(started_at) AS last_at
    FROM calls
    WHERE prompt_name <> '' OR prompt_version <> ''
    GROUP BY service, environment, prompt_name, prompt_version
) AS c
LEFT JOIN (
    SELECT
        service, environment, prompt_name, prompt_version,
        count(*) FILTER (WHERE rating = 'positive') AS positive,
        count(*) FILTER (WHERE rating = 'negative') AS negative
    FROM feedback
    GROUP BY service, environment, prompt_name, prompt_version
) AS f USING (service, environment, prompt_name, prompt_version);

COMMENT ON VIEW v_prompt_versions IS 'What each version of a prompt does and costs, as long as calls are kept. Which template causes timeouts: by timeouts.';

CREATE VIEW v_prompt_scores AS
SELECT
    service, environment, prompt_name, prompt_version, name,
    count(*) AS evaluations,
    avg(score) AS score_mean,
    stddev_samp(score) AS score_deviation,
    count(*) FILTER (WHERE result = 'pass') AS passed,
    count(*) FILTER (WHERE result = 'fail') AS failed,
    count(*) FILTER (WHERE result = 'error') AS in_error,
    min(scored_at) AS first_at,
    max(scored_at) AS last_at
FROM scores
GROUP BY service, environment, prompt_name, prompt_version, name;

COMMENT ON VIEW v_prompt_scores IS 'Scores of each version of a prompt. Which version has the highest correctness: name = ''correctness'', by score_mean.';

CREATE VIEW v_expensive_traces AS
SELECT
    encode(trace_id, 'hex') AS trace_id,
    min(started_at) AS started_at,
    min(service) AS service,
    min(environment) AS environment,
    min(flow) AS flow,
    max(prompt_name) AS prompt_name,
    max(prompt_version) AS prompt_version,
    count(*) AS calls,
    count(*) FILTER (WHERE error_type <> '') AS errors,
    coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
    coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
    sum(cost_usd) AS cost_usd,
    extract(epoch FROM max(started_at + duration_s * interval '1 second') - min(started_at))::double precision AS lasted_s,
    max(session) AS session
FROM calls
WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7
GROUP BY calls.trace_id;

COMMENT ON VIEW v_expensive_traces IS 'Calls, tokens and cost of each trace of the last seven days; order by cost_usd.';

CREATE VIEW v_latency_shares AS
SELECT
    encode(trace_id, 'hex') AS trace_id,
    min(started_at) AS started_at,
    min(service) AS service,
    min(environment) AS environment,
    max(flow) AS flow,
    coalesce(sum(duration_s) FILTER (WHERE kind = 'call'), 0) AS model_s,
    coalesce(sum(duration_s) FILTER (WHERE kind = 'retrieval'), 0) AS retrieval_s,
    coalesce(sum(duration_s) FILTER (WHERE kind = 'tool'), 0) AS tool_s,
    coalesce(
        max(duration_s) FILTER (WHERE kind = 'workflow'),
        extract(epoch FROM max(started_at + duration_s * interval '1 second') - min(started_at))::double precision
    ) AS total_s
FROM (
    SELECT trace_id, day, started_at, service, environment, flow, duration_s, 'call' AS kind FROM calls
    UNION ALL
    SELECT trace_id, day, started_at, service, environment, flow, duration_s, kind FROM steps
) AS parts
WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7
GROUP BY parts.trace_id;

COMMENT ON VIEW v_latency_shares IS 'Retrieval or model? Seconds spent in each, by trace, in the last seven days. Parts that ran at once count each.';

CREATE VIEW v_low_scores_slow_retrieval AS
SELECT
    encode(s.trace_id, 'hex') AS trace_id,
    s.scored_at, s.service, s.environment, s.flow, s.prompt_name, s.prompt_version,
    s.name, s.score, s.result, r.retrieval_s
FROM scores AS s
JOIN (
    SELECT trace_id, day, max(duration_s) AS retrieval_s
    FROM steps
    WHERE kind = 'retrieval'
    GROUP BY trace_id, day
) AS r ON r.trace_id = s.trace_id AND r.day BETWEEN s.day - 1 AND s.day + 1
WHERE (s.result = 'fail' OR s.score < 0.5) AND r.retrieval_s > 2;

COMMENT ON VIEW v_low_scores_slow_retrieval IS 'Answers that failed an evaluation, or scored below 0.5, after a retrieval of more than 2 s.';

CREATE VIEW v_deployments AS
SELECT
    service, service_version, prompt_name, prompt_version, model, environment, first_seen_at, last_seen_at,
    last_seen_at > now() - interval '1 hour' AS live
FROM deployments;

COMMENT ON VIEW v_deployments IS 'Every combination of versions that was live, and when.';

CREATE VIEW v_deployment_scores AS
SELECT
    d.service, d.environment, d.prompt_name, d.prompt_version, d.service_version, d.model, d.first_seen_at,
    s.name,
    count(*) FILTER (WHERE s.scored_at < d.first_seen_at) AS evaluations_before,
    avg(s.score) FILTER (WHERE s.scored_at < d.first_seen_at) AS score_before,
    count(*) FILTER (WHERE s.scored_at >= d.first_seen_at) AS evaluations_after,
    avg(s.score) FILTER (WHERE s.scored_at >= d.first_seen_at) AS score_after
FROM deployments AS d
JOIN scores AS s
  ON s.service = d.service
 AND s.environment = d.environment
 AND s.prompt_name = d.prompt_name
 AND s.scored_at >= d.first_seen_at - interval '7 days'
 AND s.scored_at < d.first_seen_at + interval '7 days'
GROUP BY
    d.service, d.environment, d.prompt_name, d.prompt_version, d.service_version, d.model, d.first_seen_at, s.name;

COMMENT ON VIEW v_deployment_scores IS 'Did the change improve quality? Mean scores of a prompt in the seven days before and after each deployment.';
