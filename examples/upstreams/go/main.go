// A service behind sessiongate: who is calling is what the assertion says, a signed JWT in x-auth-assertion.
// It answers with the claims that it verified, or with 401. The README.md one folder up says how to run it.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	headerName = "x-auth-assertion"
	longest    = 8192
	leeway     = 5 // seconds, for a clock that is slightly off
)

var errKeysUnavailable = errors.New("keys unavailable")

// object is a JSON object. A struct would not do for claims: encoding/json fills it whatever the case of a
// name, and "EXP" is not "exp".
type object map[string]any

func (o object) text(name string) string {
	value, _ := o[name].(string)
	return value
}

type verifier struct {
	issuer, audience string
	keys             *keySet
}

// verify returns the claims of an assertion that is signed, for this service, and of now.
func (v *verifier) verify(token string) (object, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("not a JWT")
	}
	header, err := decodeObject(parts[0])
	if err != nil {
		return nil, errors.New("header not valid")
	}
	if _, ok := header["crit"]; ok {
		return nil, errors.New("unknown critical extension")
	}
	key, err := v.keys.find(header.text("kid"))
	if err != nil {
		return nil, err
	}
	// The key says which algorithm it is for. To go by the header is to let the sender choose.
	if header.text("alg") != key.alg {
		return nil, errors.New("wrong algorithm")
	}
	signature, err := decode(parts[2])
	if err != nil || !key.verify([]byte(parts[0]+"."+parts[1]), signature) {
		return nil, errors.New("wrong signature")
	}
	claims, err := decodeObject(parts[1])
	if err != nil {
		return nil, errors.New("claims not valid")
	}
	return claims, v.check(claims)
}

func (v *verifier) check(claims object) error {
	now := float64(time.Now().Unix())
	expires, hasExpires := claims["exp"].(float64)
	notBefore, hasNotBefore := claims["nbf"].(float64)
	_, hasSubject := claims["sub"].(string)
	switch {
	case claims["iss"] != v.issuer:
		return errors.New("wrong issuer")
	case !includes(claims["aud"], v.audience): // made for another service
		return errors.New("wrong audience")
	case !hasExpires || !hasNotBefore || !hasSubject:
		return errors.New("exp, nbf or sub missing")
	case now >= expires+leeway:
		return errors.New("expired")
	case now < notBefore-leeway:
		return errors.New("not yet valid")
	}
	return nil
}

// includes says whether aud, a string or a list of them, has the audience.
func includes(aud any, audience string) bool {
	list, _ := aud.([]any)
	for _, one := range append(list, aud) {
		if text, ok := one.(string); ok && text == audience {
			return true
		}
	}
	return false
}

// keySet is the JWKS. It is fetched with the first assertion, and again for a key ID that it does not hold,
// as after a rotation.
type keySet struct {
	url            string
	mutex          sync.Mutex
	keys           map[string]publicKey
	fetched, tried time.Time
}

func (s *keySet) find(kid string) (publicKey, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	fresh := s.keys != nil && time.Since(s.fetched) < 5*time.Minute
	if key, ok := s.keys[kid]; ok && fresh {
		return key, nil
	}
	// A sender of made-up key IDs must not make this service fetch all the time.
	pause := time.Second
	if fresh {
		pause = 10 * time.Second
	}
	if time.Since(s.tried) >= pause {
		keys, err := fetch(s.url)
		s.tried = time.Now()
		if err != nil {
			log.Print("JWKS: ", err)
			return publicKey{}, errKeysUnavailable
		}
		s.keys, s.fetched, fresh = keys, s.tried, true
	}
	if !fresh {
		return publicKey{}, errKeysUnavailable
	}
	key, ok := s.keys[kid]
	if !ok {
		return publicKey{}, errors.New("unknown key")
	}
	return key, nil
}

var client = http.Client{
	Timeout:       5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func fetch(url string) (map[string]publicKey, error) {
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	var set struct{ Keys []object }
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&set); err != nil {
		return nil, err
	}
	keys := map[string]publicKey{}
	for _, jwk := range set.Keys {
		kid, key, use := jwk.text("kid"), parseKey(jwk), jwk.text("use")
		if kid != "" && key.verify != nil && (use == "" || use == "sig") {
			keys[kid] = key
		}
	}
	return keys, nil
}

type publicKey struct {
	alg    string
	verify func(message, signature []byte) bool
}

// parseKey returns a key without verify for what it does not know.
func parseKey(jwk object) publicKey {
	var key publicKey
	switch jwk.text("kty") + " " + jwk.text("crv") {
	case "OKP Ed25519":
		if x, err := decode(jwk.text("x")); err == nil && len(x) == ed25519.PublicKeySize {
			key = publicKey{"EdDSA", func(message, signature []byte) bool {
				return ed25519.Verify(x, message, signature)
			}}
		}
	case "EC P-256":
		public := &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(jwk, "x"), Y: number(jwk, "y")}
		if public.Curve.IsOnCurve(public.X, public.Y) {
			key = publicKey{"ES256", func(message, signature []byte) bool {
				if len(signature) != 64 { // r and s, not ASN.1
					return false
				}
				digest := sha256.Sum256(message)
				r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
				return ecdsa.Verify(public, digest[:], r, s)
			}}
		}
	case "RSA ":
		public := &rsa.PublicKey{N: number(jwk, "n"), E: int(number(jwk, "e").Int64())}
		if public.N.BitLen() >= 2048 {
			key = publicKey{"RS256", func(message, signature []byte) bool {
				digest := sha256.Sum256(message)
				return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
			}}
		}
	}
	if jwk["alg"] != key.alg { // PS256, say, with an RSA key
		return publicKey{}
	}
	return key
}

func number(jwk object, name string) *big.Int {
	bytes, _ := decode(jwk.text(name)) // what is not base64url is too small a number, or not on the curve
	return new(big.Int).SetBytes(bytes)
}

func decode(part string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

func decodeObject(part string) (object, error) {
	bytes, err := decode(part)
	if err != nil {
		return nil, err
	}
	var value object
	err = json.Unmarshal(bytes, &value)
	return value, err
}

func (v *verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var content any
	status := http.StatusOK
	claims, err := v.identify(r)
	switch {
	case errors.Is(err, errKeysUnavailable):
		status, content = http.StatusServiceUnavailable, object{"message": err.Error()}
	case err != nil:
		status, content = http.StatusUnauthorized, object{"message": err.Error()}
	default:
		content = struct {
			Sub  any `json:"sub"`
			Sid  any `json:"sid"`
			Rule any `json:"rule"`
		}{claims["sub"], claims["sid"], claims["rule"]}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(content)
}

func (v *verifier) identify(r *http.Request) (object, error) {
	// Every line of that name: Get would return the first of several. Some proxies join them.
	tokens := r.Header.Values(headerName)
	switch {
	case len(tokens) == 0 || tokens[0] == "":
		return nil, errors.New("no assertion")
	case len(tokens) > 1 || strings.Contains(tokens[0], ","):
		return nil, errors.New("more than one assertion")
	case len(tokens[0]) > longest:
		return nil, errors.New("assertion too long")
	}
	return v.verify(tokens[0])
}

func required(name string) string {
	value := os.Getenv(name)
	if value == "" {
		log.Fatal(name, " is not set")
	}
	return value
}

func main() {
	issuer := os.Getenv("ISSUER")
	if issuer == "" {
		issuer = "sessiongate"
	}
	handler := &verifier{issuer, required("AUDIENCE"), &keySet{url: required("JWKS_URL")}}
	listener, err := net.Listen("tcp", "127.0.0.1:"+required("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	log.Fatal(http.Serve(listener, handler))
}
