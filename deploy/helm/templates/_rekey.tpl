{{/* Labels of an object. */}}
{{- define "rekey.labels" -}}
app.kubernetes.io/name: rekey
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Name and labels of an object: a list of the root, and of what follows the release's name. */}}
{{- define "rekey.metadata" -}}
{{- $ := index . 0 -}}
name: {{ $.Release.Name }}-{{ index . 1 }}
namespace: {{ $.Release.Namespace }}
labels: {{- include "rekey.labels" $ | nindent 2 }}
{{- end }}

{{/* Labels that find the pods of a component: a list of the root and the component. */}}
{{- define "rekey.selector" -}}
app.kubernetes.io/name: rekey
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* A setting as text. Helm reads every number as a float, and would write 1e+06 for a million. */}}
{{- define "rekey.text" -}}
{{- if not (kindIs "float64" .) }}{{ toString . | quote }}
{{- else if eq . (floor .) }}{{ int64 . | toString | quote }}
{{- else }}{{ toString . | quote }}{{ end }}
{{- end }}

{{/* Settings of Temporal. An API key takes the place of the files of a client certificate. */}}
{{- define "rekey.temporal" -}}
{{- $files := list "TEMPORAL_TLS_CLIENT_CERT_PATH" "TEMPORAL_TLS_CLIENT_KEY_PATH" "TEMPORAL_TLS_SERVER_CA_CERT_PATH" -}}
{{- $settings := .Values.settings.temporal -}}
{{- if .Values.secrets.temporalAPIKey.name }}{{ $settings = omit $settings (index $files 0) (index $files 1) (index $files 2) }}{{ end -}}
{{- toJson $settings -}}
{{- end }}

{{- define "rekey.image" -}}
{{- .Values.image.repository -}}
{{- with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{/*
A pod. It takes root, name (the component and the command), configs (the ends of the names of its
ConfigMaps), keys (the keysets that it mounts), secrets (those that it mounts whole), own (what the
chart itself sets), port (where it serves, if it does), backends (where it serves those, if it does), job, and resources.
*/}}
{{- define "rekey.pod" -}}
{{- $ := .root -}}
{{- $secrets := .secrets -}}
{{- $apiKey := and (has "temporal" .secrets) $.Values.secrets.temporalAPIKey.name -}}
{{- if $apiKey }}{{ $secrets = without $secrets "temporal" }}{{ end -}}
{{- $templates := and (eq .name "worker") $.Values.worker.templates -}}
{{- $messages := and (has .name (list "worker" "starter")) $.Values.messages -}}
{{- $brand := and (has .name (list "worker" "starter")) $.Values.brand -}}
{{- $pages := and (eq .name "starter") $.Values.starter.pages -}}
{{- $volumes := or .keys $secrets $templates $messages $brand $pages -}}
metadata:
  labels: {{- include "rekey.selector" (list $ .name) | nindent 4 }}
  annotations:
    checksum/settings: {{ toJson $.Values.settings | sha256sum }}
    {{- with $.Values.pod.annotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  {{- if .job }}
  restartPolicy: OnFailure
  {{- else }}
  terminationGracePeriodSeconds: 60
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "rekey.selector" (list $ .name) | nindent 10 }}
  {{- end }}
  {{- with $.Values.image.pullSecrets }}
  imagePullSecrets: {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with omit $.Values.pod "annotations" }}{{ range $name, $value := . }}{{ if $value }}
  {{ $name }}: {{ toJson $value }}
  {{- end }}{{ end }}{{ end }}
  containers:
    - name: {{ .name }}
      image: {{ include "rekey.image" $ }}
      {{- with $.Values.image.pullPolicy }}
      imagePullPolicy: {{ . }}
      {{- end }}
      args: [{{ .name }}]
      env:
        {{- if .keys }}
        - {name: REKEY_KEYS, value: /secrets/keys}
        {{- end }}
        {{- range $name, $value := merge (dict) (.own | default dict) (index $.Values.settings .name | default dict) $.Values.settings.all }}
        - {name: {{ $name }}, value: {{ include "rekey.text" $value }}}
        {{- end }}
        {{- if $templates }}
        - {name: REKEY_TEMPLATES, value: /templates}
        {{- end }}
        {{- if $messages }}
        - {name: REKEY_MESSAGES, value: /messages}
        {{- end }}
        {{- if $brand }}
        - {name: REKEY_BRAND, value: /brand}
        {{- end }}
        {{- if $pages }}
        - {name: REKEY_PAGES, value: /pages}
        {{- end }}
        {{- if $apiKey }}
        - name: TEMPORAL_API_KEY
          valueFrom: {secretKeyRef: {name: {{ $apiKey }}, key: {{ $.Values.secrets.temporalAPIKey.key }}}}
        {{- end }}
      {{- with .configs }}
      envFrom:
        {{- range . }}
        - configMapRef: {name: {{ $.Release.Name }}-{{ . }}}
        {{- end }}
      {{- end }}
      {{- if not .job }}
      ports:
        {{- with .port }}
        - {name: http, containerPort: {{ . }}}
        {{- end }}
        - {name: ops, containerPort: 9090}
        {{- with .backends }}
        - {name: backends, containerPort: {{ . }}}
        {{- end }}
      startupProbe:
        httpGet: {path: /livez, port: ops}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /livez, port: ops}
      readinessProbe:
        httpGet: {path: /readyz, port: ops}
        periodSeconds: 5
      lifecycle:
        preStop: {sleep: {seconds: 5}} # until nobody is sent here any more
      {{- end }}
      resources: {{- toYaml .resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      {{- if $volumes }}
      volumeMounts:
        {{- if .keys }}
        - {name: keys, mountPath: /secrets/keys, readOnly: true}
        {{- end }}
        {{- range $secrets }}
        - {name: {{ . }}, mountPath: /secrets/{{ . }}, readOnly: true}
        {{- end }}
        {{- if $templates }}
        - {name: templates, mountPath: /templates, readOnly: true}
        {{- end }}
        {{- if $messages }}
        - {name: messages, mountPath: /messages, readOnly: true}
        {{- end }}
        {{- if $brand }}
        - {name: brand, mountPath: /brand, readOnly: true}
        {{- end }}
        {{- if $pages }}
        - {name: pages, mountPath: /pages, readOnly: true}
        {{- end }}
  volumes:
    {{- if .keys }}
    - name: keys
      secret:
        secretName: {{ $.Values.secrets.keys }}
        defaultMode: 0440
        items:
          {{- range .keys }}
          - {key: {{ . }}, path: {{ . }}}
          {{- end }}
    {{- end }}
    {{- range $secrets }}
    - name: {{ . }}
      secret: {secretName: {{ index $.Values.secrets . }}, defaultMode: 0440}
    {{- end }}
    {{- if $templates }}
    - name: templates
      configMap: {name: {{ $templates }}}
    {{- end }}
    {{- if $messages }}
    - name: messages
      configMap: {name: {{ $messages }}}
    {{- end }}
    {{- if $brand }}
    - name: brand
      configMap: {name: {{ $brand }}}
    {{- end }}
    {{- if $pages }}
    - name: pages
      configMap: {name: {{ $pages }}}
    {{- end }}
    {{- end }}
{{- end }}
