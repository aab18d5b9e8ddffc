{{/* sessiongate.yaml, and what follows from it. */}}

{{- define "sessiongate.secrets" -}}/run/secrets/sessiongate{{- end -}}
{{- define "sessiongate.certificates" -}}/run/secrets/sessiongate-tls{{- end -}}
{{- define "sessiongate.clientCertificates" -}}/run/secrets/sessiongate-client-ca{{- end -}}

{{/* What takes a restart. */}}
{{- define "sessiongate.listen" -}}
{{- $listen := deepCopy (.Values.config.listen | default dict) -}}
{{- $at := .Values.listen -}}
{{- $_ := set $listen "grpc" (printf "%s:%d" $at.host (int $at.grpc.port)) -}}
{{- if $at.http.enabled -}}
{{- $http := printf "%s:%d" $at.host (int $at.http.port) -}}
{{- $_ := set $listen "http" (and .Values.tls.enabled (not $at.http.tls) | ternary (dict "address" $http "tls" "off") $http) -}}
{{- end -}}
{{- if $at.admin.enabled -}}
{{- $admin := dict "address" (printf "%s:%d" $at.host (int $at.admin.port)) -}}
{{- if $at.admin.secretKey -}}
{{- $_ := set $admin "secret_file" (printf "%s/%s" (include "sessiongate.secrets" .) $at.admin.secretKey) -}}
{{- else -}}
{{- $_ := set $admin "secret" "${POD_UID}" -}}
{{- end -}}
{{- $_ := set $listen "admin" $admin -}}
{{- end -}}
{{- with .Values.tls -}}
{{- if .enabled -}}
{{- $folder := include "sessiongate.certificates" $ -}}
{{- $tls := dict "cert" (print $folder "/tls.crt") "key" (print $folder "/tls.key") "min_version" .minVersion -}}
{{- if .clients.required -}}
{{- $folder := empty .clients.caSecret | ternary $folder (include "sessiongate.clientCertificates" $) -}}
{{- $_ := set $tls "client_ca" (print $folder "/" .clients.caKey) -}}
{{- with .clients.allowedNames -}}{{- $_ := set $tls "allowed_client_names" . -}}{{- end -}}
{{- end -}}
{{- $_ := set $listen "tls" $tls -}}
{{- end -}}
{{- end -}}
{{- toYaml $listen -}}
{{- end -}}

{{/* Providers stand in the order in which they are to be asked. */}}
{{- define "sessiongate.sessions" -}}
{{- $sessions := .Values.config.sessions -}}
{{- if not $sessions -}}
web:
  kind: authjs
  secret_file: {{ include "sessiongate.secrets" . }}/AUTH_SECRET
{{- else -}}
{{- range $name := .Values.sessionOrder | default (keys $sessions) }}
{{ toYaml (dict $name (get $sessions $name)) }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "sessiongate.config" -}}
listen:
  {{- include "sessiongate.listen" . | nindent 2 }}
sessions:
  {{- include "sessiongate.sessions" . | trim | nindent 2 }}
{{- with omit .Values.config "listen" "sessions" }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The environment variables that the configuration names, as JSON: {"NAME": whether it has a default}. */}}
{{- define "sessiongate.variables" -}}
{{- $found := dict -}}
{{- range regexFindAll "(\\$)?\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-)?" (include "sessiongate.config" .) -1 -}}
{{- if not (hasPrefix "$$" .) -}}
{{- $name := trimPrefix "${" . | trimSuffix ":-" -}}
{{- $_ := set $found $name (and (hasSuffix ":-" .) (get $found $name | default true)) -}}
{{- end -}}
{{- end -}}
{{- toJson (omit $found "POD_UID") -}}
{{- end -}}

{{/* A duration such as `1m 30s` in milliseconds; nothing where it is none that is understood here. */}}
{{- define "sessiongate.milliseconds" -}}
{{- $one := "[0-9]+ *(ms|millis|s|secs?|seconds?|m|mins?|minutes?|h|hours?)" -}}
{{- if regexMatch (printf "^( *%s)+ *$" $one) . -}}
{{- $total := 0 -}}
{{- range regexFindAll $one . -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $each := 1000 -}}
{{- if has $unit (list "ms" "millis") -}}{{- $each = 1 -}}
{{- else if hasPrefix "m" $unit -}}{{- $each = 60000 -}}
{{- else if hasPrefix "h" $unit -}}{{- $each = 3600000 -}}
{{- end -}}
{{- $total = add $total (mul (regexFind "[0-9]+" . | int64) $each) -}}
{{- end -}}
{{- $total -}}
{{- end -}}
{{- end -}}

{{/* How many seconds sleeping before the end and draining take at most; nothing where that cannot be told. */}}
{{- define "sessiongate.endSeconds" -}}
{{- $listen := .Values.config.listen | default dict -}}
{{- $delay := include "sessiongate.milliseconds" ($listen.drain_delay | default "1s") -}}
{{- $timeout := include "sessiongate.milliseconds" ($listen.drain_timeout | default "10s") -}}
{{- if and $delay $timeout -}}
{{- $drain := add (mul 2 (int64 $delay)) (int64 $timeout) -}}
{{- add (int .Values.preStopSeconds) (div (add $drain 999) 1000) -}}
{{- end -}}
{{- end -}}

{{/* With five seconds to spare. */}}
{{- define "sessiongate.graceSeconds" -}}
{{- .Values.terminationGracePeriodSeconds | default (include "sessiongate.endSeconds" . | int | add 5) -}}
{{- end -}}
