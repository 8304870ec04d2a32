//! The bounds themselves; that stores keep to them is tested with the stores.

use std::time::Duration;

use super::*;
use crate::Secret;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn counted(number: usize, project: &str, bytes: usize) -> Counted {
    let token = TokenHash::of(&Secret::new(&format!("auth_tokens/{number}")));
    Counted { token, project: Project::named(project), expires_at: at(100), bytes }
}

#[test]
fn a_project_has_so_many_tokens_and_no_more() {
    let mut living = Living::default();
    for number in 0..PROJECT_TOKENS_MAX {
        // The first half has expired when the last one comes.
        let expires_at = at(if number < PROJECT_TOKENS_MAX / 2 { 10 } else { 100 });
        living.admit(Counted { expires_at, ..counted(number, "p", 0) }, at(0)).unwrap();
    }
    let one_more = counted(PROJECT_TOKENS_MAX, "p", 0);
    assert_eq!(living.admit(one_more, at(9)), Err(Full::ProjectTokens));
    living.admit(counted(PROJECT_TOKENS_MAX + 1, "q", 0), at(9)).unwrap();
    living.admit(one_more, at(10)).unwrap();
    assert_eq!(living.by_expiry.len(), PROJECT_TOKENS_MAX / 2 + 2);
}

#[test]
fn a_project_at_its_bound_of_bytes_leaves_the_others_theirs() {
    let mut living = Living::default();
    let half = PROJECT_BYTES_MAX / 2 - TOKEN_BYTES;
    living.admit(counted(0, "p", half), at(0)).unwrap();
    assert_eq!(living.admit(counted(1, "p", half + 1), at(0)), Err(Full::ProjectBytes));
    living.admit(counted(1, "p", half), at(0)).unwrap();
    assert_eq!(living.admit(counted(2, "p", 0), at(0)), Err(Full::ProjectBytes));
    living.admit(counted(2, "q", half), at(0)).unwrap();
}

#[test]
fn all_projects_together_have_a_bound_of_bytes() {
    let mut living = Living::default();
    let projects = BYTES_MAX / PROJECT_BYTES_MAX;
    let whole = PROJECT_BYTES_MAX - TOKEN_BYTES;
    for number in 0..projects {
        living.admit(counted(number, &format!("p{number}"), whole), at(0)).unwrap();
    }
    assert_eq!(living.admit(counted(projects, "last", 0), at(99)), Err(Full::Server));
    living.admit(counted(projects, "last", whole), at(100)).unwrap();
}

#[test]
fn what_is_over_leaves_nothing_behind() {
    let mut living = Living::default();
    for number in 0..10 {
        living.admit(counted(number, "p", number), at(0)).unwrap();
        living.admit(counted(10 + number, "q", number), at(0)).unwrap();
    }
    let again = counted(3, "p", 3);
    let before = living.bytes;
    living.count(again);
    assert_eq!(living.bytes, before, "a token counts once");
    for _ in 0..2 {
        living.withdraw(again.token, again.expires_at);
        assert_eq!(living.bytes, before - TOKEN_BYTES - 3);
    }
    living.forget(at(99));
    assert_eq!((living.by_expiry.len(), living.projects.len()), (19, 2));
    living.forget(at(100));
    assert_eq!((living.by_expiry.len(), living.projects.len(), living.bytes), (0, 0, 0));
}
