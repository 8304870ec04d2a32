//! The part of the oracle that watches what outlives a turn: the end of time, snapshots and their handles.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use live_engine::*;
use live_proto::*;

/// What a client and a host know of a session beside its turns.
#[derive(Default)]
pub(crate) struct SessionOracle {
    pub(crate) compresses: bool,
    is_resumable: bool,
    is_transparent: bool,
    /// When the latest thing happened.
    pub(crate) now: Option<Instant>,
    /// When the client was told it will be cut off.
    end: Option<Instant>,
    lifetimes: Option<Lifetimes>,
    /// When it will be, whatever else happens.
    pub(crate) lasts_to: Option<Instant>,
    /// When the first picture came.
    video_since: Option<Instant>,
    /// Messages that the client sent after setup.
    sent: u64,
    /// The snapshot that the host has to answer for.
    saving: Option<(Handle, Option<u64>)>,
    /// What the host answered last.
    answered: Option<(Handle, Option<u64>)>,
    /// Every handle there ever was.
    handles: BTreeSet<Handle>,
    /// Those that the host keeps.
    kept: BTreeSet<Handle>,
    /// What the client would resume by.
    pub(crate) offered: Option<Handle>,
    /// The snapshot that was taken last.
    pub(crate) latest: Option<(Handle, Arc<Snapshot>)>,
    last_consumed: i64,
}

impl SessionOracle {
    pub(crate) fn new(setup: &Setup, lifetimes: &Lifetimes, now: Instant) -> Self {
        let is_limited = setup.context_window_compression.is_none();
        let session = lifetimes.session_audio.filter(|_| is_limited);
        Self {
            lifetimes: Some(lifetimes.clone()),
            lasts_to: now.checked_add(session.unwrap_or(Duration::MAX).min(lifetimes.connection)),
            compresses: setup.context_window_compression.is_some(),
            is_resumable: setup.session_resumption.is_some(),
            is_transparent: setup.session_resumption.as_ref().is_some_and(|it| it.transparent),
            ..Self::default()
        }
    }

    pub(crate) fn hears(&mut self, message: &ClientMessage) {
        self.sent += u64::from(!matches!(message, ClientMessage::Setup(_)));
        let is_picture = |blob: &Blob| blob.mime_type.as_str() == "image/jpeg";
        if let ClientMessage::RealtimeInput(RealtimeInput { media_chunks, video, .. }) = message
            && media_chunks.iter().chain(video).any(is_picture)
            && !self.compresses
        {
            let limit = self.lifetimes.as_ref().and_then(|it| it.session_video).unwrap_or(Duration::MAX);
            // The first picture counts.
            let until = self.now.and_then(|now| now.checked_add(limit)).filter(|_| self.video_since.is_none());
            self.video_since = self.video_since.or(self.now);
            self.lasts_to = self.lasts_to.into_iter().chain(until).min();
        }
    }

    pub(crate) fn asks(&self, prompt: &Prompt) {
        assert_eq!(prompt.session.resumption.is_some(), self.is_resumable);
        assert_eq!(prompt.session.compression.is_some(), self.compresses);
    }

    pub(crate) fn goes_away(&mut self, go_away: &GoAway) {
        let now = self.now.expect("it happened at some time");
        let left = Duration::try_from(go_away.time_left.expect("the time left is told")).expect("it is not negative");
        let end = now + left;
        assert!(self.end.is_none_or(|told| end <= told), "the end only comes nearer");
        self.end = Some(end);
    }

    pub(crate) fn closes(&self, reason: &CloseReason) {
        match (reason, self.end) {
            (CloseReason::LifetimeOver(..), end) => assert_eq!(end, self.now, "goAway said when"),
            (_, Some(end)) => assert!(self.now <= Some(end), "nobody stays longer than goAway said"),
            (_, None) => {}
        }
    }

    pub(crate) fn saves(&mut self, handle: Handle, snapshot: Arc<Snapshot>) {
        assert!(self.is_resumable, "nothing is kept of who did not ask for it");
        assert!(self.saving.is_none(), "one at a time");
        assert!(self.handles.insert(handle.clone()), "a handle names one snapshot");
        assert_eq!(snapshot.last_consumed.is_some(), self.is_transparent);
        assert!(snapshot.last_consumed.is_none_or(|index| index <= self.sent));
        self.saving = Some((handle.clone(), snapshot.last_consumed));
        self.latest = Some((handle, snapshot));
    }

    /// The handle that the host answers for, if one waits.
    pub(crate) fn answers(&mut self, is_kept: bool) -> Option<Handle> {
        let saving = self.saving.take()?;
        let handle = saving.0.clone();
        if is_kept {
            self.kept.insert(handle.clone());
        }
        self.answered = is_kept.then_some(saving);
        Some(handle)
    }

    pub(crate) fn forgets(&mut self, handle: &Handle) {
        assert!(self.kept.remove(handle), "what is forgotten was kept");
        assert_ne!(self.offered.as_ref(), Some(handle), "the client still holds it");
    }

    pub(crate) fn updates(&mut self, update: &SessionResumptionUpdate, is_busy: bool) {
        assert!(self.is_resumable, "nobody asked for it");
        if !update.resumable {
            assert_eq!(*update, SessionResumptionUpdate::default());
            assert!(self.offered.take().is_some(), "there was something to take back");
            return;
        }
        assert!(!is_busy, "no handle is offered in the middle of a turn");
        let handle = Handle::parse(&update.new_handle).expect("a handle is one");
        let (answered, consumed) = self.answered.take().expect("the host has said that it keeps it");
        assert_eq!(answered, handle, "the one that is kept");
        let index = update.last_consumed_client_message_index;
        assert_eq!(u64::try_from(index).ok(), Some(consumed.unwrap_or(0)), "the index is the snapshot's");
        assert!(index >= self.last_consumed, "nothing is taken out of a session again");
        self.last_consumed = index;
        self.offered = Some(handle);
    }
}
