{{/* Names and labels. */}}

{{- define "listwire.name" -}}
{{- if contains "listwire" .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-listwire" (.Release.Name | trunc 40 | trimSuffix "-") }}
{{- end -}}
{{- end -}}

{{/* Of a component: (dict "root" $ "component" "worker"). */}}
{{- define "listwire.selector" -}}
app.kubernetes.io/name: listwire
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "listwire.labels" -}}
{{ include "listwire.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "listwire.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}
{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}
