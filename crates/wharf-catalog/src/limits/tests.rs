use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use wharf_model::{
    BoxFuture, CallError, Caller, Context, Identity, Outcome, Slice, Source, Tool, ToolCall,
    ToolResult,
};

use super::places::Places;
use super::rate::{Moments, Rate};
use super::*;
use crate::select::tests::tools;
use crate::{Catalog, Offer, ToolsMode};

const SECOND: u64 = 1_000_000_000;

#[test]
fn calls_come_at_a_rate_after_a_burst() {
    // Six a minute, two at once: one every ten seconds after that.
    let rate = Rate::new(6, Duration::from_secs(60), 2);
    let moments = Moments::new();
    for (at, expected) in [
        (0, None),
        (0, None),
        (0, Some(10)),
        (4, Some(6)),
        (10, None),
        (10, Some(10)),
        (19, Some(1)),
        (20, None),
        // A pause longer than the window saves up no more than the burst.
        (600, None),
        (600, None),
        (600, Some(10)),
    ] {
        let now = at * SECOND;
        let looked = moments.look(7, rate, now);
        let taken = moments.take(7, rate, now);
        assert_eq!(looked, taken, "at {at}");
        assert_eq!(taken.err().map(|wait| wait.as_secs()), expected, "at {at}");
    }
    assert!(
        moments.take(8, rate, 600 * SECOND).is_ok(),
        "keys share nothing"
    );
}

#[test]
fn made_up_callers_fill_no_memory() {
    let rate = Rate::new(1, Duration::from_secs(60), 1);
    let moments = Moments::with_room_for(64);
    for key in 0..100_000 {
        // Who came first keeps a moment of their own; the crowd shares one for each part.
        let _ = moments.take(key, rate, SECOND);
    }
    // One more in each part: the crowd.
    assert!(moments.len() <= 16 * 65, "{}", moments.len());
    assert!(
        moments.take(0, rate, SECOND).is_err(),
        "the first caller is still known"
    );
    assert!(
        moments.look(2_000_000, rate, SECOND).is_err(),
        "a newcomer is one of the crowd"
    );
    assert!(
        moments.take(2_000_000, rate, 70 * SECOND).is_ok(),
        "whose moment passes"
    );
    assert!(
        moments.take(0, rate, 70 * SECOND).is_ok(),
        "as does everybody's"
    );
}

#[test]
fn places_are_left_again() {
    let places = Places::default();
    let first = places.take(1, 2);
    let second = places.take(1, 2);
    assert!(first.is_some() && second.is_some());
    assert!(places.take(1, 2).is_none());
    assert!(places.take(2, 2).is_some(), "another key");
    drop(first);
    assert!(places.take(1, 2).is_some());
    drop(second);
    assert_eq!(places.len(), 0, "nothing is kept of who has no call");
}

/// Tools whose calls wait until they are let go.
#[derive(Default)]
struct Slow {
    started: Notify,
    gate: Notify,
}

impl Source for Slow {
    fn name(&self) -> &'static str {
        "pets"
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        tools().into_iter().map(Arc::new).collect()
    }

    fn call<'a>(
        &'a self,
        _: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        Box::pin(async move {
            if call.name == "order" {
                let mut open = std::pin::pin!(self.gate.notified());
                open.as_mut().enable();
                self.started.notify_one();
                open.await;
            }
            Ok(Outcome::Complete(ToolResult::text("called")))
        })
    }
}

fn catalog(config: &str) -> (Arc<Catalog>, Arc<Slow>) {
    let config = serde_json::from_str(config).unwrap_or_else(|error| panic!("{config}: {error}"));
    let source = Arc::new(Slow::default());
    let mut catalog = Catalog::build([Offer::from(source.clone() as Arc<dyn Source>)]).unwrap();
    catalog.list_tools(ToolsMode::Search, 0).unwrap();
    (Arc::new(catalog.limited(&config, None).unwrap()), source)
}

async fn call(catalog: &Catalog, who: &str, name: &str, arguments: &str) -> Result<(), CallError> {
    let caller = if who.is_empty() {
        Caller::default()
    } else {
        Caller::known(Identity {
            subject: who.to_owned(),
            scopes: BTreeSet::new(),
            ..Identity::default()
        })
    };
    let context = Context {
        caller,
        ..Context::default()
    };
    let arguments = Slice::parse(arguments).unwrap();
    catalog.call_tool(&context, name, arguments).await.map(drop)
}

#[tokio::test]
async fn limits_are_shared_by_whom_they_are_for() {
    for (config, calls) in [
        (
            r#"{"rules":[{"calls_max":1}]}"#,
            &[
                ("ann", "list", true),
                ("ann", "get", false),
                ("bob", "list", true),
                ("", "list", true),
                ("", "get", false),
            ][..],
        ),
        (
            r#"{"rules":[{"calls_max":1,"per":"tool"}]}"#,
            &[
                ("ann", "list", true),
                ("bob", "list", false),
                ("bob", "get", true),
            ],
        ),
        (
            r#"{"rules":[{"calls_max":1,"per":"caller_and_tool"}]}"#,
            &[
                ("ann", "list", true),
                ("ann", "list", false),
                ("ann", "get", true),
                ("bob", "list", true),
            ],
        ),
        (
            r#"{"rules":[{"calls_max":2,"per":"all"}]}"#,
            &[
                ("ann", "list", true),
                ("bob", "get", true),
                ("", "list", false),
            ],
        ),
        (
            r#"{"rules":[{"calls_max":1,"tools":[{"tag":"photos"}]}]}"#,
            &[
                ("ann", "list", true),
                ("ann", "list", true),
                ("ann", "photo", true),
                ("ann", "photo", false),
            ],
        ),
        (
            // What the second rule refuses is not counted by the first.
            r#"{"rules":[{"calls_max":2},{"calls_max":1,"tools":[{"name":"photo"}]}]}"#,
            &[
                ("ann", "photo", true),
                ("ann", "photo", false),
                ("ann", "list", true),
                ("ann", "list", false),
            ],
        ),
        (
            // By whatever way a tool is called.
            r#"{"rules":[{"calls_max":1,"tools":[{"name":"list"}]}]}"#,
            &[
                ("ann", "list", true),
                ("ann", "call_tool", false),
                ("ann", "find_tools", true),
            ],
        ),
        (
            r#"{"rules":[{"calls_max":1}]}"#,
            &[
                ("ann", "find_tools", true),
                ("ann", "describe_tools", false),
                ("ann", "list", false),
            ],
        ),
    ] {
        let (catalog, _) = catalog(config);
        for (at, (who, name, passes)) in calls.iter().enumerate() {
            let arguments = match *name {
                "call_tool" => r#"{"name":"list"}"#,
                "find_tools" => r#"{"query":"pets"}"#,
                "describe_tools" => r#"{"names":["list"]}"#,
                _ => "{}",
            };
            let called = call(&catalog, who, name, arguments).await;
            assert_eq!(called.is_ok(), *passes, "{config}: {at}: {called:?}");
            if let Err(error) = called {
                let CallError::TooManyCalls { retry_after } = error else {
                    panic!("{config}: {error:?}")
                };
                assert!(
                    retry_after <= Duration::from_secs(60),
                    "{config}: {retry_after:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn calls_at_work_are_limited_until_they_end() {
    let (catalog, source) = catalog(r#"{"rules":[{"calls_in_flight_max":1}]}"#);
    let at_work = tokio::spawn({
        let catalog = catalog.clone();
        async move { call(&catalog, "ann", "order", "{}").await }
    });
    source.started.notified().await;
    let refused = call(&catalog, "ann", "list", "{}").await;
    assert!(
        matches!(refused, Err(CallError::TooManyCalls { .. })),
        "{refused:?}"
    );
    call(&catalog, "bob", "list", "{}").await.unwrap();
    source.gate.notify_waiters();
    at_work.await.unwrap().unwrap();
    call(&catalog, "ann", "list", "{}").await.unwrap();

    let dropped = tokio::spawn({
        let catalog = catalog.clone();
        async move { call(&catalog, "ann", "order", "{}").await }
    });
    source.started.notified().await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    call(&catalog, "ann", "list", "{}").await.unwrap();
}

#[tokio::test]
async fn a_server_that_has_enough_to_do_sheds() {
    let config = |waiting_ms: u32| {
        format!(
            r#"{{"calls_in_flight_max":1,"calls_waiting_max":1,"waiting_ms_max":{waiting_ms}}}"#
        )
    };
    let is_overloaded =
        |called: &Result<(), CallError>| matches!(called, Err(CallError::Overloaded { .. }));
    let start = |catalog: &Arc<Catalog>, name: &'static str| {
        let catalog = catalog.clone();
        tokio::spawn(async move { call(&catalog, "ann", name, "{}").await })
    };
    let (patient, source) = catalog(&config(600_000));
    let first = start(&patient, "order");
    source.started.notified().await;
    let mut second = std::pin::pin!(call(&patient, "bob", "list", "{}"));
    let waits = futures_poll(second.as_mut()).await;
    assert!(waits.is_none(), "it waits for the place: {waits:?}");
    let third = call(&patient, "eve", "list", "{}").await;
    assert!(is_overloaded(&third), "the queue is full: {third:?}");
    source.gate.notify_waiters();
    first.await.unwrap().unwrap();
    second.await.unwrap();

    let (impatient, source) = catalog(&config(0));
    let first = start(&impatient, "order");
    source.started.notified().await;
    let second = call(&impatient, "bob", "list", "{}").await;
    assert!(is_overloaded(&second), "{second:?}");
    let third = call(&impatient, "bob", "list", "{}").await;
    assert!(
        is_overloaded(&third),
        "who gave up waits no more: {third:?}"
    );
    source.gate.notify_waiters();
    first.await.unwrap().unwrap();
    call(&impatient, "bob", "list", "{}").await.unwrap();
}

/// Polls once.
async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_reload_forgets_nothing_unless_limits_change() {
    for (after, passes) in [
        (r#"{"rules":[{"calls_max":1}]}"#, false),
        (r#"{"rules":[{"calls_max":2}]}"#, true),
    ] {
        let (before, _) = catalog(r#"{"rules":[{"calls_max":1}]}"#);
        call(&before, "ann", "list", "{}").await.unwrap();
        let (reloaded, _) = catalog(after);
        let mut reloaded = Arc::into_inner(reloaded).unwrap();
        reloaded.continue_from(&before);
        let called = call(&reloaded, "ann", "list", "{}").await;
        assert_eq!(called.is_ok(), passes, "{after}: {called:?}");
    }
}

#[test]
fn limits_that_mean_nothing_are_mistakes() {
    for (given, expected) in [
        (r#"{"rules":[{}]}"#, "`limits.rules[0]` limits nothing"),
        (
            r#"{"shared":true}"#,
            "`limits.shared`: there is no store that replicas share",
        ),
        (
            r#"{"rules":[{"burst":2,"calls_in_flight_max":1}]}"#,
            "`limits.rules[0]`: `burst` needs `calls_max`",
        ),
        (
            r#"{"rules":[{"calls_max":1,"tools":[{"name":"lst"}]}]}"#,
            "`limits.rules[0].tools[0].name`: nothing matches `lst`",
        ),
    ] {
        let config = serde_json::from_str(given).unwrap();
        let source: Arc<dyn Source> = Arc::new(Slow::default());
        let catalog = Catalog::build([Offer::from(source)]).unwrap();
        let Err(mistakes) = catalog.limited(&config, None) else {
            panic!("{given} is no mistake")
        };
        let said: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said.join("; "), expected, "{given}");
    }
    for given in [
        r#"{"calls_in_flight_max":0}"#,
        r#"{"rules":[{"calls_max":0}]}"#,
    ] {
        assert!(
            serde_json::from_str::<LimitsConfig>(given).is_err(),
            "{given}"
        );
    }
}

/// A store that several catalogs share, as long as it is `up`.
#[derive(Default)]
struct Board {
    counts: Mutex<HashMap<String, u64>>,
    places: Mutex<HashMap<String, Vec<Weak<()>>>>,
    is_down: AtomicBool,
}

fn no_answer() -> NoAnswer {
    NoAnswer {
        reason: "it is down".to_owned(),
        is_told: false,
    }
}

impl SharedLimits for Arc<Board> {
    fn count(
        &self,
        name: String,
        window: Duration,
    ) -> BoxFuture<'_, Result<SharedCount, NoAnswer>> {
        assert_eq!(window, Duration::from_secs(60));
        let counted = self.is_up().then(|| {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry(name).or_default();
            *count += 1;
            SharedCount {
                count: *count,
                ends_in: Duration::from_secs(40),
            }
        });
        Box::pin(std::future::ready(counted.ok_or_else(no_answer)))
    }

    fn take_place(
        &self,
        name: String,
        max: u32,
        life: Duration,
    ) -> BoxFuture<'_, Result<SharedPlace, NoAnswer>> {
        assert_eq!(
            life,
            Duration::from_secs(3_601),
            "the calls have no deadline"
        );
        let taken = self.is_up().then(|| {
            let mut places = self.places.lock().unwrap();
            let places = places.entry(name).or_default();
            places.retain(|place| place.strong_count() > 0);
            if places.len() >= usize::try_from(max).unwrap() {
                return SharedPlace::Full;
            }
            let place = Arc::new(());
            places.push(Arc::downgrade(&place));
            SharedPlace::Taken(Box::new(place))
        });
        Box::pin(std::future::ready(taken.ok_or_else(no_answer)))
    }
}

impl Board {
    fn is_up(&self) -> bool {
        !self.is_down.load(Ordering::Relaxed)
    }

    fn names(&self) -> usize {
        self.counts.lock().unwrap().len()
    }
}

/// One of the replicas that share a board, and its source.
fn replica(config: &str, board: &Arc<Board>) -> (Arc<Catalog>, Arc<Slow>) {
    let config = serde_json::from_str(config).unwrap();
    let source = Arc::new(Slow::default());
    let catalog = Catalog::build([Offer::from(source.clone() as Arc<dyn Source>)]).unwrap();
    let catalog = catalog.limited(&config, Some(Arc::new(board.clone())));
    (Arc::new(catalog.unwrap()), source)
}

#[tokio::test]
async fn replicas_count_together_where_they_are_told_to() {
    for (config, second, down) in [
        (r#"{"shared":true,"rules":[{"calls_max":2}]}"#, false, true),
        (
            r#"{"shared":true,"without_store":"refuse","rules":[{"calls_max":2}]}"#,
            false,
            false,
        ),
        (r#"{"rules":[{"calls_max":2}]}"#, true, true),
    ] {
        let board = Arc::<Board>::default();
        let ((one, _), (other, _)) = (replica(config, &board), replica(config, &board));
        call(&one, "ann", "list", "{}").await.unwrap();
        call(&one, "ann", "get", "{}").await.unwrap();
        let third = call(&other, "ann", "list", "{}").await;
        assert_eq!(third.is_ok(), second, "{config}: {third:?}");
        if let Err(error) = third {
            let CallError::TooManyCalls { retry_after } = error else {
                panic!("{config}: {error:?}")
            };
            assert_eq!(retry_after, Duration::from_secs(40), "{config}");
        }
        // What this replica knows to be too much does not reach the store.
        let before = board.names();
        call(&one, "ann", "list", "{}").await.unwrap_err();
        call(&other, "bob", "list", "{}").await.unwrap();
        assert_eq!(board.names() - before, usize::from(!second), "{config}");

        board.is_down.store(true, Ordering::Relaxed);
        let without = call(&other, "eve", "list", "{}").await;
        assert_eq!(without.is_ok(), down, "{config}: {without:?}");
        if !down {
            assert!(
                matches!(without, Err(CallError::Overloaded { .. })),
                "{without:?}"
            );
        }
    }
}

#[tokio::test]
async fn replicas_share_places_where_they_are_told_to() {
    for (config, second, down) in [
        (
            r#"{"shared":true,"rules":[{"calls_in_flight_max":1}]}"#,
            false,
            true,
        ),
        (
            r#"{"shared":true,"without_store":"refuse","rules":[{"calls_in_flight_max":1}]}"#,
            false,
            false,
        ),
        (r#"{"rules":[{"calls_in_flight_max":1}]}"#, true, true),
    ] {
        let board = Arc::<Board>::default();
        let ((one, source), (other, _)) = (replica(config, &board), replica(config, &board));
        let at_work = tokio::spawn(async move { call(&one, "ann", "order", "{}").await });
        source.started.notified().await;
        let of_ann = call(&other, "ann", "list", "{}").await;
        assert_eq!(of_ann.is_ok(), second, "{config}: {of_ann:?}");
        if let Err(error) = of_ann {
            assert!(
                matches!(error, CallError::TooManyCalls { .. }),
                "{config}: {error:?}"
            );
        }
        call(&other, "bob", "list", "{}").await.unwrap();
        source.gate.notify_waiters();
        at_work.await.unwrap().unwrap();
        call(&other, "ann", "list", "{}").await.unwrap();

        board.is_down.store(true, Ordering::Relaxed);
        let without = call(&other, "ann", "list", "{}").await;
        assert_eq!(without.is_ok(), down, "{config}: {without:?}");
    }
}

#[tokio::test]
async fn what_another_rule_refuses_leaves_its_place() {
    let board = Arc::<Board>::default();
    let config = r#"{"shared":true,"rules":[{"calls_in_flight_max":1},{"calls_max":1}]}"#;
    let ((one, _), (other, _)) = (replica(config, &board), replica(config, &board));
    call(&one, "ann", "list", "{}").await.unwrap();
    let refused = call(&other, "ann", "list", "{}").await;
    assert!(
        matches!(refused, Err(CallError::TooManyCalls { .. })),
        "{refused:?}"
    );
    let places = board.places.lock().unwrap();
    assert!(
        places
            .values()
            .flatten()
            .all(|place| place.strong_count() == 0),
        "nobody is at work"
    );
}

/// A call that finds no room with another replica has not happened.
#[tokio::test]
async fn what_has_no_place_elsewhere_counts_nowhere() {
    let board = Arc::<Board>::default();
    let config = r#"{"shared":true,"rules":[{"calls_in_flight_max":1,"calls_max":2}]}"#;
    let ((one, source), (other, _)) = (replica(config, &board), replica(config, &board));
    let at_work = tokio::spawn(async move { call(&one, "ann", "order", "{}").await });
    source.started.notified().await;
    for _ in 0..3 {
        call(&other, "ann", "list", "{}").await.unwrap_err();
    }
    source.gate.notify_waiters();
    at_work.await.unwrap().unwrap();
    call(&other, "ann", "list", "{}").await.unwrap();
    call(&other, "ann", "list", "{}").await.unwrap_err();
}

#[tokio::test]
async fn what_is_counted_alone_takes_nothing_of_others() {
    let board = Arc::<Board>::default();
    let config = r#"{"shared":true,"rules":[{"calls_in_flight_max":1,"calls_max":1}]}"#;
    let (one, _) = replica(config, &board);
    let alone = Arc::into_inner(one).unwrap().counted_alone();
    call(&alone, "ann", "list", "{}").await.unwrap();
    call(&alone, "ann", "list", "{}").await.unwrap_err();
    assert_eq!(board.names(), 0);
    assert!(board.places.lock().unwrap().is_empty());
}
