{{/* Names, and the labels that tie objects together. */}}

{{- define "sessiongate.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters, so that suffixes fit into a DNS label. */}}
{{- define "sessiongate.fullname" -}}
{{- $name := include "sessiongate.name" . -}}
{{- $release := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $release | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "sessiongate.selector" -}}
app.kubernetes.io/name: {{ include "sessiongate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "sessiongate.labels" -}}
{{ include "sessiongate.selector" . }}
{{ include "sessiongate.about" . }}
{{- end -}}

{{/* Labels that select nothing. */}}
{{- define "sessiongate.about" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "sessiongate.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "sessiongate.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "sessiongate.fullname" .) "default") -}}
{{- end -}}

{{/* The Secret with the application's secrets; empty where there is none. */}}
{{- define "sessiongate.secret" -}}
{{- if .Values.secret.existing -}}
{{ .Values.secret.existing }}
{{- else if .Values.secret.data -}}
{{ include "sessiongate.fullname" . }}
{{- end -}}
{{- end -}}

{{- define "sessiongate.tlsSecret" -}}
{{- .Values.tls.existingSecret | default (printf "%s-tls" (include "sessiongate.fullname" .)) -}}
{{- end -}}

{{/* The pod of `helm test`, which the Service must not find. */}}
{{- define "sessiongate.testSelector" -}}
app.kubernetes.io/name: {{ include "sessiongate.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}
