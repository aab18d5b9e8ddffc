# Pages are public or ask for a session: a JWT in a cookie, signed with the application's secret.
package envoy.authz

default allow := false

http := input.attributes.request.http

allow if startswith(http.path, "/api/auth/")

allow if startswith(http.path, "/_next/static/")

allow if session.sub

session := claims if {
	some part in split(http.headers.cookie, ";")
	token := trim_prefix(trim_space(part), "jwt=")
	token != trim_space(part)
	[valid, _, claims] := io.jwt.decode_verify(token, {
		"secret": data.session.secret,
		"alg": "HS256",
		"iss": "bench",
	})
	valid
}
