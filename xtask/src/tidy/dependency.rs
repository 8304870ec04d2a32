//! Checks of what depends on what: the directions between our crates, and what the pure ones must not pull in.
//! Licences and bans are checked in `licence`.

use anyhow::Result;

use super::Finding;
use crate::repository::{Metadata, Repository};
use crate::shell;

/// All that one of our crates pulls in, with the features that are turned on.
#[derive(Debug)]
pub(super) struct Tree {
    of: &'static str,
    nodes: Vec<Node>,
}

#[derive(Debug, PartialEq, Eq)]
struct Node {
    name: String,
    features: Vec<String>,
}

impl Tree {
    /// Reads lines of `name v1.2.3 ...|feature,feature`.
    fn parse(of: &'static str, text: &str) -> Self {
        let mut nodes = Vec::new();
        for line in text.lines() {
            let (package, features) = line.split_once('|').unwrap_or((line, ""));
            let Some(name) = package.split_whitespace().next() else { continue };
            // `(*)` marks what was already shown further up.
            let features = features.trim_end_matches("(*)").trim();
            let features = features.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            nodes.push(Node { name: name.to_owned(), features });
        }
        Self { of, nodes }
    }
}

/// Asks cargo for the normal dependencies of the crates that must do without something, on all platforms.
pub(super) fn read_trees(repository: &Repository) -> Result<Vec<Tree>> {
    let mut trees = Vec::new();
    for name in PURE.iter().copied().chain([WITHOUT_RUNTIME]) {
        let mut cargo = shell::cargo(&repository.root);
        cargo.args(["tree", "--package", name, "--edges=normal", "--target=all", "--prefix=none", "--format={p}|{f}"]);
        trees.push(Tree::parse(name, &shell::read(&mut cargo)?));
    }
    Ok(trees)
}

pub(super) fn pure_crates(trees: &[Tree]) -> Vec<Finding> {
    trees.iter().filter(|tree| PURE.contains(&tree.of)).flat_map(|tree| pulled_in(tree, IMPURE)).collect()
}

pub(super) fn without_runtime(trees: &[Tree]) -> Vec<Finding> {
    trees.iter().filter(|tree| tree.of == WITHOUT_RUNTIME).flat_map(|tree| pulled_in(tree, RUNTIMES)).collect()
}

fn pulled_in(Tree { of, nodes }: &Tree, banned: &[&str]) -> Vec<Finding> {
    let banned = banned.iter().filter(|banned| nodes.iter().any(|node| node.name == **banned));
    let finding = |banned| {
        let what = format!("{of} pulls in {banned}");
        Finding::file(&manifest(of), what, "find the way with `cargo tree -i` and cut it")
    };
    banned.map(finding).collect()
}

pub(super) fn engine_codec(trees: &[Tree]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Tree { of, nodes } in trees.iter().filter(|tree| tree.of == "live-engine") {
        for feature in nodes.iter().filter(|node| node.name == "live-proto").flat_map(|node| &node.features) {
            if CODECS.contains(&feature.as_str()) {
                let what = format!("turns on `{feature}` of live-proto");
                findings.push(Finding::file(&manifest(of), what, "take live-proto without default features"));
            }
        }
    }
    findings
}

/// Tests may know anyone: only normal and build dependencies have a direction.
pub(super) fn directions(metadata: &Metadata) -> Vec<Finding> {
    let ours: Vec<_> = metadata.members().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in metadata.members() {
        let at = manifest(&package.name);
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == package.name) else {
            findings.push(Finding::file(&at, "a crate without a place", "add it to the table of who may know whom"));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let is_dev = dependency.kind.as_deref() == Some("dev");
            if ours.contains(&name) && !is_dev && !allowed.contains(&name) {
                let what = format!("{} may not know {name}", package.name);
                findings.push(Finding::file(&at, what, "turn the dependency around or move the code down"));
            }
        }
    }
    findings
}

fn manifest(name: &str) -> String {
    match name {
        "xtask" | "benches" => format!("{name}/Cargo.toml"),
        _ => format!("crates/{name}/Cargo.toml"),
    }
}

/// The crates without I/O, clock and randomness.
pub(crate) const PURE: &[&str] = &["live-proto", "live-audio", "live-engine"];

/// What brings I/O, clocks or randomness with it.
const IMPURE: &[&str] = &[
    "async-std",
    "chrono",
    "fastrand",
    "getrandom",
    "hyper",
    "mio",
    "rand",
    "rand_core",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tungstenite",
];

/// The crate for programs that have no runtime and want none.
const WITHOUT_RUNTIME: &str = "live-blocking";

const RUNTIMES: &[&str] = &["async-std", "futures-executor", "hyper", "mio", "smol", "tokio"];

const CODECS: &[&str] = &["default", "json", "pb"];

/// Who may know whom, from the bottom up.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("live-proto", &[]),
    ("live-audio", &[]),
    ("live-engine", &["live-proto", "live-audio"]),
    ("live-tokio", &["live-proto", "live-audio", "live-engine"]),
    ("live-tools", &["live-proto", "live-engine"]),
    ("live-suite", &["live-proto", "live-engine"]),
    ("live-sim", &["live-proto", "live-audio", "live-engine"]),
    ("live-blocking", &["live-proto", "live-audio", "live-engine", "live-tools"]),
    ("live-grpc", &["live-proto", "live-audio", "live-engine", "live-tokio"]),
    ("live-client", &["live-proto", "live-audio", "live-engine", "live-tokio", "live-tools"]),
    ("live-search", &[]),
    ("live-model", &["live-proto", "live-audio", "live-engine", "live-client", "live-search"]),
    ("live-code", &["live-proto", "live-model"]),
    ("live-server", &["live-proto", "live-audio", "live-engine", "live-tokio", "live-grpc", "live-model"]),
    (
        "live-cli",
        &[
            "live-proto",
            "live-audio",
            "live-engine",
            "live-tokio",
            "live-client",
            "live-model",
            "live-code",
            "live-server",
        ],
    ),
    ("benches", &["live-proto", "live-audio", "live-engine", "live-tokio", "live-client", "live-model", "live-server"]),
    ("xtask", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::{Dependency, Package};

    fn member(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependency = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
        };
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            license: None,
            source: None,
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    fn workspace(packages: Vec<Package>) -> Metadata {
        Metadata { workspace_members: packages.iter().map(|package| package.id.clone()).collect(), packages }
    }

    #[test]
    fn a_runtime_under_a_pure_crate_is_found() {
        let tree = Tree::parse("live-audio", "live-audio v0.1.0 (/x)|\nbytes v1.0.0|std\ntokio v1.40.0|net,rt (*)\n");
        let findings = pure_crates(&[tree]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].what, "live-audio pulls in tokio");
    }

    #[test]
    fn a_runtime_under_the_blocking_adapter_is_found_and_its_sockets_are_not() {
        let tree = "live-blocking v0.1.0 (/x)|\ntungstenite v0.29.0|handshake\ngetrandom v0.3.0|\nmio v1.0.0|\n";
        let trees = [Tree::parse("live-blocking", tree)];
        assert_eq!(without_runtime(&trees)[0].what, "live-blocking pulls in mio");
        assert_eq!(without_runtime(&trees).len(), 1);
        assert_eq!(pure_crates(&trees), []);
    }

    #[test]
    fn a_codec_in_the_engine_is_found() {
        let good = Tree::parse("live-engine", "live-engine v0.1.0 (/x)|\nlive-proto v0.1.0 (/x)|\n");
        assert_eq!(engine_codec(&[good]), []);
        let bad = Tree::parse("live-engine", "live-engine v0.1.0 (/x)|\nlive-proto v0.1.0 (/x)|default,json (*)\n");
        assert_eq!(engine_codec(&[bad]).len(), 2);
    }

    #[test]
    fn only_the_engine_is_asked_for_codecs() {
        assert_eq!(engine_codec(&[Tree::parse("live-proto", "live-proto v0.1.0 (/x)|default,json\n")]), []);
    }

    #[test]
    fn a_dependency_upwards_is_found() {
        let metadata = workspace(vec![member("live-proto", &[("live-engine", None)]), member("live-engine", &[])]);
        assert_eq!(directions(&metadata)[0].what, "live-proto may not know live-engine");
    }

    #[test]
    fn a_dependency_downwards_or_of_tests_is_fine() {
        let engine = member("live-engine", &[("live-proto", None), ("live-server", Some("dev")), ("bytes", None)]);
        let metadata = workspace(vec![engine, member("live-proto", &[]), member("live-server", &[])]);
        assert_eq!(directions(&metadata), []);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        assert_eq!(directions(&workspace(vec![member("live-odds", &[])]))[0].what, "a crate without a place");
    }

    #[test]
    fn the_table_points_downwards_only() {
        for (place, (name, allowed)) in MAY_KNOW.iter().enumerate() {
            for known in *allowed {
                let below = MAY_KNOW[..place].iter().any(|(name, _)| name == known);
                assert!(below, "{name} may know {known}, which stands above it");
            }
        }
    }
}
