{{/* Parts of a pod that the server and the test have in common. */}}

{{- define "sessiongate.env" -}}
- name: POD_UID
  valueFrom: { fieldRef: { fieldPath: metadata.uid } }
{{- $own := list -}}
{{- range .Values.extraEnv -}}{{- $own = append $own .name -}}{{- end -}}
{{- $secret := include "sessiongate.secret" . -}}
{{- range $name, $hasDefault := include "sessiongate.variables" . | fromJson }}
{{- if and $secret (not (has $name $own)) (or $.Values.secret.existing (hasKey $.Values.secret.data $name)) }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret | quote }}
      key: {{ $name | quote }}
      {{- if or $hasDefault $.Values.extraEnvFrom }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "sessiongate.mounts" -}}
- name: config
  mountPath: /etc/sessiongate
  readOnly: true
{{- if include "sessiongate.secret" . }}
- name: secrets
  mountPath: {{ include "sessiongate.secrets" . }}
  readOnly: true
{{- end }}
{{- if .Values.tls.enabled }}
- name: tls
  mountPath: {{ include "sessiongate.certificates" . }}
  readOnly: true
{{- if and .Values.tls.clients.required .Values.tls.clients.caSecret }}
- name: client-ca
  mountPath: {{ include "sessiongate.clientCertificates" . }}
  readOnly: true
{{- end }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "sessiongate.volumes" -}}
- name: config
  configMap:
    name: {{ include "sessiongate.fullname" . | quote }}
{{- with include "sessiongate.secret" . }}
- name: secrets
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
    {{- with $.Values.secret.keys }}
    items:
      {{- range . }}
      - { key: {{ . | quote }}, path: {{ . | quote }} }
      {{- end }}
    {{- end }}
{{- end }}
{{- with .Values.tls }}
{{- if .enabled }}
- name: tls
  secret:
    secretName: {{ include "sessiongate.tlsSecret" $ | quote }}
    defaultMode: 0440
{{- if and .clients.required .clients.caSecret }}
- name: client-ca
  secret:
    secretName: {{ .clients.caSecret | quote }}
    items:
      - { key: {{ .clients.caKey | quote }}, path: {{ .clients.caKey | quote }} }
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Kubernetes asks gRPC in plain text only. */}}
{{- define "sessiongate.asksHealth" -}}
{{- if .Values.tls.enabled -}}
httpGet: { path: /healthz, port: admin }
{{- else -}}
grpc: { port: {{ .Values.listen.grpc.port }} }
{{- end -}}
{{- end -}}

{{- define "sessiongate.probes" -}}
startupProbe:
  {{- include "sessiongate.asksHealth" . | nindent 2 }}
  periodSeconds: 1
  timeoutSeconds: 1
  failureThreshold: {{ .Values.probes.startupSeconds }}
livenessProbe:
  {{- include "sessiongate.asksHealth" . | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  {{- if eq .Values.probes.readiness "readyz" }}
  httpGet: { path: /readyz, port: admin }
  {{- else }}
  {{- include "sessiongate.asksHealth" . | nindent 2 }}
  {{- end }}
  periodSeconds: {{ .Values.probes.periodSeconds }}
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}

{{/* Where pods run. */}}
{{- define "sessiongate.placement" -}}
{{- if .Values.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml .Values.topologySpreadConstraints | nindent 2 }}
{{- else if .Values.topologySpread }}
topologySpreadConstraints:
  {{- range .Values.topologySpread }}
  - topologyKey: {{ . | quote }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels: {{- include "sessiongate.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- range $key := list "affinity" "nodeSelector" "tolerations" }}
{{- with get $.Values $key }}
{{ $key }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- range $key := list "priorityClassName" "runtimeClassName" }}
{{- with get $.Values $key }}
{{ $key }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}
