{{/*
What all pods have in common: (dict "root" $ "component" "worker"), one of worker, poller, web, topics.

The root file system is read-only and nothing that must survive is on it: the state is in Kafka. `fsGroup` makes the files
of Secrets 0440 root:GROUP whatever mode was asked for, and `runAsGroup` is that group, so that nobody else reads them;
Listwire refuses a Secret that others can read.
*/}}

{{- define "listwire.pod" -}}
# It never asks the API server.
automountServiceAccountToken: false
# A Service called listwire-web would be told as LISTWIRE_WEB_PORT=tcp://..., which is a setting of ours.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .root.Values.runAs }}
  runAsGroup: {{ .root.Values.runAs }}
  fsGroup: {{ .root.Values.runAs }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
# Events at hand are finished within 30 s.
terminationGracePeriodSeconds: 60
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "listwire.container" -}}
image: {{ include "listwire.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Settings of the broker, of all services and of this one. A setting is told once: the narrower goes before the wider. */}}
{{- define "listwire.env" -}}
{{- $broker := .root.Values.broker -}}
- {name: LISTWIRE_DATA_DIR, value: /tmp/listwire}
- {name: LISTWIRE_BROKER, value: {{ required "broker.servers: set the bootstrap servers, host:port[,host:port]" $broker.servers | quote }}}
- {name: LISTWIRE_BROKER_SECURITY, value: {{ $broker.security }}}
- {name: LISTWIRE_REPLICATION, value: {{ $broker.replication | quote }}}
{{- with $broker.allowPlaintext }}
- {name: LISTWIRE_BROKER_ALLOW_PLAINTEXT, value: {{ join "," . | quote }}}
{{- end }}
{{- if $broker.caSecret.name }}
- {name: LISTWIRE_BROKER_CA_FILE, value: /run/secrets/broker-ca/ca.crt}
{{- end }}
{{- if $broker.credentialsSecret.name }}
- {name: LISTWIRE_BROKER_CREDENTIALS_FILE, value: /run/secrets/broker/credentials}
{{- end }}
{{- with $broker.saslMechanism }}
- {name: LISTWIRE_BROKER_SASL_MECHANISM, value: {{ . }}}
{{- end }}
{{- if index $broker.clientCertificateSecrets .component }}
- {name: LISTWIRE_BROKER_CERT_FILE, value: /run/secrets/broker-tls/tls.crt}
- {name: LISTWIRE_BROKER_KEY_FILE, value: /run/secrets/broker-tls/tls.key}
{{- end }}
{{- $own := (index .root.Values .component).settings | default dict -}}
{{- $settings := merge (dict) $own .root.Values.settings (dict "log_format" "json") -}}
{{- range $name, $value := $settings }}
- {name: LISTWIRE_{{ upper $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end -}}

{{- define "listwire.mounts" -}}
{{- $broker := .root.Values.broker -}}
- {name: tmp, mountPath: /tmp}
{{- if $broker.caSecret.name }}
- {name: broker-ca, mountPath: /run/secrets/broker-ca, readOnly: true}
{{- end }}
{{- if $broker.credentialsSecret.name }}
- {name: broker, mountPath: /run/secrets/broker, readOnly: true}
{{- end }}
{{- if index $broker.clientCertificateSecrets .component }}
- {name: broker-tls, mountPath: /run/secrets/broker-tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "listwire.volumes" -}}
{{- $broker := .root.Values.broker -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- with $broker.caSecret }}
{{- if .name }}
- name: broker-ca
  secret: {secretName: {{ .name }}, defaultMode: 0440, items: [{key: {{ .key }}, path: ca.crt}]}
{{- end }}
{{- end }}
{{- if $broker.credentialsSecret.name }}
- name: broker
  secret:
    secretName: {{ $broker.credentialsSecret.name }}
    defaultMode: 0440
    items: [{key: {{ index $broker.credentialsSecret.keys .component }}, path: credentials}]
{{- end }}
{{- with index $broker.clientCertificateSecrets .component }}
- name: broker-tls
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{/*
How a service is asked for its health: (dict "port" "metrics" "live" "/livez" "host" "").

Readiness is 503 once a part has stood still for 90 s or the broker does not answer. After 180 s the process tells the
stacks of its threads and ends by itself, so liveness waits for longer: it is for a process that cannot even do that. At
a start the broker is waited for, twice 120 s at most, before anything is served.
*/}}
{{- define "listwire.probes" -}}
startupProbe:
  httpGet: {path: {{ .live }}, port: {{ .port }}{{ .host }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet: {path: {{ .live }}, port: {{ .port }}{{ .host }}}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 14
readinessProbe:
  httpGet: {path: /readyz, port: {{ .port }}{{ .host }}}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 2
{{- end -}}

{{/* On other nodes, if there are any. */}}
{{- define "listwire.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "listwire.selector" . | nindent 8 }}
{{- end -}}

{{- define "listwire.podMeta" -}}
labels:
  {{- include "listwire.selector" . | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
