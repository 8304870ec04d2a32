//! Who is let in, and as whom.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::*;
use crate::auth::credentials;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

async fn admit(access: &Access, query: &str, headers: &[(&'static str, &'static str)]) -> Result<Project, Refusal> {
    let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let presented = credentials(Some(query), &headers.collect());
    access.admit(&presented, now()).await.map(|granted| granted.project)
}

fn of_key(key: &str) -> Project {
    Project::of(KeyHash::of(&Secret::new(key)))
}

#[tokio::test]
async fn without_keys_everybody_is_let_in_and_keys_are_projects() {
    let open = Access::default();
    assert_eq!(admit(&open, "key=K", &[]).await, Ok(of_key("K")));
    let both = [("authorization", "Bearer of-this-hour"), ("x-goog-api-key", "K")];
    assert_eq!(admit(&open, "", &both).await, Ok(of_key("K")));
    for (query, headers) in [("", &[][..]), ("access_token=ya29.x", &[]), ("", &[("authorization", "Bearer ya29.x")])] {
        assert_eq!(admit(&open, query, headers).await, Ok(Project::ANONYMOUS), "{query} {headers:?}");
    }
}

#[tokio::test]
async fn with_keys_one_of_them_must_be_presented() {
    let keys = Access::of_keys([Secret::new("a"), Secret::new("b")]);
    assert_eq!(admit(&keys, "key=b", &[]).await, Ok(of_key("b")));
    assert_eq!(admit(&keys, "key=stale", &[("x-goog-api-key", "b")]).await, Ok(of_key("b")));
    assert_eq!(admit(&keys, "", &[("authorization", "Bearer b")]).await, Ok(of_key("b")));
    assert_eq!(admit(&keys, "", &[]).await, Err(Refusal::Unregistered));
    assert_eq!(admit(&keys, "key=c", &[]).await, Err(Refusal::KeyNotValid));
    let nothing = Access::of_keys([Secret::new(" ")]);
    let empty = admit(&nothing, "key=", &[("x-goog-api-key", "")]).await;
    assert_eq!(empty, Err(Refusal::Unregistered), "an empty key is no key");
}

const FILE: &str = r#"
[[key]]
key = "in-clear"
project = "shop"
sessions = 3

[[key]]
sha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" # foo
project = "shop"

[[key]]
key = "old"
expires = 2026-01-01T00:00:00Z

[[key]]
key = "young"
expires = 2027-12-31T23:59:59+01:00

[[key]]
key = "off"
enabled = false

[[bearer]]
token = "ya29.static"
project = "shop"

[[bearer]]
sha256 = "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9" # bar
sessions = 1
"#;

fn read(text: &str) -> Result<Access, AccessError> {
    Access::parse(text, std::path::Path::new("/etc/access.toml"))
}

#[tokio::test]
async fn keys_of_a_file_have_projects_limits_and_ends() {
    let access = read(FILE).unwrap();
    let shop = Project::named("shop");
    assert_eq!(admit(&access, "key=in-clear", &[]).await, Ok(shop));
    assert_eq!(admit(&access, "key=foo", &[]).await, Ok(shop), "known by its digest");
    assert_eq!(admit(&access, "key=young", &[]).await, Ok(of_key("young")));
    assert_eq!(admit(&access, "key=old", &[]).await, Err(Refusal::KeyExpired));
    assert_eq!(admit(&access, "key=off", &[]).await, Err(Refusal::KeyNotValid));
    let digest = "key=2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    assert_eq!(admit(&access, digest, &[]).await, Err(Refusal::KeyNotValid), "who reads the file has no key");
    assert_eq!(admit(&access, "key=old", &[("x-goog-api-key", "foo")]).await, Ok(shop));
    let presented = credentials(Some("key=foo"), &http::HeaderMap::new());
    assert_eq!(access.admit(&presented, now()).await.unwrap().sessions_max, Some(3), "it is the project's");
    let renewed = |project, is_claimed| {
        let granted = Granted { project, sessions_max: Some(9), is_claimed };
        access.renew(granted, now()).map(|granted| granted.sessions_max)
    };
    assert_eq!(renewed(shop, false), Some(Some(3)), "what is said now counts");
    assert_eq!(renewed(of_key("young"), false), Some(None));
    assert_eq!((renewed(of_key("old"), false), renewed(of_key("off"), false)), (None, None));
    assert_eq!(renewed(shop, true), None, "there is no issuer who could have claimed it");
}

#[tokio::test]
async fn only_bearers_that_are_known_are_let_in() {
    let access = read(FILE).unwrap();
    let shop = Project::named("shop");
    assert_eq!(admit(&access, "", &[("authorization", "Bearer ya29.static")]).await, Ok(shop));
    assert_eq!(admit(&access, "access_token=bar", &[]).await, Ok(of_key("bar")));
    assert_eq!(admit(&access, "", &[("authorization", "Bearer ya29.other")]).await, Err(Refusal::KeyNotValid));
    assert_eq!(admit(&access, "key=bar", &[]).await, Err(Refusal::KeyNotValid), "a bearer is no key");
    let presented = credentials(Some("access_token=bar"), &http::HeaderMap::new());
    assert_eq!(access.admit(&presented, now()).await.unwrap().sessions_max, Some(1));
    assert!(!access.is_open() && access.verifies_oauth());
    assert_eq!(access.counts(), (5, 2, 0));
}

#[test]
fn a_file_that_is_wrong_is_told_where_and_how_and_no_secret() {
    let table = [
        ("[[key]]\nkey = ", 2, ""),
        ("[[key]]\nkey = \"sEcReT\nproject = 1", 2, ""),
        ("\n[[key]]\nkee = \"sEcReT\"", 3, "unknown field `kee`"),
        ("[[key]]\nkey = 5318008", 1, "key[0].key: it is no text"),
        ("[[key]]\nproject = \"p\"", 1, "key[0]: it has neither key nor sha256"),
        ("[[key]]\nkey = \"sEcReT\"\nsha256 = \"00\"", 1, "key[0]: it has both key and sha256"),
        ("[[key]]\nkey = \"a\"\n\n[[key]]\nsha256 = \"sEcReT\"", 4, "key[1].sha256: it is no SHA-256"),
        ("[[key]]\nkey = \" \"", 1, "key[0].key: it is empty"),
        ("[[key]]\nkey = \"a\"\n[[key]]\nkey = \"a\"", 3, "key[1]: it was given before"),
        ("[[key]]\nkey = \"a\"\nexpires = \"soon\"", 1, "key[0].expires"),
        ("[[key]]\nkey = \"a\"\nexpires = 2026-01-01", 1, "key[0].expires"),
        ("[[key]]\nkey = \"a\"\nproject = \"\"", 1, "key[0].project: it is empty"),
        (
            "[[key]]\nkey = \"a\"\nproject = \"p\"\nsessions = 1\n[[bearer]]\ntoken = \"b\"\nproject = \"p\"\nsessions = 2",
            5,
            "bearer[0].sessions: the project has another limit, 1",
        ),
        ("[[key]]\nkey = \"a\"\nsessions = -1", 3, "expected u32"),
        ("[[key]]\nkey = \"a\"\nsessions = \"sEcReT, expected x\"", 3, "expected u32"),
        ("[[key]]\nkey = \"a\"\nenabled = \"sEcReT\"", 3, "expected a boolean"),
        ("key = \"sEcReT\"", 1, "entries begin with [[key]]"),
        ("bearer = [\"sEcReT\"]", 1, "entries begin with [[key]], [[bearer]]"),
        ("[[bearer]]\nkey = \"sEcReT\"", 2, "unknown field `key`"),
        ("[[bearer]]\ntoken = \"auth_tokens/x\"", 1, "bearer[0].token: ephemeral tokens are issued"),
        ("[[issuer]]\nissuer = \"i\"\naudience = \"a\"", 1, "missing field `jwks`"),
        (
            "[[issuer]]\nissuer = \"i\"\naudience = []\njwks = \"f.json\"\nproject = \"p\"",
            1,
            "issuer[0].audience: it is empty",
        ),
        (
            "[[issuer]]\nissuer = \"i\"\naudience = \"a\"\njwks = \"http://keys.example/\"\nproject = \"p\"",
            1,
            "issuer[0].jwks: keys that come without TLS",
        ),
        (
            "[[issuer]]\nissuer = \"i\"\naudience = \"a\"\njwks = \"f.json\"\nproject = \"p\"\nproject_claim = \"c\"",
            1,
            "issuer[0]: it has both project and project_claim",
        ),
        (
            "[[issuer]]\nissuer = \"i\"\naudience = \"a\"\njwks = \"f.json\"\nleeway = \"1h\"",
            1,
            "issuer[0].leeway: at most 10m",
        ),
    ];
    for (text, line, says) in table {
        let error = read(text).expect_err(text).to_string();
        assert!(error.starts_with(&format!("/etc/access.toml:{line}: ")), "{text}\n{error}");
        assert!(error.contains(says), "{text}\n{error}");
        assert!(!error.contains("sEcReT") && !error.contains("5318008"), "{text}\n{error}");
    }
}

#[test]
fn a_file_without_anything_lets_nobody_in() {
    assert!(!read("").unwrap().is_open());
    assert!(Access::default().is_open());
}

#[test]
fn a_drawn_key_is_never_drawn_again_and_its_entry_lets_it_in() {
    let (key, other) = (draw_key(), draw_key());
    assert!(key != other && key.len() == 69, "{key}");
    let hash = KeyHash::of(&Secret::new(&key));
    let access = read(&format!("[[key]]\nsha256 = \"{hash}\"")).unwrap();
    assert_eq!(key::find(&access.keys, &Secret::new(&key), now()), Standing::Good(Project::of(hash)));
    assert!(!format!("{access:?}").contains(&hash.to_string()), "{access:?}");
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let file = tempfile::NamedTempFile::new().expect("a place for it");
    file.as_file().set_len(1 << 40).expect("a file of holes");
    let error = Access::read(file.path()).expect_err("no file of keys is that long").to_string();
    assert!(error.contains("it has more than 8388608 bytes"), "{error}");
}
