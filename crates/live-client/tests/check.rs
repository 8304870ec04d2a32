//! What a client says of a setup before it dials, by the backend and the version that it would dial.

use live_client::{Client, Modality, SessionResumptionConfig, Setup};

fn refused(client: &Client, setup: &Setup) -> Vec<&'static str> {
    client.check(setup).violations.iter().map(live_client::Violation::id).collect()
}

#[test]
fn a_setup_is_judged_as_where_it_goes_would_judge_it() {
    let gemini = Client::gemini("a key");
    let vertex = Client::vertex("p", "us-central1", "a token");
    let mut setup = Setup::new("gemini-2.5-flash-native-audio-preview-12-2025");
    setup.session_resumption =
        Some(SessionResumptionConfig { transparent: true, ..SessionResumptionConfig::default() });
    assert_eq!(refused(&gemini, &setup), ["setup.field-of-other-backend"]);
    for client in [&vertex, &Client::vertex_express("a key")] {
        let lint = client.check(&setup);
        assert!(lint.violations.is_empty(), "{:?}", lint.violations);
        assert!(lint.session.is_some_and(|session| session.resumption.is_some_and(|it| it.transparent)));
    }

    let mut setup = Setup::new("gemini-2.5-flash-native-audio-preview-12-2025");
    setup.generation_config.get_or_insert_default().enable_affective_dialog = true;
    assert_eq!(refused(&gemini, &setup), ["setup.field-of-other-version"]);
    for client in [gemini.clone().api_version("v1alpha"), Client::gemini_token("auth_tokens/t"), vertex.clone()] {
        assert_eq!(refused(&client, &setup), [""; 0]);
    }
    assert_eq!(refused(&Client::gateway("ws://127.0.0.1:1/live"), &setup), ["setup.field-of-other-version"]);
}

#[test]
fn names_and_modalities_are_completed_before() {
    let setup = Setup::new("gemini-live-2.5-flash-preview");
    let modality = |client: &Client| client.check(&setup).session.map(|session| session.modality.name());
    assert_eq!(modality(&Client::gemini("a key")), Some("TEXT"));
    assert_eq!(modality(&Client::vertex("p", "global", "a token")), Some("AUDIO"));
    assert_eq!(refused(&Client::gemini("a key"), &Setup::new("gemini-pro")), ["setup.model-unknown"]);
    let vertex = Client::vertex("p", "global", "a token");
    assert_eq!(refused(&vertex, &Setup::new("gemini-pro")), ["setup.publisher-model-unknown"]);
}

#[test]
fn all_is_told_at_once_and_what_is_in_vain_too() {
    let setup = Setup { labels: [("a".to_owned(), "b".to_owned())].into(), ..Setup::new("gemini-3.8-live") };
    let lint = Client::gemini("a key").check(&setup.with_modality(Modality::Text).with_voice("alloy"));
    assert_eq!(lint.violations.len(), 2, "{:?}", lint.violations);
    assert_eq!(lint.warnings.len(), 1, "{:?}", lint.warnings);
    assert!(lint.session.is_none());
}
