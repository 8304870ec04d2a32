//! A conversation with functions: `cargo run -p live-client --example tools`, against `live serve` at the address given, or at
//! `http://127.0.0.1:8080`. Where a key is needed, `GEMINI_API_KEY` has it.
//!
//! With `GOOGLE_GEMINI_BASE_URL` unset and a real key in place, `https://generativelanguage.googleapis.com` does as well.

use std::io::BufRead as _;
use std::time::Duration;

use futures_util::stream;
use live_client::schemars::JsonSchema;
use live_client::{Call, Client, Event, Scheduling, Setup, ToolStep, Tools};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "live_client::schemars")]
struct GetWeather {
    /// The city, such as `Oslo`.
    city: String,
    /// How many days ahead.
    days: Option<u8>,
}

#[derive(Serialize)]
struct Weather {
    sky: &'static str,
    degrees: f64,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "live_client::schemars")]
struct Remind {
    /// Of what.
    what: String,
    /// In how many seconds.
    seconds: u64,
}

async fn get_weather(args: GetWeather, _: Call) -> Result<Weather, String> {
    match args.city.as_str() {
        "Oslo" => Ok(Weather { sky: "snow", degrees: -3.5 - f64::from(args.days.unwrap_or_default()) }),
        "Rome" => Ok(Weather { sky: "clear", degrees: 17.0 }),
        city => Err(format!("nobody measures in {city}")),
    }
}

async fn remind(args: Remind, _: Call) -> Result<String, String> {
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    Ok(format!("it is time for {}", args.what))
}

fn tools() -> Tools {
    Tools::new()
        .function("get_weather", "Tells the weather of a city.", get_weather)
        // The model talks on, and hears of it when it has nothing else to say.
        .function("remind", "Reminds the user of something.", remind)
        .non_blocking(Scheduling::WhenIdle)
        .time_limit(Duration::from_secs(3_600))
        // Each piece is heard on its own.
        .generator("count_down", "Counts down.", |(): (), _: Call| {
            stream::iter(["three", "two", "one"].map(Ok::<_, String>))
        })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let key = std::env::var("GEMINI_API_KEY").unwrap_or_else(|_| "none".to_owned());
    let setup = Setup::new("gemini-live-2.5-flash-preview").with_modality(live_client::Modality::Text);
    let mut session = Client::gemini(key).base_url(url).connect_with(setup, tools()).await?;
    println!(r#"Say something, such as: get_weather {{"city": "Oslo"}}"#);

    let (sender, mut lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let mut is_answered = true;
    loop {
        tokio::select! {
            line = lines.recv(), if is_answered => match line {
                Some(line) => {
                    session.send_text(line)?;
                    is_answered = false;
                }
                None => break,
            },
            event = session.next() => match event {
                Some(Event::Text { text, .. }) => print!("{text}"),
                Some(Event::ToolRun { name, step: ToolStep::Failed(words), .. }) => eprintln!("{name} failed: {words}"),
                Some(Event::ToolRun { name, step, .. }) => eprintln!("{name}: {step:?}"),
                Some(Event::TurnComplete { .. }) => println!(),
                // No call waits for an answer, and the model has no more to say.
                Some(Event::Idle) => is_answered = true,
                Some(Event::Lost(loss)) => return Err(loss.cause.into()),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
    session.close().await;
    Ok(())
}
