{{/* What no cluster should be asked to run: each message says which value is to change, and how. */}}

{{- define "sessiongate.refuse" -}}
{{- $values := .Values -}}
{{- if not $values.image.repository -}}
{{- fail "image.repository: say where the image of sessiongate is, as in `ghcr.io/sessiongate/sessiongate`" -}}
{{- end -}}
{{- range $key := list "grpc" "http" "admin" "tls" -}}
{{- if hasKey ($values.config.listen | default dict) $key -}}
{{- fail (printf "config.listen.%s is set by this chart: see the values `listen` and `tls`" $key) -}}
{{- end -}}
{{- end -}}
{{- include "sessiongate.refuseSecrets" . -}}
{{- include "sessiongate.refuseSessions" . -}}
{{- include "sessiongate.refuseTls" . -}}
{{- include "sessiongate.refuseCounts" . -}}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.proxies) -}}
{{- fail "networkPolicy.proxies: name the proxies that may ask, or nobody passes them" -}}
{{- end -}}
{{- if and (or $values.serviceMonitor.enabled (eq $values.probes.readiness "readyz")) (not $values.listen.admin.enabled) -}}
{{- fail "listen.admin.enabled: serviceMonitor and probes.readiness=readyz need this listener" -}}
{{- end -}}
{{- end -}}

{{- define "sessiongate.refuseSecrets" -}}
{{- $secret := .Values.secret -}}
{{- if and $secret.existing $secret.data -}}
{{- fail "secret.existing stands beside secret.data: keep one of them" -}}
{{- end -}}
{{- range $key, $value := $secret.data -}}
{{- if not (trim $value) -}}
{{- fail (printf "secret.data.%s is empty: make a secret with `openssl rand -base64 32`, the same as your application's" $key) -}}
{{- end -}}
{{- end -}}
{{- $isWeakAllowed := contains "allow_weak_secret: true" (toYaml (.Values.config.sessions | default dict)) -}}
{{- range splitList "\n" (get $secret.data "AUTH_SECRET" | default "") -}}
{{- if and (trim .) (lt (len .) 16) (not $isWeakAllowed) -}}
{{- fail "secret.data.AUTH_SECRET has under 16 bytes, and can be guessed: make one with `openssl rand -base64 32`" -}}
{{- end -}}
{{- end -}}
{{- $own := list -}}
{{- range .Values.extraEnv -}}{{- $own = append $own .name -}}{{- end -}}
{{- range $name, $hasDefault := include "sessiongate.variables" . | fromJson -}}
{{- if not (or $hasDefault $.Values.extraEnvFrom $secret.existing (has $name $own) (hasKey $secret.data $name)) -}}
{{- fail (printf "config: ${%s} comes from nowhere: set secret.existing, secret.data.%s or extraEnv" $name $name) -}}
{{- end -}}
{{- end -}}
{{- $needed := regexFindAll (printf "%s/[A-Za-z0-9._-]+" (include "sessiongate.secrets" .)) (include "sessiongate.config" .) -1 -}}
{{- range $needed -}}
{{- $key := base . -}}
{{- if not (or $secret.existing (hasKey $secret.data $key)) -}}
{{- fail (printf "secret: set secret.existing, the Secret with the %s of your application, or secret.data.%s" $key $key) -}}
{{- end -}}
{{- if and $secret.existing $secret.keys (not (has $key $secret.keys)) -}}
{{- fail (printf "secret.keys: %s is not among them, and the configuration reads %s" $key .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "sessiongate.refuseSessions" -}}
{{- $names := keys (.Values.config.sessions | default dict) | sortAlpha -}}
{{- $order := .Values.sessionOrder -}}
{{- if or $order (gt (len $names) 1) -}}
{{- if ne (join " " (sortAlpha $order)) (join " " $names) -}}
{{- fail (printf "sessionOrder: name each of config.sessions once, the one that is asked first first: %s" (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "sessiongate.refuseTls" -}}
{{- $tls := .Values.tls -}}
{{- if $tls.enabled -}}
{{- if and $tls.existingSecret $tls.certManager.enabled -}}
{{- fail "tls.existingSecret stands beside tls.certManager.enabled: keep one of them" -}}
{{- end -}}
{{- if not (or $tls.existingSecret $tls.certManager.enabled) -}}
{{- fail "tls: set tls.existingSecret, or tls.certManager.enabled with an issuerRef" -}}
{{- end -}}
{{- if and $tls.certManager.enabled (not $tls.certManager.issuerRef.name) -}}
{{- fail "tls.certManager.issuerRef: name the issuer" -}}
{{- end -}}
{{- if not .Values.listen.admin.enabled -}}
{{- fail "listen.admin.enabled: with TLS, Kubernetes can ask only this listener for health" -}}
{{- end -}}
{{- else if or $tls.existingSecret $tls.certManager.enabled -}}
{{- fail "tls.enabled is false, and a certificate is given: enable it, or what is asked would not be encrypted" -}}
{{- end -}}
{{- end -}}

{{- define "sessiongate.refuseCounts" -}}
{{- $values := .Values -}}
{{- $least := $values.autoscaling.enabled | ternary $values.autoscaling.minReplicas $values.replicas | int -}}
{{- if and $values.autoscaling.enabled (lt (int $values.autoscaling.maxReplicas) $least) -}}
{{- fail "autoscaling.maxReplicas is less than autoscaling.minReplicas" -}}
{{- end -}}
{{- $budget := $values.podDisruptionBudget -}}
{{- $stays := $budget.minAvailable | toString -}}
{{- if and $budget.enabled (eq $stays "") (has ($budget.maxUnavailable | toString) (list "0" "0%")) -}}
{{- fail "podDisruptionBudget.maxUnavailable: with none, no node could ever be drained" -}}
{{- end -}}
{{- if and $budget.enabled (gt $least 1) (ne $stays "") -}}
{{- if or (eq $stays "100%") (and (not (hasSuffix "%" $stays)) (ge (int $stays) $least)) -}}
{{- fail "podDisruptionBudget.minAvailable: as many as there are pods, so that no node could ever be drained" -}}
{{- end -}}
{{- end -}}
{{- $end := include "sessiongate.endSeconds" . -}}
{{- $grace := $values.terminationGracePeriodSeconds -}}
{{- if kindIs "invalid" $grace -}}
{{- if not $end -}}
{{- fail "terminationGracePeriodSeconds: it cannot be made of config.listen.drain_delay and drain_timeout: write these as in `1m 30s`, or set it" -}}
{{- end -}}
{{- else if lt (int $grace) (int $end) -}}
{{- fail (printf "terminationGracePeriodSeconds: ending takes up to %s seconds" $end) -}}
{{- end -}}
{{- end -}}
