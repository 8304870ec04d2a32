//! OAuth tokens: any on an open server, and only proved ones where somebody says whose.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use live_server::{Access, ClockKind};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::client::{Client, Heard, VERTEX, text};
use crate::control::post;
use crate::log;
use crate::running::{Running, start};

const SETUP: &str = r#"{"setup": {"model": "models/gemini-live-2.5-flash", "generationConfig": {"responseModalities": ["TEXT"]}, "sessionResumption": {}}}"#;

/// Somebody who signs tokens, and the file with the public key.
struct Issuer {
    pair: EcdsaKeyPair,
    directory: tempfile::TempDir,
}

impl Issuer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a key");
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let set = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "x": x, "y": y }] });
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("keys.json"), set.to_string()).expect("it is writable");
        let file = "[[key]]\nkey = \"K\"\n\
                    [[bearer]]\ntoken = \"ya29.listed\"\n\
                    [[issuer]]\nissuer = \"https://issuer.example\"\naudience = [\"us\", \"too\"]\njwks = \"keys.json\"\n\
                    project_claim = \"email\"\nsessions = 1\n";
        std::fs::write(directory.path().join("access.toml"), file).expect("it is writable");
        Self { pair, directory }
    }

    fn access(&self) -> Access {
        Access::read(&self.directory.path().join("access.toml")).unwrap_or_else(|error| panic!("{error}"))
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("it is signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token of `email` that ends in an hour, with some claims changed.
    fn token(&self, email: &str, change: &[(&str, Value)]) -> String {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970").as_secs();
        let mut claims =
            json!({ "iss": "https://issuer.example", "aud": "us", "exp": now + 3600, "nbf": now, "email": email });
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        self.sign(&json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" }), &claims)
    }
}

async fn begin(server: &Running, bearer: &str) -> Result<Client, (u16, String)> {
    let header = format!("Bearer {bearer}");
    let mut client = Client::open(server.address, VERTEX, &[("authorization", &header)]).await;
    client.send(SETUP).await;
    match client.hear().await {
        Heard::Json(_) => Ok(client),
        Heard::Close(code, reason) => Err((code, reason)),
        Heard::Cut => panic!("cut without a reason"),
    }
}

#[tokio::test]
async fn who_is_proved_is_let_in_and_is_the_project_that_the_claim_names() {
    let issuer = Issuer::new();
    let server = start(|server| server.access(issuer.access())).await;
    let ann = issuer.token("ann@example.com", &[]);
    let mut client = begin(&server, &ann).await.unwrap();
    client.say("hello").await;
    assert_eq!(text(&client.hear_turn().await), "you said hello");
    // Another token of the same person is the same project, which has one place.
    let again = issuer.token("ann@example.com", &[("aud", json!(["them", "too"]))]);
    assert_eq!(begin(&server, &again).await.err().unwrap().0, 1011);
    let bob = issuer.token("bob@example.com", &[]);
    let _bob = begin(&server, &bob).await.unwrap();
    let _listed = begin(&server, "ya29.listed").await.unwrap();
    // As a browser puts it.
    let carl = issuer.token("carl@example.com", &[]);
    let mut page = Client::open(server.address, &format!("{VERTEX}?access_token={carl}"), &[]).await;
    page.send(SETUP).await;
    assert!(matches!(page.hear().await, Heard::Json(_)));
}

#[tokio::test]
async fn who_is_not_proved_is_not_let_in_and_the_log_says_why() {
    let (issuer, stranger) = (Issuer::new(), Issuer::new());
    let server = start(|server| server.access(issuer.access())).await;
    let unsigned = {
        let encoded = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "iss": "https://issuer.example", "aud": "us", "exp": 4_000_000_000_u64, "email": "e" });
        format!("{}.{}.", encoded(json!({ "alg": "none" })), encoded(claims))
    };
    let bad = [
        "ya29.unknown".to_owned(),
        unsigned,
        stranger.token("ann@example.com", &[]),
        issuer.token("ann@example.com", &[("exp", json!(1))]),
        issuer.token("ann@example.com", &[("exp", json!("4000000000"))]),
        issuer.token("ann@example.com", &[("nbf", json!(4_000_000_000_u64))]),
        issuer.token("ann@example.com", &[("aud", json!("them"))]),
        issuer.token("ann@example.com", &[("iss", json!("https://other.example"))]),
        issuer.token("", &[]),
    ];
    for token in &bad {
        assert_eq!(begin(&server, token).await.err().unwrap().0, 1007, "{token}");
    }
    // One that is good as a bearer is no key.
    let good = issuer.token("ann@example.com", &[]);
    let mut client = Client::open(server.address, VERTEX, &[("x-goog-api-key", &good)]).await;
    client.send(SETUP).await;
    assert_eq!(client.hear_close().await.0, 1007);
    drop(client);
    begin(&server, &good).await.unwrap();
    server.stop().await;
    let log = log::text();
    for why in
        ["no key of the issuer fits its signature", "it has expired", "meant for another audience", "not valid yet"]
    {
        assert!(log.contains(why), "{why}");
    }
    for token in bad.iter().chain([&good]).filter(|token| token.len() > 40) {
        let signature = token.rsplit_once('.').unwrap().1;
        assert!(signature.is_empty() || !log.contains(signature), "a token was logged");
    }
}

#[tokio::test]
async fn a_token_ends_by_the_clock_of_the_server() {
    let issuer = Issuer::new();
    let server = start(|server| {
        let server = server.access(issuer.access()).clock(ClockKind::Virtual);
        server.control("127.0.0.1:0".parse().expect("an address"))
    })
    .await;
    let token = issuer.token("ann@example.com", &[]);
    drop(begin(&server, &token).await.unwrap());
    // Its hour, and the leeway of a minute.
    post(&server, "/clock/advance", json!({ "by": "62m" })).await;
    assert_eq!(begin(&server, &token).await.err().unwrap().0, 1007);
}

#[tokio::test]
async fn an_ephemeral_token_of_a_bearer_is_of_its_project() {
    let issuer = Issuer::new();
    let server = start(|server| server.access(issuer.access())).await;
    let ann = issuer.token("ann@example.com", &[]);
    let request = format!(
        "POST /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ann}\r\ncontent-length: 0\r\n\r\n"
    );
    let answer = crate::http::exchange(server.address, &request).await;
    let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let path = format!(
        "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained?access_token={}",
        answer["name"].as_str().unwrap()
    );
    let mut client = Client::open(server.address, &path, &[]).await;
    client.send(SETUP).await;
    let handle = client.converse("mine").await;
    assert_eq!(begin(&server, &ann).await.err().unwrap().0, 1011, "they have one place together");
    drop(client);
    let resume =
        SETUP.replace("\"sessionResumption\": {}", &format!("\"sessionResumption\": {{\"handle\": \"{handle}\"}}"));
    let resumed = async |bearer: &str| {
        let header = format!("Bearer {bearer}");
        let mut client = Client::open(server.address, VERTEX, &[("authorization", &header)]).await;
        client.send(&resume).await;
        client.hear().await
    };
    assert_eq!(
        resumed(&issuer.token("bob@example.com", &[])).await,
        Heard::Close(1008, "Requested entity was not found.".into())
    );
    crate::client::within(async { while !matches!(resumed(&ann).await, Heard::Json(_)) {} }).await;
}
