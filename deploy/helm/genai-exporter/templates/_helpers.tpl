{{- define "genai-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 40 characters leave room for the suffixes: a dashboard's name is the longest. */}}
{{- define "genai-exporter.fullname" -}}
{{- $name := include "genai-exporter.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "genai-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "genai-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: exporter
{{- end -}}

{{- define "genai-exporter.labels" -}}
{{ include "genai-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: genai-exporter
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "genai-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "genai-exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "genai-exporter.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Labels by which kube-prometheus-stack selects monitors and rules, merged with those of the resource.
     Takes a dict with root and labels. */}}
{{- define "genai-exporter.operatorLabels" -}}
{{- $labels := deepCopy (default dict .labels) -}}
{{- with .root.Values.kubePrometheusStack -}}
{{- if .enabled -}}
{{- $_ := set $labels "release" (default .release (get $labels "release")) -}}
{{- end -}}
{{- end -}}
{{- if $labels -}}
{{- toYaml $labels -}}
{{- end -}}
{{- end -}}

{{/* The environment variable that sets a setting: GENAI_EXPORTER_METRICS__WEB_CONFIG_FILE for metrics.web_config_file. */}}
{{- define "genai-exporter.variable" -}}
{{- printf "GENAI_EXPORTER_%s" (. | replace "." "__" | upper) -}}
{{- end -}}

{{/* Settings whose value is a file in a Secret, as a YAML list of setting, secretName, key, volume, path. */}}
{{- define "genai-exporter.secretFiles" -}}
{{- $entries := list -}}
{{- with .Values.postgres -}}
{{- if .existingSecret -}}
{{- $entries = append $entries (dict "setting" "store.dsn_file" "secretName" .existingSecret "key" .key) -}}
{{- end -}}
{{- end -}}
{{- $entries = concat $entries .Values.secretFiles -}}
{{- $seen := dict -}}
{{- $files := list -}}
{{- range $entries -}}
{{- if hasKey $seen .setting -}}
{{- fail (printf "secretFiles: %s is given twice (postgres.existingSecret sets store.dsn_file)" .setting) -}}
{{- end -}}
{{- $_ := set $seen .setting true -}}
{{- $volume := printf "secret-%s" (.setting | replace "." "-" | replace "_" "-") -}}
{{- $path := printf "/etc/genai-exporter/secrets/%s/%s" (.setting | replace "." "-" | replace "_" "-") .key -}}
{{- $files = append $files (merge (dict "volume" $volume "path" $path) .) -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* The ports that `config` names in endpoints, comma separated: what the NetworkPolicy lets out. Takes any value. */}}
{{- define "genai-exporter.endpointPorts" -}}
{{- range $key, $value := . -}}
{{- if kindIs "map" $value -}}
{{- include "genai-exporter.endpointPorts" $value -}}
{{- else if and (kindIs "string" $value) (or (hasSuffix "endpoint" $key) (hasSuffix "url" $key)) -}}
{{- $authority := regexReplaceAll "^[a-z]+://" $value "" | splitList "/" | first -}}
{{- $port := regexFind ":[0-9]+$" $authority | trimPrefix ":" -}}
{{- if $port -}}
{{- $port -}},
{{- else if hasPrefix "http://" $value -}}
80,
{{- else if hasPrefix "https://" $value -}}
443,
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Combinations that the schema cannot refuse. */}}
{{- define "genai-exporter.check" -}}
{{- if and .Values.kubePrometheusStack.enabled (not .Values.kubePrometheusStack.release) -}}
{{- fail "kubePrometheusStack.release: set it to the name of the kube-prometheus-stack release (helm list -A)" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor and podMonitor are both enabled: every pod would be scraped and counted twice" -}}
{{- end -}}
{{- if not (or .Values.ports.otlpGrpc.enabled .Values.ports.otlpHttp.enabled) -}}
{{- fail "ports: one of otlpGrpc and otlpHttp must be enabled, or nothing could be received" -}}
{{- end -}}
{{- /* 15 s for requests in progress, the exporter's own traces, and what takes time between. */ -}}
{{- $drain := add 15 (ceil (dig "forward" "drain_seconds" 5 .Values.config)) (ceil (dig "store" "drain_seconds" 5 .Values.config)) -}}
{{- $needed := add (int .Values.preStopSeconds) $drain -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) (int $needed) -}}
{{- fail (printf "terminationGracePeriodSeconds: must be at least %d (preStopSeconds and the time for draining), or what waits is lost" $needed) -}}
{{- end -}}
{{- $ports := list (int .Values.ports.otlpGrpc.port) (int .Values.ports.otlpHttp.port) (int .Values.ports.metrics.port) -}}
{{- if ne (len (uniq $ports)) 3 -}}
{{- fail "ports: otlpGrpc, otlpHttp and metrics need three different ports" -}}
{{- end -}}
{{- end -}}
