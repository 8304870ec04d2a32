//! What every store of tokens owes to sessions, and what the one on disk owes beyond.

use std::fs;

use super::*;
use crate::Secret;
use crate::token::{MemoryTokens, TOKENS_PER_PROJECT_MAX};

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

#[test]
fn a_project_has_a_bound_that_expired_tokens_do_not_count_for() {
    let store = MemoryTokens::default();
    let max = u32::try_from(TOKENS_PER_PROJECT_MAX).unwrap();
    let mut room = Room::new(&issued(None));
    assert!((1..max).all(|_| room.takes(true, 1)), "there is room for all but one");
    assert!(room.takes(false, 1) && !room.takes(true, 1));
    let mut room = Room::new(&issued(None));
    assert!(!room.takes(false, 256 << 20), "all projects together have a bound of bytes");
    for number in 0..max {
        // The first half has expired when the last one comes.
        let expires_at = at(if number < max / 2 { 10 } else { 100 });
        store.insert(token(number), Issued { expires_at, ..issued(None) });
    }
    assert!(matches!(store.add(token(max), &issued(None), at(0)), Err(AddError::Full)));
    let other = Issued { project: Project::named("q"), ..issued(None) };
    store.add(token(max), &other, at(0)).unwrap();
    store.add(token(max + 1), &issued(None), at(10)).unwrap();
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
