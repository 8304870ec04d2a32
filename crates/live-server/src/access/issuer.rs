//! Whose signed OAuth tokens are let in, and as which project.
//!
//! How a token is read lives in `jwt`, where the keys of an issuer come from in `jwks`.

use std::time::{Duration, SystemTime};

use super::Granted;
use super::jwks::Jwks;
use super::jwt::Jwt;
use crate::Secret;
use crate::project::Project;

/// Somebody who signs OAuth tokens.
#[derive(Debug)]
pub(super) struct Issuer {
    /// `iss` of its tokens.
    pub(super) name: String,
    /// One of these is in `aud` of a token that is meant for this server.
    pub(super) audience: Vec<String>,
    pub(super) keys: Jwks,
    pub(super) payer: Payer,
    /// Sessions of each of its projects, if that was said.
    pub(super) sessions: Option<u32>,
    /// How far clocks may differ.
    pub(super) leeway: Duration,
}

/// Which project a token's session belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payer {
    /// Always the same.
    Project(Project),
    /// The one that this claim names: each of its values is a project of this issuer.
    Claim(String),
}

/// Who presents a token that one of `issuers` has signed for this server.
pub(super) async fn verify(issuers: &[Issuer], token: &Secret, now: SystemTime) -> Option<Granted> {
    let jwt = Jwt::read(token.reveal())?;
    for issuer in issuers.iter().filter(|issuer| jwt.is_by(&issuer.name)) {
        match judge(issuer, &jwt, now).await {
            Ok(project) => {
                let is_claimed = matches!(issuer.payer, Payer::Claim(_));
                return Some(Granted { project, sessions_max: issuer.sessions, is_claimed });
            }
            // Which of the checks failed is for whoever runs the server.
            Err(why) => tracing::warn!(issuer = issuer.name, why, "an OAuth token is not taken"),
        }
    }
    None
}

async fn judge(issuer: &Issuer, jwt: &Jwt<'_>, now: SystemTime) -> Result<Project, &'static str> {
    let keys = issuer.keys.get(jwt.kid()).await;
    if !keys.iter().any(|key| jwt.is_signed_by(key)) {
        return Err("no key of the issuer fits its signature");
    }
    jwt.check_times(now, issuer.leeway)?;
    if !jwt.is_for(&issuer.audience) {
        return Err("it is meant for another audience");
    }
    match &issuer.payer {
        Payer::Project(project) => Ok(*project),
        Payer::Claim(claim) => {
            let value = jwt.claim(claim).ok_or("it does not have the claim that names its project")?;
            Ok(Project::of_claim(&issuer.name, claim, value))
        }
    }
}
