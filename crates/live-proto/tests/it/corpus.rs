//! The committed corpora of the fuzz targets, replayed: each file is an input that once reached new code or a fault.

#![expect(clippy::disallowed_methods, reason = "the tests of a crate without I/O may read files")]

use std::fs;
use std::path::Path;

#[path = "../../../../fuzz/src/checks.rs"]
mod checks;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).expect("the corpus is committed");
    let mut count = 0;
    for file in files {
        let path = file.expect("a readable folder").path();
        let bytes = fs::read(&path).expect("a readable file");
        println!("{}", path.display());
        check(&bytes);
        count += 1;
    }
    assert!(count > 0, "the corpus of {target} is empty");
}

#[test]
fn client_json_holds_on_its_corpus() {
    replay("client_json", checks::client_json);
}

#[test]
fn server_json_holds_on_its_corpus() {
    replay("server_json", checks::server_json);
}

#[test]
fn convert_holds_on_its_corpus() {
    replay("convert", checks::convert);
}
