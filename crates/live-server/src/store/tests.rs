//! What every store owes to sessions, and what the one on disk owes beyond.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use live_engine::context::{Entry, Tokens};
use live_engine::{PendingCall, SettledCall, TurnUsage};
use live_proto::{AudioMetadata, Blob, Content, FunctionDeclaration, Part, Tool, Transcription};

use super::*;
use crate::token::lock::Lock;
use crate::token::{Issued, TokenHash, TokenStore as _};

fn handle(number: u64) -> HandleHash {
    HandleHash::of(&Handle::parse(&format!("handle.{number}")).unwrap())
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000 + seconds)
}

/// A session with something in every field.
fn saved(number: u64) -> Saved {
    let tool = |name: &str| Tool {
        function_declarations: vec![FunctionDeclaration { name: name.into(), ..FunctionDeclaration::default() }],
        ..Tool::default()
    };
    let tokens = |text| Tokens { text, audio: 2, image: 3, video: 4, document: 5 };
    let sound = Blob { mime_type: "audio/pcm;rate=16000".into(), data: vec![7; 640].into(), ..Blob::default() };
    // Sound that was recognised, and sound that recognised to nothing.
    let heard = |text: &str| Part {
        audio_transcription: Some(Box::new(Transcription::new(text))),
        ..Part::inline(sound.clone())
    };
    let since = Some(Duration::from_millis(1_250).into());
    let clock = AudioMetadata { start_offset: since, end_offset: None };
    let unframed = Part { audio_metadata: Some(Box::new(clock)), ..Part::inline(Blob::pcm16k(vec![1, 2, 3])) };
    let spoken = Content::user(vec![heard("hello"), heard("")]);
    Saved {
        project: Project::of(crate::KeyHash::of(&crate::Secret::new("a key"))),
        session: [number as u8; 16],
        expires_at: at(number),
        snapshot: Arc::new(Snapshot {
            model: "gemini-live".into(),
            setup_instruction: Some(Content::unsigned(Part::text("as set up"))),
            setup_tools: vec![tool("set_up")],
            system_instruction: Some(Content::unsigned(Part::text("as it is"))),
            tools: vec![tool("in_force")],
            history: vec![
                Entry { content: Arc::new(Content::user(Part::text(format!("question {number}")))), tokens: tokens(1) },
                Entry { content: Arc::new(Content::model(Part::text("answer ".repeat(500)))), tokens: tokens(6) },
                Entry { content: Arc::new(spoken), tokens: tokens(0) },
            ],
            unanswered: 1,
            // What the user has begun to say, what of it is no frame yet, and where that lies in the stream.
            pending_input: vec![Part::inline(sound), unframed],
            speaking: true,
            pending_calls: vec![PendingCall { id: "call-1".into(), name: "f".into() }],
            settled_calls: vec![SettledCall { id: "call-0".into(), name: "f".into(), is_cancelled: true }],
            next_call: u64::MAX - 1,
            seeding: true,
            usage: TurnUsage { prompt: tokens(100), response: tokens(200), thoughts: 9, tool_use: 7 },
            session_elapsed: Duration::from_millis(123_456),
            video_began: Some(Duration::from_nanos(1)),
            last_consumed: Some(0),
        }),
    }
}

/// Both kinds, and the directory of one.
fn stores() -> (tempfile::TempDir, [Box<dyn SessionStore>; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let disk = DiskStore::open(&directory.path().join("sessions.redb")).unwrap();
    (directory, [Box::new(MemoryStore::default()), Box::new(disk)])
}

#[test]
fn what_was_saved_is_found_as_it_was_and_nothing_else_is() {
    let (_directory, stores) = stores();
    for store in stores {
        assert_eq!(store.load(handle(1)).unwrap(), None, "{store:?}");
        store.save(handle(1), &saved(1), &[]).unwrap();
        store.save(handle(2), &saved(2), &[]).unwrap();
        assert_eq!(store.load(handle(1)).unwrap(), Some(saved(1)), "{store:?}");
        assert_eq!(store.load(handle(2)).unwrap(), Some(saved(2)), "{store:?}");
        store.remove(handle(1)).unwrap();
        store.remove(handle(1)).unwrap();
        assert_eq!(store.load(handle(1)).unwrap(), None, "{store:?}");
        assert_eq!(store.load(handle(2)).unwrap(), Some(saved(2)), "{store:?}");
    }
}

#[test]
fn a_save_forgets_what_it_takes_the_place_of() {
    let (_directory, stores) = stores();
    for store in stores {
        for number in 1..=3 {
            store.save(handle(number), &saved(number), &[]).unwrap();
        }
        store.save(handle(4), &saved(4), &[handle(1), handle(2), handle(99)]).unwrap();
        let kept: Vec<bool> = (1..=4).map(|number| store.load(handle(number)).unwrap().is_some()).collect();
        assert_eq!(kept, [false, false, true, true], "{store:?}");
    }
}

#[test]
fn a_sweep_forgets_what_has_expired() {
    let (_directory, stores) = stores();
    for store in stores {
        for number in 1..=4 {
            store.save(handle(number), &saved(number), &[]).unwrap();
        }
        assert_eq!(store.sweep(at(0)).unwrap(), Swept::default(), "{store:?}");
        assert_eq!(store.sweep(at(2)).unwrap(), Swept { expired: 2, ..Swept::default() }, "{store:?}");
        assert_eq!(store.load(handle(2)).unwrap(), None, "{store:?}");
        assert_eq!(store.load(handle(3)).unwrap(), Some(saved(3)), "{store:?}");
    }
}

#[test]
fn memory_has_a_bound_and_what_would_expire_first_makes_room() {
    let mut large = Snapshot::clone(&saved(0).snapshot);
    large.pending_input = vec![Part::text("x".repeat(100_000))];
    let large = Arc::new(large);
    let point = |number| Saved { snapshot: Arc::clone(&large), ..saved(number) };
    let store = MemoryStore::new(450_000);
    // The last one would expire first.
    for number in [2, 3, 4, 5, 6, 1] {
        store.save(handle(number), &point(number), &[]).unwrap();
    }
    let kept: Vec<u64> = (1..=6).filter(|number| store.load(handle(*number)).unwrap().is_some()).collect();
    assert_eq!(kept, [1, 4, 5, 6], "{store:?}");
    assert_eq!(store.sweep(at(0)).unwrap(), Swept { displaced: 2, ..Swept::default() });
    assert_eq!(store.sweep(at(0)).unwrap(), Swept::default(), "told once");
    let error = MemoryStore::new(100_000).save(handle(1), &point(1), &[]).unwrap_err();
    assert!(error.to_string().contains("the store 100000"), "{error}");
    // What is forgotten takes no room.
    for round in 0..100 {
        store.save(handle(7 + round), &point(7 + round), &[handle(6 + round)]).unwrap();
        store.remove(handle(7 + round)).unwrap();
        store.sweep(at(1_000)).unwrap();
        assert!(store.is_empty());
    }
}

#[test]
fn points_share_what_they_have_in_common() {
    let store = MemoryStore::new(450_000);
    let mut snapshot = Snapshot::default();
    for number in 0..8 {
        let content = Arc::new(Content::user(Part::text("x".repeat(40_000))));
        snapshot.history.push(Entry { content, tokens: Tokens::default() });
        let saved = Saved { snapshot: Arc::new(snapshot.clone()), ..saved(1) };
        store.save(handle(number), &saved, &[]).unwrap();
    }
    assert_eq!(store.len(), 8, "eight histories of 40 to 320 kB, but it is one");
    (0..7).for_each(|number| store.remove(handle(number)).unwrap());
    let other = Arc::new(Content::user(Part::text("x".repeat(200_000))));
    let history = vec![Entry { content: other, tokens: Tokens::default() }];
    let other = Saved { snapshot: Arc::new(Snapshot { history, ..Snapshot::default() }), ..saved(2) };
    store.save(handle(8), &other, &[]).unwrap();
    assert_eq!(store.load(handle(7)).unwrap(), None, "what the last of them holds is still counted");
}

#[test]
fn a_snapshot_of_nothing_is_something() {
    let empty = Saved { snapshot: Arc::default(), ..saved(1) };
    assert_eq!(record::decode(handle(1), &record::encode(handle(1), &empty)).unwrap(), empty);
}

#[test]
fn no_changed_torn_or_misplaced_record_is_taken_for_a_session() {
    let good = record::encode(handle(1), &saved(1));
    assert_eq!(record::decode(handle(1), &good).unwrap(), saved(1));
    for byte in 0..good.len() {
        let mut bad = good.clone();
        bad[byte] ^= 1 << (byte % 8);
        record::decode(handle(1), &bad).expect_err("a bit differs");
    }
    for length in 0..good.len() {
        record::decode(handle(1), &good[..length]).expect_err("the end is missing");
    }
    record::decode(handle(1), &[good.as_slice(), b"\0"].concat()).expect_err("there is more");
    record::decode(handle(2), &good).expect_err("it is another's");
    let mut other_format = good;
    other_format[3] = 2;
    let error = record::decode(handle(1), &other_format).unwrap_err();
    assert!(matches!(error, StoreError::Format(2)), "{error}");
}

#[test]
fn sessions_on_disk_outlive_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.redb");
    DiskStore::open(&path).unwrap().save(handle(1), &saved(1), &[]).unwrap();
    let store = DiskStore::open(&path).unwrap();
    assert_eq!(store.load(handle(1)).unwrap(), Some(saved(1)));
    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
    assert!(text.contains("question 1") && !text.contains("handle.1") && !text.contains("a key"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let error = DiskStore::open(&path).expect_err("one process at a time");
    assert!(matches!(error, StoreError::Medium(_)), "{error}");
}

#[test]
fn damage_to_one_record_is_told_and_leaves_the_others_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.redb");
    let save = |store: &DiskStore| {
        (1..=3).for_each(|number| store.save(handle(number), &saved(number), &[]).unwrap());
    };
    save(&DiskStore::open(&path).unwrap());
    // As a disk would: a sector in the middle of the second session.
    let place = fs::read(&path).unwrap().windows(10).position(|bytes| bytes == b"question 2").unwrap();
    overwrite(&path, place as u64, b"QUESTION 2");
    let store = DiskStore::open(&path).unwrap();
    let error = store.load(handle(2)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert_eq!(store.load(handle(1)).unwrap(), Some(saved(1)));
    assert_eq!(store.load(handle(3)).unwrap(), Some(saved(3)));
    store.remove(handle(2)).unwrap();
    assert_eq!(store.load(handle(2)).unwrap(), None);
}

#[test]
fn damage_in_the_file_of_a_killed_process_leaves_the_other_sessions_alone() {
    let directory = tempfile::tempdir().unwrap();
    let running = directory.path().join("running.redb");
    let store = DiskStore::open(&running).unwrap();
    (1..=3).for_each(|number| store.save(handle(number), &saved(number), &[]).unwrap());
    // What a process leaves that does not come to close its file.
    let path = directory.path().join("sessions.redb");
    fs::copy(&running, &path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let places = bytes.windows(10).enumerate().filter(|(_, bytes)| bytes == b"question 2").map(|(place, _)| place);
    for place in places {
        overwrite(&path, place as u64, b"QUESTION 2");
    }
    let store = DiskStore::open(&path).unwrap();
    let error = store.load(handle(2)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert_eq!(store.load(handle(1)).unwrap(), Some(saved(1)));
    assert_eq!(store.load(handle(3)).unwrap(), Some(saved(3)));
}

#[test]
fn wherever_a_file_is_damaged_no_session_is_made_up_and_new_ones_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole.redb");
    {
        let store = DiskStore::open(&whole).unwrap();
        (1..=8).for_each(|number| store.save(handle(number), &saved(number), &[]).unwrap());
    }
    let bytes = fs::read(&whole).unwrap();
    let path = directory.path().join("sessions.redb");
    let mut damage: Vec<(String, Vec<u8>)> = (0..bytes.len())
        .step_by((bytes.len() / 40).max(1))
        .map(|place| {
            let mut bad = bytes.clone();
            let end = (place + 64).min(bad.len());
            bad[place..end].fill(0xa5);
            (format!("64 bytes from {place}"), bad)
        })
        .collect();
    damage.push(("only the first half".into(), bytes[..bytes.len() / 2].to_vec()));
    damage.push(("not a database".into(), b"hello".repeat(100)));
    for (what, bad) in damage {
        fs::write(&path, bad).unwrap();
        let store = DiskStore::open(&path).unwrap_or_else(|error| panic!("{what}: {error}"));
        for number in 1..=8 {
            match store.load(handle(number)) {
                Ok(Some(found)) => assert_eq!(found, saved(number), "{what}"),
                Ok(None) | Err(StoreError::Corrupt(_)) => {}
                Err(error) => panic!("{what}: {error}"),
            }
        }
        drop(store);
    }
}

#[test]
fn damage_among_the_tokens_leaves_the_sessions_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.redb");
    {
        let store = DiskStore::open(&path).unwrap();
        (1..=3).for_each(|number| store.save(handle(number), &saved(number), &[]).unwrap());
        let setup = live_proto::Setup { model: "models/locked-words".into(), ..live_proto::Setup::default() };
        let lock = Arc::new(Lock::new(Some(&setup), "model").unwrap());
        let issued = Issued {
            project: Project::named("p"),
            is_claimed: false,
            sessions_max: None,
            expires_at: at(100),
            begins_until: at(100),
            uses_left: None,
            lock,
        };
        (0..100).for_each(|number| store.add(TokenHash::from([number; 32]), &issued, at(0)).unwrap());
    }
    let mut bytes = fs::read(&path).unwrap();
    let mut damaged = 0;
    for page in bytes.chunks_mut(4096).filter(|page| page.windows(12).any(|it| it == b"locked-words")) {
        // Where its entries are; that it is a page of a table is left alone.
        page[4..256].fill(0xa5);
        damaged += 1;
    }
    assert!(damaged > 1, "they fill several pages");
    fs::write(&path, bytes).unwrap();
    let store = DiskStore::open(&path).unwrap();
    assert!(!path.with_extension("damaged").exists(), "the file is kept");
    store.find(TokenHash::from([50; 32])).expect_err("tokens are damaged");
    (1..=3).for_each(|number| assert_eq!(store.load(handle(number)).unwrap(), Some(saved(number))));
    store.save(handle(4), &saved(4), &[]).unwrap();
    assert_eq!(store.load(handle(4)).unwrap(), Some(saved(4)));
}

fn overwrite(path: &Path, place: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(place)).unwrap();
    file.write_all(bytes).unwrap();
}
