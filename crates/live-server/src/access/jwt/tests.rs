//! Tokens that are proved, and all those that only look like it.

use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

use super::*;

/// The examples of RFC 7515, A.2 and A.3: payload, signatures and keys.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RS256: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb\
    F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j\
    zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const ES256: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn rsa() -> Value {
    json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" })
}

fn p256() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" })
}

fn key(jwk: &Value) -> Key {
    Key::read(jwk).unwrap_or_else(|| panic!("{jwk}"))
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A signer of one's own, and the key that its issuer would publish.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({ "kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "alg": "ES256", "x": x, "y": y })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[test]
fn the_examples_of_the_rfc_are_proved_and_by_no_other_key() {
    let rs256 = format!("{}.{PAYLOAD}.{RS256}", encoded(&json!({ "alg": "RS256" })));
    let es256 = format!("{}.{PAYLOAD}.{ES256}", encoded(&json!({ "alg": "ES256" })));
    let (rs256, es256) = (Jwt::read(&rs256).unwrap(), Jwt::read(&es256).unwrap());
    let (rsa, p256) = (key(&rsa()), key(&p256()));
    assert!(rs256.is_signed_by(&rsa) && es256.is_signed_by(&p256));
    assert!(!rs256.is_signed_by(&p256) && !es256.is_signed_by(&rsa));
    assert!(!es256.is_signed_by(&key(&Signer::new().jwk())));
    assert!(rs256.is_by("joe") && !rs256.is_by("jo"));
}

#[test]
fn no_bit_of_a_token_may_differ() {
    let signer = Signer::new();
    let text = signer.sign(&json!({ "alg": "ES256", "kid": "k" }), &json!({ "iss": "i", "exp": 2 }));
    let key = key(&signer.jwk());
    assert!(Jwt::read(&text).unwrap().is_signed_by(&key));
    for place in 0..text.len() {
        let mut bad = text.clone().into_bytes();
        bad[place] = if bad[place] == b'A' { b'B' } else { b'A' };
        let bad = String::from_utf8(bad).unwrap();
        let is_proved = Jwt::read(&bad).is_some_and(|jwt| jwt.is_signed_by(&key));
        assert!(!is_proved, "{place}: {bad}");
    }
    for bad in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        &text[..text.len() - 2],
        &format!("{text}."),
        &format!("{text}=="),
        &"x.".repeat(20_000),
    ] {
        assert!(Jwt::read(bad).is_none_or(|jwt| !jwt.is_signed_by(&key)), "{bad}");
    }
}

#[test]
fn a_token_does_not_choose_how_it_is_judged() {
    let claims = json!({ "iss": "i", "exp": 4_000_000_000_u64 });
    let signer = Signer::new();
    let key = key(&signer.jwk());
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "None" }),
        json!({ "alg": "" }),
        json!({}),
        json!({ "alg": ["ES256"] }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "ES256", "crit": ["exp"], "kid": "k" }),
        json!({ "alg": "ES256", "kid": 1 }),
    ] {
        assert!(Jwt::read(&signer.sign(&header, &claims)).is_none(), "{header}");
        assert!(Jwt::read(&format!("{}.{}.", encoded(&header), encoded(&claims))).is_none(), "{header}");
    }
    // Signed with what everybody knows, the public key, as if it were a shared secret.
    let signed = format!("{}.{}", encoded(&json!({ "alg": "HS256", "kid": "k" })), encoded(&claims));
    for secret in [signer.0.public_key().as_ref().to_vec(), signer.jwk().to_string().into_bytes()] {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        for algorithm in ["HS256", "ES256", "RS256"] {
            let signed = format!("{}.{}", encoded(&json!({ "alg": algorithm, "kid": "k" })), encoded(&claims));
            let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac));
            assert!(Jwt::read(&text).is_none_or(|jwt| !jwt.is_signed_by(&key)), "{algorithm}");
        }
    }
    // A key that came along is nobody's.
    let own = Signer::new();
    let text = own.sign(&json!({ "alg": "ES256", "kid": "k", "jwk": own.jwk() }), &claims);
    assert!(!Jwt::read(&text).unwrap().is_signed_by(&key));
    // One that names another key is not tried with this one.
    let text = signer.sign(&json!({ "alg": "ES256", "kid": "other" }), &claims);
    assert!(!Jwt::read(&text).unwrap().is_signed_by(&key));
    assert!(Jwt::read(&signer.sign(&json!({ "alg": "ES256" }), &claims)).unwrap().is_signed_by(&key), "it names none");
}

#[test]
fn keys_are_for_one_algorithm_and_for_signatures() {
    let (rsa, p256) = (rsa(), p256());
    let with = |jwk: &Value, name: &str, value: &str| {
        let mut jwk = jwk.clone();
        jwk[name] = json!(value);
        Key::read(&jwk)
    };
    for (jwk, name, value, is_key) in [
        (&rsa, "use", "sig", true),
        (&rsa, "use", "enc", false),
        (&rsa, "alg", "RS256", true),
        (&rsa, "alg", "RS512", false),
        (&rsa, "alg", "HS256", false),
        (&rsa, "n", "!", false),
        (&rsa, "kty", "oct", false),
        (&p256, "alg", "ES256", true),
        (&p256, "crv", "P-384", false),
        (&p256, "crv", "secp256k1", false),
        (&p256, "x", "AAAA", false),
    ] {
        assert_eq!(with(jwk, name, value).is_some(), is_key, "{name}={value}");
    }
    assert!(Key::read(&json!({ "kty": "oct", "k": "AAAA" })).is_none() && Key::read(&json!("RSA")).is_none());
}

#[test]
fn times_and_audience_are_checked_by_their_types_too() {
    let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
    let check = |claims: Value| {
        let text = format!("{}.{}.AAAA", encoded(&json!({ "alg": "ES256" })), encoded(&claims));
        Jwt::read(&text).unwrap().check_times(now, Duration::from_secs(60))
    };
    for (claims, is_valid) in [
        (json!({ "exp": 1_000_001 }), true),
        (json!({ "exp": 999_941 }), true),
        (json!({ "exp": 999_940 }), false),
        (json!({ "exp": 1_000_000.5 }), true),
        (json!({}), false),
        (json!({ "exp": null }), false),
        (json!({ "exp": "4000000000" }), false),
        (json!({ "exp": [4_000_000_000_u64] }), false),
        (json!({ "exp": 4_000_000_000_u64, "nbf": 1_000_060 }), true),
        (json!({ "exp": 4_000_000_000_u64, "nbf": 1_000_061 }), false),
        (json!({ "exp": 4_000_000_000_u64, "nbf": "0" }), false),
        (json!({ "exp": -1, "nbf": -1 }), false),
    ] {
        assert_eq!(check(claims.clone()).is_ok(), is_valid, "{claims}");
    }
    let is_for = |aud: Value| {
        let text = format!("{}.{}.AAAA", encoded(&json!({ "alg": "ES256" })), encoded(&json!({ "aud": aud })));
        Jwt::read(&text).unwrap().is_for(&["us".to_owned(), "too".to_owned()])
    };
    for (aud, is_ours) in [
        (json!("us"), true),
        (json!(["them", "too"]), true),
        (json!("u"), false),
        (json!([]), false),
        (json!(null), false),
        (json!({ "us": "us" }), false),
        (json!([["us"]]), false),
    ] {
        assert_eq!(is_for(aud.clone()), is_ours, "{aud}");
    }
}
