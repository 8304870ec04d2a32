//! A folder of documents in several languages, and one of documents that mean no good.

use std::fs;

use tempfile::TempDir;

use super::*;

fn folder_of(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is within the folder")).expect("a folder within");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn library() -> TempDir {
    folder_of(&[
        (
            "energy/solar.md",
            "# Solar panels\n\nA panel of 2 m² yields about 400 watts at noon.\n\n## Care\n\nRain cleans the glass."
                .as_bytes(),
        ),
        (
            "energy/wind.html",
            b"<title>Wind turbines</title><nav>solar solar solar</nav><p>A turbine starts at 3 m/s of wind.</p>",
        ),
        ("de/brücke.txt", "Die Brücke in Zürich\n\nSie wurde 1838 gebaut und ist 120 Meter lang.".as_bytes()),
        ("jp/天気.md", "# 天気\n\n東京の天気は晴れです。明日は雨が降ります。".as_bytes()),
        ("ru/река.txt", "Река Волга\n\nВолга впадает в Каспийское море.".as_bytes()),
        ("th/น้ำ.txt", "น้ำเดือดที่ 100 องศา".as_bytes()),
    ])
}

fn open(folder: &TempDir) -> Folder {
    Folder::open(&FolderConfig::new(folder.path())).expect("a folder of documents")
}

#[track_caller]
fn check(folder: &Folder, query: &str, uri: &str, text: &str) {
    let hits = folder.search(query, 3).expect("it can be searched");
    let Some(best) = hits.first() else { panic!("{query}: nothing found") };
    assert_eq!(best.uri, uri, "{query}: {hits:?}");
    assert!(best.text.contains(text), "{query}: {hits:?}");
}

#[test]
fn documents_are_found_in_their_languages() {
    let folder = open(&library());
    assert_eq!(folder.indexed().to_string(), "6 documents in 6 passages");
    check(&folder, "How much does a solar panel yield?", "energy/solar.md", "400 watts");
    check(&folder, "TURBINE wind", "energy/wind.html", "3 m/s");
    check(&folder, "wie lang ist die Brucke in Zurich", "de/br%C3%BCcke.txt", "120 Meter");
    check(&folder, "天気予報 東京", "jp/%E5%A4%A9%E6%B0%97.md", "晴れ");
    check(&folder, "雨", "jp/%E5%A4%A9%E6%B0%97.md", "雨");
    check(&folder, "куда впадает Волга", "ru/%D1%80%D0%B5%D0%BA%D0%B0.txt", "Каспийское");
    check(&folder, "น้ำเดือด", "th/%E0%B8%99%E0%B9%89%E0%B8%B3.txt", "100");
    for query in ["xylophone", "", "?!", "\u{0}\u{301}"] {
        assert_eq!(folder.search(query, 3), Ok(Vec::new()), "{query}");
    }
    assert_eq!(folder.search("solar", 0), Ok(Vec::new()));
    let solar = folder.search("solar", 3).expect("it can be searched");
    assert_eq!(solar.len(), 1, "navigation is no text: {solar:?}");
}

#[test]
fn a_query_is_words_and_no_language() {
    let folder = open(&library());
    for query in
        ["title:solar AND (", "\"solar panel", "solar^9 OR -wind", "[a TO b] solar", "*:*", "solar~", "((((((((((solar"]
    {
        let hits = folder.search(query, 5).expect("it can be searched");
        assert!(
            hits.iter().all(|hit| hit.uri.starts_with("energy/")) && hits.is_empty() != query.contains("solar"),
            "{query}: {hits:?}"
        );
    }
    assert!(!folder.search(&"solar ".repeat(100_000), 5).expect("it can be searched").is_empty());
}

#[test]
fn uris_stand_behind_a_base() {
    let library = library();
    let mut config =
        FolderConfig { base_url: Some("https://docs.example.com/v 1".to_owned()), ..FolderConfig::new(library.path()) };
    let found = Folder::open(&config).expect("a good base").search("Zürich", 1).expect("it can be searched");
    assert_eq!(found[0].uri, "https://docs.example.com/v%201/de/br%C3%BCcke.txt");
    for bad in ["docs.example.com", "file:///docs/", "https://d.example/?q="] {
        config.base_url = Some(bad.to_owned());
        let error = Folder::open(&config).expect_err("refused").to_string();
        assert!(error.contains("https://docs.example.com/"), "{error}");
    }
}

#[test]
fn one_document_does_not_take_all_places() {
    let long = "Bees make honey in the hive. ".repeat(100);
    let folder = folder_of(&[
        ("a.txt", long.as_bytes()),
        ("b.txt", b"Honey keeps for years in a jar that is shut well, as those who had to open old ones found."),
    ]);
    let hits = open(&folder).search("honey", 5).expect("it can be searched");
    let uris: Vec<&str> = hits.iter().map(|hit| hit.uri.as_str()).collect();
    assert_eq!(uris.iter().filter(|uri| **uri == "a.txt").count(), 2, "{uris:?}");
    assert!(uris.contains(&"b.txt"), "{uris:?}");
}

#[test]
fn what_is_no_document_is_left_out_and_told() {
    let folder = folder_of(&[
        ("good.md", b"Honest words."),
        ("binary.txt", b"MZ\0\0\x01"),
        ("latin.txt", b"caf\xe9"),
        ("empty.md", b""),
        ("script.html", b"<script>alert('honest')</script>"),
        ("notes.pdf", b"honest"),
        (".hidden/secret.md", b"honest secret"),
        ("huge.txt", &[b'a'; 2_000]),
    ]);
    let limits = FolderLimits { document_bytes_max: 1_000, ..FolderLimits::default() };
    let opened = Folder::open(&FolderConfig { limits, ..FolderConfig::new(folder.path()) }).expect("one is good");
    let Indexed { documents, left_out, left_out_told, .. } = opened.indexed();
    assert_eq!((*documents, *left_out), (1, 5));
    assert_eq!(
        left_out_told.join("; "),
        "binary.txt: it holds NUL, so it is no text; empty.md: it holds no text; \
        huge.txt: it has more than 1000 bytes; latin.txt: it is no UTF-8 (at byte 3); script.html: it holds no text"
    );
    let uris: Vec<String> =
        opened.search("honest", 9).expect("it can be searched").into_iter().map(|hit| hit.uri).collect();
    assert_eq!(uris, ["good.md"]);
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_folder() {
    let outside = folder_of(&[("secret.md", b"the secret word is xyzzy")]);
    let folder = folder_of(&[("good.md", b"the word is plugh")]);
    let link = |to: &Path, from: &str| std::os::unix::fs::symlink(to, folder.path().join(from)).expect("a link");
    link(&outside.path().join("secret.md"), "link.md");
    link(outside.path(), "linked");
    link(folder.path(), "round");
    let opened = open(&folder);
    assert_eq!(opened.search("xyzzy", 3), Ok(Vec::new()));
    assert_eq!(opened.indexed().to_string(), "1 documents in 1 passages, 1 left out");
    // A link to the folder itself is what its owner means.
    let round = Folder::open(&FolderConfig::new(folder.path().join("round"))).expect("the same folder");
    assert_eq!(round.search("plugh", 3).expect("it can be searched")[0].uri, "good.md");
}

#[test]
fn too_much_is_refused_with_its_bound() {
    let library = library();
    let check = |limits, says: &str| {
        let error = Folder::open(&FolderConfig { limits, ..FolderConfig::new(library.path()) }).expect_err(says);
        assert!(error.to_string().contains(says), "{error}");
    };
    let usual = FolderLimits::default();
    check(FolderLimits { documents_max: 5, ..usual }, "more than 5 documents");
    check(FolderLimits { bytes_max: 100, ..usual }, "more than 100 bytes");
    check(FolderLimits { depth_max: 0, ..usual }, "holds no document");
    let missing = Folder::open(&FolderConfig::new("/no/such/folder")).expect_err("it is not there").to_string();
    assert!(missing.contains("/no/such/folder"), "{missing}");
}
