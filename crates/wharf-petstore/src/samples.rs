//! The pets that are in the shop when it opens.

use crate::pet::{PetDetails, PetKind, PetStatus};
use crate::store::Store;

/// One line of the sample list: name, kind, status, price, tags, born, note.
type Sample = (
    &'static str,
    PetKind,
    PetStatus,
    f64,
    &'static [&'static str],
    Option<&'static str>,
    Option<&'static str>,
);

const SAMPLES: [Sample; 12] = [
    (
        "Biscuit",
        PetKind::Dog,
        PetStatus::Available,
        420.0,
        &["friendly", "young"],
        Some("2025-11-02"),
        Some("Knows `sit` and pretends not to know `stay`."),
    ),
    (
        "Admiral",
        PetKind::Cat,
        PetStatus::Available,
        180.0,
        &["calm", "indoor"],
        Some("2021-04-19"),
        None,
    ),
    (
        "Pixel",
        PetKind::Rodent,
        PetStatus::Available,
        14.5,
        &["young", "nocturnal"],
        Some("2026-05-30"),
        Some("Runs about six kilometres a night."),
    ),
    (
        "Monsoon",
        PetKind::Fish,
        PetStatus::Available,
        32.0,
        &["calm"],
        None,
        Some("Keep apart from other males."),
    ),
    (
        "Waffles",
        PetKind::Rabbit,
        PetStatus::Reserved,
        55.0,
        &["friendly", "outdoor"],
        Some("2025-08-14"),
        None,
    ),
    (
        "Kettle",
        PetKind::Bird,
        PetStatus::Available,
        260.0,
        &["loud", "clever"],
        Some("2023-01-27"),
        Some("Whistles whenever water boils."),
    ),
    (
        "Basalt",
        PetKind::Reptile,
        PetStatus::Available,
        145.0,
        &["calm", "nocturnal"],
        Some("2022-10-08"),
        None,
    ),
    (
        "Juniper",
        PetKind::Cat,
        PetStatus::Sold,
        150.0,
        &["friendly", "indoor"],
        Some("2024-06-11"),
        None,
    ),
    (
        "Otto",
        PetKind::Dog,
        PetStatus::Available,
        300.0,
        &["calm", "old"],
        Some("2017-03-05"),
        Some("Needs a household without stairs."),
    ),
    (
        "Comma",
        PetKind::Fish,
        PetStatus::Available,
        4.75,
        &["young"],
        None,
        None,
    ),
    (
        "Saffron",
        PetKind::Bird,
        PetStatus::Reserved,
        38.0,
        &["loud", "young"],
        Some("2026-02-20"),
        None,
    ),
    (
        "Tundra",
        PetKind::Dog,
        PetStatus::Sold,
        510.0,
        &["outdoor", "clever"],
        Some("2024-12-24"),
        Some("Pulls everything that has runners."),
    ),
];

/// A shop that has just opened.
pub(crate) fn store() -> Store {
    let mut store = Store::default();
    for (name, kind, status, price, tags, born, note) in SAMPLES {
        let details = PetDetails {
            name: name.to_owned(),
            kind,
            status,
            price,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            born: born.map(str::to_owned),
            note: note.map(str::to_owned),
        };
        store
            .add_pet(details)
            .expect("an empty shop has room for the samples");
    }
    store
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_could_have_been_sent() {
        for pet in store().pets() {
            let sent = serde_json::to_value(&pet.details).unwrap();
            let read = PetDetails::read(sent)
                .unwrap_or_else(|problem| panic!("{}: {problem:?}", pet.details.name));
            assert_eq!(read, pet.details, "{}", pet.details.name);
        }
    }
}
