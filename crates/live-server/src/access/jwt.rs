//! JSON Web Tokens, as OAuth has them: RFC 7515 and 7519, with the two algorithms that Google and most others sign by.
//!
//! Pure over the text, a key and the time. The algorithm is one that the key is made for, never one that a token asks for
//! beside that: no token is unsigned (`none`), and none is signed with a public key as if it were a shared secret (`HS256`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};

/// A token that was read, and of which nothing is proved yet.
#[derive(Debug)]
pub(super) struct Jwt<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
}

/// A public key of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) kid: Option<String>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    /// For RS256.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// For ES256: the point, uncompressed.
    P256([u8; 65]),
}

impl<'a> Jwt<'a> {
    /// Reads a token; `None` when it is none that could be proved here.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        if text.len() > JWT_BYTES_MAX {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header = object(header)?;
        let algorithm = match header.get("alg")?.as_str()? {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            _ => return None,
        };
        // Whoever does not understand all of them must not take it (RFC 7515 4.1.11); here none is understood.
        if header.contains_key("crit") {
            return None;
        }
        let kid = match header.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        Some(Self { algorithm, kid, claims: object(claims)?, signed, signature: bytes(signature)? })
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn is_by(&self, issuer: &str) -> bool {
        self.claim("iss") == Some(issuer)
    }

    /// Whether `key` made the signature. A token that names its key is not tried with others.
    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        if self.kid.is_some() && self.kid != key.kid {
            return false;
        }
        let (message, signature) = (self.signed.as_bytes(), self.signature.as_slice());
        match (self.algorithm, &key.material) {
            (Algorithm::Rs256, Material::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            (Algorithm::Es256, Material::P256(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            (Algorithm::Rs256, Material::P256(_)) | (Algorithm::Es256, Material::Rsa { .. }) => false,
        }
    }

    /// Checks that the token is valid at `now`: `exp` it must have.
    pub(super) fn check_times(&self, now: SystemTime, leeway: Duration) -> Result<(), &'static str> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let leeway = leeway.as_secs_f64();
        // Of another type it is as bad as none.
        let number = |value: &Value| value.as_f64().ok_or("exp and nbf are numbers");
        let exp = number(self.claims.get("exp").ok_or("it does not say when it ends")?)?;
        if now >= exp + leeway {
            return Err("it has expired");
        }
        if let Some(nbf) = self.claims.get("nbf").map(number).transpose()?
            && now + leeway < nbf
        {
            return Err("it is not valid yet");
        }
        Ok(())
    }

    /// Whether the token is meant for one of `audience`.
    pub(super) fn is_for(&self, audience: &[String]) -> bool {
        let is_ours = |value: &Value| value.as_str().is_some_and(|it| audience.iter().any(|ours| ours == it));
        match self.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        }
    }

    /// A claim that is a text, and not an empty one.
    pub(super) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str).filter(|value| !value.is_empty())
    }
}

impl Key {
    /// Reads a key of a set (RFC 7517); `None` when it is not for the signatures that are taken here.
    pub(super) fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let is_for =
            |algorithm| text("use").is_none_or(|it| it == "sig") && text("alg").is_none_or(|it| it == algorithm);
        let material = match text("kty")? {
            "RSA" if is_for("RS256") => Material::Rsa { n: bytes(text("n")?)?, e: bytes(text("e")?)? },
            "EC" if is_for("ES256") && text("crv") == Some("P-256") => {
                let mut point = [4; 65];
                let (x, y) = (bytes(text("x")?)?, bytes(text("y")?)?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                point[1..33].copy_from_slice(&x);
                point[33..].copy_from_slice(&y);
                Material::P256(point)
            }
            _ => return None,
        };
        Some(Self { kid: text("kid").map(str::to_owned), material })
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&bytes(part)?).ok()
}

fn bytes(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// A request head has room for no more.
const JWT_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests;
