//! The application that is asked whose session a cookie is, and the issuer of signed tokens: away, slow, and lying.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::json;

use crate::application::Application;
use crate::between::{Between, Way};
use crate::harness::canned::{Canned, answer};
use crate::harness::polling::wait_until;
use crate::kinds;
use crate::question::{Due, Question};
use crate::traffic::{Borne, Traffic};
use crate::world::{Circumstances, World, with_store};

#[test]
fn an_application_that_is_silent_slow_or_lies_is_an_outage_of_its_sessions_alone() {
    let application = Application::start();
    let between = Between::start(application.port);
    let provider = Application::provider(between.port);
    let world = World::start("application", Circumstances::plain(with_store(&provider)));
    let traffic = Traffic::begin(world.edge(), kinds::stored());
    let expiry = |other: &str| Way::Swap(b"2099-01-01T".to_vec(), other.as_bytes().to_vec());
    for (what, way, borne) in [
        ("silent", Way::Silent, Borne::REFUSAL_OF_STORE),
        ("slower than its time-out", Way::Late(Duration::from_secs(2)), Borne::REFUSAL_OF_STORE),
        ("answers cut off in the middle", Way::Cut, Borne::REFUSAL_OF_STORE),
        ("garbage", Way::Garbage, Borne::REFUSAL_OF_STORE),
        ("an expiry that is none", expiry("2099-01-01?"), Borne::REFUSAL_OF_STORE),
        ("sessions that are over", expiry("2009-01-01T"), Borne::ANY_OF_STORE),
        ("half the JSON", Way::Swap(b"\"}".to_vec(), b"\" ".to_vec()), Borne::REFUSAL_OF_STORE),
    ] {
        let mut fault = traffic.fault("application", what, borne);
        between.goes(way);
        fault.lasts_until_it_hurts();
        fault.ends();
        between.goes(Way::Pass);
        assert!(fault.recovered().has_hurt(), "{what}");
    }
    traffic.ends();
}

/// A key of an issuer, and its public half as it is published.
struct Key {
    private: EncodingKey,
    published: String,
}

impl Key {
    fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a key");
        // 4, then both coordinates (SEC 1, section 2.3.3).
        let [x, y] = [1..33, 33..65].map(|half| URL_SAFE_NO_PAD.encode(&pair.public_key_raw()[half]));
        let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "1", "x": x, "y": y});
        Self { private, published: json!({ "keys": [key] }).to_string() }
    }

    fn token(&self, kid: &str, exp: u64) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.to_owned());
        let claims = json!({"sub": "machine", "exp": exp});
        jsonwebtoken::encode(&header, &claims, &self.private).expect("a token")
    }
}

const FAR: u64 = 4_000_000_000;

#[test]
fn an_issuer_that_is_away_or_lies_makes_no_token_valid_and_known_keys_outlast_it() {
    let (key, strangers) = (Key::new(), Key::new());
    let issuer = Canned::start(&answer("200 OK", "", &key.published));
    let provider = format!(
        "{{ kind: jwt, jwks: \"http://{}/keys\", algorithms: [ES256], from: [{{ cookie: kept }}], timeout: 500ms }}",
        issuer.address
    );
    let mut world = World::start("issuer", Circumstances::plain(with_store(&provider)));
    let token = |label, token: String, due| {
        Question::new(label, "/kept/page", due).cookie(kinds::KEPT, &token).of_store()
    };
    let mut questions = kinds::web();
    questions.extend([
        token("token", key.token("1", FAR), Due::Pass(Some("machine".to_owned()))),
        token("over", key.token("1", 1_000_000_000), Due::Unauthorized),
        token("of a stranger", strangers.token("1", FAR), Due::Unauthorized),
        token("of an unknown key", strangers.token("2", FAR), Due::Unauthorized),
    ]);
    let traffic = Traffic::begin(world.edge(), questions);

    // Tokens that name an unknown key make the gate ask now and again.
    let mut fault = traffic.fault("issuer", "lying: HTML in the place of known keys", Borne::NOTHING);
    issuer.say(&answer("200 OK", "", "<html>"));
    let before = issuer.asked();
    wait_until("the issuer to be asked", || issuer.asked() > before);
    fault.lasts();
    fault.ends();
    issuer.say(&answer("200 OK", "", &key.published));
    fault.recovered();

    for (what, said) in [
        ("silent, and the gate restarted", Vec::new()),
        ("lying: no keys, and the gate restarted", answer("200 OK", "", r#"{"keys":[]}"#)),
        ("half an answer, and the gate restarted", answer("200 OK", "", &key.published)[..200].to_vec()),
    ] {
        let mut fault = traffic.fault("issuer", what, Borne::ANY_REFUSAL);
        issuer.say(&said);
        world.kill_gate();
        world.start_gate();
        fault.lasts_until_it_hurts();
        fault.ends();
        issuer.say(&answer("200 OK", "", &key.published));
        assert!(fault.recovered().has_hurt(), "{what}");
    }
    traffic.ends();
}
