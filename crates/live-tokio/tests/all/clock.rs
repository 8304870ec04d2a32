//! A connection that lives by a clock of its host's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use live_tokio::{Clock, Options};
use tokio::sync::watch;

use crate::toy::{Command, bare_client, close, rest, server_options};

/// Moves only when told to.
#[derive(Debug)]
struct Hand(watch::Sender<Instant>);

impl Clock for Hand {
    fn now(&self) -> Instant {
        *self.0.borrow()
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut hand = self.0.subscribe();
        Box::pin(async move {
            hand.wait_for(|now| *now >= deadline).await.expect("the clock outlives the test");
        })
    }
}

#[tokio::test(start_paused = true)]
async fn the_engine_lives_by_it_and_the_network_does_not() {
    let start = tokio::time::Instant::now();
    let clock = Arc::new(Hand(watch::Sender::new(start.into_std())));
    let options = Options { clock: Some(Arc::clone(&clock) as Arc<dyn Clock>), ..server_options() };
    let (peer, mut server) = bare_client(4096, options).await;
    let minute = Duration::from_secs(60);

    assert!(server.command(Command::Arm(start.into_std() + 10 * minute)).is_ok());
    tokio::time::advance(20 * minute).await;
    assert_eq!(server.next().now_or_never(), None, "only the runtime's time has passed");
    clock.0.send_modify(|now| *now += 9 * minute);
    assert_eq!(server.next().now_or_never(), None);
    // An earlier deadline than the one that is slept for.
    assert!(server.command(Command::Arm(start.into_std() + 9 * minute + minute / 2)).is_ok());
    let woken = tokio::spawn(async move {
        let event = server.next().await;
        (server, event)
    });
    tokio::task::yield_now().await;
    clock.0.send_modify(|now| *now += minute / 2);
    let (mut server, event) = woken.await.unwrap();
    assert_eq!(event.as_deref(), Some("alarm"));

    // A peer that does not close is waited for on the runtime's time.
    close(&mut server, 1000, "done");
    let before = tokio::time::Instant::now();
    assert!(rest(&mut server).await.is_empty());
    assert_eq!(before.elapsed(), Options::client().close_deadline);
    drop(peer);
}
