//! How the end of a session is told by gRPC: close reasons to statuses, and what is received back to close codes.
//!
//! Which reason has which status is the engine's table, `live_engine::close`.

use std::error::Error as _;

use live_engine::{CloseReason, Disconnect, GrpcStatus};
use tonic::{Code, Status};

/// The status that a stream ends with; `None` is `OK`, which has no text.
pub(crate) fn of(reason: &CloseReason) -> Option<Status> {
    let told = reason.told();
    let code = match told.status {
        GrpcStatus::Ok => return None,
        GrpcStatus::Cancelled => Code::Cancelled,
        GrpcStatus::InvalidArgument => Code::InvalidArgument,
        GrpcStatus::DeadlineExceeded => Code::DeadlineExceeded,
        GrpcStatus::NotFound => Code::NotFound,
        GrpcStatus::PermissionDenied => Code::PermissionDenied,
        GrpcStatus::ResourceExhausted => Code::ResourceExhausted,
        GrpcStatus::FailedPrecondition => Code::FailedPrecondition,
        GrpcStatus::Aborted => Code::Aborted,
        GrpcStatus::Unimplemented => Code::Unimplemented,
        GrpcStatus::Internal => Code::Internal,
        GrpcStatus::Unavailable => Code::Unavailable,
    };
    Some(Status::new(code, told.text.as_str()))
}

/// What a stream that ended with `status` is to an engine, which thinks in close codes.
pub(crate) fn disconnect(status: &Status) -> Disconnect {
    let Some(mut source) = status.source() else {
        return Disconnect::Closed { code: Some(close_code(status.code())), reason: status.message().to_owned() };
    };
    // A status with a source was not sent by the peer: the transport failed.
    let mut text = status.message().to_owned();
    loop {
        let part = source.to_string();
        if !text.contains(&part) {
            text = if text.is_empty() { part } else { format!("{text}: {part}") };
        }
        match source.source() {
            Some(deeper) => source = deeper,
            None => return Disconnect::Lost(text),
        }
    }
}

/// The close code that says the same: a bad argument is 1007, a missing entity or permission 1008, a fault or shortage 1011.
fn close_code(code: Code) -> u16 {
    match code {
        Code::Ok => 1000,
        Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition => 1007,
        Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Unimplemented
        | Code::Aborted => 1008,
        Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => 1011,
    }
}

#[cfg(test)]
mod tests {
    use live_engine::{Cut, Lifetime, Refusal, Rule, Violation};

    use super::*;

    #[test]
    fn what_a_server_says_comes_back_as_the_same_close() {
        let refusals = Refusal::ALL.map(CloseReason::Refused);
        let violations = [
            Violation::new(Rule::ModelMissing, "setup.model"),
            Violation::new(Rule::ModelUnknown, "setup.model").found("models/x").found("v1beta"),
            Violation::new(Rule::BuiltInNotRun, "setup.tools[0].googleSearch"),
            Violation::new(Rule::VoiceWithoutAudio, "setup.generationConfig.speechConfig"),
        ];
        let others = [
            CloseReason::SetupTimeout,
            CloseReason::ModelFailed("why".into()),
            CloseReason::Shutdown,
            CloseReason::TakenOver,
        ];
        let lifetimes =
            [Cut::Aborted, Cut::DeadlineExpired].map(|cut| CloseReason::LifetimeOver(Lifetime::Connection, cut));
        for reason in refusals.into_iter().chain(violations.map(CloseReason::Violation)).chain(others).chain(lifetimes)
        {
            let told = reason.told();
            let status = of(&reason).expect("none of them is OK");
            let closed = Disconnect::Closed { code: Some(told.code), reason: told.text.as_str().to_owned() };
            assert_eq!(disconnect(&status), closed, "{reason:?}");
        }
        assert!(of(&CloseReason::Done).is_none());
    }

    #[test]
    fn a_failure_of_the_transport_is_no_close() {
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "nobody is there");
        let Disconnect::Lost(why) = disconnect(&Status::from_error(Box::new(refused))) else { panic!("closed") };
        assert!(why.contains("nobody is there"), "{why}");
    }
}
