// A service behind sessiongate: who is calling is what the assertion says, a signed JWT in x-auth-assertion.
// It answers with the claims that it verified, or with 401. The README.md one folder up says how to run it.
// Everything is the JDK's own, 17 or later; in a service that has a JWT library, verify() is a few lines of it.

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

public class Upstream {
    static final String HEADER = "x-auth-assertion";
    static final int LONGEST = 8192;
    static final double LEEWAY = 5; // seconds, for a clock that is slightly off

    static class Invalid extends Exception {
        Invalid(String message) {
            super(message);
        }
    }

    static class KeysUnavailable extends Exception {
    }

    record Verifier(String issuer, String audience, Keys keys) {
        /** The claims of an assertion that is signed, for this service, and of now. */
        Map<?, ?> verify(String token) throws Invalid, KeysUnavailable {
            String[] parts = token.split("\\.", -1);
            if (parts.length != 3) {
                throw new Invalid("not a JWT");
            }
            Map<?, ?> header = object(parts[0]);
            if (header.containsKey("crit") || !(header.get("kid") instanceof String kid)) {
                throw new Invalid("header not valid");
            }
            Key key = keys.find(kid);
            // The key says which algorithm it is for. To go by the header is to let the sender choose.
            if (!key.alg().equals(header.get("alg"))) {
                throw new Invalid("wrong algorithm");
            }
            if (!key.verifies(parts[0] + "." + parts[1], bytes(parts[2]))) {
                throw new Invalid("wrong signature");
            }
            Map<?, ?> claims = object(parts[1]);
            Object aud = claims.get("aud");
            boolean ours = aud instanceof List<?> list ? list.contains(audience) : audience.equals(aud);
            double now = System.currentTimeMillis() / 1000.0;
            if (!issuer.equals(claims.get("iss"))) {
                throw new Invalid("wrong issuer");
            } else if (!ours) { // made for another service
                throw new Invalid("wrong audience");
            } else if (!(claims.get("exp") instanceof Double exp) || !(claims.get("nbf") instanceof Double nbf)
                || !(claims.get("sub") instanceof String)) {
                throw new Invalid("exp, nbf or sub missing");
            } else if (now >= exp + LEEWAY) {
                throw new Invalid("expired");
            } else if (now < nbf - LEEWAY) {
                throw new Invalid("not yet valid");
            }
            return claims;
        }
    }

    record Key(String alg, String name, PublicKey key) {
        static Key of(Map<?, ?> jwk) throws GeneralSecurityException, Invalid {
            String kind = jwk.get("kty") + " " + jwk.get("crv");
            Key key = switch (kind) {
                case "OKP Ed25519" -> {
                    byte[] prefix = HexFormat.of().parseHex("302a300506032b6570032100"); // RFC 8410
                    byte[] x = bytes((String) jwk.get("x"));
                    byte[] spki = java.nio.ByteBuffer.allocate(prefix.length + x.length).put(prefix).put(x).array();
                    yield new Key("EdDSA", "Ed25519",
                        KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(spki)));
                }
                case "EC P-256" -> {
                    AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
                    curve.init(new ECGenParameterSpec("secp256r1"));
                    ECPoint point = new ECPoint(number(jwk, "x"), number(jwk, "y"));
                    var spec = new ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec.class));
                    yield new Key("ES256", "SHA256withECDSAinP1363Format",
                        KeyFactory.getInstance("EC").generatePublic(spec));
                }
                case "RSA null" -> {
                    BigInteger modulus = number(jwk, "n");
                    if (modulus.bitLength() < 2048) {
                        throw new Invalid("key too short");
                    }
                    yield new Key("RS256", "SHA256withRSA",
                        KeyFactory.getInstance("RSA").generatePublic(new RSAPublicKeySpec(modulus, number(jwk, "e"))));
                }
                default -> throw new Invalid("unknown kind of key");
            };
            Object use = jwk.get("use");
            if (!key.alg.equals(jwk.get("alg")) || !(use == null || use.equals("sig"))) {
                throw new Invalid("not a key for this"); // PS256, say, with an RSA key, or a key that encrypts
            }
            return key;
        }

        boolean verifies(String message, byte[] signature) {
            try {
                Signature verifier = Signature.getInstance(name);
                verifier.initVerify(key);
                verifier.update(message.getBytes(StandardCharsets.US_ASCII));
                return verifier.verify(signature);
            } catch (GeneralSecurityException error) {
                return false;
            }
        }
    }

    /** The JWKS. It is fetched with the first assertion, and again for a key ID that it does not hold. */
    static class Keys {
        private final URI url;
        private final HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
        private Map<String, Key> keys;
        private long fetched;

        Keys(URI url) {
            this.url = url;
        }

        synchronized Key find(String kid) throws Invalid, KeysUnavailable {
            long age = System.nanoTime() - fetched;
            Key known = keys == null ? null : keys.get(kid);
            if (known != null && age < Duration.ofMinutes(5).toNanos()) {
                return known;
            }
            // A sender of made-up key IDs must not make this service fetch all the time.
            if (keys == null || age >= Duration.ofSeconds(10).toNanos()) {
                keys = fetch();
                fetched = System.nanoTime();
            }
            Key found = keys.get(kid);
            if (found == null) {
                throw new Invalid("unknown key");
            }
            return found;
        }

        private Map<String, Key> fetch() throws KeysUnavailable {
            try {
                var request = HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(5)).build();
                HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
                if (response.statusCode() != 200 || !(new Json(response.body()).whole() instanceof Map<?, ?> set)) {
                    throw new IOException("no JWKS, status " + response.statusCode());
                }
                Map<String, Key> found = new HashMap<>();
                for (Object each : (List<?>) set.get("keys")) {
                    try {
                        Map<?, ?> jwk = (Map<?, ?>) each;
                        found.put((String) jwk.get("kid"), Key.of(jwk));
                    } catch (GeneralSecurityException | Invalid | RuntimeException skipped) {
                        System.err.println("JWKS: a key is left out: " + skipped.getMessage());
                    }
                }
                return found;
            } catch (IOException | InterruptedException | Invalid | RuntimeException error) {
                System.err.println("JWKS: " + error);
                throw new KeysUnavailable();
            }
        }
    }

    static byte[] bytes(String base64url) throws Invalid {
        try {
            return Base64.getUrlDecoder().decode(base64url);
        } catch (RuntimeException error) {
            throw new Invalid("not base64url");
        }
    }

    static BigInteger number(Map<?, ?> jwk, String name) throws Invalid {
        return new BigInteger(1, bytes((String) jwk.get(name)));
    }

    static Map<?, ?> object(String part) throws Invalid {
        if (new Json(new String(bytes(part), StandardCharsets.UTF_8)).whole() instanceof Map<?, ?> object) {
            return object;
        }
        throw new Invalid("not a JSON object");
    }

    /** JSON as objects, lists, strings, doubles, booleans and null: the JDK has no reader of its own. */
    static class Json {
        private static final int DEEPEST = 32;
        private final String text;
        private int at;
        private int depth;

        Json(String text) {
            this.text = text;
        }

        Object whole() throws Invalid {
            Object value = value();
            if (peek() != 0) {
                throw new Invalid("not JSON");
            }
            return value;
        }

        private Object value() throws Invalid {
            switch (peek()) {
                case '{': return members();
                case '[': return items();
                case '"': return string();
                default:
                    int start = at;
                    while (at < text.length() && ",]}: \t\r\n".indexOf(text.charAt(at)) < 0) {
                        at++;
                    }
                    return word(text.substring(start, at));
            }
        }

        private static Object word(String word) throws Invalid {
            switch (word) {
                case "true": return true;
                case "false": return false;
                case "null": return null;
                default:
                    if (!word.matches("-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?")) {
                        throw new Invalid("not JSON");
                    }
                    return Double.valueOf(word);
            }
        }

        private Map<String, Object> members() throws Invalid {
            Map<String, Object> members = new HashMap<>();
            enter();
            while (more('}', members.isEmpty())) {
                String name = string();
                expect(':');
                if (members.containsKey(name)) {
                    throw new Invalid("a name twice");
                }
                members.put(name, value());
            }
            return members;
        }

        private List<Object> items() throws Invalid {
            List<Object> items = new ArrayList<>();
            enter();
            while (more(']', items.isEmpty())) {
                items.add(value());
            }
            return items;
        }

        private void enter() throws Invalid {
            at++;
            if (++depth > DEEPEST) {
                throw new Invalid("nested too deeply");
            }
        }

        private boolean more(char end, boolean first) throws Invalid {
            if (peek() == end) {
                at++;
                depth--;
                return false;
            }
            if (!first) {
                expect(',');
            }
            return true;
        }

        private String string() throws Invalid {
            expect('"');
            StringBuilder found = new StringBuilder();
            while (at < text.length() && text.charAt(at) != '"') {
                char c = text.charAt(at++);
                if (c < ' ') {
                    throw new Invalid("not JSON");
                }
                found.append(c == '\\' ? escaped() : c);
            }
            if (at++ >= text.length()) {
                throw new Invalid("not JSON");
            }
            return found.toString();
        }

        private char escaped() throws Invalid {
            try {
                char c = text.charAt(at++);
                if (c == 'u') {
                    at += 4;
                    return (char) HexFormat.fromHexDigits(text, at - 4, at);
                }
                return "\"\\/\b\f\n\r\t".charAt("\"\\/bfnrt".indexOf(c));
            } catch (RuntimeException error) {
                throw new Invalid("not JSON");
            }
        }

        private void expect(char c) throws Invalid {
            if (peek() != c) {
                throw new Invalid("not JSON");
            }
            at++;
        }

        /** The next character that is no space; 0 at the end. */
        private char peek() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            return at < text.length() ? text.charAt(at) : 0;
        }
    }

    static void answer(Verifier verifier, HttpExchange exchange) throws IOException {
        // Every line of that name: getFirst() would return the first of several. Some proxies join them.
        List<String> tokens = exchange.getRequestHeaders().getOrDefault(HEADER, List.of());
        try {
            if (tokens.isEmpty() || tokens.get(0).isEmpty()) {
                throw new Invalid("no assertion");
            } else if (tokens.size() > 1 || tokens.get(0).contains(",")) {
                throw new Invalid("more than one assertion");
            } else if (tokens.get(0).length() > LONGEST) {
                throw new Invalid("assertion too long");
            }
            Map<?, ?> claims = verifier.verify(tokens.get(0));
            send(exchange, 200, "{\"sub\":%s,\"sid\":%s,\"rule\":%s}".formatted(
                quoted(claims.get("sub")), quoted(claims.get("sid")), quoted(claims.get("rule"))));
        } catch (Invalid error) {
            send(exchange, 401, "{\"message\":%s}".formatted(quoted(error.getMessage())));
        } catch (KeysUnavailable error) {
            send(exchange, 503, "{\"message\":\"keys unavailable\"}");
        }
    }

    static String quoted(Object value) {
        if (!(value instanceof String text)) {
            return "null";
        }
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(c -> quoted.append(c < 0x20 || c == '"' || c == '\\' || c > 0x7e
            ? "\\u%04x".formatted(c) : String.valueOf((char) c)));
        return quoted.append('"').toString();
    }

    static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] content = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.getResponseHeaders().set("cache-control", "no-store");
        exchange.sendResponseHeaders(status, content.length);
        exchange.getResponseBody().write(content);
        exchange.close();
    }

    static String required(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) {
            System.err.println(name + " is not set");
            System.exit(1);
        }
        return value;
    }

    public static void main(String[] arguments) throws IOException {
        String issuer = System.getenv().getOrDefault("ISSUER", "sessiongate");
        Keys keys = new Keys(URI.create(required("JWKS_URL")));
        Verifier verifier = new Verifier(issuer, required("AUDIENCE"), keys);
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(required("PORT")));
        HttpServer server = HttpServer.create(address, 0);
        server.createContext("/", exchange -> answer(verifier, exchange));
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        System.out.println("listening on 127.0.0.1:" + server.getAddress().getPort());
    }
}
