//! The flags that choose what models may search and read.
//!
//! What they mean is in `live_model::config`, what is done with them in `live-search`.

use std::path::PathBuf;

use live_model::BuiltIns;
use live_model::config::{ConfigError, LookupFlags};

/// What is told of search and pages; without any of it a session that asks for `googleSearch` or `urlContext` is refused.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct LookupArgs {
    /// Let models search this folder (.md, .html and .txt files in UTF-8, read at start): `googleSearch`
    #[arg(long, value_name = "DIR", conflicts_with = "search_url")]
    search_folder: Option<PathBuf>,

    /// What stands before the path of a document of the folder, as in `https://docs.example.com/` (default: nothing)
    #[arg(long, value_name = "URL", requires = "search_folder")]
    search_base_url: Option<String>,

    /// Let models search by this service, with the interface of SearXNG, as in `http://127.0.0.1:8888`: `googleSearch`
    #[arg(long, value_name = "URL")]
    search_url: Option<String>,

    /// Let models read pages of this host, as in docs.example.com, *.example.com, 127.0.0.1:8080, or what begins with this URL, or * for
    /// all public hosts: `urlContext`. May be given several times. Addresses that are not public have to be named themselves
    #[arg(long, value_name = "HOST|URL")]
    url_allow: Vec<String>,
}

impl LookupArgs {
    /// Adds the tools that are chosen; a line for each.
    pub(crate) fn add_to(self, built_ins: &mut BuiltIns) -> Result<String, ConfigError> {
        let Self { search_folder, search_base_url, search_url, url_allow } = self;
        let summary = LookupFlags { search_folder, search_base_url, search_url, url_allow }.add_to(built_ins)?;
        Ok(summary.iter().map(|(tool, what)| format!("{tool}: {what}\n")).collect())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        lookup: LookupArgs,
    }

    fn chosen(flags: &[&str]) -> Result<(String, BuiltIns), String> {
        let cli = Cli::try_parse_from([&["live"], flags].concat()).map_err(|error| error.to_string())?;
        let mut built_ins = BuiltIns::default();
        let told = cli.lookup.add_to(&mut built_ins).map_err(|error| error.to_string())?;
        Ok((told, built_ins))
    }

    #[test]
    fn flags_choose_tools() {
        let (told, built_ins) = chosen(&[]).expect("nothing is asked for");
        assert!(told.is_empty() && built_ins.offered() == BuiltIns::default().offered());
        let flags = ["--search-url", "http://127.0.0.1:8888", "--url-allow", "a.example", "--url-allow", "*.b.example"];
        let (told, built_ins) = chosen(&flags).expect("good flags");
        assert_eq!(told, "search: http://127.0.0.1:8888/search\nurl context: pages of a.example, *.b.example\n");
        assert!(built_ins.offered().google_search && built_ins.offered().url_context);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (flags, says) in [
            (&["--search-folder", "/no/such/folder"][..], "--search-folder: path: /no/such/folder"),
            (&["--search-folder", ".", "--search-url", "http://h"], "cannot be used with"),
            (&["--search-base-url", "http://h"], "--search-folder"),
            (&["--url-allow", "user@host"], "--url-allow: allow: \"user@host\": it names a user"),
        ] {
            let error = chosen(flags).expect_err("it is refused");
            assert!(error.contains(says), "{flags:?}: {error}");
        }
    }
}
