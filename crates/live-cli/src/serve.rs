//! `live serve`: the server on a plain and a TLS port, and the lines that point an SDK at it.
//!
//! The server itself is `live-server`; here are its flags, what is printed, and the end by a signal.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use live_audio::{EarshotVad, EnergyVad, Vad};
use live_engine::VadSignal;
use live_model::BuiltIns;
use live_model::embedded::{Embedded, EmbeddedConfig};
use live_server::store::DiskStore;
use live_server::tls::LocalCa;
use live_server::{Backend, ClockKind, Endpoint, Lifetimes, Origin, Server, Strictness};

use self::access::AccessArgs;
use self::lookup::LookupArgs;
use crate::engines::{self, EngineArgs};
use crate::profiles::ProfileArgs;

mod access;
#[cfg(feature = "code")]
pub(crate) mod code;
pub(crate) mod lookup;

/// What `live serve` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address for plain WebSocket; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,

    /// Address for WebSocket over TLS, which the Python SDKs insist on; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443", value_parser = address)]
    tls_listen: SocketAddr,

    /// Serve no TLS
    #[arg(long, conflicts_with = "tls_listen")]
    no_tls: bool,

    /// Where the certificate authority and, with --store redb, sessions are kept (default: $XDG_DATA_HOME/live or ~/.local/share/live)
    #[arg(long, value_name = "DIR", env = "LIVE_DATA_DIR")]
    data_dir: Option<PathBuf>,

    #[command(flatten)]
    access: AccessArgs,

    /// Web pages that may open sessions while any key is accepted, beside those of this machine, such as
    /// `https://app.example:8443`; may be given several times. `*` is for all
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<Origin>,

    /// Address for gRPC without TLS (default: none); port 0 picks a free one
    #[arg(long, value_name = "ADDR", value_parser = address)]
    grpc_listen: Option<SocketAddr>,

    /// Address for gRPC over TLS, with the same certificate authority (default: none); port 0 picks a free one
    #[arg(long, value_name = "ADDR", value_parser = address, conflicts_with = "no_tls")]
    grpc_tls_listen: Option<SocketAddr>,

    /// Log unknown fields instead of refusing them
    #[arg(long, conflicts_with = "strict")]
    lenient: bool,

    /// Refuse unknown fields, as the service does (the default)
    #[arg(long)]
    strict: bool,

    /// Where sessions that may be resumed are kept: in memory until the end of the process, or in a file of the data
    /// directory that outlives it
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Store::Memory)]
    store: Store,

    /// Sessions that one project (a key, unless --access-file says otherwise) may have open at once
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    sessions_per_project: u32,

    /// What finds speech in a stream of sound: a small network, or the loudness alone
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Detector::Earshot)]
    detector: Detector,

    /// How a client that set `explicitVadSignal` is told of speech: `voiceActivity`, or the older `voiceActivityDetectionSignal`
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Signal::Activity)]
    vad_signal: Signal,

    #[command(flatten)]
    engines: EngineArgs,

    #[cfg(feature = "code")]
    #[command(flatten)]
    code: code::CodeArgs,

    #[command(flatten)]
    profiles: ProfileArgs,

    #[command(flatten)]
    lookup: LookupArgs,

    #[command(flatten)]
    lasting: Lasting,

    /// The time that sessions live by: real, virtual (it stands still until the control endpoint moves it), or xN
    #[arg(long, value_name = "KIND", default_value_t = ClockKind::Real)]
    clock: ClockKind,

    /// Address of the control endpoint, for tests: it moves the clock, shows sessions and disturbs them, and asks for no
    /// key (default: none; port 0 picks a free one)
    #[arg(long, value_name = "ADDR", value_parser = address)]
    control_listen: Option<SocketAddr>,

    /// Allow a control endpoint that other machines can reach
    #[arg(long, requires = "control_listen")]
    control_exposed: bool,

    /// What is logged to stderr: error, warn, info, debug, trace, or a filter such as `live_server=debug`
    #[arg(long, value_name = "FILTER", env = "LIVE_LOG", default_value = "info")]
    log: tracing_subscriber::EnvFilter,
}

/// How long things last; what is not given is as the service has it.
#[derive(Debug, clap::Args)]
struct Lasting {
    /// The longest a connection lasts, such as 10m (the default) or 1h 30m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    connection_lifetime: Option<Duration>,

    /// Time between goAway and the end that it announces (default: 60s)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    go_away_notice: Option<Duration>,

    /// The longest a session without context window compression is connected in all (default: 15m), or off
    #[arg(long, value_name = "TIME", value_parser = limit)]
    session_limit_audio: Option<Limit>,

    /// The same from its first frame of video on (default: 2m), or off
    #[arg(long, value_name = "TIME", value_parser = limit)]
    session_limit_video: Option<Limit>,

    /// For how long a session can be resumed by a handle (default: 2h on Gemini, 24h on Vertex)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    handle_validity: Option<Duration>,
}

impl Lasting {
    fn lifetimes(&self, backend: Backend) -> Lifetimes {
        let Self { connection_lifetime, go_away_notice, session_limit_audio, session_limit_video, handle_validity } =
            *self;
        let service = Lifetimes::of(backend);
        Lifetimes {
            connection: connection_lifetime.unwrap_or(service.connection),
            go_away_notice: go_away_notice.unwrap_or(service.go_away_notice),
            session_audio: session_limit_audio.map_or(service.session_audio, |Limit(limit)| limit),
            session_video: session_limit_video.map_or(service.session_video, |Limit(limit)| limit),
            cut: service.cut,
            handle_validity: handle_validity.unwrap_or(service.handle_validity),
        }
    }
}

/// A duration, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit(Option<Duration>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Store {
    Memory,
    Redb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Detector {
    Earshot,
    Energy,
}

impl Detector {
    fn maker(self) -> fn() -> Box<dyn Vad> {
        match self {
            Self::Earshot => || Box::<EarshotVad>::default(),
            Self::Energy => || Box::<EnergyVad>::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Signal {
    Activity,
    Detection,
}

impl From<Signal> for VadSignal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Activity => Self::VoiceActivity,
            Signal::Detection => Self::DetectionSignal,
        }
    }
}

/// Serves until a signal asks for the end, then drains.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let Args {
        listen,
        tls_listen,
        no_tls,
        grpc_listen,
        grpc_tls_listen,
        data_dir,
        access,
        allow_origin,
        lenient,
        strict: _,
        store,
        sessions_per_project,
        detector,
        vad_signal,
        engines,
        profiles,
        lookup,
        #[cfg(feature = "code")]
        code,
        lasting,
        clock,
        control_listen,
        control_exposed,
        log,
    } = args;
    tracing_subscriber::fmt()
        .with_env_filter(log)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    let strictness = if lenient { Strictness::Lenient } else { Strictness::Strict };
    let admits = access.read()?;
    let mut told = access::told(&admits);
    let is_open = admits.is_open();

    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    #[cfg(feature = "code")]
    let (executor, tools) = runtime.block_on(code.executor())?;
    #[cfg(not(feature = "code"))]
    let (executor, tools) = (None, "code execution: not built in\n".to_owned());
    let mut built_ins = BuiltIns { code: executor, ..BuiltIns::default() };
    told += &tools;
    told += &lookup.add_to(&mut built_ins)?;
    let engines = engines.choose(&built_ins)?;
    let mut server = Server::builder().strictness(strictness).profiles(profiles.read()?).listen(listen);
    server = match &engines {
        None => server.model(Embedded::new(EmbeddedConfig::default()).built_ins(built_ins)),
        Some(engines) => server.model(engines.model.clone()),
    };
    server = server.allow_origins(allow_origin).vad(detector.maker()).vad_signal(vad_signal.into());
    server =
        server.lifetimes(|backend| lasting.lifetimes(backend)).sessions_per_project(sessions_per_project).clock(clock);
    if let Some(grpc) = grpc_listen {
        server = server.listen_grpc(grpc);
    }
    if let Some(control) = control_listen {
        if !control.ip().is_loopback() && !control_exposed {
            anyhow::bail!(
                "--control-listen {control} can be reached from other machines, and asks for no key\n\
                 choose an address such as 127.0.0.1:0, or say --control-exposed"
            );
        }
        server = server.control(control);
    }
    server = server.access(admits);
    let mut ca_path = None;
    if !no_tls {
        let now = SystemTime::now();
        let ca = LocalCa::open(&data_directory(data_dir.as_deref())?, now)
            .context("cannot keep a certificate authority (choose another --data-dir, or --no-tls)")?;
        let addresses: Vec<IpAddr> =
            [Some(tls_listen), grpc_tls_listen].into_iter().flatten().map(|at| at.ip()).collect();
        let config = ca.server_config(&addresses, now)?;
        if let Some(grpc) = grpc_tls_listen {
            server = server.listen_grpc_tls(grpc, &config);
        }
        server = server.listen_tls(tls_listen, config);
        ca_path = Some(std::path::absolute(ca.certificate_path())?);
    }

    let mut store_path = None;
    if store == Store::Redb {
        let directory = data_directory(data_dir.as_deref())?;
        let path = std::path::absolute(directory.join(SESSIONS_FILE))?;
        let opened = std::fs::create_dir_all(&directory).map_err(anyhow::Error::from);
        let store = opened.and_then(|()| Ok(DiskStore::open(&path)?)).with_context(|| {
            format!("cannot keep sessions in {} (choose another --data-dir, or --store memory)", path.display())
        })?;
        let store = Arc::new(store);
        server = server.store(Arc::clone(&store)).tokens(store);
        store_path = Some(path);
    }

    runtime.block_on(async {
        let server = server.bind().await.map_err(explain)?;
        let mut signals = Signals::watch().context("cannot watch for signals")?;
        tokio::spawn(access.reread(server.access()).context("cannot watch for signals")?);
        say(&banner(server.endpoints(), ca_path.as_deref(), is_open, &told));
        say(&beside(&server, clock, store_path.as_deref()));
        say(&engines.as_ref().map(engines::told).unwrap_or_default());
        let stats = server
            .serve_until(async move {
                signals.next().await;
                say("draining; press Ctrl-C again to stop at once\n");
                tokio::spawn(async move {
                    signals.next().await;
                    std::process::exit(130);
                });
            })
            .await;
        say(&format!(
            "served {} sessions; {} refused, {} broke the protocol, {} failures of ours\n",
            stats.sessions_total, stats.refused, stats.violations, stats.failures
        ));
        Ok(())
    })
}

/// What is printed once the server listens.
///
/// The `listening on` and `CA certificate:` lines stand alone and unindented, so that programs can read them.
fn banner(endpoints: &[Endpoint], ca: Option<&Path>, is_open: bool, told: &str) -> String {
    let mut out = String::new();
    for endpoint in endpoints {
        _ = writeln!(out, "listening on {endpoint}");
    }
    if let Some(ca) = ca {
        _ = writeln!(out, "CA certificate: {}", ca.display());
    }
    out.push_str(told);
    if is_open && endpoints.iter().any(|endpoint| !endpoint.address.ip().is_loopback()) {
        out.push_str("warning: reachable from the network without a key; give --api-key or --access-file\n");
    }

    let base_url = |is_tls: bool| {
        let endpoint = endpoints.iter().find(|endpoint| endpoint.is_tls == is_tls && !endpoint.is_grpc)?;
        let scheme = if is_tls { "https" } else { "http" };
        Some(format!("{scheme}://{}", reachable(endpoint.address)))
    };
    let (plain, tls) = (base_url(false).unwrap_or_default(), base_url(true));
    out.push_str("\nPaste into the shell of your program:\n\n");
    let any = tls.as_deref().unwrap_or(&plain);
    _ = writeln!(out, "export GOOGLE_GEMINI_BASE_URL={any}\nexport GOOGLE_VERTEX_BASE_URL={any}");
    if let Some(ca) = ca {
        let ca = quoted(ca);
        _ = writeln!(out, "export SSL_CERT_FILE={ca}\nexport NODE_EXTRA_CA_CERTS={ca}");
    }
    let key = if is_open { "any" } else { "one-of-the-keys" };
    _ = writeln!(out, "export GOOGLE_API_KEY={key}\n\nOr in code:\n");
    let mut line = |name: &str, code: String| _ = writeln!(out, "{name:<20}{code}");
    match &tls {
        Some(tls) => {
            line("google-genai", format!("Client(api_key=\"{key}\", http_options={{\"base_url\": \"{tls}\"}})"));
            line("google-adk", format!("Gemini(model=\"..\", base_url=\"{tls}\")"));
            line("pipecat, livekit", format!("http_options=HttpOptions(base_url=\"{tls}\")"));
        }
        None => line("Python SDKs", "need TLS: start without --no-tls".to_owned()),
    }
    line("@google/genai", format!("new GoogleGenAI({{apiKey: \"{key}\", httpOptions: {{baseUrl: \"{plain}\"}}}})"));
    for grpc in endpoints.iter().filter(|endpoint| endpoint.is_grpc) {
        let address = reachable(grpc.address);
        line(
            "gRPC (Python)",
            if grpc.is_tls {
                format!("grpc.aio.secure_channel(\"{address}\", grpc.ssl_channel_credentials(open(CA, \"rb\").read()))")
            } else {
                format!("grpc.aio.insecure_channel(\"{address}\")")
            },
        );
    }
    out.push('\n');
    out
}

/// What is printed of what not every server has.
fn beside(server: &Server, clock: ClockKind, store: Option<&Path>) -> String {
    let mut out = String::new();
    if let Some(store) = store {
        _ = writeln!(out, "sessions: {}", store.display());
    }
    if clock != ClockKind::Real {
        _ = writeln!(out, "clock: {clock}");
    }
    if let Some(control) = server.control() {
        _ = writeln!(out, "control endpoint: http://{control}");
    }
    out
}

/// The address by which this machine reaches what listens on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
}

/// `path` as one word of a POSIX shell.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    // What is listed means nothing to any shell; everything else might.
    if !path.is_empty() && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c)) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

fn explain(error: live_server::BindError) -> anyhow::Error {
    let live_server::BindError { endpoint, ref error } = error;
    let flag = match (endpoint.is_control, endpoint.is_grpc, endpoint.is_tls) {
        (true, _, _) => "--control-listen",
        (false, true, true) => "--grpc-tls-listen",
        (false, true, false) => "--grpc-listen",
        (false, false, true) => "--tls-listen",
        (false, false, false) => "--listen",
    };
    let ip = endpoint.address.ip();
    let fix = if error.kind() == std::io::ErrorKind::AddrInUse {
        let any = SocketAddr::new(ip, 0);
        format!("another program has this port: stop it, or choose a port with {flag} {any} (0 picks a free one)")
    } else if error.kind() == std::io::ErrorKind::PermissionDenied {
        format!("ports below 1024 need privileges: choose another with {flag}")
    } else if error.kind() == std::io::ErrorKind::AddrNotAvailable {
        format!("this machine has no address {ip}: choose another with {flag}")
    } else {
        format!("choose another address with {flag}")
    };
    anyhow::anyhow!("cannot listen on {endpoint}: {error}\n{fix}")
}

fn data_directory(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given
        .map(Path::to_owned)
        .or_else(|| from("XDG_DATA_HOME").map(|directory| directory.join("live")))
        .or_else(|| from("HOME").map(|home| home.join(".local/share/live")))
        .or_else(|| from("LOCALAPPDATA").map(|directory| directory.join("live")))
        .context(
            "no home directory to keep files in; choose one with --data-dir, or do with --no-tls and --store memory",
        )
}

/// A duration above zero.
fn duration(text: &str) -> Result<Duration, String> {
    let fault = |why: &dyn std::fmt::Display| format!("{why}; expected a time such as 10m, 90s or 1h 30m");
    let duration = humantime::parse_duration(text).map_err(|error| fault(&error))?;
    if duration.is_zero() { Err(fault(&"it is no time at all")) } else { Ok(duration) }
}

fn limit(text: &str) -> Result<Limit, String> {
    if text == "off" { Ok(Limit(None)) } else { duration(text).map(|limit| Limit(Some(limit))) }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let fault = |why: &dyn std::fmt::Display| format!("{why}; expected host:port, for example 127.0.0.1:8080");
    text.to_socket_addrs().map_err(|error| fault(&error))?.next().ok_or_else(|| fault(&"the name has no address"))
}

/// Ctrl-C, and what a service manager sends instead.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// Takes the signals over: from here on they end nothing by themselves.
    pub(crate) fn watch() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
        }
        #[cfg(windows)]
        {
            Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
        }
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
}

/// The file of `--store redb`, in the data directory.
const SESSIONS_FILE: &str = "sessions.redb";

/// Prints, and does not mind when nobody reads.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use live_server::{Access, Secret};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(args: &[&str]) -> Result<Args, String> {
        let args = std::iter::once("serve").chain(args.iter().copied());
        Cli::try_parse_from(args).map(|cli| cli.args).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_have_the_documented_defaults() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(args.tls_listen, "127.0.0.1:8443".parse().unwrap());
        assert!(!args.lenient && !args.no_tls && args.access.api_key.is_empty());
        assert_eq!(args.log.to_string(), "info");
        assert_eq!((args.store, args.sessions_per_project, args.clock), (Store::Memory, 1000, ClockKind::Real));
        assert_eq!((args.control_listen, args.grpc_listen, args.grpc_tls_listen), (None, None, None));
        for backend in [Backend::Gemini, Backend::Vertex] {
            assert_eq!(args.lasting.lifetimes(backend), Lifetimes::of(backend));
        }
    }

    #[test]
    fn lifetimes_are_given_as_people_write_them() {
        let args = parse(&[
            "--connection-lifetime=1h 30m",
            "--go-away-notice=500ms",
            "--session-limit-audio=off",
            "--session-limit-video=90s",
            "--handle-validity=2days",
        ])
        .unwrap();
        let seconds = Duration::from_secs;
        let expected = Lifetimes {
            connection: seconds(5400),
            go_away_notice: Duration::from_millis(500),
            session_audio: None,
            session_video: Some(seconds(90)),
            handle_validity: seconds(2 * 86_400),
            ..Lifetimes::of(Backend::Vertex)
        };
        assert_eq!(args.lasting.lifetimes(Backend::Vertex), expected);
    }

    #[test]
    fn keys_repeat_and_are_never_printed() {
        let args = parse(&["--api-key", "first-secret", "--api-key", "second-secret"]).unwrap();
        assert_eq!(args.access.api_key, [Secret::new("first-secret"), Secret::new("second-secret")]);
        assert!(!format!("{args:?}").contains("secret\""), "{args:?}");
        assert!(!format!("{args:?}").contains("first"), "{args:?}");
    }

    #[test]
    fn bad_flags_are_told_what_is_expected() {
        let table: [(&[&str], &str); 13] = [
            (&["--listen", "8080"], "expected host:port"),
            (&["--tls-listen", "127.0.0.1:99999"], "expected host:port"),
            (&["--api-key", ""], "--api-key"),
            (&["--allow-origin", "app.example"], "such as https://"),
            (&["--lenient", "--strict"], "cannot be used with"),
            (&["--connection-lifetime", "10"], "such as 10m"),
            (&["--go-away-notice", "0s"], "no time at all"),
            (&["--session-limit-audio", "never"], "such as 10m"),
            (&["--clock", "x0"], "x and a number"),
            (&["--store", "disk"], "redb"),
            (&["--control-exposed"], "--control-listen"),
            (&["--no-tls", "--tls-listen", "127.0.0.1:0"], "cannot be used with"),
            (&["--no-tls", "--grpc-tls-listen", "127.0.0.1:0"], "cannot be used with"),
        ];
        for (args, says) in table {
            let error = parse(args).expect_err("refused");
            assert!(error.contains(says), "{args:?}: {error}");
        }
    }

    fn open() -> String {
        access::told(&Access::default())
    }

    fn endpoints(plain: &str, tls: Option<&str>) -> Vec<Endpoint> {
        let plain = Endpoint { address: plain.parse().unwrap(), is_tls: false, is_grpc: false, is_control: false };
        let tls = tls.map(|address| Endpoint {
            address: address.parse().unwrap(),
            is_tls: true,
            is_grpc: false,
            is_control: false,
        });
        std::iter::once(plain).chain(tls).collect()
    }

    #[test]
    fn the_lines_to_paste_stand_alone() {
        let endpoints = endpoints("127.0.0.1:4000", Some("127.0.0.1:4001"));
        let banner = banner(&endpoints, Some(Path::new("/data/live/ca.pem")), true, &open());
        for line in [
            "listening on ws://127.0.0.1:4000",
            "listening on wss://127.0.0.1:4001",
            "CA certificate: /data/live/ca.pem",
            "export GOOGLE_GEMINI_BASE_URL=https://127.0.0.1:4001",
            "export SSL_CERT_FILE=/data/live/ca.pem",
            "export NODE_EXTRA_CA_CERTS=/data/live/ca.pem",
            "export GOOGLE_API_KEY=any",
        ] {
            assert!(banner.lines().any(|printed| printed == line), "{line}\n{banner}");
        }
        assert!(banner.contains("API keys: any is accepted") && !banner.contains("warning"), "{banner}");
        assert!(banner.contains("OAuth tokens: any is accepted, and none is verified"), "{banner}");
    }

    #[test]
    fn without_tls_the_banner_says_who_cannot_connect() {
        let banner = banner(&endpoints("0.0.0.0:4000", None), None, true, &open());
        assert!(banner.contains("GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:4000\n"), "{banner}");
        assert!(banner.contains("Python SDKs         need TLS"), "{banner}");
        assert!(banner.contains("warning: reachable from the network without a key"), "{banner}");
        assert!(!banner.contains("SSL_CERT_FILE"), "{banner}");
    }

    #[test]
    fn a_restricted_server_does_not_say_that_any_key_will_do() {
        let keyed = access::told(&Access::of_keys([Secret::new("k")]));
        let banner = banner(&endpoints("0.0.0.0:1", None), None, false, &keyed);
        assert!(!banner.contains("any") && !banner.contains("warning"), "{banner}");
    }

    #[test]
    fn a_grpc_port_is_no_base_url() {
        let mut endpoints = endpoints("127.0.0.1:4000", None);
        for (address, is_tls) in [("0.0.0.0:4002", false), ("127.0.0.1:4003", true)] {
            let address = address.parse().unwrap();
            endpoints.insert(0, Endpoint { address, is_tls, is_grpc: true, is_control: false });
        }
        let banner = banner(&endpoints, None, true, &open());
        assert!(banner.contains("listening on grpc://0.0.0.0:4002\n"), "{banner}");
        assert!(banner.contains("listening on grpcs://127.0.0.1:4003\n"), "{banner}");
        assert!(banner.contains("secure_channel(\"127.0.0.1:4003\", grpc.ssl_channel_credentials("), "{banner}");
        assert!(banner.contains("GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:4000\n"), "{banner}");
        assert!(banner.contains("insecure_channel(\"127.0.0.1:4002\")"), "{banner}");
    }

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, expected) in [
            ("/a/ca.pem", "/a/ca.pem"),
            ("/home/me/.local/share/live-1.0_x+y,z:@%/ca.pem", "/home/me/.local/share/live-1.0_x+y,z:@%/ca.pem"),
            ("/a b/ca.pem", "'/a b/ca.pem'"),
            ("/it's/ca.pem", r"'/it'\''s/ca.pem'"),
            ("/`id`/$HOME/ca.pem", "'/`id`/$HOME/ca.pem'"),
            ("~/*?[a]{b}!/ca.pem", "'~/*?[a]{b}!/ca.pem'"),
            (r"/a|b<c>d\e/ca.pem", r"'/a|b<c>d\e/ca.pem'"),
            ("/a\nb", "'/a\nb'"),
            ("/données", "'/données'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected, "{path}");
        }
    }
}
