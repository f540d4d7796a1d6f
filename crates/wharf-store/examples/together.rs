//! Asks a table of DynamoDB by two stores, as two replicas would: prints whether the mark `NAME` was set before, how many
//! of those who set it at the same time were told that they were the first, whether it is set then, the counts of `NAME`
//! that the two were told in turn, and how many places of `NAME` they got in turn: at first, when one was left again, and
//! when those that nobody left had ended.
//!
//! In turn, because what stands in for the service in a test counts two that come at the same time as one.
//!
//! usage: `together TABLE NAME WINDOW_MS VARIABLE=VALUE…`, where the pairs are the environment that AWS's keys are found in

#![expect(clippy::print_stdout, reason = "its answer")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;
use wharf_aws::Environment;
use wharf_store::{Config, Place, SharedStore, Store, StoreError};

const ASKERS: usize = 12;
const PLACES: u32 = 5;
/// How long a place lives that nobody leaves.
const PLACE_LIFE: Duration = Duration::from_secs(6);

struct Given(Vec<String>);

impl Environment for Given {
    fn variable(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter().filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    fn file(&self, path: &Path) -> Result<Option<String>, String> {
        std::fs::read_to_string(path)
            .map(Some)
            .map_err(|error| error.to_string())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(table), Some(name), Some(window)) = (words.next(), words.next(), words.next()) else {
        return Err("usage: together TABLE NAME WINDOW_MS VARIABLE=VALUE…".into());
    };
    let window = Duration::from_millis(window.parse()?);
    let environment = Given(words.collect());
    let config = Config::DynamoDb {
        table,
        region: None,
        key_prefix: "t:".to_owned(),
        timeout_ms: 10_000,
    };
    let stores = [
        Store::new(&config, &environment)?,
        Store::new(&config, &environment)?,
    ];
    let was_set = stores[0].mark_age(&name, window).await?.is_some();
    let mut asking = JoinSet::new();
    for number in 0..ASKERS {
        let (store, name) = (stores[number % stores.len()].clone(), name.clone());
        asking.spawn(async move { store.put_new(&name, window).await });
    }
    let mut first = 0;
    for is_first in asking.join_all().await {
        first += usize::from(is_first?);
    }
    let is_set = stores[1].mark_age(&name, window).await?.is_some();
    let shared = || stores.iter().filter_map(Store::shared).cycle().take(ASKERS);
    let mut counts = Vec::new();
    for store in shared() {
        counts.push(store.count(&name, window).await?.count);
    }
    let mut held = places(shared(), &name).await?;
    let mut taken = vec![held.len()];
    drop(held.pop());
    for store in shared() {
        store.left().await;
    }
    let one_more = places(shared(), &name).await?;
    taken.push(one_more.len());
    tokio::time::sleep(PLACE_LIFE).await;
    let anew = places(shared(), &name).await?;
    taken.push(anew.len());
    drop((held, one_more, anew));
    for store in shared() {
        store.left().await;
    }
    println!("{was_set} {first} {is_set} {counts:?} {taken:?}");
    Ok(())
}

/// What each of these gets.
async fn places(
    stores: impl Iterator<Item = &SharedStore>,
    name: &str,
) -> Result<Vec<Place>, StoreError> {
    let mut places = Vec::new();
    for store in stores {
        places.extend(store.take_place(name, PLACES, PLACE_LIFE).await?);
    }
    Ok(places)
}
