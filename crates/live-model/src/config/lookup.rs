//! The tools that look things up, `[search]` and `[url_context]`, from a file or from flags.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use live_search::{AllowList, Folder, FolderConfig, Reader, ReaderLimits, Searx, SearxConfig};
use toml::{Table, Value};

use super::kind;
use super::section::{ConfigError, Section};
use crate::tool::BuiltIns;

/// What flags say of these tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookupFlags {
    /// A folder to search.
    pub search_folder: Option<PathBuf>,
    /// What is put before the path of a document in it.
    pub search_base_url: Option<String>,
    /// A service to search by.
    pub search_url: Option<String>,
    /// What may be read.
    pub url_allow: Vec<String>,
}

impl LookupFlags {
    /// Adds the tools that the flags choose to `built_ins`, and says what each is. A folder is read and indexed.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn add_to(&self, built_ins: &mut BuiltIns) -> Result<Vec<(&'static str, String)>, ConfigError> {
        let Self { search_folder, search_base_url, search_url, url_allow } = self;
        let mut summary = Vec::new();
        let table = |keys: &[(&str, Option<&str>)]| -> Table {
            let given = keys.iter().filter_map(|(key, value)| Some(((*key).to_owned(), Value::from((*value)?))));
            given.collect()
        };
        if let Some(path) = search_folder {
            let keys = [("kind", Some("folder")), ("path", path.to_str()), ("base_url", search_base_url.as_deref())];
            summary.push(search(Section::new("--search-folder", "", table(&keys)), built_ins)?);
        } else if let Some(url) = search_url {
            let keys = [("kind", Some("http")), ("base_url", Some(url.as_str()))];
            summary.push(search(Section::new("--search-url", "", table(&keys)), built_ins)?);
        }
        if !url_allow.is_empty() {
            let allow = url_allow.iter().map(|entry| Value::from(entry.as_str())).collect();
            let table = Table::from_iter([("allow".to_owned(), Value::Array(allow))]);
            summary.push(url_context(Section::new("--url-allow", "", table), built_ins)?);
        }
        Ok(summary)
    }
}

/// Adds what a file says; a tool that a flag has chosen already cannot be chosen again.
pub(super) fn read(file: &mut Section, built_ins: &mut BuiltIns) -> Result<Vec<(&'static str, String)>, ConfigError> {
    let mut summary = Vec::new();
    let twice = "a flag has chosen it already";
    if let Some(section) = file.table("search")? {
        if built_ins.search.is_some() {
            return Err(file.error("search", twice, "leave out --search-folder and --search-url, or this table"));
        }
        summary.push(search(section, built_ins)?);
    }
    if let Some(section) = file.table("url_context")? {
        if built_ins.urls.is_some() {
            return Err(file.error("url_context", twice, "leave out --url-allow, or this table"));
        }
        summary.push(url_context(section, built_ins)?);
    }
    Ok(summary)
}

fn search(mut section: Section, built_ins: &mut BuiltIns) -> Result<(&'static str, String), ConfigError> {
    let what = match kind(&mut section, &["folder", "http"])? {
        "folder" => {
            let path = section.needed("path", "documents")?;
            let mut config = FolderConfig::new(&path);
            config.base_url = section.text("base_url")?;
            let usual = config.limits;
            if let Some(max) = section.number("documents_max", 1..=1_000_000)? {
                config.limits.documents_max = usize::try_from(max).unwrap_or(usual.documents_max);
            }
            if let Some(max) = section.number("bytes_max", 1..=1 << 36)? {
                config.limits.bytes_max = u64::try_from(max).unwrap_or(usual.bytes_max);
            }
            if let Some(max) = section.number("document_bytes_max", 1..=1 << 30)? {
                config.limits.document_bytes_max = u64::try_from(max).unwrap_or(usual.document_bytes_max);
            }
            let fix = "name a folder of .md, .html or .txt files in UTF-8";
            let folder = Folder::open(&config).map_err(|error| section.error("path", error.to_string(), fix))?;
            for why in &folder.indexed().left_out_told {
                tracing::warn!(folder = path, why, "a document is left out of the search");
            }
            let what = format!("folder {}, {}", Path::new(&path).display(), folder.indexed());
            built_ins.search = Some(Arc::new(folder));
            what
        }
        _ => {
            let mut config = SearxConfig::new(section.needed("base_url", "http://127.0.0.1:8888")?);
            config.language = section.text("language")?;
            config.categories = section.text("categories")?;
            config.time = section.duration("time")?.unwrap_or(config.time);
            let searx = Searx::new(config).map_err(|error| {
                section.error("base_url", error.to_string(), "write it as in http://127.0.0.1:8888")
            })?;
            let what = searx.url().to_owned();
            built_ins.search = Some(Arc::new(searx));
            what
        }
    };
    section.finish()?;
    Ok(("search", what))
}

fn url_context(mut section: Section, built_ins: &mut BuiltIns) -> Result<(&'static str, String), ConfigError> {
    let fix = "add allow = [\"docs.example.com\", \"https://example.com/guide/\"]; what it does not name is not read";
    let entries = section.texts("allow")?.filter(|entries| !entries.is_empty());
    let entries = entries.ok_or_else(|| section.error("allow", "it is missing", fix))?;
    let list = AllowList::new(entries.iter().map(String::as_str))
        .map_err(|error| section.error("allow", error.to_string(), "mend the entry"))?;
    let usual = ReaderLimits::default();
    let limits = ReaderLimits {
        time: section.duration("time")?.unwrap_or(usual.time),
        page_bytes_max: size(section.number("page_bytes_max", 1..=1 << 30)?).unwrap_or(usual.page_bytes_max),
        text_bytes_max: size(section.number("text_bytes_max", 1..=1 << 20)?).unwrap_or(usual.text_bytes_max),
        redirects_max: size(section.number("redirects_max", 0..=20)?).unwrap_or(usual.redirects_max),
        ..usual
    };
    section.finish()?;
    let what = format!("pages of {list}");
    built_ins.urls = Some(Arc::new(Reader::new(list, limits)));
    Ok(("url context", what))
}

fn size(number: Option<i64>) -> Option<usize> {
    usize::try_from(number?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Engines;

    fn documents() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.md"), "# A\n\nwords").expect("a file");
        folder
    }

    fn told(flags: &LookupFlags) -> (BuiltIns, String) {
        let mut built_ins = BuiltIns::default();
        let told = flags
            .add_to(&mut built_ins)
            .map(|summary| summary.iter().map(|(name, what)| format!("{name}: {what}")).collect::<Vec<_>>().join("; "));
        (built_ins, told.unwrap_or_else(|error| error.to_string()))
    }

    #[test]
    fn flags_choose_what_is_offered() {
        let (built_ins, text) = told(&LookupFlags::default());
        assert_eq!((text.as_str(), built_ins.offered()), ("", live_engine::BuiltInTools::NONE));
        let documents = documents();
        let folder = LookupFlags {
            search_folder: Some(documents.path().to_owned()),
            url_allow: vec!["docs.example.com".to_owned(), "127.0.0.1:8080".to_owned()],
            ..LookupFlags::default()
        };
        let (built_ins, text) = told(&folder);
        let expected = format!(
            "search: folder {}, 1 documents in 1 passages; url context: pages of docs.example.com, 127.0.0.1:8080",
            documents.path().display()
        );
        assert_eq!(text, expected);
        assert!(built_ins.offered().google_search && built_ins.offered().url_context);
        let service = LookupFlags { search_url: Some("http://127.0.0.1:8888".to_owned()), ..LookupFlags::default() };
        let (built_ins, text) = told(&service);
        assert_eq!(text, "search: http://127.0.0.1:8888/search");
        assert!(built_ins.offered().google_search && !built_ins.offered().url_context);
    }

    #[test]
    fn what_cannot_be_meant_is_told_by_its_flag() {
        let usual = LookupFlags::default;
        for (flags, says) in [
            (LookupFlags { search_folder: Some("/no/such".into()), ..usual() }, "--search-folder: path: /no/such: "),
            (LookupFlags { search_url: Some("127.0.0.1:8888".into()), ..usual() }, "--search-url: base_url: "),
            (
                LookupFlags { url_allow: vec!["ftp://x".into()], ..usual() },
                "--url-allow: allow: \"ftp://x\": only http",
            ),
        ] {
            let (built_ins, text) = told(&flags);
            assert!(text.starts_with(says), "{text}");
            assert_eq!(built_ins.offered(), live_engine::BuiltInTools::NONE);
        }
    }

    #[test]
    fn a_file_chooses_too_but_not_twice() {
        let parse = |text: &str, built_ins: &BuiltIns| Engines::parse(text, "models.toml", built_ins);
        let documents = documents();
        let both =
            format!("[search]\nkind = \"folder\"\npath = {:?}\n[url_context]\nallow = [\"*\"]", documents.path());
        let engines = parse(&both, &BuiltIns::default()).expect("a good file");
        let offered = engines.model.built_in_tools();
        assert!(offered.google_search && offered.url_context, "{offered:?}");
        assert!(engines.summary.iter().any(|(name, _)| *name == "url context"), "{:?}", engines.summary);
        let mut given = BuiltIns::default();
        let flags = LookupFlags { url_allow: vec!["*".to_owned()], ..LookupFlags::default() };
        flags.add_to(&mut given).expect("a good flag");
        for (text, built_ins, says) in [
            (both.as_str(), &given, "models.toml: url_context: a flag has chosen it already"),
            ("[search]\nkind = \"http\"", &given, "models.toml: search.base_url: it is missing"),
            ("[search]\nkind = \"folder\"\npath = \"/no/such\"", &given, "models.toml: search.path: /no/such: "),
            ("[url_context]\nallow = []", &BuiltIns::default(), "models.toml: url_context.allow: it is missing"),
            ("[gemini]\nbase_url = \"http://h\"\n[search]\n", &given, "models.toml: search: an upstream"),
            ("[gemini]\nbase_url = \"http://h\"\n", &given, "models.toml: gemini: an upstream searches"),
        ] {
            let error = parse(text, built_ins).expect_err(says).to_string();
            assert!(error.starts_with(says), "{error}");
        }
    }
}
