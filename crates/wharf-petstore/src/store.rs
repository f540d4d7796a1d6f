//! What the shop remembers: pets, orders and pictures, in memory and bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;

use crate::order::{NewOrder, Order, OrderStatus};
use crate::pet::{Pet, PetDetails, PetStatus};
use crate::problem::{Kind, Problem};

/// A demo needs no more, and nobody should fill the memory of somebody's laptop.
const PETS_MAX: usize = 1000;
const ORDERS_MAX: usize = 1000;
/// Each can be as large as a body.
const PICTURES_MAX: usize = 32;

/// The shop as handlers share it. The lock is never held while waiting.
#[derive(Clone)]
pub(crate) struct Shop(Arc<Mutex<Store>>);

/// Everything by its id; ids are never used twice.
#[derive(Default)]
pub(crate) struct Store {
    pets: BTreeMap<u64, Pet>,
    orders: BTreeMap<u64, Order>,
    pictures: BTreeMap<u64, Picture>,
    last_pet_id: u64,
    last_order_id: u64,
}

/// A picture that a client uploaded.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) png: Bytes,
    pub(crate) caption: Option<String>,
}

impl Shop {
    pub(crate) fn new(store: Store) -> Self {
        Self(Arc::new(Mutex::new(store)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Store> {
        // No method leaves the store half changed, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// All pets by id.
    pub(crate) fn pets(&self) -> impl Iterator<Item = &Pet> {
        self.pets.values()
    }

    /// The pets behind an id.
    pub(crate) fn pets_after(&self, id: u64) -> impl Iterator<Item = &Pet> {
        self.pets.range(id.saturating_add(1)..).map(|(_, pet)| pet)
    }

    pub(crate) fn pet(&self, id: u64) -> Result<&Pet, Problem> {
        self.pets
            .get(&id)
            .ok_or_else(|| Problem::not_found("pet", id))
    }

    pub(crate) fn add_pet(&mut self, details: PetDetails) -> Result<Pet, Problem> {
        if self.pets.len() >= PETS_MAX {
            return Err(full(PETS_MAX, "pets", "delete one first"));
        }
        self.last_pet_id += 1;
        let id = self.last_pet_id;
        let pet = Pet { id, details };
        self.pets.insert(id, pet.clone());
        Ok(pet)
    }

    pub(crate) fn replace_pet(&mut self, id: u64, details: PetDetails) -> Result<Pet, Problem> {
        self.pet(id)?;
        let pet = Pet { id, details };
        self.pets.insert(id, pet.clone());
        Ok(pet)
    }

    /// Removes a pet and its picture; not while somebody has ordered it.
    pub(crate) fn remove_pet(&mut self, id: u64) -> Result<(), Problem> {
        self.pet(id)?;
        let open = self
            .orders
            .values()
            .find(|order| order.pet_id == id && order.status == OrderStatus::Placed);
        if let Some(order) = open {
            return Err(Problem::new(
                Kind::Conflict,
                format!("pet {id} is part of order {}; cancel that first", order.id),
            ));
        }
        self.pets.remove(&id);
        self.pictures.remove(&id);
        Ok(())
    }

    pub(crate) fn picture(&self, id: u64) -> Option<&Picture> {
        self.pictures.get(&id)
    }

    pub(crate) fn set_picture(&mut self, id: u64, picture: Picture) -> Result<(), Problem> {
        self.pet(id)?;
        if self.pictures.len() >= PICTURES_MAX && !self.pictures.contains_key(&id) {
            return Err(full(
                PICTURES_MAX,
                "uploaded pictures",
                "replace one instead",
            ));
        }
        self.pictures.insert(id, picture);
        Ok(())
    }

    /// All orders by id.
    pub(crate) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    pub(crate) fn order(&self, id: u64) -> Result<&Order, Problem> {
        self.orders
            .get(&id)
            .ok_or_else(|| Problem::not_found("order", id))
    }

    /// Places an order and reserves the pet.
    pub(crate) fn place_order(&mut self, order: NewOrder) -> Result<Order, Problem> {
        if self.orders.len() >= ORDERS_MAX {
            return Err(full(ORDERS_MAX, "orders", "start the shop anew"));
        }
        let pet_id = order.pet_id;
        let Some(pet) = self.pets.get_mut(&pet_id) else {
            return Err(Problem::invalid_field(
                "pet_id",
                format!("there is no pet with id {pet_id}"),
            ));
        };
        if pet.details.status != PetStatus::Available {
            return Err(Problem::new(
                Kind::Conflict,
                format!("pet {pet_id} is not available"),
            ));
        }
        pet.details.status = PetStatus::Reserved;
        self.last_order_id += 1;
        let order = order.place(self.last_order_id, pet.details.price);
        self.orders.insert(order.id, order.clone());
        Ok(order)
    }

    /// Cancels an order and makes the pet available again.
    pub(crate) fn cancel_order(&mut self, id: u64) -> Result<Order, Problem> {
        let Some(order) = self.orders.get_mut(&id) else {
            return Err(Problem::not_found("order", id));
        };
        if order.status == OrderStatus::Cancelled {
            return Err(Problem::new(
                Kind::Conflict,
                format!("order {id} is cancelled already"),
            ));
        }
        order.status = OrderStatus::Cancelled;
        if let Some(pet) = self.pets.get_mut(&order.pet_id)
            && pet.details.status == PetStatus::Reserved
        {
            pet.details.status = PetStatus::Available;
        }
        Ok(order.clone())
    }
}

fn full(most: usize, what: &str, advice: &str) -> Problem {
    Problem::new(
        Kind::Full,
        format!("the shop keeps at most {most} {what}; {advice}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn the_shop_does_not_grow_without_bound() {
        let mut store = samples::store();
        let details = store.pet(1).unwrap().details.clone();
        while store.pets.len() < PETS_MAX {
            store.add_pet(details.clone()).unwrap();
        }
        assert!(store.add_pet(details).is_err(), "pets");

        let picture = Picture {
            png: Bytes::new(),
            caption: None,
        };
        for id in 1..=PICTURES_MAX as u64 {
            store.set_picture(id, picture.clone()).unwrap();
        }
        assert!(store.set_picture(1, picture.clone()).is_ok(), "replaced");
        assert!(store.set_picture(100, picture).is_err(), "pictures");

        for pet_id in 1..=PETS_MAX as u64 {
            let id = store.last_order_id + 1;
            store.pets.get_mut(&pet_id).unwrap().details.status = PetStatus::Available;
            let order = NewOrder {
                pet_id,
                customer: "Ada".to_owned(),
                delivery: false,
            };
            assert_eq!(store.place_order(order).unwrap().id, id);
        }
        store.cancel_order(1).unwrap();
        let order = NewOrder {
            pet_id: 1,
            customer: "Ada".to_owned(),
            delivery: false,
        };
        assert!(store.place_order(order).is_err(), "orders");
    }

    #[test]
    fn ids_are_never_used_twice() {
        let mut store = samples::store();
        let details = store.pet(1).unwrap().details.clone();
        let first = store.add_pet(details.clone()).unwrap().id;
        store.remove_pet(first).unwrap();
        assert_eq!(store.add_pet(details).unwrap().id, first + 1);
    }
}
