//! What every store of tokens owes to sessions, and what the one on disk owes beyond.

use std::fs;

use super::*;
use crate::Secret;
use crate::token::{Full, MemoryTokens};

fn token(number: u32) -> TokenHash {
    TokenHash::of(&Secret::new(&format!("auth_tokens/{number}")))
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000 + seconds)
}

/// A token with something in every field.
fn issued(uses: Option<u32>) -> Issued {
    let setup = live_proto::Setup { model: "models/m".into(), ..live_proto::Setup::default() };
    Issued {
        project: Project::named("p"),
        is_claimed: true,
        sessions_max: Some(3),
        expires_at: at(100),
        begins_until: at(60),
        uses_left: uses,
        lock: Arc::new(Lock::new(Some(&setup), "model,generation_config.top_k").unwrap()),
    }
}

fn stores() -> (tempfile::TempDir, [Box<dyn TokenStore>; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let disk = DiskStore::open(&directory.path().join("sessions.redb")).unwrap();
    (directory, [Box::new(MemoryTokens::default()), Box::new(disk)])
}

#[test]
fn a_token_is_found_as_it_was_issued_and_nothing_else_is() {
    let (_directory, stores) = stores();
    for store in stores {
        assert_eq!(store.find(token(1)).unwrap(), None, "{store:?}");
        store.add(token(1), &issued(Some(2)), at(0)).unwrap();
        assert_eq!(store.find(token(1)).unwrap(), Some(issued(Some(2))), "{store:?}");
        assert_eq!(store.find(token(2)).unwrap(), None, "{store:?}");
    }
}

#[test]
fn uses_are_counted_down_within_their_time() {
    let (_directory, stores) = stores();
    for store in stores {
        store.add(token(1), &issued(Some(2)), at(0)).unwrap();
        store.add(token(2), &issued(None), at(0)).unwrap();
        for verdict in [Verdict::May, Verdict::May, Verdict::UsedUp, Verdict::UsedUp] {
            assert_eq!(store.begin(token(1), at(59)).unwrap(), verdict, "{store:?}");
        }
        assert_eq!(store.find(token(1)).unwrap(), Some(issued(Some(0))), "{store:?}");
        for _ in 0..5 {
            assert_eq!(store.begin(token(2), at(59)).unwrap(), Verdict::May, "{store:?}");
        }
        assert_eq!(store.begin(token(2), at(60)).unwrap(), Verdict::Expired, "{store:?}");
        assert_eq!(store.begin(token(3), at(0)).unwrap(), Verdict::Expired, "{store:?}");
        let late = Issued { begins_until: at(500), ..issued(None) };
        store.add(token(4), &late, at(0)).unwrap();
        assert_eq!(store.begin(token(4), at(100)).unwrap(), Verdict::Expired, "{store:?}");
    }
}

#[test]
fn a_sweep_forgets_what_has_expired() {
    let (_directory, stores) = stores();
    for store in stores {
        store.add(token(1), &issued(Some(1)), at(0)).unwrap();
        store.add(token(2), &Issued { expires_at: at(200), ..issued(Some(1)) }, at(0)).unwrap();
        assert_eq!(store.sweep_tokens(at(99)).unwrap(), 0, "{store:?}");
        assert_eq!(store.sweep_tokens(at(100)).unwrap(), 1, "{store:?}");
        assert_eq!(store.find(token(1)).unwrap(), None, "{store:?}");
        assert!(store.find(token(2)).unwrap().is_some(), "{store:?}");
    }
}

/// A token whose setup has so many bytes and a few.
fn large(project: &str, bytes: usize) -> Issued {
    let part = live_proto::Part::text("x".repeat(bytes));
    let instruction = live_proto::Content { parts: vec![part].into(), ..live_proto::Content::default() };
    let setup = live_proto::Setup { system_instruction: Some(instruction), ..live_proto::Setup::default() };
    let lock = Arc::new(Lock::new(Some(&setup), "").unwrap());
    Issued { project: Project::named(project), lock, ..issued(None) }
}

/// Adds such tokens until there is no room, and tells how many found some.
fn fill(store: &dyn TokenStore, issued: &Issued) -> u32 {
    (0..100)
        .find(|number| {
            let added = store.add(token(*number), issued, at(0));
            if let Err(error) = &added {
                assert!(matches!(error, AddError::Full(Full::ProjectBytes)), "{store:?}: {error}");
            }
            added.is_err()
        })
        .expect("it is full some time")
}

#[test]
fn a_project_that_has_its_share_leaves_the_others_theirs_until_its_tokens_expire() {
    let (_directory, stores) = stores();
    let (mine, theirs) = (large("p", 900_000), large("q", 900_000));
    for store in stores {
        let kept = fill(&*store, &mine);
        assert_eq!(kept, 18, "{store:?}: 16 MiB of 900 kB");
        assert_eq!(store.find(token(kept)).unwrap(), None, "{store:?}");
        store.add(token(100), &theirs, at(99)).unwrap();
        let late = Issued { expires_at: at(200), ..mine.clone() };
        assert!(store.add(token(101), &late, at(99)).is_err(), "{store:?}");
        store.add(token(101), &late, at(100)).unwrap();
        assert!(store.find(token(101)).unwrap().is_some(), "{store:?}");
    }
}

#[test]
fn what_projects_have_is_known_to_who_opens_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.redb");
    let mine = large("p", 900_000);
    let kept = fill(&DiskStore::open(&path).unwrap(), &mine);
    let store = DiskStore::open(&path).unwrap();
    assert!(matches!(store.add(token(kept), &mine, at(99)), Err(AddError::Full(Full::ProjectBytes))));
    store.add(token(kept), &large("q", 900_000), at(99)).unwrap();
    store.add(token(kept + 1), &mine, at(100)).unwrap();
}

#[test]
fn tokens_on_disk_outlive_the_store_and_are_not_written_in_clear() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.redb");
    {
        let store = DiskStore::open(&path).unwrap();
        store.add(token(77_001), &issued(Some(1)), at(0)).unwrap();
        assert_eq!(store.begin(token(77_001), at(0)).unwrap(), Verdict::May);
    }
    let store = DiskStore::open(&path).unwrap();
    assert_eq!(store.begin(token(77_001), at(0)).unwrap(), Verdict::UsedUp);
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(17).any(|bytes| bytes == b"auth_tokens/77001"));
}

#[test]
fn a_use_that_was_told_is_in_the_file_of_a_killed_process() {
    let directory = tempfile::tempdir().unwrap();
    let running = directory.path().join("running.redb");
    let store = DiskStore::open(&running).unwrap();
    store.add(token(1), &issued(Some(1)), at(0)).unwrap();
    assert_eq!(store.begin(token(1), at(0)).unwrap(), Verdict::May);
    let left = directory.path().join("left.redb");
    fs::copy(&running, &left).unwrap();
    assert_eq!(DiskStore::open(&left).unwrap().begin(token(1), at(0)).unwrap(), Verdict::UsedUp);
}

#[test]
fn no_changed_torn_or_misplaced_record_is_taken_for_a_token() {
    let good = encode(token(1), &issued(Some(1)));
    assert_eq!(decode(token(1), &good).unwrap(), issued(Some(1)));
    for byte in 0..good.len() {
        let mut bad = good.clone();
        bad[byte] ^= 1 << (byte % 8);
        decode(token(1), &bad).expect_err("a bit differs");
    }
    for length in 0..good.len() {
        decode(token(1), &good[..length]).expect_err("the end is missing");
    }
    decode(token(2), &good).expect_err("it is another's");
}

#[test]
fn a_damaged_token_opens_nothing_and_leaves_the_others_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = DiskStore::open(&directory.path().join("sessions.redb")).unwrap();
    store.add(token(1), &issued(Some(1)), at(0)).unwrap();
    store.add(token(2), &issued(Some(1)), at(0)).unwrap();
    let mut bad = encode(token(1), &issued(Some(9)));
    *bad.last_mut().unwrap() ^= 1;
    let write = begin(store.database()).unwrap();
    write.open_table(TOKENS).unwrap().insert(token(1).as_bytes().as_slice(), bad.as_slice()).unwrap();
    write.commit().unwrap();
    assert!(matches!(store.find(token(1)), Err(StoreError::Corrupt(_))));
    assert!(matches!(store.begin(token(1), at(0)), Err(StoreError::Corrupt(_))));
    assert_eq!(store.begin(token(2), at(0)).unwrap(), Verdict::May);
    store.add(token(3), &issued(None), at(0)).unwrap();
    assert_eq!(store.sweep_tokens(at(100)).unwrap(), 3, "it goes when its time comes");
}
