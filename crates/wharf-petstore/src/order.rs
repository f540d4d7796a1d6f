//! Orders: a customer takes one pet.

use serde::Serialize;
use serde_json::Value;

use crate::body::Fields;
use crate::problem::Problem;

/// What bringing a pet to the door costs.
const DELIVERY_FEE: f64 = 9.5;

/// An order that was placed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) pet_id: u64,
    pub(crate) customer: String,
    pub(crate) delivery: bool,
    pub(crate) total: f64,
    pub(crate) status: OrderStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderStatus {
    Placed,
    Cancelled,
}

/// An order that a client wants to place.
#[derive(Debug, Clone)]
pub(crate) struct NewOrder {
    pub(crate) pet_id: u64,
    pub(crate) customer: String,
    pub(crate) delivery: bool,
}

impl NewOrder {
    /// Reads what a client sent, or says everything that is wrong with it.
    pub(crate) fn read(body: Value) -> Result<Self, Problem> {
        let mut fields = Fields::of(body)?;
        let order = Self {
            pet_id: fields.id("pet_id"),
            customer: fields.text("customer", 1..=100),
            delivery: fields.optional_flag("delivery"),
        };
        fields.finish()?;
        Ok(order)
    }

    /// The order as it is placed.
    pub(crate) fn place(self, id: u64, price: f64) -> Order {
        let fee = if self.delivery { DELIVERY_FEE } else { 0.0 };
        Order {
            id,
            pet_id: self.pet_id,
            customer: self.customer,
            delivery: self.delivery,
            total: price + fee,
            status: OrderStatus::Placed,
        }
    }
}
