//! How long connections and sessions may last, and the `goAway` that comes before their end.
//!
//! Not here: how long a handle is honoured, which is its keeper's to enforce.

use std::time::{Duration, Instant};

use live_proto::{GoAway, ServerPayload};

use super::session::Cx;
use crate::profile::Backend;
use crate::timer::Timer;

/// How long things last. [`Duration::MAX`] is for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// The longest a connection lasts, from its first byte: about 10 min on the service.
    pub connection: Duration,
    /// Time between `goAway` and the end it announces: 60 s on the service.
    pub go_away_notice: Duration,
    /// The longest a session without compression is connected in all: 15 min on the service. `None` is for ever.
    pub session_audio: Option<Duration>,
    /// The same from its first frame of video on: 2 min on the service.
    pub session_video: Option<Duration>,
    /// How a client is cut off that stays to the end.
    pub cut: Cut,
    /// For how long a handle can be resumed by, for the host: 2 h on Gemini, 24 h on Vertex.
    pub handle_validity: Duration,
}

impl Lifetimes {
    /// The lifetimes of the service.
    pub fn of(backend: Backend) -> Self {
        Self {
            connection: Duration::from_secs(600),
            go_away_notice: Duration::from_secs(60),
            session_audio: Some(Duration::from_secs(15 * 60)),
            session_video: Some(Duration::from_secs(2 * 60)),
            cut: Cut::Aborted,
            handle_validity: match backend {
                Backend::Gemini => Duration::from_secs(2 * 3_600),
                Backend::Vertex => Duration::from_secs(24 * 3_600),
            },
        }
    }
}

/// How a client is cut off that stays to the end of its time. The service has been seen to do both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// 1008, with a text that names the `goAway`.
    #[default]
    Aborted,
    /// 1011, with a text that names the deadline.
    DeadlineExpired,
}

/// Which time has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The connection's.
    Connection,
    /// The session's, over all its connections.
    Session,
    /// The session's since its first frame of video.
    Video,
    /// What the host gave it.
    Host,
}

/// The times of one session on one connection.
#[derive(Debug)]
pub(super) struct Times {
    /// Since when the session is connected here.
    since: Instant,
    /// For how long it was connected before.
    before: Duration,
    /// For how long it had been connected when video came.
    video_began: Option<Duration>,
    /// Whether the session ends by itself.
    is_limited: bool,
    /// The end of the connection.
    connection: Option<Instant>,
    /// The end that the host set.
    host: Option<Instant>,
    /// The end that the client was told of.
    told: Option<Instant>,
}

impl Times {
    /// `connected` is when the connection began, `before` and `video_began` are what a snapshot says.
    pub(super) fn new(
        connected: Instant,
        before: Duration,
        video_began: Option<Duration>,
        is_limited: bool,
        cx: &mut Cx<'_>,
    ) -> Self {
        let connection = connected.checked_add(cx.config.lifetimes.connection);
        let mut times = Self { since: cx.now, before, video_began, is_limited, connection, host: None, told: None };
        times.schedule(cx);
        times
    }

    /// For how long the session has been connected in all.
    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        self.before + now.saturating_duration_since(self.since)
    }

    pub(super) fn video_began(&self) -> Option<Duration> {
        self.video_began
    }

    /// Notes a frame of video.
    pub(super) fn see(&mut self, cx: &mut Cx<'_>) {
        if self.video_began.is_none() {
            self.video_began = Some(self.elapsed(cx.now));
            self.schedule(cx);
        }
    }

    /// The end, and whose it is; `None` is for ever.
    pub(super) fn end(&self, cx: &Cx<'_>) -> Option<(Instant, Lifetime)> {
        let lifetimes = &cx.config.lifetimes;
        // In terms of this connection, where what is used up already ends at once.
        let at = |used_up_after: Duration| self.since.checked_add(used_up_after.saturating_sub(self.before));
        let session = lifetimes.session_audio.filter(|_| self.is_limited).and_then(at);
        let video = self
            .video_began
            .zip(lifetimes.session_video)
            .filter(|_| self.is_limited)
            .and_then(|(began, limit)| began.checked_add(limit))
            .and_then(at);
        [
            (self.connection, Lifetime::Connection),
            (session, Lifetime::Session),
            (video, Lifetime::Video),
            (self.host, Lifetime::Host),
        ]
        .into_iter()
        .filter_map(|(end, lifetime)| Some((end?, lifetime)))
        .min_by_key(|(end, _)| *end)
    }

    /// Arms the timers for the end, unless the client knows of one as early.
    fn schedule(&mut self, cx: &mut Cx<'_>) {
        let Some((end, _)) = self.end(cx) else { return };
        if self.told.is_some_and(|told| told <= end) {
            return;
        }
        let notice = end.checked_sub(cx.config.lifetimes.go_away_notice).unwrap_or(cx.now);
        cx.timers.arm_at(Timer::GoAway, notice.max(cx.now));
        cx.timers.arm_at(Timer::Lifetime, end.max(cx.now));
    }

    /// Tells the client of the end.
    pub(super) fn go_away(&mut self, cx: &mut Cx<'_>) {
        let (end, _) = self.end(cx).expect("only an end that comes is announced");
        self.told = Some(end);
        cx.timers.stop(Timer::GoAway);
        let time_left = end.saturating_duration_since(cx.now);
        cx.send(ServerPayload::from(GoAway { time_left: Some(time_left.into()) }));
    }

    /// Ends the connection in `time_left`, or earlier if it ends earlier, and tells the client.
    pub(super) fn send_away(&mut self, time_left: Duration, cx: &mut Cx<'_>) {
        self.host = cx.now.checked_add(time_left).into_iter().chain(self.host).min();
        if let Some((end, _)) = self.end(cx) {
            cx.timers.arm_at(Timer::Lifetime, end.max(cx.now));
            self.go_away(cx);
        }
    }
}
